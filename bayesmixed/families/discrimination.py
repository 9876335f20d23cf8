"""Discrimination: the latent scale of ordered categories differs between rows, by a factor `disc` with its own predictor."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from bayesmixed.families.links import Array, Link
from bayesmixed.families.parts import no_category_variance
from bayesmixed.families.records import Family, Parameter, Values

DISC = "disc"
_MOST = 1e150
"""The largest discrimination, whose square is a number."""


@cache
def with_discrimination(family: Family) -> Family:
    """Return a family of ordered categories in which `disc` multiplies the distance between the thresholds and mu:
    P(Y <= k) = F(disc (threshold_k - mu)), as in brms; 1 / disc is the scale of `ordinal::clm` (McCullagh 1980, J R Stat Soc
    B 42:109).

    Its level is that of thresholds and coefficients, so it is 1 on the average of the rows, on the scale of its link.
    """
    density, own = family.pytensor_logp, family.latent_variance
    assert density is not None

    def scaled(values: Values) -> dict[str, Any]:
        return {name: values[DISC] * value for name, value in values.items() if name != DISC}

    def distances(values: Values) -> dict[str, Any]:
        """Return thresholds as distances from mu in units of the latent scale; products that overflow have no difference."""
        mu, disc = values[family.first], np.minimum(values[DISC], _MOST)
        found = {name: disc * (value - mu) for name, value in values.items() if name not in (DISC, family.first)}
        return {family.first: np.zeros(np.shape(mu * disc)), **found}

    def capped(values: Values) -> Array:
        return np.asarray(np.minimum(values[DISC], _MOST))

    def latent_variance(values: Values, link: Link, trials: Any) -> Array:
        return np.asarray(own(values, link, trials) / np.square(values[DISC]))

    return replace(
        family,
        name=f"{family.name} with {DISC}",
        parameters=(
            *family.parameters,
            Parameter(
                DISC,
                "discrimination",
                "log",
                ("log",),
                0.0,
                intercept=lambda scale: (0.0, 1.0),
                unit=0.5,
                relative=True,
            ),
        ),
        title=family.title or "".join(word.capitalize() for word in family.name.split("_")),
        pytensor_logp=lambda y, values, trials: density(y, scaled(values), trials),
        logp=lambda y, values, trials: family.logp(y, distances(values), trials),
        cdf=lambda y, values, trials: family.cdf(y, distances(values), trials),
        random=lambda rng, values, trials, shape: family.random(rng, distances(values), trials, shape),
        mean=lambda values, trials: family.mean(distances(values), trials),
        variance=lambda values, trials: family.variance(distances(values), trials),
        score=lambda y, values, trials: capped(values) * family.score(y, distances(values), trials),
        information=lambda values, trials: np.square(capped(values)) * family.information(distances(values), trials),
        latent_variance=own if own is no_category_variance else latent_variance,
        concave_links=(),
        optional={name: add for name, add in family.optional.items() if name != DISC},
        under=None,
    )
