"""Effects that differ between the thresholds of ordered categories: a number that a predictor of its own adds to each."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from bayesmixed.families.links import LINKS
from bayesmixed.families.records import Family, Values, label_names

THRESHOLD = "threshold"


@cache
def with_specific_thresholds(family: Family) -> Family:
    """Return a family of ordered categories whose thresholds have a formula: threshold_k of a row is the number `threshold_k`
    plus the predictor `threshold_low_high` of its neighbours.

    The categories are not known yet; `for_categories` gives each threshold its own predictor. In stopping ratios and their
    like each threshold is an event of its own, so that effects may differ (Peterson & Harrell 1990, Appl Stat 39:205; category-
    specific effects of Buerkner & Vuorre 2019, Adv Methods Pract Psychol Sci 2:77, with the other sign).
    """
    unit = LINKS[family.parameters[0].link].unit or 1.0
    return replace(
        family,
        name=f"{family.name} with effects on thresholds",
        parameters=tuple(
            replace(one, unit=unit, intercept=lambda scale: (0.0, unit)) if one.cut else one
            for one in family.parameters
        ),
        title=family.title or "".join(word.capitalize() for word in family.name.split("_")),
        concave_links=(),
        optional={name: add for name, add in family.optional.items() if name != THRESHOLD},
        under=None,
        expanded=_add_to_thresholds,
    )


def _add_to_thresholds(family: Family) -> Family:
    """Return the family of known categories in which a parameter is added to each threshold."""
    pairs = {_name_of(one.name): one.name for one in family.parameters if one.cut}
    added = [replace(one, name=_name_of(one.name), cut=False, of_cut=one.name) for one in family.parameters if one.cut]

    def summed(values: Values) -> Mapping[str, Any]:
        found = dict(values)
        for name, cut in pairs.items():
            found[cut] = found[cut] + found.pop(name)
        return found

    def of_values(function: Callable[[Values, Any], Any]) -> Callable[[Values, Any], Any]:
        return lambda values, trials: function(summed(values), trials)

    def of_response(function: Callable[[Any, Values, Any], Any]) -> Callable[[Any, Values, Any], Any]:
        return lambda y, values, trials: function(y, summed(values), trials)

    assert family.pytensor_logp is not None
    return replace(
        family,
        parameters=(*family.parameters, *added),
        pytensor_logp=of_response(family.pytensor_logp),
        logp=of_response(family.logp),
        cdf=of_response(family.cdf),
        score=of_response(family.score),
        random=lambda rng, values, trials, shape: family.random(rng, summed(values), trials, shape),
        mean=of_values(family.mean),
        variance=of_values(family.variance),
        information=of_values(family.information),
    )


def _name_of(cut: str) -> str:
    """Return the name of what is added to a threshold: "threshold_low_mid" for "threshold[low|mid]"."""
    (name,) = label_names((cut.removesuffix("]"),))
    return name
