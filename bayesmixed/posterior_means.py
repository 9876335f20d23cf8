"""Which quantities have a posterior mean: those that have a mean under the priors.

Posterior means of other quantities are infinite, or hang on draws in a tail that the data hardly reach:

- theta of the negative binomial and phi of the beta-binomial, whose likelihood has a positive limit (Poisson, binomial);
  shape and phi of the gamma, inverse Gaussian and beta families, where the data are nearly as precise as can be;
- typical ratios between groups, exp(0.95 SD), and averages over groups under a log link, which hold exp(SD^2 / 2), and with
  them single groups not seen so far, unless the SD is fixed or bounded: a half-t law has no such mean, nor has a half-normal
  one of scale 1;
- the mean of a lognormal response, exp(mu + sigma^2 / 2), unless sigma is fixed or bounded.
"""

from collections.abc import Collection

import numpy as np

from bayesmixed.design import Design
from bayesmixed.integration.averages import parameters_of_mean
from bayesmixed.predictors import Predictor

_TAILS = (1e-6, 1e-9)
_LIGHT = 1.05
"""Index of a tail, P(X > x) ~ x^-index, above which the mean exists; 1 is the border."""


def parameter_has_mean(design: Design, name: str) -> bool:
    """Return whether a parameter without a predictor has a mean under its prior, by the index of its upper tail."""
    if name not in design.numbers or name == design.family.scale:
        return True
    function, prior = design.scalar_prior(name)
    if prior.name == "Fixed":
        return True
    with np.errstate(all="ignore"):
        ends = [np.asarray(function.inverse(prior.frozen().ppf([side(t) for t in _TAILS]))) for side in (_low, _high)]
    near, far = max(ends, key=lambda values: float(values[1]))
    if not np.isfinite(far):
        return False
    return bool(far <= near or np.log(_TAILS[0] / _TAILS[1]) / np.log(far / near) > _LIGHT) if near > 0 else True


def average_has_mean(design: Design, parameter: str, fresh: Collection[str]) -> bool:
    """Return whether a parameter has a mean where the groups of some factors are averaged over, or are new ones."""
    predictor = design.predictors[parameter]
    return predictor.link.ratio != "ratio of means" or not has_free_sd(design, predictor, fresh)


def response_has_mean(design: Design, fresh: Collection[str]) -> bool:
    """Return whether the expected response has a mean where the groups of some factors are averaged over, or new."""
    family = design.family
    needed = parameters_of_mean(family)
    if family.scale in needed and (family.scale in design.predictors or _is_unbounded(design, family.scale)):
        return False
    return all(average_has_mean(design, name, fresh) for name in design.predictors if name in needed)


def has_free_sd(design: Design, predictor: Predictor, fresh: Collection[str]) -> bool:
    """Return whether the effects of some factors have an SD that is neither fixed nor bounded."""
    return any(
        _is_unbounded(design, key)
        for group in predictor.groups
        if group.name in fresh
        for key in predictor.sd_keys(group)
    )


def _is_unbounded(design: Design, key: str) -> bool:
    prior = design.priors[key].prior
    return prior.name != "Fixed" and not np.isfinite(prior.support[1])


def _low(share: float) -> float:
    return share


def _high(share: float) -> float:
    return 1.0 - share
