"""Bands for ordered values: pointwise, and simultaneous by simulation."""

from functools import cache
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.links import Array

LEVEL = 0.95
_SIMULATIONS = 1000
_FEW = 2_000
_PLACES = 8_000
"""Order statistics of more than `_FEW` values that are looked at."""
_HALVINGS = 16
_BETWEEN = 0.5826
"""-zeta(1/2) / sqrt(2 pi)."""


@cache
def uniform_band(n: int, *, simultaneous: bool = True) -> tuple[Array, Array]:
    """Return lower and upper bounds of the order statistics of n uniform values, each (n,).

    The i-th has a Beta(i, n + 1 - i) distribution. Simultaneous: with probability 0.95 all lie inside. Of very many values some
    are looked at, which are close to each other, and the bounds of others interpolated.
    """
    i = np.arange(1, n + 1)
    tail = 1.0 - LEVEL
    if n <= _FEW:
        if simultaneous:
            drawn = np.sort(np.random.default_rng(n).uniform(size=(_SIMULATIONS, n)), axis=1)
            tail = _common_tail(special.betainc(i, n + 1 - i, drawn))
        return _bounds(i, n, tail)
    places = _places(n)
    if simultaneous:
        tail = _tail_at(places, n)
    at, known = special.logit(i / (n + 1)), special.logit(places / (n + 1))
    lower, upper = (special.expit(np.interp(at, known, special.logit(end))) for end in _bounds(places, n, tail))
    return lower, upper


def _places(n: int) -> Array:
    """Return which of n ordered values are looked at: evenly on the scale of log odds, in the tails each of them."""
    edge = special.logit(n / (n + 1))
    return np.unique(np.round((n + 1) * special.expit(np.linspace(-edge, edge, _PLACES)))).clip(1, n)


def _bounds(places: Any, n: int, tail: float) -> tuple[Array, Array]:
    """Return pointwise bounds of some order statistics."""
    return (
        special.betaincinv(places, n + 1 - places, tail / 2.0),
        special.betaincinv(places, n + 1 - places, 1.0 - tail / 2.0),
    )


def _tail_at(places: Array, n: int) -> float:
    """Return the pointwise tail probability of bounds outside of which 5 % of samples have some order statistic.

    Between the places a sample can leave the bounds, too: on the scale of normal quantiles they are moved outwards as those of a
    process that is looked at now and then (Broadie, Glasserman & Kou 1997, Math Finance 7:325).
    """
    generator = np.random.default_rng(n)
    # Sums of gamma variables between places, divided by the sum of all, have the law of order statistics.
    drawn = generator.standard_gamma(np.diff(places, prepend=0.0), size=(_SIMULATIONS, len(places)))
    np.cumsum(drawn, axis=1, out=drawn)
    drawn /= drawn[:, -1:] + generator.standard_gamma(n + 1 - places[-1], size=(_SIMULATIONS, 1))
    low, high = np.log(1e-8), np.log(1.0 - LEVEL)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        lower, upper = _bounds(places, n, float(np.exp(middle)))
        outside = np.mean(np.any((drawn < lower) | (drawn > upper), axis=1))
        low, high = (middle, high) if outside < 1.0 - LEVEL else (low, middle)
    if len(places) == n:
        return float(np.exp(low))
    step = float(np.median(np.diff(special.logit(places / (n + 1)))))
    return float(2.0 * special.ndtr(special.ndtri(0.5 * np.exp(low)) - _BETWEEN * step**0.5))


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
