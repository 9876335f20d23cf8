"""Log-densities of the rows and units of a fit, on demand."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from bayesmixed.cross_validation.left_out_rows import leave_rows_out, leave_sets_out
from bayesmixed.cross_validation.left_out_units import condition, situate
from bayesmixed.cross_validation.marginal_densities import can_integrate, unit_logs
from bayesmixed.cross_validation.row_densities import logs_given_others
from bayesmixed.cross_validation.row_pieces import Asked, RowPredictions
from bayesmixed.cross_validation.units import (
    OBSERVATION,
    describe_unit,
    dim_of,
    find_units,
    is_observation,
    shared_effects,
)
from bayesmixed.design.design import Design
from bayesmixed.draws.kept import with_effects
from bayesmixed.draws.linear_predictors import thin
from bayesmixed.draws.pieces import refuse_large, split_draws
from bayesmixed.draws.tree import row_labels
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import some_draws
from bayesmixed.terms.relations import Factor


def log_likelihood_of(fit: Fit, integrate: str | None, draws: int | None) -> xr.DataArray:
    """Return the log-likelihood of rows or groups of one response, see `log_likelihood` (SpecError)."""
    design = fit.design
    if integrate is not None:
        return unit_draws(fit, find_units(design, integrate, whole=True), draws)
    posterior = some_draws(fit, draws)
    refuse_large(posterior, design.rows, "Log-densities")
    rowwise = unit_logs if design.residual is None else logs_given_others
    parts = [rowwise(condition(design, part)) for part in split_draws(posterior, design.rows)]
    return label_units(design, posterior, find_units(design, OBSERVATION), parts)


def total_log_likelihood(fit: Fit) -> xr.DataArray:
    """Return the log-likelihood of all rows together with their weights, (chain, draw), given parameters and effects."""
    design, posterior = fit.design, some_draws(fit, None)
    parts = [unit_logs(condition(design, part)).sum(axis=-1) for part in split_draws(posterior, design.rows)]
    chains = posterior.sizes["chain"]
    return label_draws(posterior, np.concatenate([part.reshape(chains, -1) for part in parts], axis=1))


def unit_posterior(fit: Fit, units: Factor, draws: int | None = None) -> xr.Dataset:
    """Return the draws, about so many, of which the log-densities of units need all."""
    return thin(with_effects(fit.draws, shared_effects(fit.design, units)), draws)


def unit_draws(fit: Fit, units: Factor, draws: int | None = None) -> xr.DataArray:
    """Return the log-density of each unit, (chain, draw, unit), given all but its own effects."""
    return unit_densities(fit.design, unit_posterior(fit, units, draws), units)


def unit_densities(design: Design, posterior: xr.Dataset, units: Factor) -> xr.DataArray:
    """Return the log-density of each unit at the draws of a posterior that holds the effects it needs."""
    refuse_large(posterior, len(units.labels), "Log-densities")
    values = np.empty((posterior.sizes["chain"] * posterior.sizes["draw"], len(units.labels)))
    for part in unit_blocks(design, posterior, units):
        values[:, part.rows] = part.log
    return label_units(design, posterior, units, [values])


def unit_blocks(
    design: Design, posterior: xr.Dataset, units: Factor, wanted: NDArray[np.bool_] | None = None
) -> Iterator[RowPredictions]:
    """Yield log-densities of units, some at a time, or of those wanted, (J,), and perhaps further ones."""
    if is_observation(units):
        nowhere = Asked(np.empty((0, design.rows)))
        return leave_rows_out(design, posterior, nowhere, wanted)
    return leave_sets_out(design, posterior, units, wanted)


def can_be_integrated(design: Design, posterior: xr.Dataset, units: Factor) -> bool:
    """Return whether the effects of the units can be integrated out."""
    return is_observation(units) or can_integrate(situate(design, posterior.isel(draw=[0]), units))


def per_unit(design: Design, values: Array, units: Factor) -> xr.DataArray:
    """Return values of units, (J,), with their labels and what was predicted."""
    attributes = {"unit": units.name, "estimand": describe_unit(units)}
    return xr.DataArray(values, dims=(dim_of(units),), coords={dim_of(units): _names(design, units)}, attrs=attributes)


def log_mean(logs: Array) -> Array:
    """Return the logarithm of the mean density over chains and draws, the first two axes."""
    return np.asarray(special.logsumexp(logs, axis=(0, 1)) - np.log(logs.shape[0] * logs.shape[1]))


def standard_error(values: Array) -> float:
    """Return the standard error of the sum of values, as if they were independent."""
    return float(np.sqrt(len(values) * np.var(values)))


def label_units(design: Design, posterior: xr.Dataset, units: Factor, parts: list[Array]) -> xr.DataArray:
    """Return chunks of draws, each (chains x some draws, J), as one labelled array."""
    chains = posterior.sizes["chain"]
    values = np.concatenate([part.reshape(chains, -1, part.shape[-1]) for part in parts], axis=1)
    dim = dim_of(units)
    labelled = label_draws(posterior, values, dim).assign_coords({dim: _names(design, units)})
    return labelled.rename(design.response_name)


def label_draws(posterior: xr.Dataset, values: Array, *dims: str) -> xr.DataArray:
    """Return values at the draws of a posterior, (chain, draw, ...), with the labels of chains and draws."""
    coords = {name: posterior[name].values for name in ("chain", "draw")}
    return xr.DataArray(values, dims=("chain", "draw", *dims), coords=coords)


def _names(design: Design, units: Factor) -> list[Any]:
    return list(row_labels(design) if is_observation(units) else units.labels)
