"""Log densities of units of several responses: all that was observed in a row or a group, together."""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from bayesmixed.cross_validation.joint_units import (
    JointLeaving,
    JointUnits,
    StackedRows,
    find_joint_leaving,
    find_joint_units,
)
from bayesmixed.cross_validation.left_out_units import same_sets, without_layers
from bayesmixed.cross_validation.log_densities import label_draws
from bayesmixed.cross_validation.marginal_densities import MOST_WORK, integrate_anew, tell_doubts
from bayesmixed.cross_validation.normal_units import NormalRows
from bayesmixed.cross_validation.row_densities import copies_of, response_of, row_logs, row_values
from bayesmixed.cross_validation.units import OBSERVATION
from bayesmixed.design.joint_designs import JointDesign
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.linear_predictors import predictor_given_effects
from bayesmixed.draws.pieces import NUMBERS, refuse_large
from bayesmixed.families.links import Array
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.fits.selection import some_draws, with_common_draws
from bayesmixed.integration.layers import sum_rows
from bayesmixed.integration.nested_quadrature import TOLERANCE, check_layers, explain_refusal, integrate_doubting
from bayesmixed.spec.joint_specs import RESCOR
from bayesmixed.terms.block_parts import lies_in

Posteriors = dict[str, xr.Dataset]


def joint_draws(joint: JointFit, draws: int | None = None) -> tuple[Posteriors, xr.Dataset]:
    """Return about so many draws of each response with all effects, the same ones of all, and the correlations between
    responses."""
    fits = with_common_draws(joint.fits, {name: some_draws(fit, None) for name, fit in joint.fits.items()})
    posteriors = {name: some_draws(fit, draws) for name, fit in fits.items()}
    kept = next(iter(posteriors.values()))["draw"].values
    return posteriors, joint.shared.sel(draw=kept)


def joint_row_logs(joint: JointFit, draws: int | None = None) -> xr.DataArray:
    """Return the log density of what was observed in each row, given parameters and effects, (chain, draw, row): the sum over
    its responses, of correlated residuals that of all of them (SpecError, DataError)."""
    posteriors, shared = joint_draws(joint, draws)
    return given_effects(joint.design, posteriors, shared, find_joint_units(joint.design, OBSERVATION))


def joint_unit_logs(joint: JointFit, units: JointUnits, draws: int | None = None) -> xr.DataArray:
    """Return the log density of all responses of each unit, given all but the effects that leave with it, (chain, draw, unit).

    Raises
    ------
    SpecError
        A unit's effects are too many for quadrature.
    """
    return densities_of_units(joint.design, *joint_draws(joint, draws), units)


def densities_of_units(
    design: JointDesign, posteriors: Mapping[str, xr.Dataset], shared: xr.Dataset, units: JointUnits
) -> xr.DataArray:
    """Return the log density of units at the draws of posteriors, see `joint_unit_logs` (SpecError)."""
    leaving = find_joint_leaving(design, units)
    return _by_draws(
        design, posteriors, shared, units, lambda own, common: unit_logs(leaving, own, common, len(units.labels))
    )


def given_effects(
    design: JointDesign, posteriors: Mapping[str, xr.Dataset], shared: xr.Dataset, units: JointUnits
) -> xr.DataArray:
    """Return the log density of the rows of each unit given all effects, (chain, draw, unit)."""

    def logs(own: Posteriors, common: xr.Dataset) -> Array:
        stacked = _known(design, own)
        rows = _row_logs(stacked, common)(stacked.etas)
        return sum_rows(rows, np.concatenate([units.index[name] for name in design]))

    return _by_draws(design, posteriors, shared, units, logs)


def can_be_integrated(
    design: JointDesign, posteriors: Mapping[str, xr.Dataset], shared: xr.Dataset, units: JointUnits
) -> bool:
    """Return whether the effects of the units can be integrated out."""
    one = {name: own.isel(draw=[0]) for name, own in posteriors.items()}
    stacked = find_joint_leaving(design, units).at(one, shared.isel(draw=[0]))
    return _has_sums(stacked) or not explain_refusal(stacked.layers)


def _by_draws(
    design: JointDesign,
    posteriors: Mapping[str, xr.Dataset],
    shared: xr.Dataset,
    units: JointUnits,
    make: Callable[[Posteriors, xr.Dataset], Array],
) -> xr.DataArray:
    """Return densities of units, (chain, draw, unit), made for some draws at a time."""
    first = next(iter(posteriors.values()))
    chains, count = first.sizes["chain"], first.sizes["draw"]
    refuse_large(first, len(units.labels), "Log-densities")
    rows = sum(part.rows for part in design.parts.values())
    size = max(1, NUMBERS // (rows * chains))
    parts = []
    for start in range(0, count, size):
        piece = slice(start, start + size)
        some = {name: own.isel(draw=piece) for name, own in posteriors.items()}
        parts.append(make(some, shared.isel(draw=piece)).reshape(chains, -1, len(units.labels)))
    values = np.concatenate(parts, axis=1)
    return label_draws(first, values, units.dim).assign_coords({units.dim: list(units.labels)}).rename("log_likelihood")


def _known(design: JointDesign, posteriors: Posteriors) -> StackedRows:
    """Return the rows of all responses when all effects are known."""
    parts, slices, etas, start = {}, {}, {}, 0
    total = sum(part.rows for part in design.parts.values())
    for name, part in design.parts.items():
        own = {key: predictor_given_effects(one, posteriors[name]) for key, one in part.predictors.items()}
        own = {key: eta.reshape(-1, eta.shape[-1]) for key, eta in own.items()}
        parts[name] = without_layers(part, posteriors[name], own)
        slices[name], start = slice(start, start + part.rows), start + part.rows
        for key, eta in own.items():
            etas[f"{name}.{key}"] = np.zeros((len(eta), total))
            etas[f"{name}.{key}"][:, slices[name]] = eta
    return StackedRows(parts, slices, np.arange(total), etas, ())


def unit_logs(leaving: JointLeaving, posteriors: Posteriors, shared: xr.Dataset, count: int) -> Array:
    """Return the log density of each of so many units, (S, J), the effects that leave with it integrated out: in closed form
    where all responses are normal and a unit has one set of effects, by quadrature otherwise (SpecError)."""
    stacked = leaving.at(posteriors, shared)
    if _has_sums(stacked):
        return _normal_logs(stacked, shared)
    check_layers(stacked.layers)
    rows = _row_logs(stacked, shared)
    if not stacked.layers:
        return sum_rows(rows(stacked.etas), stacked.units)
    logs, doubts = integrate_doubting(rows, stacked.etas, stacked.layers)
    if np.any(doubts > TOLERANCE):
        logs, doubts, _ = integrate_anew(lambda _: (rows, stacked.etas, stacked.layers), logs, MOST_WORK)
        tell_doubts(stacked.layers, stacked.units, leaving.units.labels, doubts)
    return sum_rows(logs, lies_in(stacked.layers[0].index, stacked.units))


def _has_sums(stacked: StackedRows) -> bool:
    """Return whether all rows are normal, and independent but for residuals given one set of effects of each unit."""
    if len(stacked.layers) != 1 or not same_sets(stacked.layers[0].index, stacked.units):
        return False
    entered = {key for source in stacked.layers[0].sources for key in source.by_parameter}
    first = {f"{name}.{part.design.mu.parameter}" for name, part in stacked.parts.items()}
    return entered <= first and all(
        part.design.family.is_normal_under(part.design.mu.link) for part in stacked.parts.values()
    )


def _row_logs(stacked: StackedRows, shared: xr.Dataset) -> Callable[[dict[str, Array]], Array]:
    """Return log densities of stacked rows, (S, n), as a function of the predictors; of correlated residuals each response is
    given those before."""
    own = {name: row_logs(part) for name, part in stacked.parts.items()}
    root = _residual_root(shared)

    def split(etas: dict[str, Array], name: str) -> dict[str, Array]:
        keys = stacked.parts[name].design.predictors
        return {key: etas[f"{name}.{key}"][:, stacked.slices[name]] for key in keys}

    def alone(etas: dict[str, Array]) -> Array:
        return np.concatenate([log(split(etas, name)) for name, log in own.items()], axis=-1)

    def together(etas: dict[str, Array]) -> Array:
        assert root is not None
        logs: list[Array] = []
        scores: list[Array] = []
        for k, (name, part) in enumerate(stacked.parts.items()):
            values, family = row_values(part, split(etas, name)), part.design.family
            sd = values[str(family.scale)]
            score = (response_of(part)[0] - values[family.first]) / sd
            known = sum((root[:, k, j, None] * scores[j] for j in range(k)), np.zeros(1))
            scores.append((score - known) / root[:, k, k, None])
            spread = np.log(sd * root[:, k, k, None])
            logs.append(-0.5 * scores[k] ** 2 - spread - 0.5 * np.log(2.0 * np.pi))
        return np.concatenate(np.broadcast_arrays(*logs), axis=-1)

    return alone if root is None else together


def _residual_root(shared: xr.Dataset) -> Array | None:
    """Return the Cholesky roots of the correlations of residuals, (S, R, R), None without these."""
    if RESCOR not in shared:
        return None
    corr = values_of(shared, RESCOR)
    return np.linalg.cholesky(corr.reshape(-1, *corr.shape[2:]))


def _normal_logs(stacked: StackedRows, shared: xr.Dataset) -> Array:
    """Return the log densities of units of normal rows, (S, J), in closed form."""
    residuals, columns, sds, copies, constants = [], [], [], [], []
    total = len(stacked.units)
    for name, part in stacked.parts.items():
        family, here = part.design.family, stacked.slices[name]
        mu = part.design.mu.parameter
        own = {key: stacked.etas[f"{name}.{key}"][:, here] for key in part.design.predictors}
        values, (y, trials), count = row_values(part, own), response_of(part), copies_of(part)
        sd = np.broadcast_to(values[str(family.scale)], own[mu].shape)
        weight = np.sqrt(count) / sd
        entered = [
            source.by_parameter.get(f"{name}.{mu}", np.zeros((len(sd), total, source.width)))[:, here]
            for source in stacked.layers[0].sources
        ]
        residuals.append((family.working(y) - values[mu]) * weight)
        columns.append(np.concatenate(entered, axis=-1) * weight[..., None])
        sds.append(sd)
        copies.append(count)
        constants.append(np.broadcast_to(family.constant(y, trials), count.shape))
    root, extra = _residual_root(shared), np.zeros(1)
    if root is not None:  # rows of all responses are the same ones
        inverse = np.linalg.inv(root)
        residuals = list(np.einsum("skj,jsn->ksn", inverse, np.stack(residuals)))
        columns = list(np.einsum("skj,jsnq->ksnq", inverse, np.stack(columns)))
        log_root = np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(-1)
        extra = log_root[:, None] * np.bincount(stacked.units[: len(copies[0])])
    whole = np.concatenate(columns, axis=1)
    rows = NormalRows(
        stacked.units,
        np.concatenate(copies),
        np.concatenate(constants),
        np.concatenate(sds, axis=-1),
        np.concatenate(residuals, axis=-1),
        tuple(np.moveaxis(whole, -1, 0)),
    )
    return rows.sums.densities - extra
