"""The asymmetric Laplace family, for regression of quantiles."""

from dataclasses import replace
from typing import Any

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.families.parts import MU_REAL, SIGMA, location_mean, residual_variance, share
from bayesmixed.families.records import Family, Values
from bayesmixed.families.tails import Tails, log_complement
from bayesmixed.prior_distributions import Prior


def _slope(y: Any, values: Values) -> Array:
    """Return the slope of the loss in the residual: the quantile above mu, the quantile less 1 below."""
    return values["quantile"] - np.less(y, values["mu"])


def _logp(y: Any, values: Values, trials: Any) -> Array:
    quantile, sigma = values["quantile"], values["sigma"]
    loss = (y - values["mu"]) / sigma * _slope(y, values)
    return np.asarray(np.log(quantile) + np.log1p(-quantile) - np.log(sigma) - loss)


def _cdf(y: Any, values: Values, trials: Any) -> Array:
    quantile = values["quantile"]
    beyond = np.exp(-np.abs(y - values["mu"]) / values["sigma"] * np.abs(_slope(y, values)))
    return np.where(np.less(y, values["mu"]), quantile * beyond, 1.0 - (1.0 - quantile) * beyond)


def _tails(m: Any, y: Any, values: Values, trials: Any) -> Tails:
    quantile, z = values["quantile"], (y - values["mu"]) / values["sigma"]
    below = m.log(quantile) + (1.0 - quantile) * m.minimum(z, 0.0)
    above = m.log1p(-quantile) - quantile * m.maximum(z, 0.0)
    return m.where(z < 0.0, below, log_complement(m, above)), m.where(z < 0.0, log_complement(m, below), above)


def _random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
    above, below = rng.standard_exponential(shape), rng.standard_exponential(shape)
    return np.asarray(
        values["mu"] + values["sigma"] * (above / values["quantile"] - below / (1.0 - values["quantile"]))
    )


def _mean(values: Values, trials: Any) -> Array:
    quantile = values["quantile"]
    return np.asarray(values["mu"] + values["sigma"] * (1.0 / quantile - 1.0 / (1.0 - quantile)))


def _variance(values: Values, trials: Any) -> Array:
    quantile = values["quantile"]
    return np.square(values["sigma"]) * (1.0 / np.square(quantile) + 1.0 / np.square(1.0 - quantile))


def _pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
    import pytensor.tensor as pt

    quantile, sigma = values["quantile"], values["sigma"]
    z = (y - values["mu"]) / sigma
    return pt.log(quantile) + pt.log1p(-quantile) - pt.log(sigma) - z * (quantile - pt.switch(pt.lt(z, 0.0), 1.0, 0.0))


ASYMMETRIC_LAPLACE = Family(
    name="asymmetric_laplace",
    parameters=(
        replace(MU_REAL, meaning="quantile of the response"),
        replace(SIGMA, meaning="scale"),
        replace(
            share("quantile", "probability of a response below mu"),
            prior=lambda scale: ("quantile", Prior(name="Fixed", arguments=(0.5,))),
        ),
    ),
    distribution="",
    arguments=lambda values, trials: {},
    pytensor_logp=_pytensor_logp,
    support="finite numbers",
    accepts=lambda y, trials: np.isfinite(y),
    logp=_logp,
    cdf=_cdf,
    log_tails=_tails,
    random=_random,
    mean=_mean,
    variance=_variance,
    score=lambda y, values, trials: _slope(y, values) / values["sigma"],
    information=lambda values, trials: values["quantile"] * (1.0 - values["quantile"]) / np.square(values["sigma"]),
    latent_variance=lambda values, link, trials: residual_variance(_variance(values, 1), link),
    smoothed_mean=location_mean,
    observation_effect="it cannot be distinguished from the scale 'sigma'",
    title="AsymmetricLaplace",
    differentiable=False,
    hint="Missing and infinite responses have no density.",
)
"""Its likelihood is greatest at the regression quantiles of Koenker & Bassett (1978, Econometrica 46:33); Yu & Moyeed (2001,
Stat Probab Lett 54:437)."""
