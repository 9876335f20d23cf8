"""The generalised Poisson family: counts whose variance is a multiple of the mean."""

from itertools import pairwise
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.counts import draw_poisson
from bayesmixed.families.links import Array
from bayesmixed.families.parts import MU_RATE, is_count, rate_mean, residual_variance
from bayesmixed.families.records import MORE_VARIATION, Family, Parameter, Values
from bayesmixed.prior_distributions import Prior

_EXACT = 250
"""Counts up to which probabilities are summed one by one; the rest is an integral."""
_REACHES = (-12.0, -6.0, -3.0, 0.0, 3.0, 6.0, 12.0, 24.0)
"""Ends of the pieces of that integral, in SDs from the mean."""
_STAGES = 250.0 * 4.0 ** np.arange(1, 13)
"""Further ends: towards lam = 1 the density falls as a power of the count."""
_MOST = 1e15


def _start(values: Values) -> Any:
    """Return theta of Consul (1989, Generalized Poisson Distributions): the mean is theta / (1 - lam)."""
    return values["mu"] * (1.0 - values["lam"])


def _logp(y: Any, values: Values, trials: Any) -> Array:
    start = _start(values)
    total = start + values["lam"] * y
    positive = np.greater(y, 0)
    rising = np.log(np.where(positive, start, 1.0)) + (y - 1.0) * np.log(np.where(positive, total, 1.0))
    return np.asarray(np.where(positive, rising, 0.0) - total - special.gammaln(y + 1.0))


def _cdf(y: Any, values: Values, trials: Any) -> Array:
    y, mu, lam = np.broadcast_arrays(np.floor(np.minimum(y, _MOST)), values["mu"], values["lam"])
    order = np.argsort(-y, axis=None)
    sorted_y = y.ravel()[order]
    at = {"mu": mu.ravel()[order], "lam": lam.ravel()[order]}
    total = np.zeros(y.size)
    for k in range(int(np.clip(np.max(y, initial=-1.0), -1, _EXACT)) + 1):
        reached = int(np.searchsorted(-sorted_y, -k, side="right"))
        total[:reached] += np.exp(_logp(k, {name: value[:reached] for name, value in at.items()}, trials))
    far = int(np.searchsorted(-sorted_y, -_EXACT, side="left"))
    if far:
        total[:far] += _far_mass(sorted_y[:far], {name: value[:far] for name, value in at.items()})
    found = np.empty(y.size)
    found[order] = np.minimum(total, 1.0)
    return found.reshape(y.shape)


def _far_mass(y: Array, values: Values) -> Array:
    """Return P(_EXACT < Y <= y): an integral of the density by Gauss-Legendre rules, with Euler and Maclaurin's correction."""
    sd = np.sqrt(_variance(values, 1))

    def density(k: Any) -> Array:
        return np.exp(_logp(k, values, 1))

    total = -(density(y + 1.0) - density(y) - density(_EXACT + 1.0) + density(float(_EXACT))) / 24.0
    nodes, weights = np.polynomial.legendre.leggauss(20)
    first, last = np.full(y.shape, _EXACT + 0.5), y + 0.5
    ends = [*(values["mu"] + reach * sd for reach in _REACHES), *_STAGES]
    bounds = np.sort([first, *(np.clip(end, first, last) for end in ends), last], axis=0)
    for low, high in pairwise(bounds):
        half = 0.5 * (high - low)
        for node, weight in zip(nodes, weights, strict=True):
            total = total + weight * half * density(low + half * (1.0 + node))
    return np.asarray(total)


def _random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
    """Draw the size of a family tree: a Poisson number of founders, each member with Poisson(lam) children."""
    total = draw_poisson(rng, _start(values), shape).ravel()
    lam = np.broadcast_to(values["lam"], shape).ravel()
    alive = np.flatnonzero((total > 0.0) & np.isfinite(total))
    born = total[alive]
    while alive.size:
        born = draw_poisson(rng, lam[alive] * born, born.shape)
        total[alive] += born
        alive, born = alive[born > 0.0], born[born > 0.0]
    return total.reshape(shape)


def _variance(values: Values, trials: Any) -> Array:
    return np.asarray(values["mu"] / np.square(1.0 - values["lam"]))


def _score(y: Any, values: Values, trials: Any) -> Array:
    rest, start = 1.0 - values["lam"], _start(values)
    return np.asarray(1.0 / values["mu"] + rest * (y - 1.0) / (start + values["lam"] * y) - rest)


def _information(values: Values, trials: Any) -> Array:
    """Return (1 - lam)^2 (1 / theta - lam / (theta + 2 lam)), by the recurrence of sums of (theta + lam k)^(k - m) / k!."""
    start, lam = _start(values), values["lam"]
    return np.asarray(np.square(1.0 - lam) * (start * (1.0 - lam) + 2.0 * lam) / (start * (start + 2.0 * lam)))


def _pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
    import pytensor.tensor as pt

    start = _start(values)
    total = start + values["lam"] * y
    rising = pt.log(start) + (y - 1.0) * pt.log(total)
    return pt.switch(pt.gt(y, 0), rising, 0.0) - total - pt.gammaln(y + 1.0)


GENERALISED_POISSON = Family(
    name="generalised_poisson",
    offers=MORE_VARIATION,
    parameters=(
        MU_RATE,
        Parameter(
            "lam",
            "overdispersion (variance mu / (1 - lam)^2)",
            "logit",
            ("logit",),
            0.0,
            1.0,
            prior=lambda scale: ("lam", Prior(name="Beta", arguments=(1.0, 1.0))),
            intercept=lambda scale: (0.0, 1.8),
            edges=("Without overdispersion take family poisson.", ""),
        ),
    ),
    distribution="",
    arguments=lambda values, trials: {},
    pytensor_logp=_pytensor_logp,
    support="whole numbers from 0",
    accepts=is_count,
    logp=_logp,
    cdf=_cdf,
    constant=lambda y, trials: -special.gammaln(y + 1.0),
    random=_random,
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=_variance,
    score=_score,
    information=_information,
    latent_variance=lambda values, link, trials: residual_variance(
        np.log1p(_variance(values, trials) / np.square(values["mu"])), link, "log"
    ),
    latent_uses_mean=True,
    smoothed_mean=rate_mean,
    discrete=True,
    variance_text="{0}/(1 - {1})^2",
    hint="For rates, model the count with offset(log(exposure)); for other positive numbers take gamma or lognormal.",
)
