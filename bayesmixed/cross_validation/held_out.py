"""Draws from the posterior given some of the rows only, for the design of all rows."""

import warnings
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.draws.linear_predictors import draw_tied, extend_effects
from bayesmixed.errors import SpecError, StatisticsWarning
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit, sample
from bayesmixed.fits.refitting import settings_of
from bayesmixed.preparation.preparing import prepare


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

    Raises
    ------
    SpecError
        Values of columns are drawn with the parameters.
    """
    design = fit.design
    if design.latent:
        raise SpecError(
            f"Sampling without some rows needs all values of the columns, and {fit.unsettled}. Weights of the draws need "
            "no further sampling: bm.loo(fit, unit=...), refits=False."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        rest = prepare(design.spec, design.table.data[~held], like=design).without_empty_levels()
        seed = fit.settings.seed if seed is None else seed
        settings = settings_of(fit, rest) | {"store": "all", "progress": False}
        again = sample(rest, seed=seed, **settings).posterior
    generator = np.random.default_rng([seed, 1])
    return with_all_levels(design, again, generator)


def with_all_levels(
    design: Design,
    posterior: xr.Dataset,
    generator: np.random.Generator,
    drawn: Mapping[tuple[str, str], Array] = MappingProxyType({}),
) -> xr.Dataset:
    """Return draws with the effects of all levels of a design, those that the draws lack from their distribution; `drawn` has
    effects at the centre that are tied to those of other responses."""
    known = {
        p.b(group): posterior[p.b(group)].transpose("chain", "draw", group.dim, ...)
        for p, group in design.group_blocks()
    }
    again = posterior.drop_vars(known).drop_dims({group.dim for _, group in design.group_blocks()})
    tied = {**draw_tied(design, again, generator), **drawn}
    for predictor, group in design.group_blocks():
        one = known[predictor.b(group)]
        places = {level: place for place, level in enumerate(one[group.dim].values)}
        given = np.array([label in places for label in group.levels])
        sampled = one.values[:, :, [places[label] for label in group.levels if label in places]]
        effects = extend_effects(predictor, group, again, sampled, given, generator, tied)
        coords = {group.dim: list(group.levels)} | {d: one[d].values for d in one.dims if d != group.dim}
        again[predictor.b(group)] = xr.DataArray(effects, dims=one.dims, coords=coords)
    return again
