"""Families of ordered categories that are compared step by step: stopping and continuation ratios, adjacent categories."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Literal

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.families.ordinal import LOG_SHARES, cumulative, log_density
from bayesmixed.families.parts import choose, no_category_variance, pytensor_log_normal_cdf
from bayesmixed.families.records import Family, Values
from bayesmixed.families.specific_thresholds import THRESHOLD, with_specific_thresholds

Kind = Literal["sratio", "cratio", "acat"]
_TITLES: Mapping[Kind, str] = {
    "sratio": "StoppingRatio",
    "cratio": "ContinuationRatio",
    "acat": "AdjacentCategory",
}
_PASSING: Mapping[Kind, int] = {"sratio": -1, "cratio": 1, "acat": 0}


@cache
def stepwise(kind: Kind, link: str) -> Family:
    """Return a family of ordered categories with one event for each threshold, F being the inverse of a link.

    "sratio": P(Y = k | Y >= k) = F(threshold_k - mu). "cratio": P(Y > k | Y >= k) = F(mu - threshold_k). "acat":
    P(Y = k + 1 | Y = k or k + 1) = F(mu - threshold_k). (Tutz 1990, Br J Math Stat Psychol 43:39; Buerkner & Vuorre 2019,
    Adv Methods Pract Psychol Sci 2:77.) Thresholds need not increase. Otherwise as `cumulative`.
    """
    like, adjacent = cumulative(link), kind == "acat"

    def shares(values: Values) -> Array:
        """Return the probability of each category, (K, ...)."""
        return np.exp(_log_shares(kind, link, values))

    def logp(y: Any, values: Values, trials: Any) -> Array:
        return choose(y, _log_shares(kind, link, values), -np.inf)

    def cdf(y: Any, values: Values, trials: Any) -> Array:
        reached = np.cumsum(shares(values), axis=0)
        reached[-1] = 1.0
        number = np.minimum(np.floor(y), len(reached))
        return choose(number, np.minimum(reached, 1.0), 0.0)

    def random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
        uniform, reached = rng.random(shape), np.cumsum(shares(values), axis=0)
        return np.asarray(1.0 + sum(np.where(uniform > one, 1.0, 0.0) for one in reached[:-1]))

    def moment(values: Values, power: int) -> Array:
        return np.asarray(sum(number**power * share for number, share in enumerate(shares(values), 1)))

    def score(y: Any, values: Values, trials: Any) -> Array:
        return choose(y, _slopes(kind, link, values), 0.0)

    def information(values: Values, trials: Any) -> Array:
        return np.asarray(np.sum(shares(values) * np.square(_slopes(kind, link, values)), axis=0))

    def pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
        import pytensor.tensor as pt

        stay, passed = [], []
        for cut in _cuts(values):
            x = cut - values["mu"] if kind == "sratio" else values["mu"] - cut
            below, above = _pytensor_log_cdf(link, x)
            stay.append(below if kind == "sratio" else above)
            passed.append(above if kind == "sratio" else below)
        parts = _join(kind, stay, passed)
        total = pt.logsumexp(pt.stack(parts), axis=0) if adjacent else 0.0
        found = parts[0]
        for number, part in enumerate(parts[1:], 2):
            found = pt.switch(pt.eq(y, number), part, found)
        return found - total

    return replace(
        like,
        name=kind,
        parameters=(replace(like.parameters[0], meaning="predictor of higher categories"), *like.parameters[1:]),
        pytensor_logp=pytensor_logp,
        logp=logp,
        cdf=cdf,
        random=random,
        mean=lambda values, trials: moment(values, 1),
        variance=lambda values, trials: moment(values, 2) - np.square(moment(values, 1)),
        score=score,
        information=information,
        latent_variance=no_category_variance,
        at_risk=(lambda y, k: (y == k) | (y == k + 1)) if adjacent else (lambda y, k: y >= k),
        passing=_PASSING[kind],
        title=_TITLES[kind],
        concave_links=("logit",) if adjacent else like.concave_links,
        under=lambda name: stepwise(kind, name),
        optional={**like.optional, THRESHOLD: with_specific_thresholds},
    )


def _cuts(values: Values) -> list[Any]:
    return [value for name, value in values.items() if name != "mu"]


def _log_shares(kind: Kind, link: str, values: Values) -> Array:
    """Return the log-probability of each category, (K, ...)."""
    stay, passed = [], []
    for x in _arguments(kind, values):
        below, above = LOG_SHARES[link](-np.inf, x), LOG_SHARES[link](x, np.inf)
        stay.append(below if kind == "sratio" else above)
        passed.append(above if kind == "sratio" else below)
    logs = np.stack(np.broadcast_arrays(*_join(kind, stay, passed)))
    return logs if kind != "acat" else logs - np.logaddexp.reduce(logs, axis=0)


def _slopes(kind: Kind, link: str, values: Values) -> Array:
    """Return the derivatives in mu of the log-probabilities, (K, ...)."""
    stay, passed = [], []
    for x in _arguments(kind, values):
        density = log_density(link, x)
        below, above = (np.exp(density - LOG_SHARES[link](*ends)) for ends in ((-np.inf, x), (x, np.inf)))
        stay.append(-below if kind == "sratio" else -above)
        passed.append(above if kind == "sratio" else below)
    slopes = np.stack(np.broadcast_arrays(*_join(kind, stay, passed)))
    if kind != "acat":
        return slopes
    return slopes - np.sum(np.exp(_log_shares(kind, link, values)) * slopes, axis=0)


def _arguments(kind: Kind, values: Values) -> list[Any]:
    """Return what F is taken of at each threshold."""
    sign = 1.0 if kind == "sratio" else -1.0
    return [sign * np.asarray(cut - values["mu"], dtype=float) for cut in _cuts(values)]


def _join(kind: Kind, stay: Sequence[Any], passed: Sequence[Any]) -> list[Any]:
    """Return for each category the sum over the thresholds below it, which were passed, and that (of adjacent categories:
    those) above it, which were not."""
    return [sum([*passed[:k], *(stay[k:] if kind == "acat" else stay[k : k + 1])], 0.0) for k in range(len(stay) + 1)]


def _pytensor_log_cdf(link: str, x: Any) -> tuple[Any, Any]:
    """Return log F(x) and log(1 - F(x)) on PyTensor variables."""
    import pytensor.tensor as pt

    if link == "logit":
        return -pt.softplus(-x), -pt.softplus(x)
    if link == "probit":
        return pytensor_log_normal_cdf(x), pytensor_log_normal_cdf(-x)
    return pt.log1mexp(-pt.exp(x)), -pt.exp(x)


SRATIO, CRATIO, ACAT = (stepwise(kind, "logit") for kind in _TITLES)
