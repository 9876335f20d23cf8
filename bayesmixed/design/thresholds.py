"""The prior of the thresholds between ordered categories, stated at the centre of the columns."""

from typing import Any

import numpy as np
from scipy import special

from bayesmixed.design.design import CUTS, Design
from bayesmixed.families.links import Array, Link, find_link
from bayesmixed.families.ordinal import LOG_SHARES, log_density
from bayesmixed.prior_distributions import INDUCED

_EDGE = 1e-15


def threshold_shift(design: Design, beta: Any) -> Any:
    """Return thresholds as written minus those at the centre, for coefficients (..., p)."""
    return beta @ design.mu.centre if design.mu.population.labels else 0.0


def draw_thresholds(design: Design, count: int, generator: np.random.Generator) -> Array:
    """Return (count, K - 1) draws from the prior, at the centre; under a prior on single thresholds they are sorted."""
    prior, number = design.priors[CUTS].prior, len(design.family.cuts)
    if prior.name != INDUCED:
        return np.sort(prior.frozen().rvs(size=(count, number), random_state=generator), axis=1)
    shares = generator.dirichlet(np.full(number + 1, prior.arguments[0]), count)
    return _latent_link(design).forward(np.clip(np.cumsum(shares, axis=1)[:, :-1], _EDGE, 1.0 - _EDGE))


def threshold_quantile(design: Design, probability: Any) -> Array:
    """Return quantiles of each threshold's prior, at the centre, (K - 1, ...).

    The share of the lower k categories is Beta under a Dirichlet distribution, as is the k-th of several sorted uniform draws.
    """
    prior, number = design.priors[CUTS].prior, len(design.family.cuts)
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

    link, y = _latent_link(design), np.asarray(design.response)
    weights = np.asarray(design.observed.weigh(np.ones(len(y))))
    found = []
    for number in range(1, len(design.categories)):
        share = (weights @ (y <= number) + number) / (np.sum(weights) + len(design.categories))
        middle = float(link.forward(share))

        def excess(cut: float, share: float = share) -> float:
            return float(weights @ link.inverse(cut - eta) / np.sum(weights) - share)

        found.append(brentq(excess, middle + np.min(eta) - 1.0, middle + np.max(eta) + 1.0))
    return np.array(found)


def _latent_link(design: Design) -> Link:
    """Return the link whose inverse is the distribution function of the latent variable."""
    return find_link(design.mu.link.name)
