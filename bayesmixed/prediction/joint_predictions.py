"""Predictions of several responses of the same rows: effects of new groups, and residuals, are drawn together."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.draws.joint_effects import draw_together
from bayesmixed.draws.linear_predictors import thin
from bayesmixed.errors import SpecError, check_choice, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.fits.selection import draws_for, with_common_draws
from bayesmixed.prediction.predictions import NOT_AVERAGED, needed_predictors, predict_rows, read_modes
from bayesmixed.preparation.new_rows import replay_rows
from bayesmixed.preparation.open_rows import refuse_open_rows
from bayesmixed.spec.joint_specs import RESCOR

KINDS = ("mean", "response", "linear")


def predict_responses(
    joint: JointFit,
    data: Any = None,
    *,
    groups: str | Mapping[str, str] = "existing",
    kind: str = "mean",
    draws: int | None = None,
    seed: int | None = None,
    na: str | float | Iterable[str | float] = (),
) -> xr.Dataset:
    """Return predictions of all responses, a variable for each, as `predict` does for one.

    Raises
    ------
    SpecError, DataError
        As `predict`.
    """
    check_choice("kind={} of several responses", kind, KINDS)
    factors = list(
        dict.fromkeys(group.name for part in joint.design.parts.values() for _, group in part.group_blocks())
    )
    for name in {} if isinstance(groups, str) else groups:
        if name not in factors:
            raise SpecError(f"groups names '{name}', which is not a grouping factor. {did_you_mean(name, factors)}")
    seeds = np.random.SeedSequence(seed).generate_state(len(joint) + 2)
    wishes: dict[str, Any] = {}
    modes: dict[str, str] = {}
    rows: dict[str, Design] = {}
    posteriors = {}
    for name, fit in joint.fits.items():
        own = {group.name for _, group in fit.design.group_blocks()}
        wishes[name] = groups if isinstance(groups, str) else {one: mode for one, mode in groups.items() if one in own}
        rows[name] = fit.design
        if data is not None:
            first = read_modes(fit.design, wishes[name], kind, known_rows=True)
            rows[name] = replay_rows(fit.design, data, first, na=na)
            refuse_open_rows(rows[name], needed_predictors(rows[name], kind))
        found = read_modes(rows[name], wishes[name], kind, known_rows=data is None)
        modes |= found
        draws_for(fit, found, draws)
        posteriors[name] = draws_for(fit, found, None)
    fits = with_common_draws(joint.fits, posteriors)
    fewest = min(one.sizes["draw"] for one in posteriors.values())
    posteriors = {
        name: thin(own if own.sizes["draw"] == fewest else fits[name].posterior, draws)
        for name, own in posteriors.items()
    }
    kept = next(iter(posteriors.values()))["draw"].values
    shared = joint.shared.sel(draw=kept)
    drawn = draw_together(joint.design, rows, posteriors, shared, modes, np.random.default_rng(int(seeds[-1])))
    if kind == "response" and "average" in modes.values():
        raise SpecError(NOT_AVERAGED)
    together = kind == "response" and joint.design.spec.rescor
    noise = draw_residuals(shared, next(iter(rows.values())).rows, int(seeds[-2])) if together else None
    variables, estimands = {}, {}
    for place, (name, fit) in enumerate(fits.items()):
        options: dict[str, Any] = {
            "groups": wishes[name],
            "draws": draws,
            "seed": int(seeds[place]),
            "drawn": drawn[name],
        }
        own_rows = None if data is None else rows[name]
        if noise is None:
            made = predict_rows(fit, own_rows, kind=kind, **options)
            values = made[kind]
        else:
            mean, scale = fit.design.family.first, str(fit.design.family.scale)
            made = predict_rows(fit, own_rows, kind=mean, **options)
            values = made[mean] + predict_rows(fit, own_rows, kind=scale, **options)[scale] * noise[..., place]
        estimands[name] = made.attrs["estimand"]
        variables[name] = values.assign_attrs(made.attrs)
    return xr.Dataset(label_rows(rows, variables), attrs={"estimand": "; ".join(estimands.values())})


def label_rows(rows: Mapping[str, Design], variables: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """Return variables of responses whose rows, where they differ, are dimensions of their own."""
    same = len({tuple(one.table.data.index) for one in rows.values()}) == 1
    return {
        name: (values if same else values.rename({"row": f"row_{name}"})).rename(name)
        for name, values in variables.items()
    }


def draw_residuals(shared: xr.Dataset, rows: int, seed: int) -> Array:
    """Return standard normal residuals of all responses with their correlations, (chain, draw, row, response)."""
    root = np.linalg.cholesky(shared[RESCOR].transpose("chain", "draw", ...).values)
    normal = np.random.default_rng(seed).standard_normal((*root.shape[:2], rows, root.shape[-1]))
    return normal @ np.swapaxes(root, -1, -2)
