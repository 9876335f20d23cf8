"""Where chains and searches start: at the quick mode, in the coordinates of a layout."""

import numpy as np

from bayesmixed.estimation.complete_pooling import fit_pooled
from bayesmixed.estimation.quasi_likelihood import QuasiLikelihoodMode
from bayesmixed.families.links import Array
from bayesmixed.kernels.joint.layouts import Layout, PredictorLayout


def starting_centre(layout: Layout, mode: QuasiLikelihoodMode | None) -> tuple[Array, Array]:
    """Return the coordinates of the quick mode, and how far from it chains start."""
    design = layout.design
    centre, spread = np.zeros(layout.dimension), np.full(layout.dimension, 0.1)
    start = fit_pooled(design) if mode is None else mode
    values = start.values
    for name, one in layout.predictors.items():
        predictor = one.predictor
        if predictor is not design.mu:
            _place_further(one, float(np.mean(predictor.link.forward(values[name]))), centre)
            continue
        one.beta.write(centre, predictor.inverse_transform @ start.beta if mode is None else mode.beta)
        if layout.whitening is not None:
            # The mode is at zero, and the unit is about one posterior sd.
            centre[layout.whitening.slots], spread[layout.whitening.slots] = 0.0, 2.0
        if mode is not None:
            _place_terms(one, mode, centre, spread, layout.joint is not None)
    for name, scalar in layout.scalars.items():
        scalar.write(centre, np.array([float(values[name])]))
    layout.cuts.write(centre, np.array([float(values[name]) for name in design.family.cuts]))
    if layout.joint is not None:
        # The mode of joint coordinates is at zero, and the unit is about one posterior sd.
        centre[layout.joint.slots], spread[layout.joint.slots] = 0.0, 1.0
    return centre, spread


def _place_further(one: PredictorLayout, level: float, centre: Array) -> None:
    """Start the predictor of a further parameter at a constant."""
    one.beta.write(centre, level * one.predictor.population.coordinates.pulls)
    for term in one.terms:
        term.sd.write(centre, np.full(len(term.sd), 0.3))


def _place_terms(one: PredictorLayout, mode: QuasiLikelihoodMode, centre: Array, spread: Array, joint: bool) -> None:
    """Start SDs and effects at the quick mode, in the coordinates of each level."""
    coefficients = _coefficients(one, mode)
    for term in one.terms:
        name = term.placement.group.name
        sds, effects = mode.sds[name], mode.effects[name]
        term.sd.write(centre, sds)
        spread[term.sd.own] = 0.3
        centred = term.centred[:, None]
        # The mode of guided coordinates is at zero.
        at_zero = bool(np.any(term.guide)) or joint
        standardised = np.zeros_like(effects) if at_zero else effects / sds
        centre[term.effects] = np.where(centred, coefficients[name], standardised).ravel()
        spread[term.effects] = np.where(centred, 0.3 * sds, np.full_like(effects, 0.3)).ravel()


def _coefficients(one: PredictorLayout, mode: QuasiLikelihoodMode) -> dict[str, Array]:
    """Return the coefficients (J, K) of each term at the quick mode: mean, where it is placed on one, plus effects."""
    predictor = one.predictor
    found: dict[str, Array] = {}
    beta = np.where(one.beta.free, mode.beta, one.beta.fixed)
    rest = predictor.offset + predictor.centred_matrix @ beta
    for term in one.terms:
        placement, group = term.placement, term.placement.group
        mean: Array | float = 0.0
        if placement.parent:
            outer = next(g for g in predictor.groups if g.name == placement.parent)
            mean = found[placement.parent][group.parents(outer)]
        if placement.columns:
            mean = mean + placement.population_mean(beta)
        if group.single:
            mean = rest[:, None]
        else:
            rest = rest + group.contribution(mode.effects[group.name])
        found[group.name] = mode.effects[group.name] + mean
    return found
