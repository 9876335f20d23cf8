"""The categorical family: categories without an order, each but the first with a predictor of its own."""

from functools import cache
from typing import Any

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.families.parts import choose, is_whole, no_category_variance
from bayesmixed.families.records import Family, Parameter, Values


@cache
def categorical(names: tuple[str, ...]) -> Family:
    """Return the family with P(Y = k) proportional to exp(mu_k), mu of the first category being 0.

    `names` are those of the parameters, the log-odds of the other categories against the first, in their order.
    """

    def odds_of(values: Values) -> list[Any]:
        return [values[name] for name in names]

    def shares(values: Values) -> Array:
        odds = np.broadcast_arrays(*odds_of(values))
        top = np.maximum(0.0, np.maximum.reduce(odds))
        found = np.stack([np.exp(-top), *(np.exp(one - top) for one in odds)])
        return np.asarray(found / np.sum(found, axis=0))

    def logp(y: Any, values: Values, trials: Any) -> Array:
        odds = np.stack(np.broadcast_arrays(0.0, *odds_of(values)))
        return choose(y, odds - np.logaddexp.reduce(odds, axis=0), -np.inf)

    def cdf(y: Any, values: Values, trials: Any) -> Array:
        reached = np.minimum(np.cumsum(shares(values), axis=0), 1.0)
        reached[-1] = 1.0
        return choose(np.minimum(np.floor(y), len(reached)), reached, 0.0)

    def random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
        uniform, reached = rng.random(shape), np.cumsum(shares(values), axis=0)
        return np.asarray(1.0 + sum(np.where(uniform > one, 1.0, 0.0) for one in reached[:-1]))

    def moment(values: Values, power: int) -> Array:
        return np.asarray(sum(number**power * share for number, share in enumerate(shares(values), 1)))

    def information(values: Values, trials: Any) -> Array:
        share = shares(values)[1]
        return np.asarray(share * (1.0 - share))

    def pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
        import pytensor.tensor as pt

        odds = [0.0 * values[names[0]], *odds_of(values)]
        chosen = odds[0]
        for number, one in enumerate(odds[1:], 2):
            chosen = pt.switch(pt.eq(y, number), one, chosen)
        return chosen - pt.logsumexp(pt.stack(odds), axis=0)

    return Family(
        name="categorical",
        parameters=tuple(
            Parameter(name, "log-odds against the first category", "logit", ("logit",), latent=True) for name in names
        ),
        template="mu",
        named=categorical,
        shares=shares,
        distribution="",
        arguments=lambda values, trials: {},
        pytensor_logp=pytensor_logp,
        support="categories, numbered from 1",
        accepts=lambda y, trials: (y >= 1) & is_whole(y),
        logp=logp,
        cdf=cdf,
        random=random,
        mean=lambda values, trials: moment(values, 1),
        variance=lambda values, trials: moment(values, 2) - np.square(moment(values, 1)),
        score=lambda y, values, trials: np.asarray(np.equal(y, 2) - shares(values)[1]),
        information=information,
        latent_variance=no_category_variance,
        smoothed_mean=lambda y, trials, exposure: 0.0,
        discrete=True,
        observation_effect="a single category says nothing about its own variance",
        concave_links=("logit",),
        hint="For measurements take another family, or cut them into classes with pd.cut.",
    )


CATEGORICAL = categorical(("mu",))
