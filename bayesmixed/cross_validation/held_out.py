"""Draws from the posterior given some of the rows only, for the design of all rows."""

import warnings

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.draws.linear_predictors import covariances_at_centre
from bayesmixed.errors import StatisticsWarning
from bayesmixed.fits.fitting import Fit, sample
from bayesmixed.fits.refitting import settings_of
from bayesmixed.preparation.preparing import prepare
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.predictors import Predictor


def sample_without(fit: Fit, held: NDArray[np.bool_], seed: int | None = None) -> xr.Dataset:
    """Return the posterior given the rows that are not held out, with all coefficients and levels of the fit.

    Coding, coordinates and priors are those of the fit. Effects of levels that lose all rows are drawn from their distribution;
    coefficients of columns that are left without a row, from their prior.

    Parameters
    ----------
    held : (n,) bool array
        Rows to leave out.
    seed : int, optional
        That of the fit if not given.
    """
    design = fit.design
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        rest = prepare(design.spec, design.table.data[~held], like=design).without_empty_levels()
        seed = fit.settings.seed if seed is None else seed
        settings = settings_of(fit, rest) | {"store": "all", "progress": False}
        again = sample(rest, seed=seed, **settings).posterior
    generator = np.random.default_rng([seed, 1])
    for predictor, group in design.group_blocks():
        name = predictor.b(group)
        known = again[name].transpose("chain", "draw", group.dim, ...)
        again = again.drop_vars(name).drop_dims(group.dim)
        again[name] = _all_levels(predictor, group, again, known, generator)
    return again


def _all_levels(
    predictor: Predictor, group: GroupBlock, posterior: xr.Dataset, known: xr.DataArray, generator: np.random.Generator
) -> xr.DataArray:
    """Return the effects of all levels of the fit: those that were sampled, and new draws for the others."""
    places = {level: place for place, level in enumerate(known[group.dim].values)}
    given = np.array([label in places for label in group.levels])
    sampled = known.values[:, :, [places[label] for label in group.levels if label in places]]
    effects = group.extend(sampled, given, covariances_at_centre(predictor, group, posterior), generator)
    coords = {group.dim: list(group.levels)} | {d: known[d].values for d in known.dims if d != group.dim}
    return xr.DataArray(effects, dims=known.dims, coords=coords)
