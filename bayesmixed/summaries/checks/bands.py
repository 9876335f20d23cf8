"""Bands for ordered values: pointwise, and simultaneous by simulation."""

from functools import cache

import numpy as np
from scipy import special

from bayesmixed.links import Array

LEVEL = 0.95
_SIMULATIONS = 1000


@cache
def uniform_band(n: int, *, simultaneous: bool = True) -> tuple[Array, Array]:
    """Return lower and upper bounds of the order statistics of n uniform values, each (n,).

    The i-th has a Beta(i, n + 1 - i) distribution. Simultaneous: with probability 0.95 all lie inside.
    """
    i = np.arange(1, n + 1)
    tail = 1.0 - LEVEL
    if simultaneous:
        drawn = np.sort(np.random.default_rng(n).uniform(size=(_SIMULATIONS, n)), axis=1)
        tail = _common_tail(special.betainc(i, n + 1 - i, drawn))
    return special.betaincinv(i, n + 1 - i, tail / 2.0), special.betaincinv(i, n + 1 - i, 1.0 - tail / 2.0)


def simulated_band(ordered: Array, *, simultaneous: bool = True) -> tuple[Array, Array]:
    """Return lower and upper bounds, each (n,), that hold 95 % of R simulated sets of ordered values, (R, n).

    Pointwise, or the narrowest band of equal ranks that holds 95 % of the sets as a whole.
    """
    count = len(ordered)
    tail = 1.0 - LEVEL
    if simultaneous:
        ranks = (np.argsort(np.argsort(ordered, axis=0), axis=0) + 0.5) / count
        tail = _common_tail(ranks)
    lower, upper = np.quantile(ordered, [tail / 2.0, 1.0 - tail / 2.0], axis=0)
    return lower, upper


def _common_tail(probabilities: Array) -> float:
    """Return the two-sided tail probability that 95 % of the sets nowhere go beyond."""
    extremes = np.min(2.0 * np.minimum(probabilities, 1.0 - probabilities), axis=1)
    return float(np.quantile(extremes, 1.0 - LEVEL))
