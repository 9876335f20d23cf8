"""Predictive accuracy by K-fold cross-validation, units that belong together in one fold."""

from dataclasses import replace
from typing import Any

import numpy as np

from bayesmixed.arguments import alone
from bayesmixed.cross_validation.importance_weights import LARGEST_K
from bayesmixed.cross_validation.leaving_out import FEW_DRAWS, predict_held_out
from bayesmixed.cross_validation.log_densities import (
    can_be_integrated,
    log_mean,
    per_unit,
    standard_error,
    unit_densities,
)
from bayesmixed.cross_validation.units import find_units, shared_effects
from bayesmixed.draws.kept import with_effects
from bayesmixed.errors import SpecError, warn
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.task_runs import run_tasks
from bayesmixed.terms.relations import Factor


@alone("Fit it by itself for that.")
def kfold(fit: Fit, *, by: str, k: int = 10, seed: int | None = None, processes: int = 1, client: Any = None) -> Any:
    """Return the expected log predictive density by K-fold cross-validation, ArviZ's ELPD object.

    The model is sampled k times, under the same priors, each time without the rows of some units. Effects of units that
    are too many to be integrated out are drawn, which takes more draws; `p` is then not known (NaN).

    Parameters
    ----------
    fit : Fit
        The fitted model.
    by : str
        "observation", a grouping factor or a column: what stays together and is predicted, as in `loo`.
    k : int
        Number of folds; at most the number of units.
    seed : int, optional
        For the folds; that of the fit if not given.
    processes : int
        Processes of this machine that share the folds; 1: this process, fold by fold.
    client : dask.distributed.Client or str, optional
        Cluster, or the address of its scheduler, in place of processes.

    Raises
    ------
    SpecError
        k is impossible, there is no such unit, or `client` is something else.
    SamplingError
        There is no scheduler at the address.

    Warns
    -----
    StatisticsWarning
        The density of some unit varies too much between draws for its mean to be known.

    Examples
    --------
    >>> import warnings
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> fit = bm.fit("sleepstudy_intercept", data, draws=50, seed=1, progress=False)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", bm.StatisticsWarning)  # these are too few draws
    ...     result = bm.kfold(fit, by="Subject", k=3, seed=1)
    >>> result.n_data_points
    18
    """
    from arviz_stats.utils import ELPDDataLOOKFold

    units = find_units(fit.design, by, whole=True)
    count = len(units.labels)
    if k < 2:
        raise SpecError(f"k={k} is impossible; cross-validation needs at least 2 folds.")
    k = min(k, count)
    generator = np.random.default_rng(fit.settings.seed if seed is None else seed)
    folds = generator.permutation(np.arange(count) % k)
    elpd, pareto_k, errors = np.empty((3, count))
    one = fit if client is None and processes == 1 else replace(fit, settings=replace(fit.settings, cores=1))
    for fold, found in run_tasks(_predict_fold, (one, units, folds), range(k), client, processes):
        elpd[folds == fold], pareto_k[folds == fold], errors[folds == fold] = found
    if np.any(pareto_k > LARGEST_K):
        which = f"{np.sum(pareto_k > LARGEST_K)} of {count} units ({units.name})"
        warn(FEW_DRAWS.format(which=which))
    posterior = with_effects(fit.draws, shared_effects(fit.design, units))
    reached = can_be_integrated(fit.design, posterior, units)
    optimism = (log_mean(unit_densities(fit.design, posterior, units).values) if reached else np.nan) - elpd
    return ELPDDataLOOKFold(
        elpd=float(elpd.sum()),
        se=standard_error(elpd),
        p=float(np.sum(optimism)),
        n_samples=posterior.sizes["chain"] * posterior.sizes["draw"],
        n_data_points=count,
        scale="log",
        warning=False,
        good_k=None,
        elpd_i=per_unit(fit.design, elpd, units).assign_attrs(mcse=float(np.sqrt(np.sum(errors**2))), mcse_i=errors),
        n_folds=k,
        p_kfold_i=per_unit(fit.design, optimism, units),
    )


def _predict_fold(task: tuple[Fit, Factor, Array], fold: int) -> tuple[int, Any]:
    """Return a fold, and what is said of its units without their rows."""
    fit, units, folds = task
    return fold, predict_held_out(fit, units, folds == fold)
