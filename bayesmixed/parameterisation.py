"""The choice between centred and non-centred group effects, from the shrinkage that the data let expect."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayesmixed.design import Design
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.links import Array
from bayesmixed.model import CENTRED, NONCENTRED
from bayesmixed.pooled import fit_pooled
from bayesmixed.terms.blocks import GroupBlock


@dataclass(frozen=True, slots=True)
class Choice:
    """Parameterisation of one group term.

    Attributes
    ----------
    effects : str
        Name of the effects, "b_herd".
    way : str
        "centred" or "noncentred".
    reason : str
        Why, in words.
    """

    effects: str
    way: str
    reason: str


def choose_parameterisation(design: Design, wish: str | Mapping[str, str] = "auto") -> tuple[Choice, ...]:
    """Return the parameterisation of every group term.

    With "auto" a term is centred when its expected shrinkage factor tau^2 W / (1 + tau^2 W) has a median above one
    half: W is the information of a group at the complete-pooling fit, tau^2 the one-way moment estimate of
    DerSimonian & Laird (1986, Control Clin Trials 7:177). Terms of other parameters are non-centred.

    Parameters
    ----------
    wish : str or mapping
        "auto", "centred", "noncentred", or one of these by grouping factor.

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
        if way not in ("auto", CENTRED, NONCENTRED):
            raise SpecError(f"Parameterisation '{way}' is not known. Accepted: 'auto', '{CENTRED}', '{NONCENTRED}'.")
    choices = []
    pooled = fit_pooled(design) if names and "auto" in (wishes.get(name, "auto") for name in names) else None
    for predictor, group in design.group_blocks():
        asked = wishes.get(group.name, "auto")
        if asked != "auto":
            choices.append(Choice(predictor.b(group), asked, "asked for"))
        elif predictor is not design.mu or pooled is None:
            choices.append(Choice(predictor.b(group), NONCENTRED, f"effects on {predictor.parameter}"))
        else:
            factor = float(np.median(_expected_shrinkage(design, group, pooled.information, pooled.residual)))
            way = CENTRED if factor > 0.5 else NONCENTRED
            choices.append(Choice(predictor.b(group), way, f"expected shrinkage factor {factor:.2f}"))
    return tuple(choices)


def _expected_shrinkage(design: Design, group: GroupBlock, information: Array, residual: Array) -> Array:
    """Return the expected shrinkage factor of each level and column, (J, K)."""
    levels = len(group.levels)
    factors = np.zeros((levels, len(group.labels)))
    for column, z in enumerate(group.centred_matrix.T):
        weight = information * z**2
        total = np.bincount(group.index, weight, minlength=levels)
        use = total > 1e-12 * total.max()
        effect = np.zeros(levels)
        effect[use] = np.bincount(group.index, information * z * residual, minlength=levels)[use] / total[use]
        free = len(z) - int(use.sum())
        if design.family.scale and free > 0:
            # The pooled residual variance contains the variance between groups: take that within groups.
            within = np.sum(information * (residual - z * effect[group.index]) ** 2) / free
            total = total / max(float(within), 1e-12)
        mean = np.sum(total * effect) / np.sum(total)
        excess = np.sum(total * (effect - mean) ** 2) - (use.sum() - 1)
        tau2 = max(0.0, float(excess / (np.sum(total) - np.sum(total**2) / np.sum(total))))
        factors[:, column] = tau2 * total / (1.0 + tau2 * total)
    return factors
