"""Distributions of a number times a random scale: the prior of one number of a joint prior alone."""

from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.links import Array
from bayesmixed.prior_distributions import POSITIVE, REAL, Prior, Support


class ScaleMixture:
    """The distribution of X exp(h), X with a given prior and h one of many numbers, equally probable."""

    def __init__(self, base: Prior, shifts: Array) -> None:
        self._base, self._shifts = base.frozen(), shifts

    def cdf(self, x: Any) -> Array:
        """Return the probability of values up to x."""
        x = np.asarray(x, dtype=float)
        with np.errstate(over="ignore"):
            return np.asarray(np.mean(self._base.cdf(x[..., None] * np.exp(-self._shifts)), axis=-1))

    def logpdf(self, x: Any) -> Array:
        """Return the log-density at x."""
        x = np.asarray(x, dtype=float)
        with np.errstate(over="ignore", divide="ignore"):
            found = self._base.logpdf(x[..., None] * np.exp(-self._shifts)) - self._shifts
        return np.asarray(special.logsumexp(found, axis=-1) - np.log(len(self._shifts)))

    def pdf(self, x: Any) -> Array:
        """Return the density at x."""
        return np.asarray(np.exp(self.logpdf(x)))

    def ppf(self, q: Any) -> Array:
        """Return quantiles, by bisection of their logarithms; a distribution on all numbers is symmetric around 0."""
        q = np.asarray(q, dtype=float)
        both = self.support() == REAL
        size = np.abs(2.0 * q - 1.0) if both else q
        low, high = (np.full(q.shape, end) for end in (-600.0, 600.0))
        for _ in range(80):
            middle = 0.5 * (low + high)
            reached = self.cdf(np.exp(middle))
            below = (2.0 * reached - 1.0 if both else reached) < size
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        found = np.where(size <= 0.0, 0.0, np.where(size >= 1.0, np.inf, np.exp(0.5 * (low + high))))
        return np.asarray(np.sign(q - 0.5) * found if both else found)

    def median(self) -> float:
        """Return the median."""
        return float(self.ppf(0.5))

    def rvs(self, size: Any = None, random_state: Any = None) -> Array:
        """Return random draws."""
        generator = np.random.default_rng(random_state)
        return np.asarray(
            self._base.rvs(size=size, random_state=generator) * np.exp(generator.choice(self._shifts, size))
        )

    def support(self) -> Support:
        """Return the ends of the support."""
        return POSITIVE if self._base.cdf(0.0) == 0.0 else REAL


def log_beta_quantile(a: float, b: float, probability: Array) -> Array:
    """Return logarithms of quantiles of a Beta distribution, also where these are below the smallest number."""
    found = special.betaincinv(a, b, probability)
    with np.errstate(divide="ignore"):
        near_zero = (np.log(probability) + np.log(a) + special.betaln(a, b)) / a
        return np.asarray(np.where(found > 1e-290, np.log(np.maximum(found, 1e-300)), near_zero))
