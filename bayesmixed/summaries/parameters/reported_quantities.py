"""The quantities that people care about in a fit, as rows of one table."""

from collections.abc import Callable, Iterator, Mapping
from typing import cast

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.errors import SpecError
from bayesmixed.fitting import Fit
from bayesmixed.kept_draws import with_effects
from bayesmixed.posterior_means import parameter_has_mean
from bayesmixed.summaries.display.tables import COLUMNS, labelled
from bayesmixed.summaries.parameters.effects import group_effects, population_effects
from bayesmixed.summaries.pooling.shrinkage_factors import factor_draws
from bayesmixed.summaries.predictions.expressions import evaluate_draws
from bayesmixed.summaries.variance.components import variance_components
from bayesmixed.summaries.variance.intraclass import as_draws, icc

MOST_GROUPS = 200
"""Effects and ranks of each group are reported of factors with no more levels."""


def report_quantities(fit: Fit, asked: Mapping[str, str | Callable[[Fit], xr.DataArray]]) -> pd.DataFrame:
    """Return posterior summaries of population effects, SDs, ICC, shrinkage, groups and ranks, and what was asked for.

    Returns
    -------
    pandas.DataFrame
        Columns quantity, term, level, effect, mean, sd, lower, upper, mcse.
    """
    return pd.concat([table for table in _tables(fit, asked) if len(table)], ignore_index=True)


def _tables(fit: Fit, asked: Mapping[str, str | Callable[[Fit], xr.DataArray]]) -> Iterator[pd.DataFrame]:
    design = fit.design
    for name, quantity in asked.items():
        if isinstance(quantity, str):
            draws = as_draws(evaluate_draws(quantity, fit.posterior).values, fit.posterior)
        else:
            draws = quantity(fit)
        yield _named("asked", labelled(draws, name, [""], [""]))
    yield _named("population effect", cast(pd.DataFrame, population_effects(fit)))
    components = variance_components(fit) if list(design.group_blocks()) or design.family.scale else pd.DataFrame()
    for quantity in ("sd", "correlation") if len(components) else ():
        rows = components[components["quantity"] == quantity]
        yield _named(quantity, rows[COLUMNS])
    for name, values in design.scalar_draws(fit.posterior).items():
        if name != design.family.scale and parameter_has_mean(design, name):
            yield _named("parameter", labelled(values, name, [""], [""]))
        elif name != design.family.scale:
            yield _named("parameter", labelled(values.copy(data=np.log(values.values)), f"log({name})", [""], [""]))
    yield from _correlations(fit)
    for group in design.mu.groups:
        draws = factor_draws(fit, design.mu, group).mean(("level", "effect"))
        yield _named("shrinkage factor", labelled(draws, group.name, [""], ["mean over groups"]))
    small = {group.name for _, group in design.group_blocks() if not group.of_rows and len(group.levels) <= MOST_GROUPS}
    if small:
        effects = cast(pd.DataFrame, group_effects(fit))
        yield _named("group effect", effects[effects["term"].isin(small)][COLUMNS])
    for group in design.mu.groups:
        if group.name in small and group.intercept is not None:
            yield _named("rank", _ranks(fit, group.name))


def _correlations(fit: Fit) -> Iterator[pd.DataFrame]:
    try:
        table = cast(pd.DataFrame, icc(fit))
    except SpecError:
        return
    rows = table[table["effect"] == "icc"]
    yield _named("ICC", rows.assign(effect=rows["scale"])[COLUMNS])


def _ranks(fit: Fit, name: str) -> pd.DataFrame:
    """Return the rank of each group's intercept, 1 the largest."""
    group = next(block for block in fit.design.mu.groups if block.name == name)
    variable = fit.design.mu.b(group)
    effects = with_effects(fit.draws, [variable])[variable].transpose("chain", "draw", ...).values[..., group.intercept]
    ranks = 1.0 + np.argsort(np.argsort(-effects, axis=-1), axis=-1)
    return labelled(xr.DataArray(ranks, dims=("chain", "draw", "level")), name, group.levels, ["rank of the intercept"])


def _named(quantity: str, table: pd.DataFrame) -> pd.DataFrame:
    table = table.copy()
    table.insert(0, "quantity", quantity)
    return table
