"""Which quantities have a posterior mean: those that have a mean under the priors.

Posterior means of other quantities are infinite, or hang on draws in a tail that the data hardly reach:

- theta of the negative binomial and phi of the beta-binomial, whose likelihood has a positive limit (Poisson, binomial);
  shape and phi of the gamma, inverse Gaussian and beta families, where the data are nearly as precise as can be;
- typical ratios between groups, exp(0.95 SD), and averages over groups under a log link, which hold exp(SD^2 / 2), and with
  them single groups not seen so far, unless the SD is fixed or bounded: a half-t law has no such mean, nor has a half-normal
  one of scale 1;
- means under a log link in groups of the fit whose rows hardly bound the mean from above: all groups under the inverse
  Gaussian family, whose likelihood has a positive limit, and groups of nothing but zeros in mixtures with zeros;
- the mean of a lognormal response, exp(mu + sigma^2 / 2), unless sigma is fixed or bounded.
"""

from collections.abc import Collection

import numpy as np

from bayesmixed.design import Design
from bayesmixed.integration.averages import parameters_of_mean
from bayesmixed.links import Array
from bayesmixed.predictors import Predictor
from bayesmixed.row_likelihoods import likelihood_of_rows

_TAILS = (1e-6, 1e-9)
_LIGHT = 1.05
"""Index of a tail, P(X > x) ~ x^-index, above which the mean exists; 1 is the border."""
_FAR = (1e6, 1e8)


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


def response_has_mean(design: Design, fresh: Collection[str], own: Collection[str] = ()) -> bool:
    """Return whether the expected response has a mean.

    Parameters
    ----------
    design : Design
        That of the fit.
    fresh, own : collections of str
        Grouping factors whose groups are averaged over or new ones, and those whose groups are the ones of the fit.
    """
    fresh = {*fresh, *_open_factors(design, own)}
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


def _open_factors(design: Design, names: Collection[str]) -> set[str]:
    """Return the factors with a group whose likelihood falls no faster than 1 / mean where its mean is large.

    It is looked at 1e6 and 1e8 times above the largest response, at the middle of the priors of the other parameters.
    """
    predictor = design.mu
    groups = [group for group in predictor.groups if group.name in names]
    bounded = np.isfinite(design.family.parameters[0].upper)
    if not groups or bounded or design.response is None or predictor.link.ratio != "ratio of means":
        return set()
    further = {name: one for name, one in design.predictors.items() if one is not predictor}
    others: dict[str, Array] = {name: np.asarray(_middle(design, name)) for name in design.numbers}
    others |= {name: np.asarray(one.link.inverse(np.zeros(design.rows))) for name, one in further.items()}
    rows = likelihood_of_rows(design, others)
    largest = float(np.max(np.abs(design.response)))
    with np.errstate(all="ignore"):
        near, far = (rows.log_density(np.full(design.rows, np.log(largest * times))) for times in _FAR)
    falls = np.nan_to_num((near - far) / np.log(_FAR[1] / _FAR[0]), nan=np.inf)
    return {group.name for group in groups if np.any(group.sums(falls) <= _LIGHT)}


def _middle(design: Design, name: str) -> float:
    function, prior = design.scalar_prior(name)
    fixed = prior.name == "Fixed"
    return float(function.inverse(prior.arguments[0] if fixed else prior.frozen().median()))


def _is_unbounded(design: Design, key: str) -> bool:
    prior = design.priors[key].prior
    return prior.name != "Fixed" and not np.isfinite(prior.support[1])


def _low(share: float) -> float:
    return share


def _high(share: float) -> float:
    return 1.0 - share
