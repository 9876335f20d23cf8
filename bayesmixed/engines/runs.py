"""Runs of nutpie that all engines share: target acceptance, progress, interruption, one repeat after divergences."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.errors import SamplingError

CAREFUL = 0.99
"""Target acceptance after divergences."""


@dataclass(frozen=True, slots=True)
class Run:
    """What an engine returns: draws with what it decided, the settings it used, seconds by stage."""

    draws: xr.DataTree
    record: EngineRecord
    settings: Settings
    timing: Mapping[str, float]


def run_sampler(
    compiled: Any, settings: Settings, target_accept: float | None, progress: bool, usual: float
) -> tuple[xr.DataTree, tuple[str, ...], Settings]:
    """Return nutpie's draws, what was decided on the way, and the settings that were used.

    A run with divergences at the usual target acceptance is repeated once with a higher one. An interruption keeps
    the complete draws.

    Raises
    ------
    SamplingError
        The sampler could not start, or was interrupted before any chain had left its tuning phase.
    """
    target = usual if target_accept is None else target_accept
    decisions = [f"target acceptance {target}" + (": asked for" if target_accept is not None else "")]
    tree, complete = _run(compiled, replace(settings, target_accept=target), progress)
    divergent = int(tree["sample_stats"]["diverging"].sum())
    if divergent and complete and target_accept is None:
        if progress:
            print(f"{divergent} divergences: sampling again with target acceptance {CAREFUL} ...", file=sys.stderr)
        decisions.append(f"{divergent} divergences at {target}: sampled again with target acceptance {CAREFUL}")
        target = CAREFUL
        tree, complete = _run(compiled, replace(settings, target_accept=target), progress, fallback=tree)
    sizes = tree["posterior"].sizes
    used = replace(settings, chains=sizes["chain"], draws=sizes["draw"], target_accept=target, complete=complete)
    return tree, tuple(decisions), used


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
        return (complete_draws(partial) if fallback is None else fallback), False
    except (RuntimeError, ValueError) as error:
        raise SamplingError(_cannot_start(error)) from error


def _cannot_start(error: Exception) -> str:
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return (
        f"The sampler stopped: {first}. Usually a prior and the data contradict each other, or a prior is so wide that "
        "the likelihood overflows: look at bm.prepare(spec, data).priors."
    )


def complete_draws(tree: xr.DataTree) -> xr.DataTree:
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
