"""Bands for ordered values: pointwise, and simultaneous by simulation."""

from functools import cache

import numpy as np
from scipy import special

from bayesmixed.families.links import Array

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
    """Return lower and upper bounds, each (n,), that hold 95 % of R sets of ordered values, (R, n).

    Pointwise, or for the sets as a whole: the distance of a set is its largest deviation from the median, in units of
    the pointwise bound on that side, and the band ends where that of 95 % of the sets does (Myllymäki, Mrkvička,
    Grabarnik, Seijo & Hahn 2017, J R Stat Soc B 79:381). With the data as
    one of the sets these leave the band in at most 5 % of samples from the model, however few sets there are; bands of
    equal ranks would need many times as many sets as values.
    """
    tail = 1.0 - LEVEL
    lower, median, upper = np.quantile(ordered, [tail / 2.0, 0.5, 1.0 - tail / 2.0], axis=0)
    if not simultaneous:
        return lower, upper
    below, above = (np.maximum(width, np.finfo(float).tiny) for width in (median - lower, upper - median))
    farthest = np.sort(np.max(np.maximum((median - ordered) / below, (ordered - median) / above), axis=1))
    reach = farthest[int(np.ceil(LEVEL * len(ordered))) - 1] * (1.0 + 1e-12)
    return median - reach * below, median + reach * above


def _common_tail(probabilities: Array) -> float:
    """Return the two-sided tail probability beyond which 95 % of the sets never go."""
    extremes = np.min(2.0 * np.minimum(probabilities, 1.0 - probabilities), axis=1)
    return float(np.quantile(extremes, 1.0 - LEVEL))
