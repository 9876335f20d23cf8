"""Draws from the posterior of several responses given some of the rows only, and what these say of the others."""

import warnings
from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.cross_validation.held_out import with_all_levels
from bayesmixed.cross_validation.joint_densities import (
    Posteriors,
    can_be_integrated,
    densities_of_units,
    given_effects,
)
from bayesmixed.cross_validation.joint_units import JointUnits
from bayesmixed.design.design import Design
from bayesmixed.design.joint_designs import JointDesign
from bayesmixed.draws.joint_effects import Drawn, draw_together
from bayesmixed.errors import StatisticsWarning
from bayesmixed.fits.joint_fits import JointFit, sample_joint
from bayesmixed.fits.joint_refitting import joint_settings
from bayesmixed.preparation.new_rows import replay_rows
from bayesmixed.preparation.preparing import prepare


def predict_joint_held_out(joint: JointFit, units: JointUnits, out: NDArray[np.bool_]) -> xr.DataArray:
    """Return log densities, (chain, draw, unit), of the units in `out`, (J,) bool, by sampling without all of them; of effects
    that cannot be integrated out given draws from their distribution (SpecError, DataError)."""
    posteriors, shared = sample_joint_without(joint, {name: out[index] for name, index in units.index.items()})
    integrated = can_be_integrated(joint.design, posteriors, shared, units)
    logs = (densities_of_units if integrated else given_effects)(joint.design, posteriors, shared, units)
    return logs.isel({units.dim: out})


def sample_joint_without(
    joint: JointFit, held: Mapping[str, NDArray[np.bool_]], seed: int | None = None
) -> tuple[Posteriors, xr.Dataset]:
    """Return the posterior of each response given the rows that are not held out, with all coefficients and levels of the fit,
    and the correlations between responses.

    Effects of levels that lose all rows of a response are drawn: given those of the level in other responses, where it has rows.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        rest = {
            name: prepare(part.spec, part.table.data[~held[name]], like=part).without_empty_levels()
            for name, part in joint.design.parts.items()
        }
        design = JointDesign(joint.design.spec, rest, joint.design.priors)
        seed = joint.settings.seed if seed is None else seed
        again = sample_joint(design, seed=seed, **joint_settings(joint) | {"store": "all", "progress": False})
        rows = {name: replay_rows(rest[name], part.table.data, "any") for name, part in joint.design.parts.items()}
    generator = np.random.default_rng([seed, 1])
    posteriors = {name: fit.posterior for name, fit in again.fits.items()}
    modes = {members[0].group.name: "any" for members in design.members().values()}
    drawn = draw_together(design, rows, posteriors, again.shared, modes, generator)
    found = {
        name: with_all_levels(part, posteriors[name], generator, _by_level(part, rows[name], drawn[name]))
        for name, part in joint.design.parts.items()
    }
    return found, again.shared


def _by_level(design: Design, rows: Design, drawn: Drawn) -> Drawn:
    """Return effects of all levels of a design, given those by the levels of its rows laid out after another fit."""
    laid = {(name, group.name): group for name, p in rows.predictors.items() for group in p.groups}
    found = {}
    for key, effects in drawn.items():
        group = next(one for one in design.predictors[key[0]].groups if one.name == key[1])
        found[key] = effects[:, :, [laid[key].levels.index(level) for level in group.levels]]
    return found
