"""Probability integral transforms: where each response lies in its predictive distribution, and how far they may stray."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.prediction.replicates import replicate

COVERAGE = 0.95
_POINTS = 100
_SIMULATIONS = 2000


@dataclass(frozen=True, slots=True)
class EcdfDifference:
    """ECDF minus the uniform distribution function, with its simultaneous band.

    Attributes
    ----------
    points, difference, lower, upper : (m,) arrays
        Evaluation points; difference; ends of the band that holds a whole curve of uniform values in 95 % of samples.
    p : float
        Share of samples of uniform values whose curve strays as far at its worst point.
    """

    points: Array
    difference: Array
    lower: Array
    upper: Array
    p: float

    @property
    def outside(self) -> Array:
        """Points at which the curve leaves the band."""
        return self.points[(self.difference < self.lower) | (self.difference > self.upper)]


def pit_values(
    fit: Fit,
    *,
    groups: str | Mapping[str, str] = "existing",
    draws: int | None = 1000,
    seed: int | None = None,
) -> Array:
    """Return P(Y <= y) of every row under the posterior predictive distribution, (n,).

    Where the distribution jumps at y, or only limits of y are known, a point drawn uniformly from the jump (Czado,
    Gneiting & Held 2009, Biometrics
    65:1254). Uniform under the true parameters; as the fit has seen the same y, a little closer to 0.5.
    """
    family, trials = fit.design.family, fit.design.trials
    high, low = fit.design.observed.interval
    below = up_to = np.zeros(len(high))
    count = 0
    for piece in replicate(fit, groups=groups, draws=draws, seed=seed):
        shape = piece.response.shape
        up_to = up_to + np.broadcast_to(family.cdf(high, piece.values, trials), shape).sum(axis=(0, 1))
        left = family.cdf(low, piece.values, trials)
        below = below + np.broadcast_to(left, shape).sum(axis=(0, 1))
        count += shape[0] * shape[1]
    share = np.random.default_rng(seed).random(len(high))
    return np.asarray((below + share * (up_to - below)) / count)


def ecdf_difference(values: Array, seed: int | None = 0) -> EcdfDifference:
    """Return the ECDF of values in [0, 1] minus the diagonal, at up to 100 points, with its 95 % simultaneous band.

    The band is made of pointwise binomial intervals of that level which holds 95 % of simulated curves
    (Säilynoja, Bürkner & Vehtari 2022, Stat Comput 32:32).
    """
    from scipy import stats

    size = len(values)
    points = _points(size)
    ecdf = np.searchsorted(np.sort(values), points, side="right") / size
    distribution = stats.binom(size, points)
    tails = _tails_of_uniform(size, seed)
    tail = np.quantile(tails, 1.0 - COVERAGE)
    lower, upper = distribution.ppf(tail) / size, distribution.isf(tail) / size
    own = _smallest_tail(np.rint(ecdf * size)[None], size, points)
    p = (1.0 + np.sum(tails <= own)) / (1.0 + _SIMULATIONS)
    return EcdfDifference(points, ecdf - points, lower - points, upper - points, float(p))


def _points(size: int) -> Array:
    count = max(2, min(size, _POINTS))
    return np.arange(1, count) / count


@lru_cache(maxsize=16)
def _tails_of_uniform(size: int, seed: int | None) -> Array:
    """Return the smallest tail probability of each of 2000 samples of uniform values."""
    points = _points(size)
    steps = np.diff(points, prepend=0.0, append=1.0)
    curves = np.cumsum(np.random.default_rng(seed).multinomial(size, steps, _SIMULATIONS), axis=1)[:, :-1]
    return _smallest_tail(curves, size, points)


def _smallest_tail(curves: Any, size: int, points: Array) -> Array:
    """Return the smallest binomial tail probability along each curve of counts, (S, m) to (S,)."""
    above = np.where(curves > 0, special.bdtrc(curves - 1, size, points), 1.0)
    return np.asarray(np.minimum(special.bdtr(curves, size, points), above).min(axis=1))
