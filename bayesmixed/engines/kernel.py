"""Engine "kernel": nutpie's NUTS on a density compiled once for the whole model class."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.design.centring import NONCENTRED
from bayesmixed.design.design import Design
from bayesmixed.design.uncompiled import why_uncompiled
from bayesmixed.draws.tree import as_draws
from bayesmixed.engines.joint_layout import joint_guide
from bayesmixed.engines.parameterisation import GUIDED, Choice, choose_parameterisation
from bayesmixed.engines.runs import Run, compilation_of, run_sampler
from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.estimation.quasi_likelihood import QuasiLikelihoodMode, quasi_likelihood_mode
from bayesmixed.estimation.starting_points import _coefficients, starting_centre
from bayesmixed.families.links import Array
from bayesmixed.interruptions import import_nutpie, import_whole, insistent_interrupts
from bayesmixed.kernels.joint.decoding import as_posterior
from bayesmixed.kernels.joint.layouts import Layout, lay_out_coordinates
from bayesmixed.kernels.joint.packed_designs import pack, unsupported
from bayesmixed.kernels.packing import Whitening
from bayesmixed.model.onset_variables import has_rest
from bayesmixed.terms.normal_block import NormalBlock

TUNE = 500
"""Tuning draws that suffice where coefficients are whitened and chains start near the quick mode."""
TARGET = 0.9
"""Usual target acceptance."""
JOINT_TARGET = 0.8
"""That in joint coordinates, where all but the SDs are nearly normal: smaller steps mix the SDs more slowly."""
NEEDS_ROWS = True
JOINT = "beta and all effects in joint coordinates, standard normal where the posterior given the SDs is normal"


def supports(design: Design) -> str | None:
    """Return why this engine cannot sample a design, or None."""
    return why_uncompiled(design) or unsupported(design)


def slower(design: Design) -> str | None:
    """Return why engine "pymc" gets to independent draws sooner, or None."""
    if has_rest(design):
        return f"'{design.family.onset}' mixes slowly there, while 'pymc' has coordinates that move with it"
    return None


def sample(
    design: Design,
    settings: Settings,
    *,
    parameterisation: str | Mapping[str, str] = "auto",
    target_accept: float | None = None,
    why: str = "",
    progress: bool = True,
) -> Run:
    """Return draws from the posterior of a design, see `Engine`."""
    import_nutpie()
    import_whole("bayesmixed.kernels.joint.compiled")
    from bayesmixed.kernels.bridge import COORDINATES, announce_compilation, nutpie_model
    from bayesmixed.kernels.joint.compiled import density_function

    started = time.perf_counter()
    mode = quasi_likelihood_mode(design)
    choices = choose_parameterisation(design, mode, parameterisation, guides=True)
    layout = lay_out(design, mode, choices)
    packed = pack(layout)
    timing = {"prepare": time.perf_counter() - started}
    started = time.perf_counter()
    announce_compilation(density_function, progress, compilation_of("engine 'kernel'"))
    with insistent_interrupts():
        density = density_function()
    timing["compile"] = time.perf_counter() - started
    started = time.perf_counter()
    compiled = nutpie_model(packed, layout.dimension, _start(layout, mode), density)
    usual = TARGET if layout.joint is None else JOINT_TARGET
    tree, decisions, used = run_sampler(compiled, settings, target_accept, progress, usual)
    timing["sample"] = time.perf_counter() - started
    started = time.perf_counter()
    posterior = as_posterior(layout, np.asarray(tree["posterior"].to_dataset()[COORDINATES].values))
    draws = as_draws(design, posterior.assign_attrs(tree["posterior"].attrs), tree["sample_stats"].to_dataset())
    timing["decode"] = time.perf_counter() - started
    joint = () if layout.joint is None else (JOINT,)
    record = EngineRecord("kernel", why, (*map(str, choices), *joint, *decisions))
    return Run(draws, record, used, timing)


def lay_out(design: Design, mode: QuasiLikelihoodMode | None, choices: tuple[Choice, ...]) -> Layout:
    """Return the layout of the chosen coordinates: joint where all terms are guided and it costs little."""
    parameterisations = {choice.effects: choice.parameterisation for choice in choices}
    own = [parameterisations[design.mu.b(group)] for group in design.mu.normal_blocks]
    if mode is not None and own and set(own) == {GUIDED}:
        layout = lay_out_coordinates(design, _centred(design, parameterisations))
        joint = joint_guide(layout, mode)
        if joint is not None:
            return replace(layout, joint=joint)
    return lay_out_levels(design, mode, choices)


def lay_out_levels(design: Design, mode: QuasiLikelihoodMode | None, choices: tuple[Choice, ...]) -> Layout:
    """Return the layout with the levels of each term on their own, guided, and the coefficients whitened."""
    parameterisations = {choice.effects: choice.parameterisation for choice in choices}
    guided = [name for name, parameterisation in parameterisations.items() if parameterisation == GUIDED]
    layout = lay_out_coordinates(design, _centred(design, parameterisations), guided)
    if mode is None:
        return layout
    name = design.mu.parameter
    one = layout.predictors[name]
    coefficients = _coefficients(one, mode)
    terms = tuple(
        replace(term, guide=_guide(term.placement.group, mode, coefficients))
        if one.predictor.b(term.placement.group) in guided
        else term
        for term in one.terms
    )
    predictors = {**layout.predictors, name: replace(one, terms=terms)}
    return replace(layout, predictors=predictors, whitening=_whiten(layout, mode))


def _centred(design: Design, parameterisations: Mapping[str, str]) -> dict[str, NDArray[np.bool_]]:
    """Return for each level of each term whether its coefficients are the coordinates."""
    return {
        predictor.b(group): np.full(
            len(group.levels), parameterisations[predictor.b(group)] not in (NONCENTRED, GUIDED)
        )
        for predictor, group in design.normal_blocks()
    }


def _guide(group: NormalBlock, mode: QuasiLikelihoodMode, coefficients: Mapping[str, Array]) -> Array:
    """Return the guide of a term, (J, K + 1, K): its normal approximation has the mode where the quick mode is."""
    precision, effects = mode.precisions[group.name], mode.effects[group.name]
    pull = np.einsum("jkm,jm->jk", precision, coefficients[group.name]) + effects / mode.sds[group.name] ** 2
    return np.concatenate([precision, pull[:, None, :]], axis=1)


def _whiten(layout: Layout, mode: QuasiLikelihoodMode) -> Whitening | None:
    """Return coordinates in which the free coefficients of the first parameter are about standard normal."""
    slots = layout.predictors[layout.design.mu.parameter].beta
    free = slots.free
    if not free.any():
        return None
    try:
        factor = np.linalg.cholesky(mode.covariance[np.ix_(free, free)])
    except np.linalg.LinAlgError:
        # The quick mode is not a mode: coordinates stay as they are.
        return None
    return Whitening(slots.own, mode.beta[free], factor)


def _start(layout: Layout, mode: QuasiLikelihoodMode | None) -> Callable[[Any], Array]:
    """Return a function that draws a starting point around the quick mode, wider than the posterior."""
    centre, spread = starting_centre(layout, mode)

    def draw(seed: Any) -> Array:
        return centre + spread * np.random.default_rng(seed).standard_normal(layout.dimension)

    return draw
