"""Population effects (estimated) and group effects (predicted)."""

from typing import Literal, overload

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import pools
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import COLUMNS, labelled
from bayesmixed.draws.kept import with_effects
from bayesmixed.draws.linear_predictors import population_part
from bayesmixed.errors import SpecError, check_choice
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import choose_name
from bayesmixed.terms.blocks import GroupBlock


@overload
def population_effects(fit: Fit, *, exponentiate: bool = ..., draws: Literal[False] = False) -> pd.DataFrame: ...


@overload
def population_effects(fit: Fit, *, exponentiate: bool = ..., draws: Literal[True]) -> xr.Dataset: ...


@pools
def population_effects(fit: Fit, *, exponentiate: bool = False, draws: bool = False) -> pd.DataFrame | xr.Dataset:
    """Return the estimated coefficients of the population part.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    exponentiate : bool
        exp(coefficient): odds ratios (logit), ratios of means (log), hazard ratios (cloglog). The row of the
        intercept is then an odds, mean or hazard, not a ratio.
    draws : bool
        Return the draws (a Dataset) instead of the table.

    Returns
    -------
    pandas.DataFrame
        Columns term (the parameter), level (empty), effect (the column), mean, sd, lower, upper (95 %, equal tails),
        mcse. "A difference of 1 in the column goes with a difference of `mean` in the predictor."

    Raises
    ------
    SpecError
        exp() of a coefficient has no meaning under the link.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> table = bm.population_effects(fit, exponentiate=True)  # odds, and ratios of odds
    >>> table[["effect", "mean", "lower", "upper"]].round(1)
            effect  mean  lower  upper
    0    Intercept   0.2    0.1    0.4
    1  period[T.2]   0.4    0.2    0.7
    2  period[T.3]   0.3    0.2    0.6
    3  period[T.4]   0.2    0.1    0.4
    """
    found = {}
    for predictor in fit.design.predictors.values():
        if not predictor.population.labels:
            continue
        beta = fit.posterior[predictor.beta]
        if exponentiate:
            if not predictor.link.ratio:
                raise SpecError(f"exp() of a coefficient has no meaning under link '{predictor.link.name}'.")
            beta = beta.copy(data=np.exp(beta.values))
        found[predictor.parameter] = (predictor, beta)
    if draws:
        return xr.Dataset({predictor.beta: beta for predictor, beta in found.values()})
    tables = [labelled(beta, name, [""], predictor.population.labels) for name, (predictor, beta) in found.items()]
    return as_result(pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS))


@overload
def group_effects(
    fit: Fit, group: str | None = ..., *, kind: str = ..., draws: Literal[False] = False
) -> pd.DataFrame: ...


@overload
def group_effects(fit: Fit, group: str | None = ..., *, kind: str = ..., draws: Literal[True]) -> xr.Dataset: ...


@pools
def group_effects(
    fit: Fit, group: str | None = None, *, kind: str = "deviation", draws: bool = False
) -> pd.DataFrame | xr.Dataset:
    """Return the predicted effects of every group.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    group : str, optional
        Grouping factor; all of them if not given.
    kind : {"deviation", "coefficient"}
        "deviation": b, the difference from the population coefficient; "coefficient": population coefficient plus b,
        the group's own intercept and slopes (other factors at 0).
    draws : bool
        Return the draws (a Dataset) instead of the table.

    Returns
    -------
    pandas.DataFrame
        Columns term (the factor), level, effect, mean, sd, lower, upper, mcse, on the link scale. Where the fit does
        not hold all draws (`store`), deviations come from what it holds, without mcse, coefficients and draws from
        the thinned draws.

    Raises
    ------
    SpecError
        The model has no such grouping factor.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.group_effects(fit)[["level", "mean", "sd"]].round(1).head(3)
      level  mean   sd
    0     1   0.6  0.4
    1     2  -0.3  0.4
    2     3   0.4  0.4
    """
    check_choice("kind={}", kind, ["deviation", "coefficient"])
    found: dict[str, tuple[str, GroupBlock, xr.DataArray]] = {}
    blocks = list(fit.design.group_blocks())
    if group is not None:
        chosen = choose_name([block.name for _, block in blocks], group)
        blocks = [(predictor, block) for predictor, block in blocks if block.name == chosen]
    names = [predictor.b(block) for predictor, block in blocks]
    for predictor, block in blocks:
        name = predictor.b(block)
        kept = with_effects(fit.draws, names if draws else [name])
        b = kept[name]
        values = b + population_part(kept, predictor, block) if kind == "coefficient" else b
        if draws and not np.all(block.has):
            values = values.where(xr.DataArray(block.has, dims=predictor.b_dims(block)))
        found[name] = (f"{block.name}{predictor.suffix}", block, values)
    if draws:
        return xr.Dataset({name: values for name, (*_, values) in found.items()})
    summarised = fit.draws["group_effects"].to_dataset() if "group_effects" in fit.draws.children else xr.Dataset()
    tables = [
        (
            _from_statistics(summarised[name], term, block)
            if name in summarised and kind == "deviation"
            else labelled(values.transpose("chain", "draw", block.dim, ...), term, block.levels, block.labels)
        )[block.has.ravel()]
        for name, (term, block, values) in found.items()
    ]
    return as_result(pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS))


def _from_statistics(statistics: xr.DataArray, term: str, group: GroupBlock) -> pd.DataFrame:
    """Return table rows from mean, sd and quantiles; the Monte Carlo error is not known."""
    labels = [(term, level, effect) for level in group.levels for effect in group.labels]
    table = pd.DataFrame(labels, columns=["term", "level", "effect"])
    for column, statistic in {"mean": "mean", "sd": "sd", "lower": "q2.5", "upper": "q97.5"}.items():
        table[column] = statistics.sel(statistic=statistic).transpose(group.dim, ...).values.reshape(-1)
    return table.assign(mcse=np.nan)
