"""Engine "kernel": nutpie's NUTS on a density compiled once for the whole model class."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bayesmixed.approximation import QuickMode, quick_mode
from bayesmixed.design import Design
from bayesmixed.draws import as_draws
from bayesmixed.engines.runs import Run, run_sampler
from bayesmixed.engines.settings import IN_FILE, EngineRecord, Settings
from bayesmixed.kernels.decoding import as_posterior
from bayesmixed.kernels.layouts import Layout, PredictorLayout, lay_out_coordinates
from bayesmixed.kernels.packed_designs import pack, unsupported
from bayesmixed.kernels.packing import Whitening
from bayesmixed.links import Array
from bayesmixed.parameterisation import Choice, choose_levels
from bayesmixed.placements import parent_index
from bayesmixed.pooled import fit_pooled

TUNE = 500
"""Tuning draws that suffice where coefficients are whitened and chains start near the quick mode."""


def supports(design: Design) -> str | None:
    """Return why this engine cannot sample a design, or None."""
    return IN_FILE if design.streamed else unsupported(design)


def sample(
    design: Design,
    settings: Settings,
    *,
    parameterisation: str | Mapping[str, str] = "auto",
    target_accept: float | None = None,
    why: str = "",
    progress: bool = True,
) -> Run:
    """Return draws from the posterior of a design; see `bayesmixed.engines.pymc.sample`, whose arguments are the same."""
    from bayesmixed.kernels.bridge import COORDINATES, announce_compilation, density_function, nutpie_model

    started = time.perf_counter()
    mode = quick_mode(design)
    choices, centred = choose_levels(design, mode, parameterisation)
    layout = lay_out_coordinates(design, centred)
    if mode is not None:
        layout = replace(layout, whitening=_whiten(layout, mode))
    packed = pack(layout)
    timing = {"prepare": time.perf_counter() - started}
    started = time.perf_counter()
    announce_compilation("density_function", progress)
    density_function()
    timing["compile"] = time.perf_counter() - started
    started = time.perf_counter()
    compiled = nutpie_model(packed, layout.dimension, _start(layout, mode))
    tree, decisions, used = run_sampler(design, compiled, settings, target_accept, progress)
    timing["sample"] = time.perf_counter() - started
    started = time.perf_counter()
    posterior = as_posterior(layout, np.asarray(tree["posterior"].to_dataset()[COORDINATES].values))
    draws = as_draws(design, posterior.assign_attrs(tree["posterior"].attrs), tree["sample_stats"].to_dataset())
    timing["decode"] = time.perf_counter() - started
    record = EngineRecord("kernel", why, (*(_sentence(choice) for choice in choices), *decisions))
    return Run(draws, record, used, timing)


def _sentence(choice: Choice) -> str:
    return f"{choice.effects} {choice.way}: {choice.reason}"


def _whiten(layout: Layout, mode: QuickMode) -> Whitening | None:
    """Return coordinates in which the free coefficients of the first parameter are about standard normal."""
    slots = layout.predictors[layout.design.mu.parameter].beta
    free = slots >= 0
    if not free.any():
        return None
    try:
        factor = np.linalg.cholesky(mode.covariance[np.ix_(free, free)])
    except np.linalg.LinAlgError:
        # The quick mode is none: coordinates stay as they are.
        return None
    return Whitening(slots[free], mode.beta[free], factor)


def _start(layout: Layout, mode: QuickMode | None) -> Callable[[Any], Array]:
    """Return a function that draws a starting point around the quick mode, wider than the posterior."""
    design = layout.design
    centre, spread = np.zeros(layout.dimension), np.full(layout.dimension, 0.1)
    start = fit_pooled(design) if mode is None else mode
    values = start.values
    for name, one in layout.predictors.items():
        predictor = one.predictor
        if predictor is not design.mu:
            _place_further(one, float(np.mean(predictor.link.forward(values[name]))), centre)
            continue
        beta = np.linalg.solve(predictor.transform, start.beta) if mode is None else mode.beta
        free = one.beta >= 0
        centre[one.beta[free]] = beta[free]
        if layout.whitening is not None:
            # The mode is at zero, and the unit is about one posterior sd.
            centre[layout.whitening.slots], spread[layout.whitening.slots] = 0.0, 2.0
        if mode is not None:
            _place_terms(one, mode, np.where(free, beta, one.beta_values), centre, spread)
    for name, (slot, _) in layout.scalars.items():
        if slot >= 0:
            centre[slot] = float(design.spec.link(name).forward(values[name]))
    cuts = np.array([float(values[name]) for name in design.family.cuts])
    centre[layout.cuts] = np.concatenate([cuts[:1], np.log(np.diff(cuts))])

    def draw(seed: Any) -> Array:
        return centre + spread * np.random.default_rng(seed).standard_normal(layout.dimension)

    return draw


def _place_further(one: PredictorLayout, level: float, centre: Array) -> None:
    """Start the predictor of a further parameter at a constant."""
    labels = one.predictor.population.labels
    if "Intercept" in labels and one.beta[labels.index("Intercept")] >= 0:
        centre[one.beta[labels.index("Intercept")]] = level
    for term in one.terms:
        centre[term.sd[term.sd >= 0]] = np.log(0.3)


def _place_terms(one: PredictorLayout, mode: QuickMode, beta: Array, centre: Array, spread: Array) -> None:
    """Start SDs and effects at the quick mode, in the coordinates of each level."""
    predictor = one.predictor
    rest = predictor.offset + predictor.centred_matrix @ beta
    totals: dict[str, Array] = {}
    for term in one.terms:
        placement, group = term.placement, term.placement.group
        sds, effects = mode.sds[group.name], mode.effects[group.name]
        free = term.sd >= 0
        centre[term.sd[free]], spread[term.sd[free]] = np.log(sds[free]), 0.3
        mean: Array | float = 0.0
        if placement.parent:
            outer = next(g for g in predictor.groups if g.name == placement.parent)
            mean = totals[placement.parent][parent_index(group, outer)]
        if placement.columns:
            mean = mean + placement.population_mean(beta)
        if group.observation:
            mean = rest[:, None]
        totals[group.name] = effects + mean
        if not group.observation:
            rest = rest + group.contribution(effects)
        centred = term.centred[:, None]
        centre[term.effects] = np.where(centred, totals[group.name], effects / sds).ravel()
        spread[term.effects] = np.where(centred, 0.3 * sds, np.full_like(sds, 0.3)).ravel()
