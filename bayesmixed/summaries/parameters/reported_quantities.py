"""The quantities that people care about in a fit, as rows of one table."""

from collections.abc import Callable, Collection, Iterator, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.display.tables import COLUMNS, labelled
from bayesmixed.draws.kept import with_effects
from bayesmixed.errors import SpecError
from bayesmixed.fits.fitting import Fit
from bayesmixed.integration.posterior_means import parameter_has_mean
from bayesmixed.summaries.marginal.expression_tails import expression_has_mean
from bayesmixed.summaries.marginal.expressions import evaluate_draws
from bayesmixed.summaries.parameters.effects import group_effects, population_effects
from bayesmixed.summaries.pooling.shrinkage_factors import factor_draws
from bayesmixed.summaries.variance.components import variance_components
from bayesmixed.summaries.variance.intraclass import as_draws, icc

MOST_GROUPS = 200
"""Effects and ranks of each group are reported for factors with at most this many levels."""
_FACTOR_DRAWS = 1_000
"""Of which shrinkage factors are found, which take longer than all else."""

Asked = Mapping[str, str | Callable[[Fit], xr.DataArray]]


def find_without_mean(fit: Fit, asked: Asked) -> set[str]:
    """Return which parameters, and which expressions of those asked for, have no posterior mean."""
    texts = {name: text for name, text in asked.items() if isinstance(text, str)}
    found = {name for name, text in texts.items() if not expression_has_mean(text, fit.design, fit.posterior)}
    return found | {name for name in fit.design.numbers if not parameter_has_mean(fit.design, name)}


def report_quantities(fit: Fit, asked: Asked, without: Collection[str] | None = None) -> pd.DataFrame:
    """Return posterior summaries of population effects, SDs, ICC, shrinkage, groups and ranks, and what was asked for.

    Where there is no mean (`without`; found for this fit if not given): the logarithm of a parameter, the median of an
    expression.

    Returns
    -------
    pandas.DataFrame
        Columns quantity, term, level, effect, mean, sd, lower, upper, mcse; median in place of mean and sd of what has
        none.
    """
    without = find_without_mean(fit, asked) if without is None else without
    return pd.concat([table for table in _tables(fit, asked, without) if len(table)], ignore_index=True)


def _tables(fit: Fit, asked: Asked, without: Collection[str]) -> Iterator[pd.DataFrame]:
    design = fit.design
    for name, quantity in asked.items():
        if isinstance(quantity, str):
            draws = as_draws(evaluate_draws(quantity, fit.posterior).values, fit.posterior)
        else:
            draws = quantity(fit)
        mean = bool(draws.attrs.get("has_mean", True)) and name not in without
        yield _named("asked", labelled(draws, name, [""], [""], mean=mean))
    yield _named("population effect", population_effects(fit))
    components = variance_components(fit) if list(design.group_blocks()) or design.family.scale else pd.DataFrame()
    for quantity in ("sd", "correlation") if len(components) else ():
        rows = components[components["quantity"] == quantity]
        yield _named(quantity, rows[COLUMNS])
    for name, values in design.scalar_draws(fit.posterior).items():
        if name in without:
            values, name = values.copy(data=np.log(values.values)), f"log({name})"
        if name != design.family.scale:
            yield _named("parameter", labelled(values, name, [""], [""]))
    yield from _correlations(fit)
    # Of categories without order no predictor is that of the response.
    groups = () if design.family.template else design.mu.groups
    for group in groups:
        draws = factor_draws(fit, design.mu, group, _FACTOR_DRAWS).mean(("level", "effect"))
        yield _named("shrinkage factor", labelled(draws, group.name, [""], ["mean over groups"]))
    small = {group.name for _, group in design.group_blocks() if group.compared and len(group.levels) <= MOST_GROUPS}
    if small:
        effects = group_effects(fit)
        yield _named("group effect", effects[effects["term"].isin(small)][COLUMNS])
    for group in groups:
        if group.name in small and group.intercept is not None:
            yield _named("rank", _ranks(fit, group.name))


def _correlations(fit: Fit) -> Iterator[pd.DataFrame]:
    try:
        table = icc(fit)
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
