"""Log-densities of units whose effects are integrated out, and the law of each row given the other rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from bayesmixed.cross_validation.units import OBSERVATION, Situation, find_units, situate
from bayesmixed.design.design import Design
from bayesmixed.design.row_likelihoods import RowLikelihood, likelihood_of_rows
from bayesmixed.families import Family
from bayesmixed.families.links import Array
from bayesmixed.families.records import Values
from bayesmixed.integration.layers import Integers, sum_rows
from bayesmixed.integration.nested_quadrature import Etas, RowLogs, average, check_layers, explain_refusal, integrate
from bayesmixed.terms.block_parts import ONE, lies_in
from bayesmixed.terms.relations import Factor

FEW_ROWS = 4
"""Levels with at most so many rows: a row is predicted from the others with the level's effects integrated out."""
_CHUNK = 400_000


@dataclass(frozen=True, slots=True)
class RowLaw:
    """What each draw says of each row from the other rows.

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


def split_draws(posterior: xr.Dataset, rows: int) -> Iterator[xr.Dataset]:
    """Yield the posterior some draws at a time, so that arrays of draws by rows stay small."""
    size = max(1, _CHUNK // (rows * posterior.sizes["chain"]))
    for start in range(0, posterior.sizes["draw"], size):
        yield posterior.isel(draw=slice(start, start + size))


def row_values(situation: Situation, etas: Etas, rows: Integers | None = None) -> dict[str, Array]:
    """Return the parameters of the family, off their borders, at predictors (S, n) of all or some rows."""
    likelihood = _likelihood(situation, slice(None) if rows is None else rows)
    return likelihood.values(*_split(situation, etas))


def row_logs(situation: Situation, keep: Array | float = 1.0) -> RowLogs:
    """Return the log-densities of the rows as a function of the predictors; rows with keep 0 count as unknown."""
    likelihood = _likelihood(situation, slice(None))

    def logs(etas: Etas) -> Array:
        with np.errstate(all="ignore"):
            found = likelihood.log_density(*_split(situation, etas))
        return np.asarray(keep * np.nan_to_num(found, nan=-1e10, neginf=-1e10))

    return logs


def _likelihood(situation: Situation, rows: Integers | slice) -> RowLikelihood:
    y, trials = _response(situation)
    return likelihood_of_rows(
        situation.design, situation.scalars, response=y[..., rows], trials=trials[rows], rows=situation.rows[rows]
    )


def _split(situation: Situation, etas: Etas) -> tuple[Array, Etas]:
    """Return the predictor of the first parameter, and those of the others."""
    first = situation.design.mu.parameter
    return etas[first], {name: eta for name, eta in etas.items() if name != first}


def distribution_at(
    situation: Situation, points: Array, at: Integers, moments: bool = False
) -> Callable[[Etas], Array]:
    """Return P(Y <= point) of some rows as a function of the predictors, (M, S, m); after them the moments."""
    _, trials = _response(situation)
    family, wanted = situation.design.family, points[:, situation.rows[at]]

    def answers(etas: Etas) -> Array:
        values = row_values(situation, {name: eta[:, at] for name, eta in etas.items()}, at)
        shape = next(iter(values[name] for name in etas)).shape
        found = [family.cdf(point, values, trials[at]) for point in wanted]
        found += list(_moments(family, values, trials[at])) if moments else []
        return np.stack([np.broadcast_to(one, shape) for one in found])

    return answers


def unit_logs(situation: Situation) -> Array:
    """Return the joint log-density of the rows of each unit, (S, J), its effects integrated out.

    Closed form for responses that are normal, or whose logarithm is, with identity link; quadrature otherwise.

    Raises
    ------
    SpecError
        A unit's effects are too many for quadrature.
    """
    if _is_normal(situation):
        return np.stack([_normal_unit(situation, rows)[0] for rows in _unit_rows(situation)], axis=-1)
    check_layers(situation.layers)
    sets = integrate(row_logs(situation), situation.etas, situation.layers)
    if not situation.layers:
        return sum_rows(sets, situation.units)
    return sum_rows(sets, lies_in(situation.layers[0].index, situation.units))


def can_integrate(situation: Situation) -> bool:
    """Return whether `unit_logs` can integrate the effects of the units out."""
    return _is_normal(situation) or not explain_refusal(situation.layers)


def leave_rows_out(
    design: Design,
    posterior: xr.Dataset,
    points: Array,
    wanted: NDArray[np.bool_] | None = None,
    *,
    moments: bool = False,
) -> RowLaw:
    """Return the law of each row given the other rows and, by draw, all effects that do not leave with it.

    Effects of a level with few rows (of every level, where the response is normal) are integrated out under the other
    rows of the level: the target of leaving one out stays the same, with fewer influential draws.

    Parameters
    ----------
    points : (M, n) array
        Where the distribution function of each row is wanted; M can be 0.
    wanted : (n,) bool array, optional
        Rows whose law is asked for, all by default; that of others is not to be read.
    moments : bool
        Whether the moments of each row are wanted.
    """
    companions = _companions(design)
    wanted = np.ones(design.rows, dtype=bool) if wanted is None else wanted
    small = np.zeros(design.rows, dtype=bool)
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    shape = (draws, design.rows)
    law = RowLaw(np.empty(shape), np.empty((len(points), *shape)), np.empty((3 * moments, *shape)))
    if companions is not None:
        wanted = np.isin(companions.index, companions.index[wanted])
        around = situate(design, posterior, companions)
        if _is_normal(around):
            _leave_out_normal(around.restrict(wanted), law, points)
            return law
        if len(around.layers) == 1 and around.layers[0].width == 1:
            small = np.isin(companions.sizes, range(2, FEW_ROWS + 1))[companions.index]
    alone = situate(design, posterior, find_units(design, OBSERVATION))
    own = np.any([layer.owned for layer in alone.layers], axis=0) if alone.layers else small
    for rows in (wanted & own & ~small, wanted & ~own & ~small):
        if rows.any():
            _leave_out_alone(alone.restrict(rows), law, points)
    if (wanted & small).any():
        _leave_out_in_turn(around.restrict(wanted & small), law, points)
    return law


def _leave_out_alone(situation: Situation, law: RowLaw, points: Array) -> None:
    """Write into the law what each row is when its own effects come from their prior."""
    law.log[:, situation.rows] = unit_logs(situation)
    if law.asked:
        what = distribution_at(situation, points, np.arange(len(situation.rows)), bool(len(law.moments)))
        _write(law, situation.rows, average(row_logs(situation, 0.0), situation.etas, situation.layers, what))


def _leave_out_in_turn(situation: Situation, law: RowLaw, points: Array) -> None:
    """Write into the law what each row is given the others of its unit: the first of each unit, the second, ..."""
    order = _places_within(situation.units)
    full = integrate(row_logs(situation), situation.etas, situation.layers)
    for place in range(int(order.max()) + 1):
        out = np.flatnonzero(order == place)
        others = row_logs(situation, (order != place).astype(float))
        without = integrate(others, situation.etas, situation.layers)
        sets, rows = situation.layers[0].index[out], situation.rows[out]
        law.log[:, rows] = full[:, sets] - without[:, sets]
        if law.asked:
            what = distribution_at(situation, points, out, bool(len(law.moments)))
            _write(law, rows, average(others, situation.etas, situation.layers, what, out))


def _write(law: RowLaw, rows: Integers, answers: Array) -> None:
    """Write what `distribution_at` gave for some rows."""
    count = len(law.distribution)
    law.distribution[..., rows], law.moments[..., rows] = answers[:count], answers[count:]


def _moments(family: Family, values: Values, trials: Array) -> tuple[Array, Array, Array]:
    """Return E(Y), E(Y^2) and the square of E(Y)."""
    mean = family.mean(values, trials)
    square = np.square(mean)
    return mean, family.variance(values, trials) + square, square


def _companions(design: Design) -> Factor | None:
    """Return the factor with the most levels that have several rows each, or None."""
    found: list[Factor] = []
    for group in (group for _, group in design.group_blocks() if group.takes == ONE and group.compared):
        units = find_units(design, group.name)
        if units.singletons < len(units.labels):
            found.append(units)
    return max(found, key=lambda units: len(units.labels), default=None)


def _response(situation: Situation) -> tuple[Array, Array]:
    design = situation.design
    y = np.asarray(design.response, dtype=float)
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), y.shape[-1:])
    return y[..., situation.rows], trials[situation.rows]


def _is_normal(situation: Situation) -> bool:
    design = situation.design
    entered = {source.parameter for layer in situation.layers for source in layer.sources}
    return design.family.is_normal_under(design.mu.link) and entered <= {design.mu.parameter}


def _leave_out_normal(situation: Situation, law: RowLaw, points: Array) -> None:
    """Write into the law what each row is given the others of its unit, where all is normal."""
    y, trials = _response(situation)
    family = situation.design.family
    constant, working = family.constant(y, trials), family.working
    for rows in _unit_rows(situation):
        _, weighted, precision = _normal_unit(situation, rows)
        root, where = np.sqrt(precision), situation.rows[rows]
        z = weighted / root
        law.log[:, where] = np.log(root) - 0.5 * z**2 + constant[rows]
        if len(points):
            shift = working(points[:, None, where]) - working(y[rows])
            law.distribution[:, :, where] = special.ndtr(z + shift * root)
        if len(law.moments):
            mu = situation.design.mu.parameter
            values = {**situation.scalars, mu: working(y[rows]) - z / root, family.scale: 1.0 / root}
            law.moments[:, :, where] = _moments(family, values, trials[rows])


def _normal_unit(situation: Situation, rows: Integers) -> tuple[Array, Array, Array]:
    """Return log p(y), V^-1 (w - eta) and the diagonal of V^-1 for one unit: (S,), (S, m), (S, m).

    w is the response on the scale on which it is normal. V = D + A A' with A the effects' columns times their root; all
    through the q x q matrix I + A' D^-1 A.
    """
    family, mu = situation.design.family, situation.design.mu.parameter
    values = row_values(situation, {name: eta[:, rows] for name, eta in situation.etas.items()}, rows)
    y, trials = (part[rows] for part in _response(situation))
    sd = np.broadcast_to(values[family.scale], values[mu].shape)
    residual = (family.working(y) - values[mu]) / sd
    scaled = _effect_columns(situation, rows) / sd[..., None]
    inner = np.eye(scaled.shape[-1]) + np.swapaxes(scaled, -1, -2) @ scaled
    chol = np.linalg.cholesky(inner)
    half = np.linalg.solve(chol, np.swapaxes(scaled, -1, -2))
    shared = (half @ residual[..., None])[..., 0]
    spare = residual - (np.swapaxes(half, -1, -2) @ shared[..., None])[..., 0]
    determinant = np.sum(np.log(sd), axis=-1) + np.sum(np.log(np.diagonal(chol, axis1=-2, axis2=-1)), axis=-1)
    square = np.sum(residual**2, axis=-1) - np.sum(shared**2, axis=-1)
    log = -0.5 * square - determinant + np.sum(family.constant(y, trials))
    return log, spare / sd, (1.0 - np.sum(half**2, axis=-2)) / sd**2


def _effect_columns(situation: Situation, rows: Integers) -> Array:
    """Return the columns of all effects of a unit times the root of their covariance, (S, m, q)."""
    draws = len(next(iter(situation.etas.values())))
    blocks = [np.zeros((draws, len(rows), 0))]
    for layer in situation.layers:
        present, sets = np.unique(layer.index[rows], return_inverse=True)
        for source in layer.sources:
            block = np.zeros((draws, len(rows), len(present), source.loadings.shape[-1]))
            block[:, np.arange(len(rows)), sets] = source.loadings[:, rows]
            blocks.append(block.reshape(draws, len(rows), -1))
    return np.concatenate(blocks, axis=-1)


def _unit_rows(situation: Situation) -> list[Integers]:
    order = np.argsort(situation.units, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(situation.units[order])) + 1)


def _places_within(units: Integers) -> Integers:
    """Return the place of each row among the rows of its unit, from 0."""
    order = np.argsort(units, kind="stable")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(units[order])) + 1])
    places = np.empty(len(units), dtype=np.intp)
    places[order] = np.arange(len(units)) - np.repeat(starts, np.diff([*starts, len(units)]))
    return places
