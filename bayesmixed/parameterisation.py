"""The choice of parameterisation of each group term, from the shrinkage that the data let expect."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayesmixed.approximation import LARGEST, QuickMode
from bayesmixed.design import Design
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.placements import HIERARCHICAL, NONCENTRED, WAYS


@dataclass(frozen=True, slots=True)
class Choice:
    """Parameterisation of one group term.

    Attributes
    ----------
    effects : str
        Name of the effects, "b_herd".
    way : str
        "centred", "noncentred" or "hierarchical".
    reason : str
        Why, in words.
    """

    effects: str
    way: str
    reason: str


def choose_parameterisation(
    design: Design, mode: QuickMode | None, wish: str | Mapping[str, str] = "auto"
) -> tuple[Choice, ...]:
    """Return the parameterisation of every group term.

    With "auto" a term is centred, on outer factors and population coefficients where it can be, when the median of
    its expected shrinkage factors at the quick mode is above one half; otherwise it is non-centred. Papaspiliopoulos,
    Roberts & Sköld (2007, Stat Sci 22:59) explain why. Terms of other parameters are non-centred.

    Parameters
    ----------
    mode : QuickMode or None
        None where the model is too large for it: terms are then non-centred.
    wish : str or mapping
        "auto", "centred", "noncentred", "hierarchical", or one of these by grouping factor.

    Raises
    ------
    SpecError
        A factor or a parameterisation is not known.
    """
    names = [group.name for _, group in design.group_blocks()]
    wishes = dict.fromkeys(names, wish) if isinstance(wish, str) else dict(wish)
    for name, way in wishes.items():
        if name not in names:
            raise SpecError(f"parameterisation names '{name}', which groups no term. {did_you_mean(name, names)}")
        if way not in ("auto", *WAYS):
            raise SpecError(f"Parameterisation '{way}' is not known. {did_you_mean(way, ['auto', *WAYS])}")
    if isinstance(wish, str) and wish not in ("auto", *WAYS):
        raise SpecError(f"Parameterisation '{wish}' is not known. {did_you_mean(wish, ['auto', *WAYS])}")
    choices = []
    for predictor, group in design.group_blocks():
        asked = wishes.get(group.name, "auto")
        if asked != "auto":
            way, reason = asked, "asked for"
        elif predictor is not design.mu:
            way, reason = NONCENTRED, f"effects on {predictor.parameter}"
        elif mode is None:
            way, reason = NONCENTRED, f"more than {LARGEST} coefficients"
        else:
            factor = float(np.median(mode.factors[group.name]))
            way = HIERARCHICAL if factor > 0.5 else NONCENTRED
            reason = f"expected shrinkage factor {factor:.2f}"
        choices.append(Choice(predictor.b(group), way, reason))
    return tuple(choices)
