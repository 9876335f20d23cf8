"""Runs of nutpie that all engines share: target acceptance, progress, interruption, one repeat after divergences."""

import copy
import threading
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.errors import SamplingError
from bayesmixed.progress import ProgressLine, say

CAREFUL = 0.99
"""Target acceptance after divergences."""
ASKED = "asked for"
_LONGEST_WAIT = 60.0
"""Seconds, longer than a chain needs to try all its starting points."""
_STARTS = ("start", "initial_point_func")
"""Names of the function that gives starting points, in models of the bridge and in those that nutpie compiles."""
TOO_EARLY = "Interrupted before any chain had left its tuning phase: there are no draws to keep."
_THREADS = Path("/proc/self/task")
"""Threads of this process, where the system is Linux."""


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
    decisions = [f"target acceptance {target}" + (f": {ASKED}" if target_accept is not None else "")]
    tree, complete = _run(compiled, replace(settings, target_accept=target), progress)
    divergent = int(tree["sample_stats"]["diverging"].sum())
    if divergent and complete and target_accept is None:
        if progress:
            say(f"{divergent} divergences: sampling again with target acceptance {CAREFUL} ...")
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

    others, over = _workers(), threading.Event()
    try:
        with ProgressLine("sampling", progress) as line:
            sampler = nutpie.sample(
                _stoppable(compiled, over),
                draws=settings.draws,
                tune=settings.tune,
                chains=settings.chains,
                cores=settings.cores,
                seed=settings.seed,
                target_accept=settings.target_accept,
                save_warmup=False,
                progress_bar=False,
                progress_callback=(lambda chains: _tell(line, chains)) if progress else None,
                blocking=False,
            )
            try:
                return sampler.wait(), True
            except KeyboardInterrupt:
                partial = _stop(sampler)
                return (complete_draws(partial) if fallback is None else fallback), False
            except BaseException:
                sampler.cancel()
                raise
    except (RuntimeError, ValueError) as error:
        reason = _cannot_start(error)
    over.set()
    join_workers(others)
    raise SamplingError(reason)


def _tell(line: ProgressLine, chains: Sequence[Any]) -> None:
    """Show how many draws of all chains are done, tuning included, and how many divergences there were."""
    divergent = sum(chain.divergences for chain in chains)
    total = max(1, sum(chain.total_draws for chain in chains))
    line.show(sum(chain.finished_draws for chain in chains) / total, f"{divergent} divergences" if divergent else "")


def compilation_of(engine: str, time: str = "15 to 30 seconds") -> str:
    """Return what is compiled for an engine, in words: others compile functions of their own when they are first used."""
    return f"what {engine} needs ({time}; each engine has its own, and `bayesmixed warm-up` compiles all of them)"


def _stop(sampler: Any) -> xr.DataTree:
    """Return what a sampler has drawn so far; no draws where not all of its chains had begun."""
    try:
        tree: xr.DataTree = sampler.abort()
        return tree
    except RuntimeError:
        logp = xr.Dataset({"logp": (("chain", "draw"), np.zeros((0, 0)))})
        return xr.DataTree.from_dict({"posterior": xr.Dataset(), "sample_stats": logp})


def _stoppable(compiled: Any, over: threading.Event) -> Any:
    """Return a compiled model whose chains get no starting point once a run is over: those that still try then end."""
    name = next(name for name in _STARTS if name in vars(compiled))
    draw, stoppable = getattr(compiled, name), copy.copy(compiled)

    def start(seed: Any) -> Any:
        if over.is_set():
            raise RuntimeError("the run is over")
        return draw(seed)

    object.__setattr__(stoppable, name, start)
    return stoppable


def join_workers(others: Set[str] = frozenset(), longest: float = _LONGEST_WAIT) -> bool:
    """Wait until nutpie's threads have ended, which go on after an error: a script that ends before them crashes.

    Parameters
    ----------
    others : set of str
        Threads that are not waited for: those of a fit in another thread of the program.
    longest : float
        Seconds after which they are waited for no longer.

    Returns
    -------
    bool
        Whether they have ended; False, too, where the system cannot tell.
    """
    until = time.monotonic() + longest
    if not _THREADS.is_dir():
        time.sleep(min(2.0, longest))
        return False
    while _workers() - others:
        if time.monotonic() >= until:
            return False
        time.sleep(0.01)
    return True


def _workers() -> Set[str]:
    return {thread.name for thread in _THREADS.iterdir() if _is_worker(thread)} if _THREADS.is_dir() else set()


def _is_worker(thread: Path) -> bool:
    try:
        return (thread / "comm").read_text().startswith("nutpie-worker")
    except OSError:  # it has ended
        return False


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
        raise SamplingError(TOO_EARLY)
    kept = int(lengths[chains].min())
    cut = {"chain": chains, "draw": slice(0, kept)}
    return xr.DataTree.from_dict({"posterior": posterior.isel(cut), "sample_stats": stats.isel(cut)})
