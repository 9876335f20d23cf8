"""warm_up: all compiled functions, made before they are needed and kept on disk, as images and CI want them."""

import os
import time
from collections.abc import Sequence

import pandas as pd

from bayesmixed.cross_validation.integrated_rows import compile_integrals
from bayesmixed.datasets import load
from bayesmixed.errors import SpecError, StatisticsWarning
from bayesmixed.estimation.marginal_maxima import approximate
from bayesmixed.fits.fitting import sample
from bayesmixed.preparation.preparing import prepare
from bayesmixed.progress import say
from bayesmixed.spec.files import load_spec
from bayesmixed.task_runs import run_tasks

MODELS = {
    "marginal": ("herd", "cbpp", "~ ."),
    "kernel": ("herd", "cbpp", "~ . + (1 | period)"),
    "collapsed": ("sleepstudy", "sleepstudy", "~ ."),
    "maximum likelihood": ("herd", "cbpp", "~ . + (1 | period)"),
    "leaving out": ("herd", "cbpp", "~ ."),
}
"""By what is compiled, the slowest first: a shipped model, its data, and a change of it after which it needs all of that."""
_DRAWS = 5


def warm_up(processes: int | None = None, *, progress: bool = True) -> pd.DataFrame:
    """Return how long it took to compile what each engine needs, or to read it from the cache, and keep it.

    Parameters
    ----------
    processes : int, optional
        Processes that share the work; as many as the machine has processors if not given.
    progress : bool
        Say what is done.

    Returns
    -------
    pandas.DataFrame
        Columns engine ("maximum likelihood" is that of `approximate` and `ladder`, "leaving out" that of `loo` and
        `influence` for groups) and seconds.

    Raises
    ------
    SpecError
        There is no folder where compiled functions can be kept.
    """
    folder = kept_in()
    count = (os.cpu_count() or 1) if processes is None else processes
    found, started = {}, time.perf_counter()
    # Never in this process: what it holds in memory would not show that it is on disk.
    for name, seconds in run_tasks(_compile, list(MODELS), range(len(MODELS)), processes=max(2, count)):
        found[name] = seconds
        if progress:
            say(f"{name}: {seconds:.1f} s")
    if progress:
        say(f"All in {time.perf_counter() - started:.0f} s, kept in {folder}.")
    return pd.DataFrame({"engine": [*MODELS], "seconds": [found[name] for name in MODELS]})


def kept_in() -> str:
    """Return the folder where compiled functions are kept (SpecError if there is none)."""
    from bayesmixed.kernels.bridge import cache_folder
    from bayesmixed.kernels.joint.compiled import density_function

    folder = cache_folder(density_function.__wrapped__)
    if folder is None:
        raise SpecError(
            "Compiled functions cannot be kept: neither the package's folder nor your cache can be written. Set "
            "NUMBA_CACHE_DIR to a folder that can."
        )
    return str(folder.parent)


def _compile(names: Sequence[str], number: int) -> tuple[str, float]:
    """Return the seconds of a small model that needs all functions of one engine."""
    import warnings

    name = names[number]
    spec, data, change = MODELS[name]
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        design = prepare(load_spec(spec).update(change), load(data))
        if name == "maximum likelihood":
            approximate(design)
        elif name == "leaving out":
            compile_integrals()
        else:
            sample(design, engine=name, chains=2, draws=_DRAWS, tune=50, cores=1, seed=1, progress=False)
    return name, time.perf_counter() - started
