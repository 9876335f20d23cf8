"""What can be tried when a model does not reproduce its data."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

import numpy as np

from bayesmixed.design import Design
from bayesmixed.errors import enumerate_words
from bayesmixed.families import FAMILIES, Family

MORE_VARIANCE = ("negbin1", "negbin", "beta_binomial")
MORE_ZEROS = (
    "zero_inflated_poisson",
    "zero_inflated_negbin",
    "zero_inflated_binomial",
    "hurdle_poisson",
    "hurdle_negbin",
    "hurdle_gamma",
    "zero_inflated_beta",
    "zero_one_inflated_beta",
)
OTHER_SHAPES = ("student", "lognormal", "gamma", "inverse_gaussian", "beta")
"""Names of families; only those that are there and take the data are suggested."""


def suggest(design: Design, more: AbstractSet[str], less: AbstractSet[str]) -> tuple[str, ...]:
    """Return in sentences what can be tried.

    Parameters
    ----------
    design : Design
        Of the model that was checked.
    more, less : set of str
        Advice ("variation", "zeros", "top", "shape") of the failed statistics of which the data have more, or less,
        than the model.
    """
    found = []
    discrete = design.family.discrete
    if discrete and "variation" in more:
        effects = "an effect of every row, '+ obs()'" if takes_observation_effects(design) else ""
        found.append(_say("For more variation", list_families(design, MORE_VARIANCE), effects, _MISSING))
    if discrete and "variation" in less:
        found.append(
            f"Less variation than family '{design.family.name}' has: are rows copies of each other, or responses "
            "bounded or regular? A Gaussian model of the (transformed) response can have a smaller variance."
        )
    if "zeros" in more:
        found.append(
            _say("For more zeros", list_families(design, MORE_ZEROS), "a covariate that tells who can be zero")
        )
    if "top" in more:
        found.append(_say("For more rows at the upper end", list_families(design, MORE_VARIANCE), _MISSING))
    if "shape" in more | less:
        last = "a transformed response, e.g. log(y) ~ ...; a covariate or its curve that is missing"
        found.append(_say("For another shape", list_families(design, OTHER_SHAPES), last))
    return tuple(found)


def list_families(design: Design, names: Iterable[str]) -> list[Family]:
    """Return those families that are there, are not the model's own, and take its data."""
    own, y = design.family, np.asarray(design.response)
    there = [FAMILIES[name] for name in names if name in FAMILIES and name != own.name]
    return [
        family
        for family in there
        if (family.discrete, family.has_trials) == (own.discrete, own.has_trials)
        and bool(np.all(family.accepts(y, design.trials)))
        and not family.unseen(y, set())
    ]


def takes_observation_effects(design: Design) -> bool:
    """Return whether `obs()` can be added to a model."""
    return not design.family.observation_effect and not any(group.residual for group in design.mu.groups)


_MISSING = "a group or a covariate that is missing"


def _say(why: str, families: list[Family], *further: str) -> str:
    several = "family" if len(families) == 1 else "families"
    named = f"{several} {enumerate_words((family.name for family in families), len(families))}" if families else ""
    return f"{why}: {'; '.join(part for part in (named, *further) if part)}."
