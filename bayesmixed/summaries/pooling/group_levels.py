"""What pooling does to the level of each group where columns are at their means, not at 0."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.display.tables import labelled
from bayesmixed.draws.kept import posterior_means, with_effects
from bayesmixed.draws.linear_predictors import effects_of, population_part, population_predictor
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import find_group
from bayesmixed.integration.group_posteriors import conditional_variance, related_variances
from bayesmixed.summaries.marginal.changes import explaining_columns
from bayesmixed.summaries.marginal.contrast_weights import value_texts
from bayesmixed.summaries.marginal.grids import column_roles, make_grid, usual_value
from bayesmixed.summaries.pooling.shrinkage_factors import by_blocks, complete_pooling
from bayesmixed.terms.block_parts import RELATED
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.predictors import Predictor

LEVEL = "level"


def levels_at_means(fit: Fit, name: str, table: pd.DataFrame) -> tuple[pd.DataFrame, str] | None:
    """Return what `shrinkage` says of intercepts, of the level of each group where numbers are at their means and factors at
    their first level, and where that is in words; None for a term without intercept or a model without columns.

    Parameters
    ----------
    fit : Fit
    name : str
        Grouping factor of the first parameter.
    table : pandas.DataFrame
        What `shrinkage` returns for it.

    Returns
    -------
    pandas.DataFrame
        Rows of levels, the columns of `shrinkage`, on the link scale: population part, curves and the group's own effects
        at these values, without offsets and other groups.
    """
    predictor, block = find_group(fit, name)
    columns = [str(column) for column in fit.design.table.data.columns]
    own = {column for term in fit.design.spec.terms_of(predictor.parameter) or () for column in term.columns(columns)}
    names = [column for column in explaining_columns(fit.design) if column in own]
    if block.intercept is None or not names:
        return None
    roles = column_roles(fit.design)
    at = {factor: [fit.design.table.levels[factor][0]] for factor in roles.factors}
    rows = make_grid(fit, {}, at, ()).rows
    here = rows.predictors[predictor.parameter]
    z = np.asarray(next(group for group in here.groups if group.name == block.name).matrix[0], dtype=float)
    kept = with_effects(fit.draws, [predictor.b(block)])
    outside = population_predictor(here, kept)[..., 0] - here.offset[0]
    partial = outside[..., None] + effects_of(predictor, block, kept) @ z
    draws = xr.DataArray(partial, dims=("chain", "draw", "level"))
    numbers = labelled(draws, block.name, block.levels, [LEVEL])
    found = table[table["effect"] == block.labels[block.intercept]].reset_index(drop=True)
    found = found.assign(**{str(column): numbers[column] for column in numbers})
    raw = table["no_pooling"].to_numpy().reshape(len(block.levels), -1)
    mean_part = population_part(kept, predictor, block).mean(("chain", "draw")).values
    found["no_pooling"] = (raw - mean_part) @ z + outside.mean()
    mean = posterior_means(fit.draws).expand_dims(("chain", "draw"))
    curves = sum(float(one.contribution(effects_of(here, one, mean))[0, 0, 0]) for one in here.curves)
    beta = complete_pooling(fit, predictor)
    found["complete_pooling"] = float(here.population.matrix[0] @ [beta[x] for x in here.population.labels]) + curves
    if len(block.labels) > 1:
        found["factor"] = _factors(fit, predictor, block, z)
    return found.drop(columns=["factor_lower", "factor_upper", "factor_mcse"]), _say(fit, names)


def _factors(fit: Fit, predictor: Predictor, block: GroupBlock, z: Array) -> Array:
    """Return the shrinkage factor of z'u for each level, averaged over draws."""

    def factor(sigma: Array, known: Array) -> Array:
        if block.takes == RELATED:
            whole, left, _ = related_variances(block.level_covariances, sigma, known)
        else:
            whole, left = sigma, conditional_variance(sigma, known)
        before, after = _along(whole, z), _along(left, z)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(before > 0.0, 1.0 - after / before, 0.0)

    return np.asarray(by_blocks(fit, predictor, block, None, factor).mean(("chain", "draw")))


def _along(covariance: Array, z: Array) -> Array:
    """Return z'Vz for stacked (..., K, K) covariances V of effects."""
    return np.asarray(np.einsum("...ij,i,j", covariance, z, z))


def _say(fit: Fit, names: list[str]) -> str:
    """Return the values of the columns in words."""
    numbers = column_roles(fit.design).numbers
    values = [
        f"{usual_value(fit.design, name):.4g}"
        if name in numbers
        else value_texts(list(fit.design.table.levels[name]))[0]
        for name in names
    ]
    return ", ".join(f"{name} is {value}" for name, value in zip(names, values, strict=True))
