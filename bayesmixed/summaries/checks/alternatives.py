"""What can be tried when a model does not reproduce its data."""

from collections.abc import Set as AbstractSet

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.errors import enumerate_words
from bayesmixed.families import FAMILIES, Family
from bayesmixed.families.records import ANY_VARIATION, MORE_VARIATION, MORE_ZEROS, OTHER_SHAPE


def suggest(design: Design, more: AbstractSet[str], less: AbstractSet[str]) -> tuple[str, ...]:
    """Return in sentences what can be tried.

    Parameters
    ----------
    design : Design
        That of the checked model.
    more, less : set of str
        Advice ("variation", "zeros", "top", "shape") of failed statistics that are larger (smaller) in the data.
    """
    found = []
    discrete = design.family.discrete
    if discrete and "variation" in more:
        effects = "an effect of every row, '+ obs()'" if takes_observation_effects(design) else ""
        found.append(
            _say("For more variation", list_families(design, MORE_VARIATION, ANY_VARIATION), effects, _MISSING)
        )
    if discrete and "variation" in less:
        found.append(
            _say(
                f"Less variation than family '{design.family.name}' has: are rows copies of each other, or responses bounded or "
                "regular? For a smaller variance",
                list_families(design, ANY_VARIATION),
                "a Gaussian model of the (transformed) response",
            )
        )
    if "zeros" in more:
        found.append(
            _say(
                "For more zeros", list_families(design, MORE_ZEROS), "a covariate that predicts which rows can be zero"
            )
        )
    if "top" in more:
        found.append(
            _say("For more rows at the upper end", list_families(design, MORE_VARIATION, ANY_VARIATION), _MISSING)
        )
    if "shape" in more | less:
        last = "a transformed response, e.g. log(y) ~ ...; a covariate or its curve that is missing"
        found.append(_say("For another shape", list_families(design, OTHER_SHAPE), last))
    return tuple(found)


def list_families(design: Design, *offers: str) -> list[Family]:
    """Return the families that offer one of these, see `Family.offers`, are not the model's own, and take its data and
    correlations of its residuals."""
    own, y = design.family, np.asarray(design.response)
    return [
        family
        for family in FAMILIES.values()
        if family.offers in offers
        and family.name != own.name
        and (family.discrete, family.has_trials) == (own.discrete, own.has_trials)
        and not own.counted
        and bool(np.all(family.accepts(y, design.trials)))
        and not family.unseen(y, set())
        and (design.residual is None or family.from_working is not None)
    ]


def takes_observation_effects(design: Design) -> bool:
    """Return whether `obs()` can be added to a model."""
    return not design.family.observation_effect and not any(group.residual for group in design.mu.groups)


_MISSING = "a group or a covariate that is missing"


def _say(why: str, families: list[Family], *further: str) -> str:
    several = "family" if len(families) == 1 else "families"
    named = f"{several} {enumerate_words((family.name for family in families), len(families))}" if families else ""
    return f"{why}: {'; '.join(part for part in (named, *further) if part)}."
