"""Which quantities have a posterior mean: those that have a mean under the priors.

Posterior means of other quantities are infinite, or depend on draws in a tail about which the data carry little information:

- theta of the negative binomial and phi of the beta-binomial, whose likelihood has a positive limit (Poisson, binomial);
  shape and phi of the gamma, inverse Gaussian and beta families, where the data are nearly as precise as possible;
- typical ratios between groups, exp(0.95 SD), and averages over groups under a log link, which hold exp(SD^2 / 2), and with
  them single groups not seen so far, unless the SD is fixed or bounded: a half-t has no such mean, nor has a half-normal
  one of scale 1;
- means under a log link in groups of the fit whose rows barely bound the mean from above: all groups under the inverse
  Gaussian family, whose likelihood has a positive limit, and groups of nothing but zeros in mixtures with zeros;
- means under a log link, whichever the groups, if a coefficient has a prior with a power-law tail, such as Student's t, and
  a group term a free SD;
- ratios of single groups whose rows bound them from one side only, as groups of nothing but successes;
- the mean of a lognormal response, exp(mu + sigma^2 / 2), unless sigma is fixed or bounded;
- the variance of a Student response, infinite for nu <= 2, unless nu is fixed or bounded.
"""

from collections.abc import Collection, Sequence

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.design.row_likelihoods import likelihood_of_rows
from bayesmixed.families import Values
from bayesmixed.families.links import Array
from bayesmixed.integration.averages import parameters_of_mean
from bayesmixed.parameter_keys import INTERCEPT
from bayesmixed.terms.predictors import Predictor

_TAILS = (1e-6, 1e-9)
LIGHT = 1.05
"""Index of a tail, P(X > x) ~ x^-index, above which the mean exists; 1 is the boundary."""
_POWERS = 15.0
"""Index above which a tail counts as lighter than any power: that of a normal number is 29 there, of Student's t its df."""
_FAR = np.array([1e6, 1e8])


def parameter_has_mean(design: Design, name: str) -> bool:
    """Return whether a parameter without a predictor has a mean under its prior, by the index of its upper tail."""
    return name not in design.numbers or name == design.family.scale or tail_index(design, name) > LIGHT


def tail_index(design: Design, key: str, *, inverse: bool = False) -> float:
    """Return the index of the upper tail, P(|X| > x) ~ x^-index, of a parameter or of its inverse under its prior.

    `key` is that of a prior, or the name of a parameter without a predictor; infinity: lighter than any power.
    """
    function, prior = design.scalar_prior(key) if key in design.numbers else (None, design.priors[key].prior)
    if prior.name == "Fixed":
        return np.inf
    if function is None and np.isfinite(prior.support[1]):
        return np.inf if not inverse else 1.0
    with np.errstate(all="ignore"):
        ends = [prior.frozen().ppf(shares) for shares in (np.array(_TAILS), 1.0 - np.array(_TAILS))]
        ends = [np.abs(np.asarray(end if function is None else function.inverse(end))) for end in ends]
        ends = [1.0 / end for end in ends] if inverse else ends
        near, far = max(ends, key=lambda values: float(values[1]))
        if not np.isfinite(far):
            return 0.0
        index = np.log(_TAILS[0] / _TAILS[1]) / np.log(far / near) if far > near > 0 else np.inf
    return float(index) if index < _POWERS else np.inf


def average_has_mean(design: Design, parameter: str, fresh: Collection[str]) -> bool:
    """Return whether a parameter has a mean where the groups of some factors are averaged over, or are new ones."""
    predictor = design.predictors[parameter]
    # The intercept has the tail of its prior where groups may take it up.
    heavy = any(tail_index(design, key) < np.inf for key in predictor.keys)
    names = {group.name for group in predictor.groups} if heavy else fresh
    return predictor.link.ratio != "ratio of means" or not has_free_sd(design, predictor, names)


def response_has_mean(
    design: Design, fresh: Collection[str], own: Collection[str] = (), at: Sequence[Values] = ()
) -> bool:
    """Return whether the expected response has a mean.

    Parameters
    ----------
    design : Design
        That of the fit.
    fresh, own : collections of str
        Grouping factors whose groups are averaged over or new ones, and those whose groups are the ones of the fit.
    at : sequence of mappings
        Values of the parameters besides the first one at which the likelihood of groups is looked at; the middle of the
        priors if there are none.
    """
    family = design.family
    if design.mu.link.ratio == "ratio of means":
        fresh = {*fresh, *_open_factors(design, own, at, above=True)}
    needed = parameters_of_mean(family)
    if family.scale in needed and (family.scale in design.predictors or _is_unbounded(design, family.scale)):
        return False
    return all(average_has_mean(design, name, fresh) for name in design.predictors if name in needed)


def inverse_has_mean(
    design: Design, fresh: Collection[str], own: Collection[str], at: Sequence[Values], *, of_link: bool
) -> bool:
    """Return whether exp(difference) on the scale of the link has a mean or, not `of_link`, 1 / mean of the response.

    `fresh` are factors whose groups are new ones, the other arguments are those of `response_has_mean`.
    """
    predictor = design.mu
    slopes = {group.name for group in predictor.groups if group.name in fresh and group.labels != (INTERCEPT,)}
    opened = _open_factors(design, own, at, above=False)
    if of_link:
        opened |= _open_factors(design, own, at, above=True)
    return not has_free_sd(design, predictor, {*(slopes if of_link else fresh), *opened})


def variance_has_mean(design: Design) -> bool:
    """Return whether the variance of a response given its mean has a mean: that of a Student response is infinite where
    nu is at most 2."""
    if "nu" in design.predictors:
        return False
    if "nu" not in design.numbers:
        return True
    function, prior = design.scalar_prior("nu")
    ends = prior.arguments[:1] if prior.name == "Fixed" else prior.support
    return bool(np.min(function.inverse(np.asarray(ends, dtype=float))) > 2.0)


def has_free_sd(design: Design, predictor: Predictor, fresh: Collection[str]) -> bool:
    """Return whether the effects of some factors have an SD that is neither fixed nor bounded."""
    return any(
        _is_unbounded(design, key)
        for group in predictor.groups
        if group.name in fresh
        for key in predictor.sd_keys(group)
    )


def _open_factors(design: Design, names: Collection[str], at: Sequence[Values], *, above: bool) -> set[str]:
    """Return the factors with a group whose likelihood falls no faster than 1 / mean where its mean is large, or than the
    mean where that is small; of shares than the odds.

    It is looked at 1e6 and 1e8 times above the largest, or below the smallest response.
    """
    predictor, upper = design.mu, 1.0 if design.mu.cut else design.family.parameters[0].upper
    groups = [group for group in predictor.groups if group.name in names]
    rates = predictor.link.ratio == "ratio of means"
    if not groups or design.response is None or not (rates or np.isfinite(upper)) or (predictor.cut and not at):
        return set()
    sizes = np.abs(design.response)
    if rates:
        far = np.max(sizes) * _FAR if above else np.min(sizes, where=sizes > 0, initial=np.inf) / _FAR
    else:
        far = upper * (1.0 - 1.0 / _FAR if above else 1.0 / _FAR)
    etas = predictor.link.forward(far)
    opened: set[str] = set()
    for values in at or [_middle_values(design)]:
        rows = likelihood_of_rows(design, values, rough=True)
        with np.errstate(all="ignore"):
            near, further = (rows.log_density(np.full(design.rows, eta)) for eta in etas)
        falls = np.nan_to_num((near - further) / abs(etas[1] - etas[0]), nan=np.inf)
        opened |= {group.name for group in groups if np.any(group.sums(falls) <= LIGHT)}
    return opened


def _middle_values(design: Design) -> dict[str, Array]:
    further = {name: one for name, one in design.predictors.items() if one is not design.mu}
    values: dict[str, Array] = {name: np.asarray(_middle(design, name)) for name in design.numbers}
    return values | {name: np.asarray(one.link.inverse(np.zeros(design.rows))) for name, one in further.items()}


def _middle(design: Design, name: str) -> float:
    function, prior = design.scalar_prior(name)
    fixed = prior.name == "Fixed"
    return float(function.inverse(prior.arguments[0] if fixed else prior.frozen().ppf(0.5)))


def _is_unbounded(design: Design, key: str) -> bool:
    prior = design.priors[key].prior
    return prior.name != "Fixed" and not np.isfinite(prior.support[1])
