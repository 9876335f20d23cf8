"""Families of responses on the whole line."""

from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.links import Array
from bayesmixed.families.parts import MU_REAL, NU, SIGMA, location_mean, residual_variance
from bayesmixed.families.records import OTHER_SHAPE, Family, Values
from bayesmixed.families.tails import normal_tails, student_tails


def gaussian_logp(y: Any, values: Values, trials: Any) -> Array:
    """Return the normal log-density."""
    z = (y - values["mu"]) / values["sigma"]
    return np.asarray(-0.5 * z**2 - np.log(values["sigma"]) - 0.5 * np.log(2.0 * np.pi))


def _student_logp(y: Any, values: Values, trials: Any) -> Array:
    nu, sigma = values["nu"], values["sigma"]
    z = (y - values["mu"]) / sigma
    constant = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - 0.5 * np.log(nu * np.pi) - np.log(sigma)
    return np.asarray(constant - 0.5 * (nu + 1) * np.log1p(z**2 / nu))


def _student_score(y: Any, values: Values, trials: Any) -> Array:
    residual = y - values["mu"]
    return np.asarray((values["nu"] + 1) * residual / (values["nu"] * values["sigma"] ** 2 + residual**2))


def _student_variance(values: Values, trials: Any) -> Array:
    nu, sigma = np.broadcast_arrays(values["nu"], values["sigma"])
    return np.asarray(np.where(nu > 2, sigma**2 * nu / np.where(nu > 2, nu - 2, 1.0), np.inf))


GAUSSIAN = Family(
    name="gaussian",
    concave_links=("identity",),
    parameters=(MU_REAL, SIGMA),
    distribution="Normal",
    arguments=lambda values, trials: {"mu": values["mu"], "sigma": values["sigma"]},
    support="finite numbers",
    accepts=lambda y, trials: np.isfinite(y),
    logp=gaussian_logp,
    cdf=lambda y, values, trials: special.ndtr((y - values["mu"]) / values["sigma"]),
    log_tails=lambda m, y, values, trials: normal_tails(m, (y - values["mu"]) / values["sigma"]),
    constant=lambda y, trials: np.full(len(y), -0.5 * np.log(2.0 * np.pi)),
    random=lambda rng, values, trials, shape: rng.normal(values["mu"], values["sigma"], shape),
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=lambda values, trials: np.square(values["sigma"]),
    score=lambda y, values, trials: (y - values["mu"]) / np.square(values["sigma"]),
    information=lambda values, trials: 1.0 / np.square(values["sigma"]),
    latent_variance=lambda values, link, trials: residual_variance(np.square(values["sigma"]), link),
    smoothed_mean=location_mean,
    conjugate=True,
    scale="sigma",
    from_working=np.asarray,
    additive=True,
    imputable=True,
    known_errors=True,
    observation_effect="it is the same thing as the residual SD 'sigma'",
)

STUDENT = Family(
    name="student",
    offers=OTHER_SHAPE,
    parameters=(MU_REAL, SIGMA, NU),
    distribution="StudentT",
    arguments=lambda values, trials: {"nu": values["nu"], "mu": values["mu"], "sigma": values["sigma"]},
    support="finite numbers",
    accepts=lambda y, trials: np.isfinite(y),
    logp=_student_logp,
    cdf=lambda y, values, trials: special.stdtr(values["nu"], (y - values["mu"]) / values["sigma"]),
    log_tails=lambda m, y, values, trials: student_tails(m, (y - values["mu"]) / values["sigma"], values["nu"]),
    random=lambda rng, values, trials, shape: (
        values["mu"] + values["sigma"] * rng.standard_t(np.broadcast_to(values["nu"], shape), shape)
    ),
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=_student_variance,
    score=_student_score,
    information=lambda values, trials: (values["nu"] + 1) / ((values["nu"] + 3) * np.square(values["sigma"])),
    latent_variance=lambda values, link, trials: residual_variance(_student_variance(values, 1), link),
    smoothed_mean=location_mean,
    scale="sigma",
    from_working=np.asarray,
    additive=True,
    imputable=True,
    known_errors=True,
    observation_effect="it cannot be distinguished from the residual SD 'sigma'",
)
