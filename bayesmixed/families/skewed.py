"""Families of skewed responses on the whole line: ex-Gaussian and skew normal."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.links import Array
from bayesmixed.families.parts import MU_REAL, SIGMA, location_mean, pytensor_log_normal_cdf, residual_variance
from bayesmixed.families.records import OTHER_SHAPE, Family, Parameter, Values
from bayesmixed.families.tails import Tails, log_complement, normal_tails
from bayesmixed.prior_distributions import Prior

_ROOT = float(np.sqrt(2.0 / np.pi))
_HALF_LOG_TWO_PI = 0.5 * float(np.log(2.0 * np.pi))
_WIDEST = 14.0


def _hazard(x: Any) -> Array:
    """Return the standard normal density over its distribution function."""
    near = np.exp(-0.5 * np.square(np.maximum(x, 0.0)) - _HALF_LOG_TWO_PI) / special.ndtr(np.maximum(x, 0.0))
    return np.where(np.less(x, 0), _ROOT / special.erfcx(-np.minimum(x, 0.0) / np.sqrt(2.0)), near)


def _places(y: Any, values: Values) -> tuple[Any, Any]:
    """Return an ex-Gaussian response in units of sigma from the mean of the normal part, and sigma / tau."""
    tau, sigma = values["tau"], values["sigma"]
    return (y - values["mu"] + tau) / sigma, sigma / tau


def _log_tilted(q: Any, ratio: Any) -> Array:
    """Return ratio^2 / 2 - ratio q + log Phi(q - ratio); left of 0 by the scaled tail, where its parts cancel."""
    w = q - ratio
    left = -0.5 * np.square(q) + np.log(0.5 * special.erfcx(-np.minimum(w, 0.0) / np.sqrt(2.0)))
    right = 0.5 * np.square(ratio) - ratio * q + special.log_ndtr(np.maximum(w, 0.0))
    return np.where(np.less(w, 0), left, right)


def _exgaussian_logp(y: Any, values: Values, trials: Any) -> Array:
    return np.asarray(_log_tilted(*_places(y, values)) - np.log(values["tau"]))


def _exgaussian_cdf(y: Any, values: Values, trials: Any) -> Array:
    q, ratio = _places(y, values)
    return np.maximum(special.ndtr(q) - np.exp(_log_tilted(q, ratio)), 0.0)


def _exgaussian_tails(m: Any, y: Any, values: Values, trials: Any) -> Tails:
    q, ratio = _places(y, values)
    w = q - ratio
    left = -0.5 * q**2 + m.log(0.5 * m.erfcx(-m.minimum(w, 0.0) / np.sqrt(2.0)))
    right = 0.5 * ratio**2 - ratio * q + m.log_normal(m.maximum(w, 0.0))
    tilted, (below, above) = m.where(w < 0.0, left, right), normal_tails(m, q)
    return below + log_complement(m, tilted - below), m.logaddexp(above, tilted)


def _exgaussian_score(y: Any, values: Values, trials: Any) -> Array:
    q, ratio = _places(y, values)
    return np.asarray((ratio - _hazard(q - ratio)) / values["sigma"])


def _exgaussian_information(values: Values, trials: Any) -> Array:
    place = np.clip(np.log(np.divide(values["sigma"], values["tau"])), -_WIDEST, _WIDEST)
    return np.exp(_information_curve()(place)) / np.square(values["sigma"])


@lru_cache(maxsize=1)
def _information_curve() -> Any:
    """Return the log of the information about mu, in units of sigma, as a spline of log(sigma / tau).

    It is the mean of hazard (hazard + w), w = q - ratio, by the trapezoidal rule: nothing is left right of w = 9.
    """
    from scipy.interpolate import CubicSpline

    places = np.linspace(-_WIDEST, _WIDEST, 561)
    ratio = np.exp(places)
    first, last = -10.0, np.minimum(ratio + 9.0, 10.0 + 40.0 / ratio)
    total: Any = 0.0
    for node in np.linspace(0.0, 1.0, 801):
        q = first + node * (last - first)
        hazard = _hazard(q - ratio)
        # In the deep tail hazard (hazard + w) is 1 - 1 / w^2.
        bend = np.where(q - ratio < -1e4, 1.0, hazard * (hazard + q - ratio))
        total = total + np.exp(_log_tilted(q, ratio)) * bend
    return CubicSpline(places, np.log(total * ratio * (last - first) / 800.0))


def _exgaussian_variance(values: Values, trials: Any) -> Array:
    return np.asarray(np.square(values["sigma"]) + np.square(values["tau"]))


def _exgaussian_pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
    import pytensor.tensor as pt

    q, ratio = _places(y, values)
    w = q - ratio
    # Each branch sees only arguments at which it is finite, so that the gradient of the other one is too.
    left = -0.5 * q**2 + pt.log(0.5 * pt.erfcx(-pt.minimum(w, 0.0) / np.sqrt(2.0)))
    right = 0.5 * ratio**2 - ratio * q + pytensor_log_normal_cdf(pt.maximum(w, 0.0))
    return pt.switch(pt.lt(w, 0.0), left, right) - pt.log(values["tau"])


def _shift(alpha: Any) -> Any:
    """Return how far the mean of a skew normal variable lies from its location, in units of its scale."""
    return _ROOT * alpha / (1.0 + alpha**2) ** 0.5


def _location_scale(values: Values) -> tuple[Any, Any]:
    """Return location and scale of Azzalini (1985, Scand J Stat 12:171) from mean and SD."""
    shift = _shift(values["alpha"])
    scale = values["sigma"] / (1.0 - shift**2) ** 0.5
    return values["mu"] - scale * shift, scale


def _skew_normal_logp(y: Any, values: Values, trials: Any) -> Array:
    location, scale = _location_scale(values)
    z = (y - location) / scale
    tail = special.log_ndtr(values["alpha"] * z)
    return np.asarray(np.log(2.0) - _HALF_LOG_TWO_PI - np.log(scale) - 0.5 * np.square(z) + tail)


def _skew_normal_cdf(y: Any, values: Values, trials: Any) -> Array:
    location, scale = _location_scale(values)
    z = (y - location) / scale
    return np.clip(special.ndtr(z) - 2.0 * special.owens_t(z, values["alpha"]), 0.0, 1.0)


def _skew_normal_random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
    location, scale = _location_scale(values)
    share = values["alpha"] / np.sqrt(1.0 + np.square(values["alpha"]))
    half = np.abs(rng.standard_normal(shape))
    return np.asarray(location + scale * (share * half + np.sqrt(1.0 - np.square(share)) * rng.standard_normal(shape)))


def _skew_normal_score(y: Any, values: Values, trials: Any) -> Array:
    location, scale = _location_scale(values)
    z, alpha = (y - location) / scale, values["alpha"]
    return np.asarray((z - alpha * _hazard(alpha * z)) / scale)


def _skew_normal_information(values: Values, trials: Any) -> Array:
    """Return 1 + alpha^2 E hazard(alpha z)^2 over scale^2, by the trapezoidal rule."""
    alpha, scale = values["alpha"], _location_scale(values)[1]
    width, total = 1.0 / np.sqrt(1.0 + np.square(alpha)), np.zeros(np.shape(alpha))
    step = 0.125
    for x in np.arange(-10.0, 10.0 + step, step):
        z = x * width
        total = total + np.exp(-0.5 * z**2 - np.square(alpha * z) - special.log_ndtr(alpha * z))
    mean = 2.0 * (2.0 * np.pi) ** -1.5 * step * width * total
    return np.asarray((1.0 + np.square(alpha) * mean) / np.square(scale))


def _skew_normal_pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
    import pytensor.tensor as pt

    location, scale = _location_scale(values)
    z = (y - location) / scale
    tail = pytensor_log_normal_cdf(values["alpha"] * z)
    return np.log(2.0) - _HALF_LOG_TWO_PI - pt.log(scale) - 0.5 * z**2 + tail


EXGAUSSIAN = Family(
    name="exgaussian",
    offers=OTHER_SHAPE,
    parameters=(
        MU_REAL,
        replace(SIGMA, meaning="SD of the normal part"),
        replace(
            SIGMA,
            name="tau",
            meaning="mean of the exponential part",
            prior=lambda scale: ("tau", Prior(name="HalfStudentT", arguments=(4.0, scale.unit))),
            edges=("Without an exponential part take family gaussian.", ""),
        ),
    ),
    distribution="",
    arguments=lambda values, trials: {},
    pytensor_logp=_exgaussian_pytensor_logp,
    support="finite numbers",
    accepts=lambda y, trials: np.isfinite(y),
    logp=_exgaussian_logp,
    cdf=_exgaussian_cdf,
    log_tails=_exgaussian_tails,
    random=lambda rng, values, trials, shape: (
        rng.normal(values["mu"] - values["tau"], values["sigma"], shape) + rng.exponential(values["tau"], shape)
    ),
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=_exgaussian_variance,
    score=_exgaussian_score,
    information=_exgaussian_information,
    latent_variance=lambda values, link, trials: residual_variance(_exgaussian_variance(values, 1), link),
    smoothed_mean=location_mean,
    additive=True,
    observation_effect="it is the same thing as the normal part, with SD 'sigma'",
    title="ExGaussian",
    variance_text="{1}^2 + {2}^2",
    hint="Missing and infinite responses have no density.",
)

SKEW_NORMAL = Family(
    name="skew_normal",
    offers=OTHER_SHAPE,
    parameters=(
        MU_REAL,
        SIGMA,
        Parameter(
            "alpha",
            "skewness (0: normal)",
            "identity",
            ("identity",),
            prior=lambda scale: ("alpha", Prior(name="Normal", arguments=(0.0, 4.0))),
            intercept=lambda scale: (0.0, 4.0),
        ),
    ),
    distribution="",
    arguments=lambda values, trials: {},
    pytensor_logp=_skew_normal_pytensor_logp,
    support="finite numbers",
    accepts=lambda y, trials: np.isfinite(y),
    logp=_skew_normal_logp,
    cdf=_skew_normal_cdf,
    constant=lambda y, trials: np.full(len(y), np.log(2.0) - _HALF_LOG_TWO_PI),
    random=_skew_normal_random,
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=lambda values, trials: np.square(values["sigma"]),
    score=_skew_normal_score,
    information=_skew_normal_information,
    latent_variance=lambda values, link, trials: residual_variance(np.square(values["sigma"]), link),
    smoothed_mean=location_mean,
    scale="sigma",
    additive=True,
    observation_effect="it cannot be distinguished from the residual SD 'sigma'",
    title="SkewNormal",
)
