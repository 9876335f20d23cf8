"""Expectations over independent standard normal numbers, by products of Gauss-Hermite rules."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

NODES = {1: 41, 2: 21, 3: 11}
"""Nodes in each direction for means, by the number of directions."""
FINE_NODES = {1: 61, 2: 31, 3: 15, 4: 9}
"""The same for squares, and so for variances."""
ADAPTIVE_NODES = {1: 15, 2: 9, 3: 7}
"""The same for rules centred at the mode."""
FINE_ADAPTIVE_NODES = 31
"""The same for variances of one effect given its data, in one direction."""
INNER_NODES = {1: 11, 2: 7, 3: 5}
"""The same for rules at each node of another one."""
SURER_NODES = {1: (21, 31), 2: (15, 21), 3: (11, 15), 4: (9, 11)}
"""The same where the usual rules are in doubt, one after the other, by the number of directions of all rules together."""
_SURE = {9: 0.4, 15: 0.7, 21: 0.25, 31: 0.7}
"""What changes of rules with so many nodes are multiplied with, so that all mean the same."""


@cache
def hermite_rule(nodes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points and probabilities of the rule for one standard normal number, (nodes,) each."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    return points, weights / np.sqrt(2.0 * np.pi)


@cache
def check_ratios(nodes: int, directions: int) -> NDArray[np.float64]:
    """Return what weights of a product of rules are multiplied with in coarser rules on some of its nodes, (2 K, nodes^K).

    In one direction each is the rule of highest degree on the inner nodes. What the sums change says how sure the product is;
    two of them, because one change may be small by accident. Changes are scaled so that for any number of nodes .002 is the
    largest at which 7,000 random integrals, SDs up to 50 and counts up to a million, were right to about 1e-4.
    """
    x, weights = hermite_rule(nodes)
    spared = max(1, nodes // 4)
    places = np.indices((nodes,) * directions).reshape(directions, -1)
    found = []
    for first in (spared, spared + 1):
        inner = x[first : nodes - first]
        moments = np.polynomial.hermite_e.hermevander(inner, len(inner) - 1).T
        ratio = np.zeros(nodes)
        ratio[first : nodes - first] = np.linalg.solve(moments, np.eye(len(inner))[0]) / weights[first : nodes - first]
        found += [1.0 + _SURE.get(nodes, 1.0) * (ratio[own] - 1.0) for own in places]
    return np.array(found)


def product_rule(nodes: int, directions: int) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Yield the points, (directions,), of a product of rules with their probabilities."""
    points, weights = hermite_rule(nodes)
    for place in product(range(nodes), repeat=directions):
        yield points[list(place)], float(np.prod(weights[list(place)]))


def expect(function: Callable[[NDArray[np.float64]], Any], directions: int, nodes: int) -> NDArray[np.float64]:
    """Return E f(z) over independent standard normal z, an array of `directions` numbers; f(0 numbers) for none."""
    total: Any = 0.0
    for z, weight in product_rule(nodes, directions):
        total = total + weight * function(z)
    return np.asarray(total)
