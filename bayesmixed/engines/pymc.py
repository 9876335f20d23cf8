"""Engine "pymc": nutpie's NUTS on the PyMC model of a design."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.approximation import QuickMode, quick_mode
from bayesmixed.design import Design
from bayesmixed.draws import as_draws, draw_names
from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.errors import SamplingError
from bayesmixed.model import build
from bayesmixed.parameterisation import choose_parameterisation

USUAL = 0.9
CAREFUL = 0.99
UTMOST = 0.998
FEW_LEVELS = 7


@dataclass(frozen=True, slots=True)
class Run:
    """What an engine returns: draws with what it decided, the settings it used, seconds by stage."""

    draws: xr.DataTree
    record: EngineRecord
    settings: Settings
    timing: Mapping[str, float]


def supports(design: Design) -> str | None:
    """Return None: this engine samples every design."""
    return None


def default_target(design: Design) -> tuple[float, str]:
    """Return the target acceptance probability of a design, and why."""
    few = [group.name for _, group in design.group_blocks() if len(group.levels) < FEW_LEVELS]
    if few:
        return CAREFUL, f"target acceptance {CAREFUL}: '{few[0]}' has fewer than {FEW_LEVELS} levels"
    return USUAL, f"target acceptance {USUAL}"


def sample(
    design: Design,
    settings: Settings,
    *,
    parameterisation: str | Mapping[str, str] = "auto",
    target_accept: float | None = None,
    why: str = "",
    progress: bool = True,
) -> Run:
    """Return draws from the posterior of a design.

    A run with divergences at the default target acceptance is repeated once with a higher one. An interruption keeps
    the complete draws.

    Raises
    ------
    SamplingError
        The sampler could not start, or was interrupted before any chain had left its tuning phase.
    """
    import nutpie

    mode = quick_mode(design) if design.mu.groups else None
    choices = choose_parameterisation(design, mode, parameterisation)
    decisions = [f"{choice.effects} {choice.way}: {choice.reason}" for choice in choices]
    target, reason = default_target(design)
    if target_accept is not None:
        target, reason = target_accept, f"target acceptance {target_accept}: asked for"
    decisions.append(reason)
    started = time.perf_counter()
    if progress:
        print(
            "Compiling the model (some seconds; a minute the first time on a machine) ...", file=sys.stderr, flush=True
        )
    model = build(design, parameterisation={choice.effects: choice.way for choice in choices})
    points = _starting_points(design, mode, model)
    jittered = {variable for variable in model.free_RVs if variable.name not in points}
    compiled = nutpie.compile_pymc_model(
        model, var_names=list(draw_names(design)), initial_points=points, jitter_rvs=jittered
    )
    timing = {"compile": time.perf_counter() - started}
    started = time.perf_counter()
    tree, complete = _run(compiled, replace(settings, target_accept=target), progress)
    divergent = int(tree["sample_stats"]["diverging"].sum())
    if divergent and complete and target_accept is None:
        higher = CAREFUL if target < CAREFUL else UTMOST
        if progress:
            print(f"{divergent} divergences: sampling again with target acceptance {higher} ...", file=sys.stderr)
        decisions.append(f"{divergent} divergences at {target}: sampled again with target acceptance {higher}")
        target = higher
        tree, complete = _run(compiled, replace(settings, target_accept=target), progress, fallback=tree)
    timing["sample"] = time.perf_counter() - started
    draws = as_draws(design, tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset())
    used = replace(
        settings,
        chains=draws.posterior.sizes["chain"],
        draws=draws.posterior.sizes["draw"],
        target_accept=target,
        complete=complete,
    )
    return Run(draws, EngineRecord("pymc", why, tuple(decisions)), used, timing)


def _starting_points(design: Design, mode: QuickMode | None, model: Any) -> dict[str, Any]:
    """Return random starting points for coefficients and SDs, twice as wide as the approximate posterior.

    nutpie's own jitter of one unit is far off where a slope is measured in hundredths.
    """
    import pymc as pm

    if mode is None:
        return {}
    predictor, names = design.mu, {variable.name for variable in model.free_RVs}
    beta = predictor.beta if predictor.beta in names else f"centred_{predictor.beta}"
    points: dict[str, Any] = {}
    if beta in names:
        points[beta] = pm.Normal.dist(mode.beta, 2.0 * mode.beta_sd)
    for group in predictor.groups:
        for name in (predictor.sd(group), f"centred_{predictor.sd(group)}"):
            if name in names:
                sd = mode.sds[group.name]
                points[name] = pm.Uniform.dist(0.5 * sd, 2.0 * sd)
    if mode.scale is not None and design.family.scale in names:
        points[design.family.scale] = pm.Uniform.dist(0.7 * mode.scale, 1.4 * mode.scale)
    return points


def _run(
    compiled: Any, settings: Settings, progress: bool, fallback: xr.DataTree | None = None
) -> tuple[xr.DataTree, bool]:
    """Return nutpie's tree and whether it is complete; an interrupted repeat gives back the first run."""
    import nutpie

    try:
        sampler = nutpie.sample(
            compiled,
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=settings.cores,
            seed=settings.seed,
            target_accept=settings.target_accept,
            save_warmup=False,
            progress_bar=progress,
            blocking=False,
        )
    except RuntimeError as error:
        raise SamplingError(_cannot_start(error)) from error
    try:
        return sampler.wait(), True
    except KeyboardInterrupt:
        partial = sampler.abort()
        return (_complete_draws(partial) if fallback is None else fallback), False
    except (RuntimeError, ValueError) as error:
        raise SamplingError(_cannot_start(error)) from error


def _cannot_start(error: Exception) -> str:
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return (
        f"The sampler stopped: {first}. Usually a prior and the data contradict each other, or a prior is so wide that "
        "the likelihood overflows: look at bm.prepare(spec, data).priors."
    )


def _complete_draws(tree: xr.DataTree) -> xr.DataTree:
    """Return the draws that every remaining chain has: chains still tuning are left out, the others cut to the shortest.

    Raises
    ------
    SamplingError
        No chain has a complete draw.
    """
    posterior, stats = tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()
    lengths = np.isfinite(stats["logp"].values).sum(axis=1) if "draw" in stats.dims else np.zeros(1)
    chains = np.flatnonzero(lengths > 0)
    if len(chains) == 0:
        raise SamplingError("Interrupted before any chain had left its tuning phase: there are no draws to keep.")
    kept = int(lengths[chains].min())
    cut = {"chain": chains, "draw": slice(0, kept)}
    return xr.DataTree.from_dict({"posterior": posterior.isel(cut), "sample_stats": stats.isel(cut)})
