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


@cache
def hermite_rule(nodes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points and probabilities of the rule for one standard normal number, (nodes,) each."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    return points, weights / np.sqrt(2.0 * np.pi)


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
