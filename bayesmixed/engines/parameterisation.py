"""The choice of parameterisation of each group term, from the shrinkage to be expected with these data."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayesmixed.design.centring import HIERARCHICAL, NONCENTRED, PARAMETERISATIONS
from bayesmixed.design.design import Design
from bayesmixed.errors import SpecError, check_choice, did_you_mean
from bayesmixed.estimation.quasi_likelihood import LARGEST, QuasiLikelihoodMode
from bayesmixed.families.links import Array

GUIDED = "guided"


@dataclass(frozen=True, slots=True)
class Choice:
    """Parameterisation of one group term.

    Attributes
    ----------
    effects : str
        Name of the effects, "b_herd".
    parameterisation : str
        "centred", "noncentred", "hierarchical", or "guided".
    reason : str
        Why, in words.
    """

    effects: str
    parameterisation: str
    reason: str

    def __str__(self) -> str:
        return f"{self.effects} {self.parameterisation}: {self.reason}"


def choose_parameterisation(
    design: Design, mode: QuasiLikelihoodMode | None, wish: str | Mapping[str, str] = "auto", *, guides: bool = False
) -> tuple[Choice, ...]:
    """Return the parameterisation of every group term and smooth.

    With "auto" a term is centred, on outer factors and population coefficients where it can be, when the median of
    its expected shrinkage factors is above one half even at an SD in the lower part of its posterior; otherwise it is
    non-centred. Papaspiliopoulos, Roberts & Sköld (2007, Stat Sci 22:59) explain why. Terms of other parameters are
    non-centred.

    Parameters
    ----------
    mode : QuasiLikelihoodMode or None
        None where the model is too large for it: terms are then non-centred.
    wish : str or mapping
        "auto", "centred", "noncentred", "hierarchical", or one of these by grouping factor.
    guides : bool
        "auto" takes coordinates with a guide (`kernels.guides`), which change with the SDs while sampling.

    Raises
    ------
    SpecError
        A factor or a parameterisation is not known.
    """
    names = [group.name for _, group in design.normal_blocks()]
    wishes = dict.fromkeys(names, wish) if isinstance(wish, str) else dict(wish)
    for name, chosen in wishes.items():
        if name not in names:
            raise SpecError(
                f"parameterisation names '{name}', which is not a grouping factor. {did_you_mean(name, names)}"
            )
        check_choice("Parameterisation {}", chosen, ["auto", *PARAMETERISATIONS])
    if isinstance(wish, str) and wish not in ("auto", *PARAMETERISATIONS):
        raise SpecError(f"Parameterisation '{wish}' is not known. {did_you_mean(wish, ['auto', *PARAMETERISATIONS])}")
    choices = []
    for predictor, group in design.normal_blocks():
        asked = wishes.get(group.name, "auto")
        if asked != "auto":
            chosen, reason = asked, "asked for"
        elif group.spectrum is not None and group.spectrum.vanishing:
            chosen, reason = NONCENTRED, "some of its SDs may vanish"
        elif predictor is not design.mu:
            chosen, reason = NONCENTRED, f"effects on {predictor.parameter}"
        elif mode is None:
            chosen, reason = NONCENTRED, f"more than {LARGEST} coefficients"
        else:
            factors = mode.factors(group.name)
            informed = np.median(_cautious(factors, mode.effective[group.name])) > 0.5
            chosen = GUIDED if guides else HIERARCHICAL if informed else NONCENTRED
            reason = f"expected shrinkage factor {float(np.median(factors)):.2f}"
        choices.append(Choice(predictor.b(group), chosen, reason))
    return tuple(choices)


def _cautious(factors: Array, effective: Array) -> Array:
    """Return shrinkage factors (J, K) at an SD 2 standard errors (on the log scale) below its mode.

    With few groups the SD may be near zero, where centred effects make a funnel; its log has a standard error of
    about 1 / sqrt(2 v), v the effective number of effects.
    """
    odds = factors / np.maximum(1.0 - factors, 1e-12) * np.exp(-4.0 / np.sqrt(2.0 * np.maximum(effective, 0.5)))
    return np.asarray(odds / (1.0 + odds))
