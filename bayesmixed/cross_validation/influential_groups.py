"""Influence: what changes when one group is left out."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from bayesmixed.arguments import alone, takes_drawn_values
from bayesmixed.cross_validation.held_out import sample_without
from bayesmixed.cross_validation.importance_weights import LARGEST_K, REFIT, WEIGHTS, smooth_weights
from bayesmixed.cross_validation.joint_densities import densities_of_units, joint_draws
from bayesmixed.cross_validation.joint_held_out import sample_joint_without
from bayesmixed.cross_validation.joint_units import JointUnits
from bayesmixed.cross_validation.kfolds import find_units_of
from bayesmixed.cross_validation.log_densities import unit_blocks, unit_posterior
from bayesmixed.cross_validation.units import mark_bounding
from bayesmixed.cross_validation.weighted_units import weigh
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import working_units
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.tree import top_level_names
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit, with_cores
from bayesmixed.fits.selection import choose_name
from bayesmixed.integration.posterior_means import parameter_has_mean
from bayesmixed.progress import ProgressLine
from bayesmixed.task_runs import connect, run_tasks
from bayesmixed.terms.relations import Factor


@alone("bm.influence(joint, group) leaves out groups with all their responses.")
@takes_drawn_values(tables="no")
def influence(
    fit: Fit | JointFit,
    group: str | None = None,
    *,
    refits: bool = False,
    processes: int = 1,
    client: Any = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Return how each parameter moves when one group is left out, the most influential groups first.

    The draws are weighted as if the group's rows had not been there (its effects integrated out, weights
    Pareto-smoothed), so that nothing is sampled again but what `refits` asks for.

    Parameters
    ----------
    fit : Fit or JointFit
        The fitted model; of several responses rows are left out with all of them.
    group : str, optional
        A grouping factor or a column, or "observation"; the first factor if not given.
    refits : bool
        Sample the model again, under the same priors, without each group whose Pareto k is above 0.7. Ctrl-C returns what is
        done, the other groups by weights.
    processes : int
        Processes of this machine that share the refits; 1: this process, group by group.
    client : dask.distributed.Client or str, optional
        Cluster, or the address of its scheduler, in place of processes.
    progress : bool
        Show how many of the refits are done.

    Returns
    -------
    pandas.DataFrame
        One row per group and parameter (coefficients, SDs, correlations, scalars): level, parameter, mean (all data),
        without (posterior mean without the group), shift (their difference in posterior sds of the fit), sd_ratio
        (posterior sd without the group over that of the fit), pareto_k (above 0.7: by weights only the direction can be
        trusted), by ("weights" or "refit").
        Groups are ordered by their largest absolute shift. A shift beyond about 1 deserves a look at the group; in right
        models at most 5 % of groups have one.

    Raises
    ------
    SpecError
        There is no such group, its effects cannot be integrated out, or `client` is something else.
    SamplingError
        There is no scheduler at the address.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.influence(fit, "herd")[["level", "parameter", "shift"]].round(1).head(2)
      level          parameter  shift
    0    11    beta[Intercept]    0.5
    1    11  beta[period[T.2]]   -1.3
    """
    group = choose_name(factors_of(fit), None) if group is None else group
    units = find_units_of(fit, group)
    if len(units.labels) < 2:
        raise SpecError(f"'{group}' has one level: nothing remains when it is left out.")
    if client is not None and not isinstance(client, str):
        connect(client)  # what is no cluster is refused also where nothing needs to be sampled
    columns = parameters_of(fit)
    if not columns:
        raise SpecError(f"Every parameter is fixed by a number: leaving out a level of '{group}' can change none.")
    names, draws = list(columns), np.column_stack(list(columns.values()))
    size = working_units(draws)
    draws = draws / size
    mean, sd = draws.mean(axis=0), draws.std(axis=0)
    count = len(units.labels)
    without, squares, k = np.empty((count, len(names))), np.empty((count, len(names))), np.empty(count)
    for rows, log_weights, pareto_k, found in _weighed(fit, units):
        # Of large effects fewer draws are kept than of the parameters.
        weights, weighed = special.softmax(log_weights, axis=0).T, np.column_stack(list(found.values())) / size
        without[rows], squares[rows] = weights @ weighed, weights @ (weighed - mean) ** 2
        k[rows] = pareto_k
    spread = np.sqrt(np.maximum(squares - (without - mean) ** 2, 0.0))
    by = np.full(count, WEIGHTS, dtype=object)
    again = [int(unit) for unit in np.flatnonzero(k > LARGEST_K)] if refits else []
    one = fit if client is None and processes == 1 else with_cores(fit, 1)
    with suppress(KeyboardInterrupt), ProgressLine("refits", progress and bool(again)) as line:
        tasks = run_tasks(_refit_without, (one, units, size), again, client, processes) if again else ()
        for unit, centre, width in line.follow(tasks, len(again)):
            without[unit], spread[unit], by[unit] = centre, width, REFIT
    table = pd.DataFrame(
        {
            "level": np.repeat(units.labels, len(names)),
            "parameter": np.tile(names, len(units.labels)),
            "mean": np.tile(mean * size, len(units.labels)),
            "without": (without * size).ravel(),
            "shift": ((without - mean) / sd).ravel(),
            "sd_ratio": (spread / sd).ravel(),
            "pareto_k": np.repeat(k, len(names)),
            "by": np.repeat(by, len(names)),
        }
    )
    largest = table["shift"].abs().groupby(table["level"]).transform("max")
    return as_result(table.iloc[np.argsort(-largest.to_numpy(), kind="stable")].reset_index(drop=True))


def factors_of(fit: Fit | JointFit) -> list[str]:
    """Return the grouping factors of one response or several."""
    designs = [fit.design] if isinstance(fit, Fit) else fit.design.parts.values()
    return list(dict.fromkeys(name for design in designs for name in design.factors))


def _weighed(
    fit: Fit | JointFit, units: Factor | JointUnits
) -> Iterator[tuple[NDArray[np.intp], Array, Array, dict[str, Array]]]:
    """Yield some units with the log weights of draws without each, (S, m), Pareto k, and the parameters in these draws."""
    count = len(units.labels)
    if isinstance(fit, JointFit):
        assert isinstance(units, JointUnits)
        posteriors, shared = joint_draws(fit)
        logs = densities_of_units(fit.design, posteriors, shared, units)
        log_weights, k = smooth_weights(logs)
        values = log_weights.values.reshape(-1, count)
        yield np.arange(count), values, k.values, joint_parameter_draws(fit, posteriors, shared)
        return
    assert isinstance(units, Factor)
    design, posterior = fit.design, unit_posterior(fit, units)
    found = parameter_draws(fit, posterior)
    for part in weigh(lambda wanted: unit_blocks(design, posterior, units, wanted), posterior, count):
        bad = np.full(count, 0.0)
        bad[part.rows] = part.pareto_k
        marked = mark_bounding(design, units.index, xr.DataArray(bad, dims=("unit",))).values
        yield part.rows, part.log_weights, marked[part.rows], found


def _refit_without(task: tuple[Fit | JointFit, Factor | JointUnits, Array], unit: int) -> tuple[int, Array, Array]:
    """Return a unit, and means and SDs of the parameters, each in its unit of size, without its rows."""
    fit, units, size = task
    if isinstance(fit, JointFit):
        assert isinstance(units, JointUnits)
        held = {name: index == unit for name, index in units.index.items()}
        known = joint_parameter_draws(fit, *sample_joint_without(fit, held))
    else:
        assert isinstance(units, Factor)
        known = parameter_draws(fit, sample_without(fit, units.index == unit))
    found = np.column_stack([known[name] for name in parameters_of(fit)]) / size
    return unit, found.mean(axis=0), found.std(axis=0)


def parameters_of(fit: Fit | JointFit) -> dict[str, Array]:
    """Return the draws of the estimated parameters of one response or several, see `parameter_draws`."""
    return joint_parameter_draws(fit) if isinstance(fit, JointFit) else parameter_draws(fit)


def joint_parameter_draws(
    joint: JointFit, posteriors: Mapping[str, xr.Dataset] | None = None, shared: xr.Dataset | None = None
) -> dict[str, Array]:
    """Return the draws of the estimated parameters of all responses by their names among these, see `parameter_draws`."""
    found: dict[str, Array] = {}
    for name, fit in joint.fits.items():
        own, blocks = parameter_draws(fit, None if posteriors is None else posteriors[name]), joint.design.blocks(name)
        for key, values in own.items():
            variable, bracket, rest = key.partition("[")
            if variable not in blocks:
                inner = f"{variable[:-1]}_{name})" if variable.endswith(")") else f"{variable}_{name}"
                found[f"{inner}{bracket}{rest}"] = values
    corr = joint.shared if shared is None else shared
    for name, matrix in joint.design.matrices.items():
        draws = values_of(corr, name)
        for first, second in matrix.pairs:
            if np.ptp(joint.shared[name].values[..., first, second]) > 0:
                key = f"{name}[{matrix.labels[first]}, {matrix.labels[second]}]"
                found[key] = draws[..., first, second].ravel()
    return found


def parameter_draws(fit: Fit, posterior: xr.Dataset | None = None) -> dict[str, Array]:
    """Return the draws, (S,), of the estimated parameters that vary in a fit by name, those of another posterior of its model
    if given; logarithms of those without a mean."""
    posterior, found = fit.posterior if posterior is None else posterior, {}
    for name in top_level_names(fit.design):
        own, variable = (x[name].transpose("chain", "draw", ...) for x in (fit.posterior, posterior))
        labels = [own[dim].values for dim in own.dims[2:]]
        for place in np.ndindex(own.shape[2:]):
            at = (slice(None), slice(None), *place)
            if np.ptp(own.values[at]) > 0 and not (len(place) == 2 and place[0] >= place[1]):
                inside = ", ".join(str(label[k]) for label, k in zip(labels, place, strict=True))
                whole = bool(place) or parameter_has_mean(fit.design, name)
                values = variable.values[at].ravel()
                shown = f"{name}[{inside}]" if place else name if whole else f"log({name})"
                found[shown] = values if whole else np.log(values)
    return found
