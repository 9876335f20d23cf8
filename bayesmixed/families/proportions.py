"""Families of responses between 0 and 1, and of numbers of successes."""

from typing import Any

import numpy as np
from scipy import special

from bayesmixed.errors import SpecError
from bayesmixed.families.counts import log_rising
from bayesmixed.families.links import Array, Link
from bayesmixed.families.parts import (
    MU_PROBABILITY,
    MU_PROPORTION,
    PRECISION,
    is_count,
    location_mean,
    proportion_mean,
    residual_variance,
)
from bayesmixed.families.records import MORE_VARIATION, OTHER_SHAPE, PLAIN, Family, Values
from bayesmixed.families.tails import Tails, beta_tails

_LARGE = 200
_SMALLEST = 1e-300


def log_choose(y: Any, trials: Any) -> Array:
    """Return the log of the binomial coefficient."""
    return np.asarray(special.gammaln(trials + 1.0) - special.gammaln(y + 1.0) - special.gammaln(trials - y + 1.0))


def _binomial_logp(y: Any, values: Values, trials: Any) -> Array:
    mu = values["mu"]
    return np.asarray(log_choose(y, trials) + special.xlogy(y, mu) + special.xlog1py(trials - y, -mu))


def _binomial_cdf(y: Any, values: Values, trials: Any) -> Array:
    below = special.bdtr(np.floor(np.clip(y, 0.0, trials)), np.asarray(trials).astype(int), values["mu"])
    return np.where(np.less(y, 0), 0.0, below)


def _binomial_tails(m: Any, y: Any, values: Values, trials: Any) -> Tails:
    next_one = np.floor(y) + 1.0
    return beta_tails(m, trials - next_one + 1.0, next_one, 1.0 - values["mu"], values["mu"])


def _binomial_score(y: Any, values: Values, trials: Any) -> Array:
    return np.asarray((y - trials * values["mu"]) / (values["mu"] * (1.0 - values["mu"])))


def _tolerance_variance(values: Values, link: Link, trials: Any) -> Array:
    if link.tolerance_variance is None:
        raise SpecError(f"The latent scale is not defined for link '{link.name}' of a binary response.")
    return np.full(np.shape(values["mu"]), link.tolerance_variance)


def _shapes(values: Values) -> tuple[Any, Any]:
    return values["mu"] * values["phi"], (1.0 - values["mu"]) * values["phi"]


def _beta_logp(y: Any, values: Values, trials: Any) -> Array:
    a, b = _shapes(values)
    return np.asarray((a - 1.0) * np.log(y) + (b - 1.0) * np.log1p(-y) - special.betaln(a, b))


def _beta_score(y: Any, values: Values, trials: Any) -> Array:
    a, b = _shapes(values)
    return np.asarray(values["phi"] * (np.log(y) - np.log1p(-y) - special.digamma(a) + special.digamma(b)))


def _beta_information(values: Values, trials: Any) -> Array:
    a, b = _shapes(values)
    return np.square(values["phi"]) * (special.polygamma(1, a) + special.polygamma(1, b))


def _beta_latent_variance(values: Values, link: Link, trials: Any) -> Array:
    # Exact: the variance of logit y.
    a, b = _shapes(values)
    return residual_variance(special.polygamma(1, a) + special.polygamma(1, b), link, "logit")


def _beta_latent_mean(values: Values) -> Array:
    """Return the mean of logit y, which is not the logit of the mean of y."""
    a, b = _shapes(values)
    return np.asarray(special.digamma(a) - special.digamma(b))


def _beta_random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
    # Draws within rounding of 0 and 1 are kept inside, even at means that close to them.
    a, b = (np.maximum(each, _SMALLEST) for each in _shapes(values))
    return np.clip(rng.beta(a, b, shape), np.finfo(float).tiny, 1.0 - np.finfo(float).epsneg)


def _beta_binomial_logp(y: Any, values: Values, trials: Any) -> Array:
    a, b = _shapes(values)
    rising = log_rising(y, a) + log_rising(trials - y, b) - log_rising(trials, a + b)
    return np.asarray(log_choose(y, trials) + rising)


def _beta_binomial_cdf(y: Any, values: Values, trials: Any) -> Array:
    total: Any = 0.0
    for k in range(int(min(np.max(y, initial=0), np.max(trials))) + 1):
        inside = (k <= y) & (k <= trials)
        total = total + np.where(inside, np.exp(_beta_binomial_logp(np.minimum(k, trials), values, trials)), 0.0)
    return np.minimum(total, 1.0)


def _beta_binomial_variance(values: Values, trials: Any) -> Array:
    mu = values["mu"]
    return np.asarray(trials * mu * (1.0 - mu) * (1.0 + (trials - 1.0) / (1.0 + values["phi"])))


def _beta_binomial_score(y: Any, values: Values, trials: Any) -> Array:
    a, b = _shapes(values)
    drift = special.digamma(y + a) - special.digamma(trials - y + b) - special.digamma(a) + special.digamma(b)
    return np.asarray(values["phi"] * drift)


def _beta_binomial_information(values: Values, trials: Any) -> Array:
    """Return the expected squared score; with many trials from its limits, a beta distribution and a binomial one."""
    most = int(np.max(trials))
    if most > _LARGE:
        spread = values["mu"] * (1.0 - values["mu"]) / trials
        return np.asarray(1.0 / (1.0 / _beta_information(values, trials) + spread))
    total: Any = 0.0
    for k in range(most + 1):
        y = np.minimum(k, trials)
        weight = np.exp(_beta_binomial_logp(y, values, trials)) * (k <= np.asarray(trials))
        total = total + weight * np.square(_beta_binomial_score(y, values, trials))
    return np.asarray(total)


def _beta_binomial_latent_variance(values: Values, link: Link, trials: Any) -> Array:
    # One trial is a Bernoulli response, whatever phi; of several, that of the logit of their proportion, to first order.
    if np.all(np.asarray(trials) == 1):
        return _tolerance_variance(values, link, trials)
    mu = values["mu"]
    dispersion = 1.0 + (trials - 1.0) / (1.0 + values["phi"])
    return residual_variance(dispersion / (trials * mu * (1.0 - mu)), link, "logit")


def _beta_binomial_random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
    a, b = (np.maximum(each, _SMALLEST) for each in _shapes(values))
    chance = rng.beta(a, b, shape)
    return rng.binomial(np.asarray(trials).astype(int), chance, shape).astype(float)


BETA = Family(
    name="beta",
    offers=OTHER_SHAPE,
    parameters=(MU_PROPORTION, PRECISION),
    distribution="Beta",
    arguments=lambda values, trials: dict(zip(("alpha", "beta"), _shapes(values), strict=True)),
    support="numbers strictly between 0 and 1",
    accepts=lambda y, trials: (y > 0) & (y < 1),
    logp=_beta_logp,
    cdf=lambda y, values, trials: special.betainc(*_shapes(values), np.clip(y, 0.0, 1.0)),
    log_tails=lambda m, y, values, trials: beta_tails(m, *_shapes(values), y, 1.0 - y),
    constant=lambda y, trials: -np.log(y) - np.log1p(-y),
    random=_beta_random,
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=lambda values, trials: values["mu"] * (1.0 - values["mu"]) / (1.0 + values["phi"]),
    score=_beta_score,
    information=_beta_information,
    latent_variance=_beta_latent_variance,
    latent_mean=_beta_latent_mean,
    latent_text="logit({})",
    latent_uses_mean=True,
    smoothed_mean=location_mean,
    variance_text="{0} (1 - {0})/(1 + {1})",
    hint="With zeros take family zero_inflated_beta, with ones the same for 1 - y, with both zero_one_inflated_beta. Or "
    "squeeze the column yourself: (y * (n - 1) + 0.5) / n, n rows. Divide percentages by 100.",
)

BERNOULLI = Family(
    name="bernoulli",
    concave_links=("logit", "probit", "cloglog"),
    parameters=(MU_PROBABILITY,),
    distribution="Bernoulli",
    arguments=lambda values, trials: {"p": values["mu"]},
    support="0 or 1",
    accepts=lambda y, trials: (y == 0) | (y == 1),
    logp=_binomial_logp,
    cdf=_binomial_cdf,
    constant=log_choose,
    random=lambda rng, values, trials, shape: rng.binomial(1, values["mu"], shape).astype(float),
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=lambda values, trials: values["mu"] * (1 - values["mu"]),
    score=_binomial_score,
    information=lambda values, trials: trials / (values["mu"] * (1 - values["mu"])),
    latent_variance=_tolerance_variance,
    smoothed_mean=proportion_mean,
    summable="successes",
    discrete=True,
    imputable=True,
    observation_effect="a single 0 or 1 says nothing about its own variance",
    hint='For two-level text write the event on the left side: (outcome == "yes") ~ ...',
)

BINOMIAL = Family(
    name="binomial",
    concave_links=("logit", "probit", "cloglog"),
    offers=PLAIN,
    parameters=(MU_PROBABILITY,),
    distribution="Binomial",
    arguments=lambda values, trials: {"n": trials, "p": values["mu"]},
    support="whole numbers from 0 to the number of trials",
    accepts=lambda y, trials: is_count(y, trials) & (y <= trials),
    logp=_binomial_logp,
    cdf=_binomial_cdf,
    log_tails=_binomial_tails,
    constant=log_choose,
    random=lambda rng, values, trials, shape: rng.binomial(np.asarray(trials).astype(int), values["mu"], shape).astype(
        float
    ),
    mean=lambda values, trials: trials * values["mu"],
    variance=lambda values, trials: trials * values["mu"] * (1 - values["mu"]),
    score=_binomial_score,
    information=lambda values, trials: trials / (values["mu"] * (1 - values["mu"])),
    latent_variance=_tolerance_variance,
    smoothed_mean=proportion_mean,
    summable="successes",
    discrete=True,
    has_trials=True,
    hint="The response holds numbers of successes, the trials total numbers.",
)

BETA_BINOMIAL = Family(
    name="beta_binomial",
    offers=MORE_VARIATION,
    parameters=(MU_PROBABILITY, PRECISION),
    distribution="BetaBinomial",
    arguments=lambda values, trials: dict(zip(("alpha", "beta"), _shapes(values), strict=True)) | {"n": trials},
    support="whole numbers from 0 to the number of trials",
    accepts=lambda y, trials: is_count(y, trials) & (y <= trials),
    logp=_beta_binomial_logp,
    cdf=_beta_binomial_cdf,
    constant=log_choose,
    random=_beta_binomial_random,
    mean=lambda values, trials: trials * values["mu"],
    variance=_beta_binomial_variance,
    score=_beta_binomial_score,
    information=_beta_binomial_information,
    latent_variance=_beta_binomial_latent_variance,
    latent_uses_mean=True,
    smoothed_mean=proportion_mean,
    discrete=True,
    has_trials=True,
    hint="The response holds numbers of successes, the trials total numbers.",
)
