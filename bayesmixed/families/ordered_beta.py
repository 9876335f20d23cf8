"""The ordered beta family: proportions with 0 and 1, whose probabilities follow from the same predictor."""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.inflated import interior
from bayesmixed.families.links import Array
from bayesmixed.families.ordinal import LOG_SHARES, log_density
from bayesmixed.families.parts import MU_PROPORTION, no_latent_variance
from bayesmixed.families.proportions import BETA
from bayesmixed.families.records import OTHER_SHAPE, Parameter, Values
from bayesmixed.prior_distributions import Prior

_FAR = 700.0
_share = LOG_SHARES["logit"]


def _ends(y: Any, values: Values) -> tuple[Any, Any]:
    """Return the ends of the interval of the latent variable behind 0, the numbers between, or 1, less its location."""
    eta = np.clip(special.logit(values["mu"]), -_FAR, _FAR)
    low, high = values["cutzero"] - eta, values["cutzero"] + values["gap"] - eta
    lower = np.where(np.greater_equal(y, 1), high, np.where(np.greater(y, 0), low, -np.inf))
    upper = np.where(np.greater_equal(y, 1), np.inf, np.where(np.greater(y, 0), high, low))
    return lower, upper


def _chances(values: Values) -> tuple[Array, Array, Array]:
    """Return the probabilities of 0, of a number between, and of 1."""
    zero, inside, one = (np.exp(_share(*_ends(y, values))) for y in (0.0, 0.5, 1.0))
    return zero, inside, one


def _inside(y: Any) -> Any:
    return np.greater(y, 0) & np.less(y, 1)


def _logp(y: Any, values: Values, trials: Any) -> Array:
    beta = BETA.logp(interior(y), values, trials)
    return _share(*_ends(y, values)) + np.where(_inside(y), beta, 0.0)


def _cdf(y: Any, values: Values, trials: Any) -> Array:
    zero, inside, _ = _chances(values)
    below = zero + inside * BETA.cdf(y, values, trials)
    return np.where(np.less(y, 0), 0.0, np.where(np.greater_equal(y, 1), 1.0, below))


def _random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
    zero, inside, _ = _chances(values)
    place = rng.random(shape)
    between = BETA.random(rng, values, trials, shape)
    return np.where(place < zero, 0.0, np.where(place < zero + inside, between, 1.0))


def _mean(values: Values, trials: Any) -> Array:
    _, inside, one = _chances(values)
    return np.asarray(one + inside * values["mu"])


def _variance(values: Values, trials: Any) -> Array:
    _, inside, one = _chances(values)
    square = BETA.variance(values, trials) + np.square(values["mu"])
    return np.asarray(one + inside * square - np.square(_mean(values, trials)))


def _slope_of_share(y: Any, values: Values) -> Array:
    """Return the derivative of the log-probability of a part in logit(mu)."""
    lower, upper = _ends(y, values)
    share = _share(lower, upper)
    return np.exp(log_density("logit", lower) - share) - np.exp(log_density("logit", upper) - share)


def _score(y: Any, values: Values, trials: Any) -> Array:
    mu = values["mu"]
    own = np.where(_inside(y), BETA.score(interior(y), values, trials), 0.0)
    return own + _slope_of_share(y, values) / (mu * (1.0 - mu))


def _information(values: Values, trials: Any) -> Array:
    mu, chances = values["mu"], _chances(values)
    squares = [p * np.square(_slope_of_share(y, values)) for y, p in zip((0.0, 0.5, 1.0), chances, strict=True)]
    return np.asarray(sum(squares) / np.square(mu * (1.0 - mu)) + chances[1] * BETA.information(values, trials))


def _pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
    import pymc as pm
    import pytensor.tensor as pt

    eta = pt.log(values["mu"]) - pt.log1p(-values["mu"])
    low = values["cutzero"] - eta
    high = low + values["gap"]
    inside = pt.and_(pt.gt(y, 0.0), pt.lt(y, 1.0))
    beta = pm.logp(pm.Beta.dist(**BETA.arguments(values, trials)), pt.switch(inside, y, 0.5))
    between = -pt.softplus(-high) - pt.softplus(low) + pt.log1mexp(low - high)
    return pt.switch(inside, between + beta, pt.switch(pt.eq(y, 0.0), -pt.softplus(-low), -pt.softplus(high)))


def _say_missing_edges(y: Array, stated: AbstractSet[str]) -> str:
    if np.any(~_inside(y)) or {"cutzero", "gap"} <= stated:
        return ""
    return "neither 0 nor 1, so 'cutzero' and 'gap' depend on their priors. Take family beta."


def _place(mean: float) -> float:
    return float(special.logit(mean))


ORDERED_BETA = replace(
    BETA,
    name="ordered_beta",
    offers=OTHER_SHAPE,
    parameters=(
        replace(MU_PROPORTION, meaning="mean between 0 and 1", links=("logit",)),
        *BETA.parameters[1:],
        Parameter(
            "cutzero",
            "threshold between 0 and numbers above it",
            "identity",
            ("identity",),
            # The logit of a Beta(1, 2) share, one of three of a uniform Dirichlet distribution, at the mean.
            prior=lambda scale: ("cutzero", Prior(name="Normal", arguments=(_place(scale.mean) - 1.0, 1.5))),
            intercept=lambda scale: (_place(scale.mean) - 1.0, 1.5),
        ),
        Parameter(
            "gap",
            "distance from it to the threshold of 1",
            "log",
            ("log",),
            0.0,
            prior=lambda scale: ("gap", Prior(name="LogNormal", arguments=(0.3, 1.1))),
            intercept=lambda scale: (0.3, 1.1),
        ),
    ),
    distribution="",
    arguments=lambda values, trials: {},
    pytensor_logp=_pytensor_logp,
    support="numbers from 0 to 1",
    accepts=lambda y, trials: (y >= 0) & (y <= 1),
    logp=_logp,
    cdf=_cdf,
    log_tails=None,
    constant=lambda y, trials: np.where(_inside(y), BETA.constant(interior(y), trials), 0.0),
    random=_random,
    mean=_mean,
    variance=_variance,
    score=_score,
    information=_information,
    latent_variance=no_latent_variance,
    latent_mean=None,
    latent_text="",
    title="OrderedBeta",
    variance_text="",
    smoothed_mean=lambda y, trials, exposure: float(np.mean(y[_inside(y)])) if np.any(_inside(y)) else 0.5,
    unseen=_say_missing_edges,
    hint="Divide percentages by 100.",
)
"""Kubinec (2023, Polit Anal 31:519)."""
