"""Influence: what changes when one group is left out."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

from bayesmixed.arguments import alone, takes_drawn_values
from bayesmixed.cross_validation.held_out import sample_without
from bayesmixed.cross_validation.importance_weights import LARGEST_K, REFIT, WEIGHTS
from bayesmixed.cross_validation.log_densities import unit_blocks, unit_posterior
from bayesmixed.cross_validation.units import find_units, mark_bounding
from bayesmixed.cross_validation.weighted_units import weigh
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import working_units
from bayesmixed.draws.tree import top_level_names
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import find_factor
from bayesmixed.integration.posterior_means import parameter_has_mean
from bayesmixed.progress import ProgressLine
from bayesmixed.task_runs import connect, run_tasks
from bayesmixed.terms.relations import Factor


@alone("Fit it by itself for that.")
@takes_drawn_values(tables="no")
def influence(
    fit: Fit,
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
    fit : Fit
        The fitted model.
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
    group = find_factor(fit, None) if group is None else group
    units = find_units(fit.design, group, whole=True)
    if len(units.labels) < 2:
        raise SpecError(f"'{group}' has one level: nothing remains when it is left out.")
    if client is not None and not isinstance(client, str):
        connect(client)  # what is no cluster is refused also where nothing needs to be sampled
    columns = parameter_draws(fit)
    if not columns:
        raise SpecError(f"Every parameter is fixed by a number: leaving out a level of '{group}' can change none.")
    names, draws = list(columns), np.column_stack(list(columns.values()))
    size = working_units(draws)
    draws = draws / size
    mean, sd = draws.mean(axis=0), draws.std(axis=0)
    design, posterior, count = fit.design, unit_posterior(fit, units), len(units.labels)
    # Of large effects fewer draws are kept than of the parameters.
    weighed = np.column_stack(list(parameter_draws(fit, posterior).values())) / size
    without, squares, k = np.empty((count, len(names))), np.empty((count, len(names))), np.empty(count)
    for part in weigh(lambda wanted: unit_blocks(design, posterior, units, wanted), posterior, count):
        weights = special.softmax(part.log_weights, axis=0).T
        without[part.rows], squares[part.rows] = weights @ weighed, weights @ (weighed - mean) ** 2
        k[part.rows] = part.pareto_k
    spread = np.sqrt(np.maximum(squares - (without - mean) ** 2, 0.0))
    k = mark_bounding(design, units.index, xr.DataArray(k, dims=("unit",))).values
    by = np.full(count, WEIGHTS, dtype=object)
    again = [int(unit) for unit in np.flatnonzero(k > LARGEST_K)] if refits else []
    one = fit if client is None and processes == 1 else replace(fit, settings=replace(fit.settings, cores=1))
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


def _refit_without(task: tuple[Fit, Factor, Array], unit: int) -> tuple[int, Array, Array]:
    """Return a unit, and means and SDs of the parameters, each in its unit of size, without its rows."""
    fit, units, size = task
    posterior = sample_without(fit, units.index == unit)
    known = parameter_draws(fit, posterior)
    found = np.column_stack([known[name] for name in parameter_draws(fit)]) / size
    return unit, found.mean(axis=0), found.std(axis=0)


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
