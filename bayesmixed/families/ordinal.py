"""Families of ordered categories: thresholds cut a latent variable whose location is the linear predictor."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.discrimination import DISC, with_discrimination
from bayesmixed.families.links import LINKS, Array, Link
from bayesmixed.families.parts import is_whole, pytensor_log_normal_cdf
from bayesmixed.families.records import Family, Parameter, Values
from bayesmixed.prior_distributions import Prior

_FAR = 100.0
"""Replaces infinity on the latent scale in PyTensor, where gradients at infinity are not numbers."""
_SPREAD = 4.0
"""SD of the default prior of each threshold, in units s of the link.

The more the predictor explains, the further apart are the thresholds that give the same categories. A prior that holds
them near 0 therefore shrinks the effects too: with InducedDirichlet(1) those of ordinal::wine lie 0.7 posterior sd below
the estimates by maximum likelihood, with Normal(0, 2.5 s) 0.4, with this 0.2.
"""


@cache
def cumulative(link: str) -> Family:
    """Return the cumulative family with P(Y <= k) = F(threshold_k - mu), F the inverse of a link.

    Responses are the numbers 1, ..., K of the categories; mu is the linear predictor, without intercept
    (McCullagh 1980, J R Stat Soc B 42:109). Mean and variance are those of the number of the category. All values but
    mu are the thresholds, in their order.
    """
    record, log_share = LINKS[link], LOG_SHARES[link]
    threshold_prior = Prior(name="Normal", arguments=(0.0, _SPREAD * (record.unit or 1.0)))

    def shares(values: Values) -> Iterator[tuple[Any, Array]]:
        """Yield the number of each category but the last, and P(Y <= it)."""
        for number, cut in enumerate(_cuts(values), 1):
            yield number, record.inverse(cut - values["mu"])

    def logp(y: Any, values: Values, trials: Any) -> Array:
        share = log_share(*_bounds(y, values, np.where, np.equal, np.inf))
        return np.where(np.greater_equal(y, 1) & np.less_equal(y, len(_cuts(values)) + 1), share, -np.inf)

    def cdf(y: Any, values: Values, trials: Any) -> Array:
        reached: Any = np.where(np.less(y, 1), 0.0, 1.0) + 0.0 * values["mu"]
        for number, share in shares(values):
            reached = np.where(np.floor(y) == number, share, reached)
        return np.asarray(reached)

    def random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
        uniform = rng.random(shape)
        return np.asarray(1.0 + sum(np.where(uniform > share, 1.0, 0.0) for _, share in shares(values)))

    def mean(values: Values, trials: Any) -> Array:
        return np.asarray(1.0 + sum(1.0 - share for _, share in shares(values)))

    def variance(values: Values, trials: Any) -> Array:
        square = 1.0 + sum((2.0 * number + 1.0) * (1.0 - share) for number, share in shares(values))
        return np.asarray(square - np.square(mean(values, trials)))

    def score(y: Any, values: Values, trials: Any) -> Array:
        return _score(record, log_share, *_bounds(y, values, np.where, np.equal, np.inf))

    def information(values: Values, trials: Any) -> Array:
        total: Any = 0.0
        for number in range(1, len(_cuts(values)) + 2):
            lower, upper = _bounds(number, values, np.where, np.equal, np.inf)
            weight = np.exp(log_share(lower, upper))
            total = total + np.where(weight > 0, weight * np.square(_score(record, log_share, lower, upper)), 0.0)
        return np.asarray(total)

    def pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
        import pytensor.tensor as pt

        return pytensor_log_share(link, *_bounds(y, values, pt.switch, pt.eq, _FAR))

    return Family(
        name="cumulative",
        parameters=(
            Parameter("mu", "location of the latent variable", link, ("logit", "probit", "cloglog"), latent=True),
            Parameter(
                "threshold",
                "threshold between categories",
                "identity",
                ("identity",),
                prior=lambda scale: ("threshold", threshold_prior),
                cut=True,
            ),
        ),
        distribution="",
        arguments=lambda values, trials: {},
        pytensor_logp=pytensor_logp,
        support="ordered categories, numbered from 1",
        accepts=lambda y, trials: (y >= 1) & is_whole(y),
        logp=logp,
        cdf=cdf,
        random=random,
        mean=mean,
        variance=variance,
        score=score,
        information=information,
        latent_variance=lambda values, unused, trials: np.full(np.shape(values["mu"]), record.tolerance_variance),
        smoothed_mean=lambda y, trials, exposure: 0.0,
        discrete=True,
        observation_effect="a single category says nothing about its own variance",
        concave_links=("logit", "probit", "cloglog"),
        hint="For measurements take another family, or cut them into classes with pd.cut.",
        under=cumulative,
        optional={DISC: with_discrimination},
    )


def pytensor_log_share(link: str, lower: Any, upper: Any) -> Any:
    """Return log(F(upper) - F(lower)) on PyTensor variables."""
    import pytensor.tensor as pt

    if link == "logit":
        return -pt.softplus(-upper) - pt.softplus(lower) + pt.log1mexp(lower - upper)
    if link == "cloglog":
        return -pt.exp(lower) + pt.log1mexp(pt.exp(upper) * pt.expm1(lower - upper))
    flipped = lower > 0
    first, second = pt.switch(flipped, -upper, lower), pt.switch(flipped, -lower, upper)
    low, high = pytensor_log_normal_cdf(first), pytensor_log_normal_cdf(second)
    return high + pt.log1mexp(low - high)


def pytensor_log_density(link: str, x: Any) -> Any:
    """Return the log-density of the distribution function behind a link on PyTensor variables."""
    import pytensor.tensor as pt

    if link == "logit":
        return -pt.softplus(-x) - pt.softplus(x)
    if link == "probit":
        return -0.5 * x**2 - 0.5 * np.log(2.0 * np.pi)
    return x - pt.exp(x)


def _cuts(values: Values) -> list[Any]:
    return [value for name, value in values.items() if name != "mu"]


def _bounds(
    y: Any, values: Values, where: Callable[..., Any], equal: Callable[..., Any], far: float
) -> tuple[Any, Any]:
    """Return the ends of the interval of the latent variable for each response, minus mu."""
    cuts = [cut - values["mu"] for cut in _cuts(values)]
    lower, upper = 0.0 * cuts[0] - far, 0.0 * cuts[0] + far
    for number, cut in enumerate(cuts, 1):
        upper = where(equal(y, number), cut, upper)
        lower = where(equal(y, number + 1), cut, lower)
    return lower, upper


def _score(link: Link, log_share: Callable[[Any, Any], Array], lower: Any, upper: Any) -> Array:
    share = log_share(lower, upper)
    return np.exp(log_density(link.name, lower) - share) - np.exp(log_density(link.name, upper) - share)


def log_density(link: str, x: Any) -> Array:
    """Return the log-density of the distribution function behind a link; -inf at infinity."""
    if link == "logit":
        return np.asarray(special.log_expit(x) + special.log_expit(-np.asarray(x)))
    if link == "probit":
        return np.asarray(-0.5 * np.square(x) - 0.5 * np.log(2.0 * np.pi))
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(np.isposinf(x), -np.inf, x - np.exp(x))


def _log1m_exp(x: Any) -> Array:
    """Return log(1 - exp(x)) for x < 0."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.where(np.greater(x, -np.log(2.0)), np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


def _log_share_logit(lower: Any, upper: Any) -> Array:
    # F(u) - F(l) = F(u) (1 - F(l)) (1 - exp(l - u)) keeps its digits in both tails.
    return np.asarray(special.log_expit(upper) + special.log_expit(-lower) + _log1m_exp(lower - upper))


def _log_share_probit(lower: Any, upper: Any) -> Array:
    flipped = np.greater(lower, 0)
    first, second = np.where(flipped, -upper, lower), np.where(flipped, -lower, upper)
    low, high = special.log_ndtr(first), special.log_ndtr(second)
    return np.asarray(high + _log1m_exp(low - high))


def _log_share_cloglog(lower: Any, upper: Any) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(-np.exp(lower) + _log1m_exp(np.exp(upper) * np.expm1(lower - upper)))


LOG_SHARES: Mapping[str, Callable[[Any, Any], Array]] = {
    "logit": _log_share_logit,
    "probit": _log_share_probit,
    "cloglog": _log_share_cloglog,
}
"""log(F(upper) - F(lower)) by the link whose inverse F is; the ends may be infinite."""

CUMULATIVE = cumulative("logit")
