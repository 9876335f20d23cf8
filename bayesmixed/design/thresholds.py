"""The prior of the thresholds between ordered categories, stated at the centre of the columns."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.design.design import CUTS, Design
from bayesmixed.families.links import Array, Link, find_link
from bayesmixed.families.ordinal import LOG_SHARES, log_density
from bayesmixed.prior_distributions import INDUCED
from bayesmixed.terms.predictors import Predictor

_EDGE = 1e-15


def threshold_shift(design: Design, beta: Any) -> Any:
    """Return thresholds as written minus those at the centre, for coefficients (..., p)."""
    return beta @ design.mu.centre if design.mu.population.labels else 0.0


def threshold_shifts(design: Design, coefficients: Callable[[Predictor], Any]) -> list[Any]:
    """Return each threshold as written minus that at the centre, given the coefficients as written, (..., p), of a predictor."""
    common = coefficients(design.mu) @ design.mu.centre if design.mu.population.labels else 0.0
    return [common + own for own in own_shifts(design, coefficients)]


def own_shifts(design: Design, coefficients: Callable[[Predictor], Any]) -> list[Any]:
    """Return the part of `threshold_shifts` that is due to the formula of each threshold."""
    own = {design.family.parameter(name).of_cut: p for name, p in design.predictors.items() if p.population.labels}
    return [-coefficients(own[cut]) @ own[cut].centre if cut in own else 0.0 for cut in design.family.cuts]


def draw_thresholds(design: Design, count: int, generator: np.random.Generator) -> Array:
    """Return (count, K - 1) draws from the prior, at the centre; increasing thresholds with a prior on each are sorted."""
    prior, number = design.priors[CUTS].prior, len(design.family.cuts)
    if prior.name != INDUCED:
        drawn = prior.frozen().rvs(size=(count, number), random_state=generator)
        return np.asarray(drawn if design.family.at_risk else np.sort(drawn, axis=1))
    shares = generator.dirichlet(np.full(number + 1, prior.arguments[0]), count)
    return _latent_link(design).forward(np.clip(np.cumsum(shares, axis=1)[:, :-1], _EDGE, 1.0 - _EDGE))


def threshold_quantile(design: Design, probability: Any) -> Array:
    """Return quantiles of each threshold's prior, at the centre, (K - 1, ...).

    The share of the lower k categories is Beta under a Dirichlet distribution, as is the k-th of several sorted uniform draws.
    """
    prior, number = design.priors[CUTS].prior, len(design.family.cuts)
    if design.family.at_risk:
        return np.stack([np.asarray(prior.frozen().ppf(probability))] * number, axis=0)
    induced = prior.name == INDUCED
    shape, whole = (prior.arguments[0], number + 1) if induced else (1.0, number + 1)
    place = np.stack(
        [special.betaincinv(k * shape, (whole - k) * shape, probability) for k in range(1, number + 1)], axis=0
    )
    return np.asarray(_latent_link(design).forward(place) if induced else prior.frozen().ppf(place))


def threshold_log_density(design: Design, thresholds: Array) -> Array:
    """Return the log prior density of thresholds at the centre, (..., K - 1), up to a constant."""
    prior, name = design.priors[CUTS].prior, design.mu.link.name
    if prior.name != INDUCED:
        return np.asarray(np.sum(prior.frozen().logpdf(thresholds), axis=-1))
    edge = np.full((*thresholds.shape[:-1], 1), np.inf)
    ends = np.concatenate([-edge, thresholds, edge], axis=-1)
    shares = LOG_SHARES[name](ends[..., :-1], ends[..., 1:])
    return np.asarray(
        np.sum(log_density(name, thresholds), axis=-1) + (prior.arguments[0] - 1.0) * np.sum(shares, axis=-1)
    )


def match_thresholds(design: Design, eta: Array) -> Array:
    """Return the thresholds, (K - 1,), at which the categories have the shares that they have in the data.

    Near the mode for given linear predictors (n,) at the centre; one observation is added to each category.
    """
    from scipy.optimize import brentq

    link, y, count = _latent_link(design), np.asarray(design.response), len(design.categories)
    weights = np.asarray(design.observed.weigh(np.ones(len(y))))
    # With one threshold, any of these families is that of the event that it is not passed.
    family, at_risk = design.spec.plain_family.for_categories(("1", "2")), design.family.at_risk
    every, found = np.arange(1.0, count + 1.0), []
    for number in range(1, count):
        concerned, added = (y > 0, every > 0) if at_risk is None else (at_risk(y, number), at_risk(every, number))
        counted = weights * concerned
        below, total = counted @ (y <= number) + np.sum(added & (every <= number)), np.sum(counted) + np.sum(added)
        share, at = below / total, eta if not np.any(counted) else eta[counted > 0]
        own = np.ones(len(at)) if not np.any(counted) else counted[counted > 0]
        middle = sorted([float(link.forward(share)), -float(link.forward(1.0 - share))])

        def excess(cut: float, share: float = share, own: Array = own, at: Array = at) -> float:
            below = family.cdf(1, {"mu": at, family.cuts[0]: cut}, 1.0)
            return float(own @ below / np.sum(own) - share)

        found.append(brentq(excess, middle[0] + np.min(at) - 1.0, middle[1] + np.max(at) + 1.0))
    return np.array(found)


def _latent_link(design: Design) -> Link:
    """Return the link whose inverse is the distribution function of the latent variable."""
    return find_link(design.mu.link.name)
