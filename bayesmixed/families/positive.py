"""Families of positive responses."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.links import Array, Link
from bayesmixed.families.parts import (
    MU_LOG_MEAN,
    MU_POSITIVE,
    SIGMA,
    half_normal,
    location_mean,
    residual_variance,
)
from bayesmixed.families.real import gaussian_logp
from bayesmixed.families.records import OTHER_SHAPE, Family, Parameter, Values
from bayesmixed.families.tails import Tails, gamma_tails, hazard_tails, log_complement, normal_tails

_POSITIVE = "positive numbers"
_WIDEST = 40.0
_MOST = 1e180
"""Largest hazard, whose products with a mean are still numbers."""


def _lognormal_logp(y: Any, values: Values, trials: Any) -> Array:
    return gaussian_logp(np.log(y), values, trials) - np.log(y)


def _positive(cdf: Callable[[Any, Values], Any]) -> Callable[[Any, Values, Any], Array]:
    """Return a distribution function of positive numbers, (y, values), for any y and with trials."""

    def whole(y: Any, values: Values, trials: Any) -> Array:
        return np.where(np.greater(y, 0), cdf(np.where(np.greater(y, 0), y, 1.0), values), 0.0)

    return whole


def _lognormal_mean(values: Values, trials: Any) -> Array:
    return np.exp(values["mu"] + 0.5 * np.square(values["sigma"]))


def _lognormal_variance(values: Values, trials: Any) -> Array:
    return np.square(_lognormal_mean(values, trials)) * np.expm1(np.square(values["sigma"]))


def _gamma_logp(y: Any, values: Values, trials: Any) -> Array:
    shape, ratio = values["shape"], y / values["mu"]
    return np.asarray(shape * (np.log(shape) + np.log(ratio) - ratio) - special.gammaln(shape) - np.log(y))


def _gamma_latent_variance(values: Values, link: Link, trials: Any) -> Array:
    # Exact: the variance of log y. The log-normal form log(1 + 1/shape) is 27 % too small at shape 3.
    shape = np.broadcast_to(values["shape"], np.broadcast_shapes(np.shape(values["shape"]), np.shape(values["mu"])))
    return residual_variance(special.polygamma(1, shape), link, "log")


def _of_shape_one(values: Values) -> Values:
    """Return the parameters of an exponential response as those of a gamma response."""
    return {"mu": values["mu"], "shape": np.ones(())}


def _weibull_scale(values: Values) -> Any:
    return values["mu"] / special.gamma(1.0 + 1.0 / np.asarray(values["shape"]))


def _pytensor_weibull_scale(values: Values) -> Any:
    import pytensor.tensor as pt

    return values["mu"] / pt.exp(pt.gammaln(1.0 + 1.0 / values["shape"]))


def _weibull_hazard(y: Any, values: Values) -> Array:
    """Return the cumulative hazard (y / scale)^shape, which has a standard exponential distribution."""
    with np.errstate(over="ignore"):
        return np.minimum(np.power(y / _weibull_scale(values), values["shape"]), _MOST)


def _weibull_logp(y: Any, values: Values, trials: Any) -> Array:
    shape = values["shape"]
    rise = np.log(y) - np.log(_weibull_scale(values))
    return np.asarray(np.log(shape) + shape * rise - _weibull_hazard(y, values) - np.log(y))


def _weibull_variance(values: Values, trials: Any) -> Array:
    inverse = 1.0 / np.asarray(values["shape"])
    ratio = special.gammaln(1.0 + 2.0 * inverse) - 2.0 * special.gammaln(1.0 + inverse)
    return np.square(values["mu"]) * np.expm1(ratio)


def _weibull_latent_variance(values: Values, link: Link, trials: Any) -> Array:
    # Exact: the variance of log y.
    shape = np.broadcast_to(values["shape"], np.broadcast_shapes(np.shape(values["shape"]), np.shape(values["mu"])))
    return residual_variance(np.pi**2 / 6.0 / np.square(shape), link, "log")


def _inverse_gaussian_logp(y: Any, values: Values, trials: Any) -> Array:
    mu, shape = values["mu"], values["shape"]
    return np.asarray(0.5 * np.log(shape / (2.0 * np.pi * y**3)) - 0.5 * shape * np.square((y - mu) / mu) / y)


def _inverse_gaussian_cdf(y: Any, values: Values) -> Array:
    mu, root = values["mu"], np.sqrt(values["shape"] / y)
    reflected = np.exp(2.0 * values["shape"] / mu + special.log_ndtr(-root * (y / mu + 1.0)))
    return np.asarray(special.ndtr(root * (y / mu - 1.0)) + reflected)


def _inverse_gaussian_tails(m: Any, y: Any, values: Values, trials: Any) -> Tails:
    mu, root = values["mu"], (values["shape"] / y) ** 0.5
    below, above = normal_tails(m, root * (y / mu - 1.0))
    reflected = 2.0 * values["shape"] / mu + m.log_normal(-root * (y / mu + 1.0))
    return m.logaddexp(below, reflected), above + log_complement(m, reflected - above)


def _weibull_tails(m: Any, y: Any, values: Values, trials: Any) -> Tails:
    shape = values["shape"]
    with np.errstate(divide="ignore"):  # all of the distribution lies above 0
        logarithm = np.log(y)
    return hazard_tails(m, shape * (logarithm - m.log(values["mu"]) + m.gammaln(1.0 + 1.0 / shape)))


def _inverse_gaussian_latent_mean(values: Values) -> Array:
    """Return the mean of log y, whose slope in log mu is not 1: the CV grows with mu."""
    return np.asarray(np.log(values["mu"]) + _log_ratio_moments(values)[0])


def _inverse_gaussian_latent_variance(values: Values, link: Link, trials: Any) -> Array:
    return residual_variance(_log_ratio_moments(values)[1], link, "log")


def _log_ratio_moments(values: Values) -> tuple[Array, Array]:
    """Return mean and variance of log(y / mu), which depend on shape / mu alone."""
    with np.errstate(divide="ignore"):
        place = np.log(values["shape"]) - np.log(values["mu"])
    curves = _log_ratio_curves()(np.clip(place, -_WIDEST, _WIDEST))
    return np.asarray(curves[..., 0]), np.exp(curves[..., 1])


@lru_cache(maxsize=1)
def _log_ratio_curves() -> Any:
    """Return mean and log-variance of t = log(y / mu) as splines of log(ratio), ratio = shape / mu.

    The density of t is proportional to exp(-t / 2 - ratio (cosh t - 1)); the knots have its moments by the trapezoidal
    rule.
    """
    from scipy.interpolate import CubicSpline

    places = np.linspace(-_WIDEST, _WIDEST, 6401)
    ratio = np.exp(places)
    moments: list[Any] = [0.0, 0.0, 0.0]
    for node in np.linspace(-1.0, 1.0, 201):
        t = node * np.arccosh(1.0 + 50.0 / ratio)
        weight = np.exp(-0.5 * t - 2.0 * ratio * np.square(np.sinh(0.5 * t)))
        moments = [moment + weight * t**power for power, moment in enumerate(moments)]
    mean = moments[1] / moments[0]
    return CubicSpline(places, np.column_stack([mean, np.log(moments[2] / moments[0] - np.square(mean))]))


LOGNORMAL = Family(
    name="lognormal",
    concave_links=("identity",),
    offers=OTHER_SHAPE,
    parameters=(MU_LOG_MEAN, replace(SIGMA, power=0.0)),
    distribution="LogNormal",
    arguments=lambda values, trials: {"mu": values["mu"], "sigma": values["sigma"]},
    support=_POSITIVE,
    accepts=lambda y, trials: np.isfinite(y) & (y > 0),
    logp=_lognormal_logp,
    cdf=_positive(lambda y, values: special.ndtr((np.log(y) - values["mu"]) / values["sigma"])),
    log_tails=lambda m, y, values, trials: normal_tails(m, (np.log(y) - values["mu"]) / values["sigma"]),
    constant=lambda y, trials: -0.5 * np.log(2.0 * np.pi) - np.log(y),
    random=lambda rng, values, trials, shape: rng.lognormal(values["mu"], values["sigma"], shape),
    mean=_lognormal_mean,
    variance=_lognormal_variance,
    score=lambda y, values, trials: (np.log(y) - values["mu"]) / np.square(values["sigma"]),
    information=lambda values, trials: 1.0 / np.square(values["sigma"]),
    latent_variance=lambda values, link, trials: residual_variance(np.square(values["sigma"]), link),
    smoothed_mean=lambda y, trials, exposure: float(np.mean(np.log(y))),
    working=np.log,
    from_working=np.exp,
    imputable=True,
    conjugate=True,
    scale="sigma",
    no_average="sigma",
    observation_effect="it is the same thing as the residual SD 'sigma'",
    hint="For responses with zeros take hurdle_gamma, for numbers below zero gaussian or student.",
)

GAMMA = Family(
    name="gamma",
    concave_links=("log",),
    offers=OTHER_SHAPE,
    parameters=(
        MU_POSITIVE,
        Parameter(
            "shape",
            "shape (1 / CV squared)",
            "log",
            ("log",),
            0.0,
            prior=lambda scale: half_normal("1/sqrt(shape)"),
            intercept=lambda scale: (1.3, 2.2),
        ),
    ),
    distribution="Gamma",
    arguments=lambda values, trials: {"alpha": values["shape"], "beta": values["shape"] / values["mu"]},
    support=_POSITIVE,
    accepts=lambda y, trials: np.isfinite(y) & (y > 0),
    logp=_gamma_logp,
    cdf=_positive(lambda y, values: special.gammainc(values["shape"], values["shape"] * y / values["mu"])),
    log_tails=lambda m, y, values, trials: gamma_tails(
        m, values["shape"], m.log(values["shape"]) + np.log(y) - m.log(values["mu"])
    ),
    constant=lambda y, trials: -np.log(y),
    random=lambda rng, values, trials, shape: rng.gamma(values["shape"], values["mu"] / values["shape"], shape),
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=lambda values, trials: np.square(values["mu"]) / values["shape"],
    score=lambda y, values, trials: values["shape"] * (y - values["mu"]) / np.square(values["mu"]),
    information=lambda values, trials: values["shape"] / np.square(values["mu"]),
    latent_variance=_gamma_latent_variance,
    smoothed_mean=location_mean,
    variance_text="{0}^2/{1}",
    hint="For responses with zeros take hurdle_gamma, for numbers below zero gaussian or student.",
)

EXPONENTIAL = replace(
    GAMMA,
    name="exponential",
    parameters=(MU_POSITIVE,),
    distribution="Exponential",
    arguments=lambda values, trials: {"lam": 1.0 / values["mu"]},
    logp=lambda y, values, trials: _gamma_logp(y, _of_shape_one(values), trials),
    cdf=_positive(lambda y, values: -np.expm1(-y / values["mu"])),
    log_tails=lambda m, y, values, trials: hazard_tails(m, np.log(y) - m.log(values["mu"])),
    constant=lambda y, trials: np.zeros(len(y)),
    random=lambda rng, values, trials, shape: rng.exponential(values["mu"], shape),
    variance=lambda values, trials: np.square(values["mu"]),
    score=lambda y, values, trials: GAMMA.score(y, _of_shape_one(values), trials),
    information=lambda values, trials: 1.0 / np.square(values["mu"]),
    latent_variance=lambda values, link, trials: _gamma_latent_variance(_of_shape_one(values), link, trials),
    concave_links=(),
    variance_text="{0}^2",
)

WEIBULL = Family(
    name="weibull",
    offers=OTHER_SHAPE,
    parameters=(
        MU_POSITIVE,
        Parameter(
            "shape",
            "shape (1: exponential)",
            "log",
            ("log",),
            0.0,
            # Like the CV, which is 1 at shape 1.
            prior=lambda scale: half_normal("1/shape"),
            intercept=lambda scale: (0.6, 1.1),
            unit=0.5,
        ),
    ),
    distribution="Weibull",
    arguments=lambda values, trials: {"alpha": values["shape"], "beta": _pytensor_weibull_scale(values)},
    support=_POSITIVE,
    accepts=lambda y, trials: np.isfinite(y) & (y > 0),
    logp=_weibull_logp,
    cdf=_positive(lambda y, values: -np.expm1(-_weibull_hazard(y, values))),
    log_tails=_weibull_tails,
    constant=lambda y, trials: -np.log(y),
    random=lambda rng, values, trials, shape: _weibull_scale(values) * rng.weibull(values["shape"], shape),
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=_weibull_variance,
    score=lambda y, values, trials: values["shape"] * (_weibull_hazard(y, values) - 1.0) / values["mu"],
    information=lambda values, trials: np.square(np.divide(values["shape"], values["mu"])),
    latent_variance=_weibull_latent_variance,
    smoothed_mean=location_mean,
    hint="For responses with zeros take hurdle_gamma, for numbers below zero gaussian or student.",
)

INVERSE_GAUSSIAN = Family(
    name="inverse_gaussian",
    offers=OTHER_SHAPE,
    parameters=(
        replace(MU_POSITIVE, links=(*MU_POSITIVE.links, "inverse_squared")),
        Parameter(
            "shape",
            "shape (mean / CV squared)",
            "log",
            ("log",),
            0.0,
            prior=lambda scale: half_normal("1/sqrt(shape)", float(1.0 / np.sqrt(scale.mean))),
            intercept=lambda scale: (float(np.log(scale.mean)) + 1.3, 2.2),
            power=1.0,
        ),
    ),
    distribution="Wald",
    arguments=lambda values, trials: {"mu": values["mu"], "lam": values["shape"]},
    support=_POSITIVE,
    accepts=lambda y, trials: np.isfinite(y) & (y > 0),
    logp=_inverse_gaussian_logp,
    cdf=_positive(_inverse_gaussian_cdf),
    log_tails=_inverse_gaussian_tails,
    constant=lambda y, trials: -0.5 * np.log(2.0 * np.pi * y**3),
    random=lambda rng, values, trials, shape: rng.wald(
        np.broadcast_to(values["mu"], shape), np.broadcast_to(values["shape"], shape), shape
    ),
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=lambda values, trials: np.power(values["mu"], 3) / values["shape"],
    score=lambda y, values, trials: values["shape"] * (y - values["mu"]) / np.power(values["mu"], 3),
    information=lambda values, trials: values["shape"] / np.power(values["mu"], 3),
    latent_variance=_inverse_gaussian_latent_variance,
    latent_mean=_inverse_gaussian_latent_mean,
    latent_text="log({})",
    latent_uses_mean=True,
    smoothed_mean=location_mean,
    title="InverseGaussian",
    variance_text="{0}^3/{1}",
    hint="For responses with zeros take hurdle_gamma, for numbers below zero gaussian or student.",
)
