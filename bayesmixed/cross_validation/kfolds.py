"""Predictive accuracy by K-fold cross-validation, units that belong together in one fold."""

from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.arguments import alone
from bayesmixed.cross_validation import joint_densities
from bayesmixed.cross_validation.importance_weights import LARGEST_K
from bayesmixed.cross_validation.joint_densities import joint_draws
from bayesmixed.cross_validation.joint_held_out import predict_joint_held_out
from bayesmixed.cross_validation.joint_units import JointUnits, find_joint_units
from bayesmixed.cross_validation.leaving_out import FEW_DRAWS, judge_held_out, predict_held_out
from bayesmixed.cross_validation.log_densities import (
    can_be_integrated,
    log_mean,
    per_unit,
    standard_error,
    unit_densities,
)
from bayesmixed.cross_validation.units import find_units, owned_levels, shared_effects
from bayesmixed.draws.kept import with_effects
from bayesmixed.errors import SpecError, warn
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit, with_cores
from bayesmixed.task_runs import run_tasks
from bayesmixed.terms.relations import Factor


@alone("bm.kfold(joint, by=...) leaves out rows or groups with all their responses.")
def kfold(
    fit: Fit | JointFit, *, by: str, k: int = 10, seed: int | None = None, processes: int = 1, client: Any = None
) -> Any:
    """Return the expected log predictive density by K-fold cross-validation, ArviZ's ELPD object.

    The model is sampled k times, under the same priors, each time without the rows of some units. Effects of units that
    are too many to be integrated out are drawn, which takes more draws; `p` is then not known (NaN).

    Parameters
    ----------
    fit : Fit or JointFit
        The fitted model; of several responses all are left out together.
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

    units = find_units_of(fit, by)
    count = len(units.labels)
    if k < 2:
        raise SpecError(f"k={k} is impossible; cross-validation needs at least 2 folds.")
    k = min(k, count)
    logs = _densities(fit, units)  # refuses what has no density, before any sampling
    if isinstance(fit, Fit) and isinstance(units, Factor):
        for _, group in fit.design.group_blocks():
            if group.heavy and np.any(owned_levels(group, units)):
                raise SpecError(
                    f"Levels of '{group.name}' would leave whole, and their effects have a t distribution, over which densities "
                    'are not integrated here. Leave out rows: by="observation".'
                )
    generator = np.random.default_rng(fit.settings.seed if seed is None else seed)
    folds = generator.permutation(np.arange(count) % k)
    elpd, pareto_k, errors = np.empty((3, count))
    one = fit if client is None and processes == 1 else with_cores(fit, 1)
    for fold, found in run_tasks(_predict_fold, (one, units, folds), range(k), client, processes):
        elpd[folds == fold], pareto_k[folds == fold], errors[folds == fold] = found
    if np.any(pareto_k > LARGEST_K):
        which = f"{np.sum(pareto_k > LARGEST_K)} of {count} units ({units.name})"
        warn(FEW_DRAWS.format(which=which))
    optimism = (np.nan if logs is None else log_mean(logs.values)) - elpd
    return ELPDDataLOOKFold(
        elpd=float(elpd.sum()),
        se=standard_error(elpd),
        p=float(np.sum(optimism)),
        n_samples=fit.settings.chains * fit.settings.draws,
        n_data_points=count,
        scale="log",
        warning=False,
        good_k=None,
        elpd_i=_label(fit, units, elpd).assign_attrs(mcse=float(np.sqrt(np.sum(errors**2))), mcse_i=errors),
        n_folds=k,
        p_kfold_i=_label(fit, units, optimism),
    )


def find_units_of(fit: Fit | JointFit, unit: str) -> Factor | JointUnits:
    """Return the partition of the rows of one response or several that a word names (SpecError, DataError)."""
    return find_joint_units(fit.design, unit) if isinstance(fit, JointFit) else find_units(fit.design, unit, whole=True)


def _predict_fold(task: tuple[Fit | JointFit, Factor | JointUnits, Array], fold: int) -> tuple[int, Any]:
    """Return a fold, and what is said of its units without their rows."""
    fit, units, folds = task
    if isinstance(fit, JointFit):
        assert isinstance(units, JointUnits)
        return fold, judge_held_out(predict_joint_held_out(fit, units, folds == fold))
    assert isinstance(units, Factor)
    return fold, predict_held_out(fit, units, folds == fold)


def _densities(fit: Fit | JointFit, units: Factor | JointUnits) -> xr.DataArray | None:
    """Return the log densities of units at the draws of the fit, None where their effects cannot be integrated out."""
    if isinstance(fit, JointFit):
        assert isinstance(units, JointUnits)
        posteriors, shared = joint_draws(fit)
        reached = joint_densities.can_be_integrated(fit.design, posteriors, shared, units)
        return joint_densities.densities_of_units(fit.design, posteriors, shared, units) if reached else None
    assert isinstance(units, Factor)
    posterior = with_effects(fit.draws, shared_effects(fit.design, units))
    return unit_densities(fit.design, posterior, units) if can_be_integrated(fit.design, posterior, units) else None


def _label(fit: Fit | JointFit, units: Factor | JointUnits, values: Array) -> xr.DataArray:
    if isinstance(units, JointUnits):
        return units.label(values)
    assert isinstance(fit, Fit)
    return per_unit(fit.design, values, units)
