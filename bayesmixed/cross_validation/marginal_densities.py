"""Log-densities of units whose effects are integrated out, and the distribution of each row given the other rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from bayesmixed.cross_validation.integrated_rows import integrate_smallest
from bayesmixed.cross_validation.units import (
    OBSERVATION,
    LeftOutUnits,
    condition,
    find_units,
    residual_units,
    situate,
)
from bayesmixed.design.design import Design
from bayesmixed.design.row_likelihoods import RowLikelihood, likelihood_of_rows
from bayesmixed.errors import SpecError
from bayesmixed.families import Family
from bayesmixed.families.links import Array
from bayesmixed.families.records import Values
from bayesmixed.integration.layers import Integers, sum_rows
from bayesmixed.integration.nested_quadrature import (
    NOWHERE,
    Etas,
    RowLogs,
    average,
    check_layers,
    explain_refusal,
    integrate,
)
from bayesmixed.terms.block_parts import ONE, lies_in
from bayesmixed.terms.relations import Factor
from bayesmixed.terms.residual_blocks import ResidualBlock
from bayesmixed.terms.residual_rows import given_earlier, given_others, inverse_root, sums_from

FEW_ROWS = 4
"""In levels with at most this many rows, a row is predicted from the others with the level's effects integrated out."""


@dataclass(frozen=True, slots=True)
class RowPredictions:
    """What each draw says about each row, given the other rows.

    Attributes
    ----------
    log : (S, n) array
        Log-density at the response.
    distribution : (M, S, n) array
        P(Y <= point) at the M points that were asked for.
    moments : (3, S, n) array
        E(Y), E(Y^2), and E(m^2) of the row's mean m given all effects; (0, S, n) unless asked for.
    """

    log: Array
    distribution: Array
    moments: Array

    @property
    def asked(self) -> bool:
        """Whether anything but the density is wanted."""
        return bool(len(self.distribution) or len(self.moments))


def row_values(units_out: LeftOutUnits, etas: Etas, rows: Integers | None = None) -> dict[str, Array]:
    """Return the parameters of the family, off their borders, at predictors (S, n) of all or some rows."""
    likelihood = _likelihood(units_out, slice(None) if rows is None else rows)
    return likelihood.values(*_split(units_out, etas))


def row_logs(units_out: LeftOutUnits, keep: Array | float = 1.0) -> RowLogs:
    """Return the log-densities of the rows, weights included, as a function of the predictors; rows with keep 0 count as
    unknown."""
    likelihood = _likelihood(units_out, slice(None))
    if units_out.design.residual is not None:
        return _correlated_logs(units_out)

    def given_events(etas: Etas) -> Array:
        with np.errstate(all="ignore"):
            found = likelihood.log_density(*_split(units_out, etas))
        return np.nan_to_num(found, nan=NOWHERE, neginf=NOWHERE)

    def logs(etas: Etas) -> Array:
        if not units_out.events:
            return np.asarray(keep * given_events(etas))
        each = [one.log_chance + given_events(one.moved(etas)) for one in units_out.events]
        return np.asarray(keep * special.logsumexp(np.stack(each), axis=0))

    return logs


def _correlated_logs(units_out: LeftOutUnits) -> RowLogs:
    """Return the log-densities of rows, each given those of its group before it, as a function of the predictors."""
    (y, trials), family = _response(units_out), units_out.design.family
    block = residual_of(units_out)

    def logs(etas: Etas) -> Array:
        values = row_values(units_out, etas)
        return family.logp(y, given_earlier(block, units_out.residual, family, values, y), trials)

    return logs


def residual_of(units_out: LeftOutUnits, rows: Integers | slice = slice(None)) -> ResidualBlock:
    """Return the groups within which residuals of rows are correlated."""
    assert units_out.design.residual is not None
    return units_out.design.residual.take(units_out.rows[rows])


def given_other_rows(units_out: LeftOutUnits) -> dict[str, Array]:
    """Return the parameters of each row given the other rows of the group within which its residual is correlated."""
    values, (y, _) = row_values(units_out, units_out.etas), _response(units_out)
    return given_others(residual_of(units_out), units_out.residual, units_out.design.family, values, y)


def logs_given_others(units_out: LeftOutUnits) -> Array:
    """Return the log-density of each row given the other rows of its group, (S, n)."""
    y, trials = _response(units_out)
    return units_out.design.family.logp(y, given_other_rows(units_out), trials)


def _likelihood(units_out: LeftOutUnits, rows: Integers | slice) -> RowLikelihood:
    y, trials = _response(units_out)
    return likelihood_of_rows(
        units_out.design,
        units_out.scalars,
        response=y[..., rows],
        trials=trials[rows],
        rows=units_out.rows[rows],
        rough=True,
    )


def _split(units_out: LeftOutUnits, etas: Etas) -> tuple[Array, Etas]:
    """Return the predictor of the first parameter, and those of the others."""
    first = units_out.design.mu.parameter
    return etas[first], {name: eta for name, eta in etas.items() if name != first}


def distribution_at(
    units_out: LeftOutUnits, points: Array, at: Integers, moments: bool = False
) -> Callable[[Etas], Array]:
    """Return P(Y <= point) of some rows as a function of the predictors, (M, S, m); after them the moments."""
    _, trials = _response(units_out)
    family, wanted = units_out.design.family, points[:, units_out.rows[at]]

    def answers(etas: Etas) -> Array:
        if not units_out.events:
            return given_events({name: eta[:, at] for name, eta in etas.items()})
        each = [(np.exp(one.log_chance[:, at]), one.moved(etas)) for one in units_out.events]
        return sum(
            (chance * given_events({name: eta[:, at] for name, eta in moved.items()}) for chance, moved in each),
            np.zeros(()),
        )

    def given_events(etas: Etas) -> Array:
        values = row_values(units_out, etas, at)
        shape = next(iter(values[name] for name in etas)).shape
        found = [family.cdf(point, values, trials[at]) for point in wanted]
        found += list(_moments(family, values, trials[at])) if moments else []
        return np.stack([np.broadcast_to(one, shape) for one in found])

    return answers


def unit_logs(units_out: LeftOutUnits, draws: int | None = None) -> Array:
    """Return the joint log-density of the rows of each unit, (S, J), its effects integrated out.

    Closed form for responses that are normal, or whose logarithm is, with identity link; quadrature otherwise, in
    compiled code where `draws`, of which S are a part, are much work.

    Raises
    ------
    SpecError
        A unit's effects are too many for quadrature.
    """
    if units_out.layers and _is_normal(units_out):
        return np.stack([_normal_unit(units_out, rows)[0] for rows in _unit_rows(units_out)], axis=-1)
    check_layers(units_out.layers)
    if units_out.layers and units_out.design.residual is not None:
        raise SpecError(
            f"Effects of '{units_out.layers[0].names[0]}' cannot be integrated out beside correlated residuals "
            f"({units_out.design.residual.residual}) of family '{units_out.design.family.name}', only of normal ones. Take "
            f'unit="{OBSERVATION}".'
        )
    size = len(next(iter(units_out.etas.values()))) if draws is None else draws
    found = None if units_out.events else integrate_smallest(units_out, _likelihood(units_out, slice(None)), size)
    rows, layers = found or (row_logs(units_out), units_out.layers)
    sets = integrate(rows, units_out.etas, layers)
    if not layers:
        return sum_rows(sets, units_out.units)
    return sum_rows(sets, lies_in(layers[0].index, units_out.units))


def can_integrate(units_out: LeftOutUnits) -> bool:
    """Return whether `unit_logs` can integrate the effects of the units out."""
    closed = _is_normal(units_out) or not units_out.layers
    return closed or (units_out.design.residual is None and not explain_refusal(units_out.layers))


def leave_rows_out(
    design: Design,
    posterior: xr.Dataset,
    points: Array,
    wanted: NDArray[np.bool_] | None = None,
    *,
    moments: bool = False,
) -> RowPredictions:
    """Return the distribution of each row given the other rows and, by draw, all effects that do not leave with it.

    Effects of a level with few rows (of every level, where the response is normal) are integrated out under the other
    rows of the level: the target of leaving one out stays the same, with fewer influential draws.

    Parameters
    ----------
    points : (M, n) array
        Where the distribution function of each row is wanted; M can be 0.
    wanted : (n,) bool array, optional
        Rows whose distribution is asked for, all by default; that of others is undefined.
    moments : bool
        Whether the moments of each row are wanted.
    """
    finest = _finest_factor(design) if design.residual is None else residual_units(design)
    wanted = np.ones(design.rows, dtype=bool) if wanted is None else wanted
    small = np.zeros(design.rows, dtype=bool)
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    shape = (draws, design.rows)
    predicted = RowPredictions(np.empty(shape), np.empty((len(points), *shape)), np.empty((3 * moments, *shape)))
    if finest is not None:
        wanted = np.isin(finest.index, finest.index[wanted])
        around = situate(design, posterior, finest)
        if _is_normal(around):
            _leave_out_normal(around.restrict(wanted), predicted, points)
            return predicted
        if design.residual is not None:
            _leave_out_correlated(condition(design, posterior), predicted, points)
            return predicted
        if len(around.layers) == 1 and around.layers[0].width == 1:
            small = np.isin(finest.sizes, range(2, FEW_ROWS + 1))[finest.index]
    alone = situate(design, posterior, find_units(design, OBSERVATION))
    own = np.any([layer.owned for layer in alone.layers], axis=0) if alone.layers else small
    for rows in (wanted & own & ~small, wanted & ~own & ~small):
        if rows.any():
            _leave_out_alone(alone.restrict(rows), predicted, points)
    if (wanted & small).any():
        _leave_out_in_turn(around.restrict(wanted & small), predicted, points)
    return predicted


def predict_in_turn(design: Design, posterior: xr.Dataset, points: Array, *, moments: bool = False) -> RowPredictions:
    """Return the distribution of each row given the rows of its group before it, within which residuals are correlated.

    So predicted, rows are independent. The log-density is that of all rows from this one on: what leaves with it.
    """
    units_out, block = situate(design, posterior, residual_units(design)), design.residual
    assert block is not None
    if units_out.layers and not _is_normal(units_out):
        units_out = condition(design, posterior)
    (y, trials), family = _response(units_out), design.family
    values = row_values(units_out, units_out.etas)
    if units_out.layers:
        mu, scale = family.first, family.scale
        shape = np.broadcast_shapes(np.shape(values[mu]), np.shape(values[scale]))
        values = {**values, mu: np.empty(shape), scale: np.empty(shape)}
        for rows in _unit_rows(units_out):
            rows = rows[np.argsort(block.ranks[rows])]
            values[mu][:, rows], values[scale][:, rows] = _normal_in_turn(units_out, rows)
    else:
        values = given_earlier(block, units_out.residual, family, values, y)
    each = np.broadcast_to(family.logp(y, values, trials), (len(next(iter(units_out.etas.values()))), design.rows))
    distribution = np.array([np.broadcast_to(family.cdf(point, values, trials), each.shape) for point in points])
    known = np.array(_moments(family, values, trials)) if moments else np.empty((0, *each.shape))
    return RowPredictions(sums_from(block, each), distribution.reshape(len(points), *each.shape), known)


def _normal_in_turn(units_out: LeftOutUnits, rows: Integers) -> tuple[Array, Array]:
    """Return mean and SD of the working response of each row of a unit given the ones before it, (S, m) each."""
    family, mu = units_out.design.family, units_out.design.mu.parameter
    values = row_values(units_out, {name: eta[:, rows] for name, eta in units_out.etas.items()}, rows)
    sd = np.broadcast_to(values[family.scale], values[mu].shape)
    inverse = inverse_root(residual_of(units_out, rows), units_out.residual)
    root = sd[..., None] * np.linalg.inv(inverse)
    effects = _effect_columns(units_out, rows)
    whole = np.linalg.cholesky(root @ np.swapaxes(root, -1, -2) + effects @ np.swapaxes(effects, -1, -2))
    y, _ = _response(units_out)
    residual = family.working(y[rows]) - values[mu]
    spread = np.diagonal(whole, axis1=-2, axis2=-1)
    z = np.linalg.solve(whole, residual[..., None])[..., 0]
    return values[mu] + residual - spread * z, spread


def _leave_out_alone(units_out: LeftOutUnits, predicted: RowPredictions, points: Array) -> None:
    """Write what each row is when its own effects come from their prior."""
    predicted.log[:, units_out.rows] = unit_logs(units_out)
    if predicted.asked:
        what = distribution_at(units_out, points, np.arange(len(units_out.rows)), bool(len(predicted.moments)))
        _write(predicted, units_out.rows, average(row_logs(units_out, 0.0), units_out.etas, units_out.layers, what))


def _leave_out_correlated(units_out: LeftOutUnits, predicted: RowPredictions, points: Array) -> None:
    """Write what each row is given the other rows of its group, all effects known."""
    (y, trials), family, values = _response(units_out), units_out.design.family, given_other_rows(units_out)
    predicted.log[:] = family.logp(y, values, trials)
    for place, point in enumerate(points):
        predicted.distribution[place] = family.cdf(point, values, trials)
    if len(predicted.moments):
        predicted.moments[:] = _moments(family, values, trials)


def _leave_out_in_turn(units_out: LeftOutUnits, predicted: RowPredictions, points: Array) -> None:
    """Write what each row is given the others of its unit: the first of each unit, the second, ..."""
    order = _places_within(units_out.units)
    full = integrate(row_logs(units_out), units_out.etas, units_out.layers)
    for place in range(int(order.max()) + 1):
        out = np.flatnonzero(order == place)
        others = row_logs(units_out, (order != place).astype(float))
        without = integrate(others, units_out.etas, units_out.layers)
        sets, rows = units_out.layers[0].index[out], units_out.rows[out]
        predicted.log[:, rows] = full[:, sets] - without[:, sets]
        if predicted.asked:
            what = distribution_at(units_out, points, out, bool(len(predicted.moments)))
            _write(predicted, rows, average(others, units_out.etas, units_out.layers, what, out))


def _write(predicted: RowPredictions, rows: Integers, answers: Array) -> None:
    """Write what `distribution_at` gave for some rows."""
    count = len(predicted.distribution)
    predicted.distribution[..., rows], predicted.moments[..., rows] = answers[:count], answers[count:]


def _moments(family: Family, values: Values, trials: Array) -> tuple[Array, Array, Array]:
    """Return E(Y), E(Y^2) and the square of E(Y)."""
    mean = family.mean(values, trials)
    square = np.square(mean)
    return mean, family.variance(values, trials) + square, square


def _finest_factor(design: Design) -> Factor | None:
    """Return the factor with the most levels that have several rows each, or None."""
    found: list[Factor] = []
    for group in (group for _, group in design.group_blocks() if group.takes == ONE and group.compared):
        units = find_units(design, group.name)
        if units.singletons < len(units.labels):
            found.append(units)
    return max(found, key=lambda units: len(units.labels), default=None)


def _response(units_out: LeftOutUnits) -> tuple[Array, Array]:
    design = units_out.design
    y = np.asarray(design.response, dtype=float)
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), y.shape[-1:])
    return y[..., units_out.rows], trials[units_out.rows]


def _is_normal(units_out: LeftOutUnits) -> bool:
    design = units_out.design
    entered = {name for layer in units_out.layers for source in layer.sources for name in source.by_parameter}
    return design.family.is_normal_under(design.mu.link) and entered <= {design.mu.parameter} and not units_out.events


def _leave_out_normal(units_out: LeftOutUnits, predicted: RowPredictions, points: Array) -> None:
    """Write what each row is given the others of its unit, where all is normal."""
    y, trials = _response(units_out)
    family = units_out.design.family
    constant, working = family.constant(y, trials), family.working
    for rows in _unit_rows(units_out):
        _, weighted, precision = _normal_unit(units_out, rows)
        root, where = np.sqrt(precision), units_out.rows[rows]
        z = weighted / root
        predicted.log[:, where] = np.log(root) - 0.5 * z**2 + constant[rows]
        if len(points):
            shift = working(points[:, None, where]) - working(y[rows])
            predicted.distribution[:, :, where] = special.ndtr(z + shift * root)
        if len(predicted.moments):
            mu = units_out.design.mu.parameter
            values = {**units_out.scalars, mu: working(y[rows]) - z / root, family.scale: 1.0 / root}
            predicted.moments[:, :, where] = _moments(family, values, trials[rows])


def _normal_unit(units_out: LeftOutUnits, rows: Integers) -> tuple[Array, Array, Array]:
    """Return log p(y), V^-1 (w - eta) and the diagonal of V^-1 for one unit: (S,), (S, m), (S, m).

    w is the response on the scale on which it is normal. V = D + A A' with A the effects' columns times their root; all
    through the q x q matrix I + A' D^-1 A. A row that stands for k equal ones has k copies in V: as one of variance
    D / k, but for constants. Correlated residuals are made independent by the inverse root of their correlations first.
    """
    family, mu = units_out.design.family, units_out.design.mu.parameter
    values = row_values(units_out, {name: eta[:, rows] for name, eta in units_out.etas.items()}, rows)
    y, trials = (part[rows] for part in _response(units_out))
    sd = np.broadcast_to(values[family.scale], values[mu].shape)
    copies = units_out.design.observed.row_counts[units_out.rows[rows]]
    residual = np.sqrt(copies) * (family.working(y) - values[mu]) / sd
    scaled = np.sqrt(copies)[:, None] * _effect_columns(units_out, rows) / sd[..., None]
    inverse: Array | None = None
    if units_out.design.residual is not None:
        inverse = inverse_root(residual_of(units_out, rows), units_out.residual)
        residual, scaled = (inverse @ residual[..., None])[..., 0], inverse @ scaled
    inner = np.eye(scaled.shape[-1]) + np.swapaxes(scaled, -1, -2) @ scaled
    chol = np.linalg.cholesky(inner)
    half = np.linalg.solve(chol, np.swapaxes(scaled, -1, -2))
    shared = (half @ residual[..., None])[..., 0]
    spare = residual - (np.swapaxes(half, -1, -2) @ shared[..., None])[..., 0]
    determinant = np.sum(copies * np.log(sd), axis=-1) + np.sum(np.log(np.diagonal(chol, axis1=-2, axis2=-1)), axis=-1)
    square = np.sum(residual**2, axis=-1) - np.sum(shared**2, axis=-1)
    log = -0.5 * square - determinant + np.sum(copies * family.constant(y, trials))
    if inverse is None:
        return log, spare / sd, (1.0 - np.sum(half**2, axis=-2)) / sd**2
    log = log + np.sum(np.log(np.diagonal(inverse, axis1=-2, axis2=-1)), axis=-1)
    back = (np.swapaxes(inverse, -1, -2) @ spare[..., None])[..., 0]
    known = np.sum(inverse**2, axis=-2) - np.sum((half @ inverse) ** 2, axis=-2)
    return log, back / sd, known / sd**2


def _effect_columns(units_out: LeftOutUnits, rows: Integers) -> Array:
    """Return the columns of all effects of a unit times the root of their covariance, (S, m, q)."""
    draws = len(next(iter(units_out.etas.values())))
    blocks = [np.zeros((draws, len(rows), 0))]
    for layer in units_out.layers:
        present, sets = np.unique(layer.index[rows], return_inverse=True)
        for source in layer.sources:
            block = np.zeros((draws, len(rows), len(present), source.loadings.shape[-1]))
            block[:, np.arange(len(rows)), sets] = source.loadings[:, rows]
            blocks.append(block.reshape(draws, len(rows), -1))
    return np.concatenate(blocks, axis=-1)


def _unit_rows(units_out: LeftOutUnits) -> list[Integers]:
    order = np.argsort(units_out.units, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(units_out.units[order])) + 1)


def _places_within(units: Integers) -> Integers:
    """Return the place of each row among the rows of its unit, from 0."""
    order = np.argsort(units, kind="stable")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(units[order])) + 1])
    places = np.empty(len(units), dtype=np.intp)
    places[order] = np.arange(len(units)) - np.repeat(starts, np.diff([*starts, len(units)]))
    return places
