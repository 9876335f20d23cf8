"""Engine "marginal": independence sampling over SDs, correlations and dispersions, coefficients and effects integrated out."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.design.uncompiled import why_uncompiled
from bayesmixed.draws.tree import PROPOSALS, as_draws
from bayesmixed.engines import kernel
from bayesmixed.engines.independence import IGNORED, NowhereFinite, sample_independently
from bayesmixed.engines.marginal_estimates import compile_all, draw_rest, find_estimates
from bayesmixed.engines.marginal_layout import MOST_EFFECTS, lay_out_marginal, one_model_serves, split_groups
from bayesmixed.engines.parameterisation import choose_parameterisation
from bayesmixed.engines.runs import Run, compilation_of
from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.engines.stored_proposals import as_dataset, read_ends
from bayesmixed.interruptions import deferred_interrupts, import_whole, insistent_interrupts
from bayesmixed.kernels.joint.decoding import as_posterior
from bayesmixed.kernels.joint.layouts import lay_out_coordinates
from bayesmixed.kernels.joint.packed_designs import unsupported
from bayesmixed.progress import ProgressLine
from bayesmixed.terms.block_parts import ONE

TUNE = 150
LEFT = "; marginal was left: "
"""What stands before the reason in the record of a fit by the engine that samples in its place."""
TARGET = 0.9
NEEDS_ROWS = True
MOST_OUTER, LARGEST_BORDER, LARGEST_SHARED = 15, 400, 3000
"""The last where the border is drawn by one factor for all points."""
ENOUGH_ROWS = 1000
"""From where draws of a large border by one factor were measured to cost less than the engine "kernel"."""
FEWEST_ROWS, LARGEST_QUICK, LARGEST_BESIDE_ROWS = 200, 60, 70
"""From and up to where effective draws were measured to cost less than those of the engine "kernel", the last with `obs()`."""


def supports(design: Design) -> str | None:
    """Return why this engine cannot sample a design, or None."""
    family, link = design.family.name, design.mu.link.name
    if design.family.limited:
        return "rows are censored or truncated"
    if why_uncompiled(design) or unsupported(design):
        return why_uncompiled(design) or unsupported(design)
    if link not in design.family.concave_links:
        return f"the log-likelihood of family '{family}' with link '{link}' is not known to be concave"
    if design.family.cuts and not design.family.passing and (link != "logit" or design.family.at_risk):
        return f"categories of family '{family}' with link '{link}' are not events at one threshold each"
    if len(design.predictors) > 1:
        return f"'{list(design.predictors)[1]}' has a predictor"
    groups, _ = split_groups(design)
    if not groups or groups[0].takes != ONE:
        return "no factor of which each row takes one level"
    if groups[0].width > MOST_EFFECTS:
        return f"'{groups[0].name}' has {groups[0].width} effects for a level, more than {MOST_EFFECTS}"
    outer = len(lay_out_coordinates(design, {}).outer)
    if outer == 0:
        return "every SD is fixed"
    outer += max(len(design.family.cuts) - 1, 0)
    if outer > MOST_OUTER:
        return f"{outer} SDs, correlations, dispersions and distances of thresholds are more than {MOST_OUTER}"
    border = len(design.mu.keys) + sum(group.size for group in groups[1:])
    if border > (LARGEST_SHARED if one_model_serves(design) else LARGEST_BORDER):
        return f"{border} coefficients and effects remain when the largest factor is integrated out"
    return None


def slower(design: Design) -> str | None:
    """Return why the engine "kernel" is the faster, or None."""
    groups, layer = split_groups(design)
    border = len(design.mu.keys) + sum(group.size for group in groups[1:])
    if design.rows < FEWEST_ROWS:
        return f"{design.rows} rows are few"
    if groups[0].width > 1:
        return f"quadrature takes long for the {groups[0].width} effects of each level of '{groups[0].name}'"
    if layer is None and any(group.single for group in groups):
        return "the effects of rows suit it badly"
    serves = one_model_serves(design) and design.rows >= ENOUGH_ROWS
    if border > (LARGEST_BESIDE_ROWS if layer else LARGEST_QUICK) and not serves:
        return f"{border} coefficients and effects outside of '{groups[0].name}' are many"
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
    """Return draws from the posterior of a design, see `Engine`.

    Coefficients and all effects but those of the largest factor, and of rows within it, are drawn with each estimate of the
    density, and these effects given each kept draw: exactly, or where a level has several by two Gibbs
    sweeps. Where the proposals are no good the engine "kernel" samples.
    """
    choose_parameterisation(design, None, parameterisation)
    run, refusal = _run(design, settings, why, progress)
    if refusal:
        other = kernel.sample(
            design,
            replace(settings, tune=max(settings.tune, kernel.TUNE)),
            parameterisation=parameterisation,
            target_accept=target_accept,
            why=f"{why}{LEFT}{refusal}",
            progress=progress,
        )
        return replace(other, timing={**run.timing, **other.timing})
    if target_accept is None:
        return run
    ignored = IGNORED.format(target_accept)
    return replace(run, record=replace(run.record, decisions=(*run.record.decisions, ignored)))


def resume(design: Design, settings: Settings, stored: xr.Dataset, progress: bool) -> Run:
    """Return further draws of chains whose proposals and last states are stored: there is no pilot, and no other engine.

    Raises
    ------
    DataError
        They are not those of this design.
    SamplingError
        Interrupted before there was a draw.
    """
    return _run(design, settings, "", progress, stored)[0]


def _run(
    design: Design, settings: Settings, why: str, progress: bool, stored: xr.Dataset | None = None
) -> tuple[Run, str | None]:
    """Return the draws, and why they are not to be used; without draws in that case."""
    import_whole("bayesmixed.kernels.marginal.compiled")
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from bayesmixed.kernels.bridge import announce_compilation
    from bayesmixed.kernels.marginal.compiled import estimate

    timing: dict[str, float] = {}
    started = time.perf_counter()
    layout = lay_out_marginal(design)
    timing["prepare"] = time.perf_counter() - started
    started = time.perf_counter()
    announce_compilation(estimate, progress, compilation_of("engine 'marginal'", "about a minute"))
    with insistent_interrupts():
        compile_all(layout)
    timing["compile"] = time.perf_counter() - started
    started = time.perf_counter()
    # Chains take the cores; threads of BLAS under them would wait for each other.
    with threadpool_limits(1, user_api="blas"):
        target = find_estimates(layout)
        timing["mode"] = time.perf_counter() - started
        started = time.perf_counter()
        refusal = target.refusal(settings.seed) if stored is None else None
        try:
            ends = () if stored is None else read_ends(stored, target, settings.chains)
            if refusal is None:
                with ProgressLine("sampling", progress) as line:
                    found = sample_independently(target, target.mode, target.covariance, settings, line.show, ends)
                if found.complete and stored is None:
                    refusal = found.refusal
        except NowhereFinite:
            refusal = "its density is finite at none of its first points"
        timing["sample"] = time.perf_counter() - started
    if refusal:
        return Run(xr.DataTree(), EngineRecord("marginal", why), settings, timing), refusal
    started = time.perf_counter()
    # What was sampled is paid for: an interrupt now finds a whole fit.
    with suppress(KeyboardInterrupt), deferred_interrupts():
        full = draw_rest(target, found, settings)
    draws = as_draws(design, as_posterior(layout.full, full), found.statistics)
    draws[PROPOSALS] = xr.DataTree(as_dataset(found.ends))
    timing["draw"] = time.perf_counter() - started
    record = EngineRecord("marginal", why, (target.sentence, found.sentence))
    return Run(draws, record, found.settings(settings), timing), None
