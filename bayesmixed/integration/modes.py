"""Modes of many log-densities at once, and Gauss-Hermite rules centred there."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array
from bayesmixed.gauss_hermite import product_rule

Derive = Callable[[Array], tuple[Array, Array, Array]]
_ROUNDING = 1e-12
_RIDGE = 1e-13
"""Share of the largest second derivative that is added to all for a step: far from a mode they may be singular to rounding."""


class Modes(NamedTuple):
    """Modes of log-densities of K numbers.

    Attributes
    ----------
    place : (..., K) array
    precision : (..., K, K) array
        Minus the second derivatives there, or a substitute.
    found : (...,) bool array
        Whether the last step was as small as required.
    """

    place: Array
    precision: Array
    found: NDArray[np.bool_]


def find_modes(
    derive: Derive, start: Array, *, tolerance: float = 1e-3, longest: float = 3.0, rounds: int = 400
) -> Modes:
    """Return the modes of log-densities, one for each position on the leading axes, by Newton steps halved until they increase.

    Parameters
    ----------
    derive : callable
        Values (...,), -inf where there is no density, gradients (..., K) and precisions (..., K, K) at places (..., K). A
        precision must be positive definite: minus the Hessian where that is, or expected information.
    start : (..., K) array
    tolerance : float
        Size of a step, squared and in units of the precision, at which the search ends.
    longest : float
        Largest step in any direction; longer ones are shortened as a whole, so that they still climb. It doubles while they do.
    rounds : int
        Steps after which it ends as well.
    """
    base, step, reach = start, np.zeros_like(start), np.full((*start.shape[:-1], 1), longest)
    best = np.full(start.shape[:-1], -np.inf)
    precision = np.broadcast_to(np.eye(start.shape[-1]), (*start.shape, start.shape[-1]))
    found = np.zeros(best.shape, dtype=bool)
    for _ in range(rounds):
        proposed = base + step
        value, gradient, bend = derive(proposed)
        better = value >= best - _ROUNDING * np.abs(np.where(np.isfinite(best), best, 0.0))
        best = np.where(better, value, best)
        base = np.where(better[..., None], proposed, base)
        precision = np.where(better[..., None, None], bend, precision)
        ridge = _RIDGE * np.max(np.diagonal(bend, axis1=-2, axis2=-1), axis=-1)[..., None, None]
        newton = np.linalg.solve(bend + ridge * np.eye(start.shape[-1]), gradient[..., None])[..., 0]
        largest = np.max(np.abs(newton), axis=-1, keepdims=True)
        cut = np.minimum(1.0, reach / np.maximum(largest, _ROUNDING))
        step = np.where(better[..., None], newton * cut, 0.5 * step)
        reach = np.where(better[..., None], np.where(cut < 1.0, 2.0 * reach, reach), longest)
        found = np.einsum("...k,...kl,...l->...", step, precision, step) < tolerance
        if np.all(found):
            break
    return Modes(base, precision, found)


def nodes_around(modes: Modes, nodes: int) -> Iterator[tuple[Array, Array]]:
    """Yield the nodes of a rule centred and scaled at modes of log-densities under a standard normal distribution of the numbers.

    Each node is its place z (..., K), and the logarithm of its weight (...,): the sum over nodes of exp(weight - z'z / 2)
    f(z) is E f(z).
    """
    root = np.swapaxes(np.linalg.inv(np.linalg.cholesky(modes.precision)), -1, -2)
    volume = np.linalg.slogdet(root)[1]
    for x, weight in product_rule(nodes, modes.place.shape[-1]):
        yield modes.place + root @ x, volume + np.log(weight) + 0.5 * float(x @ x)


def moments_at(mass: Array, nodes: Array) -> tuple[Array, Array]:
    """Return mean (..., K) and covariance (..., K, K) of a distribution with some mass (q, ...) at nodes (q, ..., K)."""
    mean = np.einsum("q...,q...k->...k", mass, nodes)
    away = nodes - mean
    return mean, np.einsum("q...,q...k,q...l->...kl", mass, away, away, optimize=True)
