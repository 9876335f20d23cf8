"""The law of each row given the other rows, and the joint density of units, some whole units at a time."""

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from bayesmixed.cross_validation.left_out_units import Leaving, LeftOutUnits, condition, find_leaving
from bayesmixed.cross_validation.marginal_densities import set_logs, unit_logs
from bayesmixed.cross_validation.normal_units import (
    has_sums,
    is_normal,
    normal_in_turn,
    normal_rows,
    normal_unit,
    unit_rows,
)
from bayesmixed.cross_validation.row_densities import (
    distribution_at,
    given_other_rows,
    moments_of,
    residual_of,
    response_of,
    row_logs,
    row_values,
)
from bayesmixed.cross_validation.row_pieces import Asked, RowPredictions, by_draws, in_pieces, whole_units
from bayesmixed.cross_validation.unit_products import find_products
from bayesmixed.cross_validation.units import OBSERVATION, find_units, residual_units
from bayesmixed.design.design import Design
from bayesmixed.draws.pieces import most_rows
from bayesmixed.families.links import Array
from bayesmixed.integration.layers import Integers
from bayesmixed.integration.nested_quadrature import average
from bayesmixed.terms.block_parts import ONE
from bayesmixed.terms.relations import Factor
from bayesmixed.terms.residual_rows import given_earlier, sums_from

FEW_ROWS = 4
"""In levels with at most this many rows, a row is predicted from the others with the level's effects integrated out."""


def leave_rows_out(
    design: Design, posterior: xr.Dataset, asked: Asked, wanted: NDArray[np.bool_] | None = None
) -> Iterator[RowPredictions]:
    """Yield the distribution of rows given the other rows and, by draw, all effects that do not leave with them.

    Effects of a level with few rows (of every level, where the response is normal) are integrated out under the other
    rows of the level: the target of leaving one out stays the same, with fewer influential draws.

    Parameters
    ----------
    wanted : (n,) bool array, optional
        Rows that are asked for, all by default; others of their units may come, too.
    """
    finest = _finest_factor(design) if design.residual is None else residual_units(design)
    wanted = np.ones(design.rows, dtype=bool) if wanted is None else wanted
    small, one = np.zeros(design.rows, dtype=bool), posterior.isel(chain=[0], draw=[0])
    if finest is not None:
        wanted = np.isin(finest.index, finest.index[wanted])
        leaving = find_leaving(design, finest)
        around = leaving.at(one)
        if is_normal(around):
            yield from _normal_blocks(leaving, posterior, asked, wanted)
            return
        if design.residual is not None:
            yield from in_pieces(
                posterior, wanted, finest.index, lambda part, rows: _correlated(design, part, rows, asked)
            )
            return
        if len(around.layers) == 1 and around.layers[0].width == 1:
            small = np.isin(finest.sizes, range(2, FEW_ROWS + 1))[finest.index]
    every = np.arange(design.rows)
    single = find_leaving(design, find_units(design, OBSERVATION))
    layers = single.at(one).layers
    own = np.any([layer.owned for layer in layers], axis=0) if layers else np.zeros(design.rows, dtype=bool)
    for chosen in (wanted & own & ~small, wanted & ~own & ~small):
        yield from in_pieces(posterior, chosen, every, lambda part, rows: _alone(single.at(part, rows), asked))
    if finest is not None:
        yield from in_pieces(
            posterior, wanted & small, finest.index, lambda part, rows: _within(leaving.at(part, rows), asked)
        )


def leave_sets_out(
    design: Design, posterior: xr.Dataset, units: Factor, wanted: NDArray[np.bool_] | None = None
) -> Iterator[RowPredictions]:
    """Yield the joint log-density of the rows of units, some at a time, whose effects are integrated out.

    Parameters
    ----------
    wanted : (J,) bool array, optional
        Units that are asked for, all by default.

    Raises
    ------
    SpecError
        A unit's effects are too many for quadrature.
    """
    leaving = find_leaving(design, units)
    known = find_products(leaving, posterior)
    if known:
        chosen = np.arange(len(units.labels)) if wanted is None else np.flatnonzero(wanted)
        for some in np.array_split(chosen, -(-len(chosen) // most_rows(posterior))):
            log = known.sums(some).densities
            yield RowPredictions(some, log, np.empty((0, *log.shape)), np.empty((0, *log.shape)))
        return
    rows = np.arange(design.rows) if wanted is None else np.flatnonzero(wanted[units.index])
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]

    def predict(part: xr.Dataset, rows: Integers) -> RowPredictions:
        return _of_units(units, rows, unit_logs(leaving.at(part, rows), draws * design.rows // len(rows)))

    for block in whole_units(rows, leaving.units.index, most := most_rows(posterior)):
        pieces = _split_sums(leaving, posterior, block, most)
        if pieces:
            sums = [normal_rows(leaving.at(posterior, piece)).sums for piece in pieces]
            yield _of_units(units, block, sum(sums[1:], sums[0]).densities)
        else:
            yield by_draws(posterior, block, predict)


def _of_units(units: Factor, rows: Integers, log: Array) -> RowPredictions:
    """Return densities of the units of some rows."""
    none = np.empty((0, *log.shape))
    return RowPredictions(np.unique(units.index[rows]), log, none, none)


def predict_in_turn(
    design: Design, posterior: xr.Dataset, asked: Asked, wanted: NDArray[np.bool_] | None = None
) -> Iterator[RowPredictions]:
    """Yield the distribution of rows given the rows of their group before them, within which residuals are correlated.

    So predicted, rows are independent. The log-density is that of all rows from this one on: what leaves with it.
    """
    units = residual_units(design)
    leaving = find_leaving(design, units)
    wanted = np.ones(design.rows, dtype=bool) if wanted is None else np.isin(units.index, units.index[wanted])
    normal = is_normal(leaving.at(posterior.isel(chain=[0], draw=[0])))

    def predict(part: xr.Dataset, rows: Integers) -> RowPredictions:
        units_out = leaving.at(part, rows)
        if units_out.layers and not normal:
            units_out = condition(design, part, rows)
        return _in_turn(units_out, asked)

    yield from in_pieces(posterior, wanted, units.index, predict)


def _in_turn(units_out: LeftOutUnits, asked: Asked) -> RowPredictions:
    """Return what rows are given those of their group before them."""
    (y, trials), family, block = response_of(units_out), units_out.design.family, residual_of(units_out)
    values = row_values(units_out, units_out.etas)
    if units_out.layers:
        mu, scale = family.first, family.scale
        shape = np.broadcast_shapes(np.shape(values[mu]), np.shape(values[scale]))
        values = {**values, mu: np.empty(shape), scale: np.empty(shape)}
        for rows in unit_rows(units_out):
            rows = rows[np.argsort(block.ranks[rows])]
            values[mu][:, rows], values[scale][:, rows] = normal_in_turn(units_out, rows)
    else:
        values = given_earlier(block, units_out.residual, family, values, y)
    each = np.broadcast_to(family.logp(y, values, trials), (units_out.draws, len(units_out.rows)))
    points = asked.points[:, units_out.rows]
    distribution = np.array([np.broadcast_to(family.cdf(point, values, trials), each.shape) for point in points])
    known = np.array(moments_of(family, values, trials)) if asked.moments else np.empty((0, *each.shape))
    log = sums_from(block, each)
    return RowPredictions(units_out.rows, log, distribution.reshape(len(points), *each.shape), known)


def _alone(units_out: LeftOutUnits, asked: Asked) -> RowPredictions:
    """Return what each row is when its own effects come from their prior."""
    log = unit_logs(units_out)
    if asked.nothing:
        return _joined(units_out.rows, log, np.empty((0, *log.shape)), asked)
    what = distribution_at(units_out, asked.points, np.arange(len(units_out.rows)), asked.moments)
    return _joined(
        units_out.rows, log, average(row_logs(units_out, 0.0), units_out.etas, units_out.layers, what), asked
    )


def _correlated(design: Design, posterior: xr.Dataset, rows: Integers, asked: Asked) -> RowPredictions:
    """Return what each row is given the other rows of its group, all effects known."""
    units_out = condition(design, posterior, rows)
    (y, trials), family, values = response_of(units_out), design.family, given_other_rows(units_out)
    log = family.logp(y, values, trials)
    answers = [family.cdf(point, values, trials) for point in asked.points[:, rows]]
    answers += list(moments_of(family, values, trials)) if asked.moments else []
    stacked = np.array([np.broadcast_to(answer, log.shape) for answer in answers])
    return _joined(rows, log, stacked.reshape(-1, *log.shape), asked)


def _within(units_out: LeftOutUnits, asked: Asked) -> RowPredictions:
    """Return what each row is given the others of its unit: the first of each unit, the second, ..."""
    order = _places_within(units_out.units)
    full = set_logs(units_out)
    log = np.empty((len(full), len(order)))
    answers = np.empty((len(asked.points) + 3 * asked.moments, *log.shape))
    for place in range(int(order.max()) + 1):
        out = np.flatnonzero(order == place)
        keep = (order != place).astype(float)
        others, without = row_logs(units_out, keep), set_logs(units_out, keep)
        sets = units_out.layers[0].index[out]
        log[:, out] = full[:, sets] - without[:, sets]
        if not asked.nothing:
            what = distribution_at(units_out, asked.points, out, asked.moments)
            answers[..., out] = average(others, units_out.etas, units_out.layers, what, out)
    return _joined(units_out.rows, log, answers, asked)


def _joined(rows: Integers, log: Array, answers: Array, asked: Asked) -> RowPredictions:
    """Return predictions from what `distribution_at` gave."""
    return RowPredictions(rows, log, answers[: len(asked.points)], answers[len(asked.points) :])


def _normal_blocks(
    leaving: Leaving, posterior: xr.Dataset, asked: Asked, wanted: NDArray[np.bool_]
) -> Iterator[RowPredictions]:
    """Yield what rows are given the others of their unit, where all is normal."""
    known, index = find_products(leaving, posterior), leaving.units.index
    scalars = {name: one.values.reshape(-1, 1) for name, one in leaving.design.scalar_draws(posterior).items()}
    for rows in whole_units(np.flatnonzero(wanted), index, most := most_rows(posterior)):
        if known:
            for piece in np.array_split(rows, -(-len(rows) // most)):
                yield _normal(scalars, leaving.design, piece, known.given_others(piece, index[piece]), asked)
            continue
        pieces = _split_sums(leaving, posterior, rows, most)
        if not pieces:
            yield by_draws(posterior, rows, lambda part, rows: _given_others(leaving.at(part, rows), asked))
            continue
        sums = [normal_rows(leaving.at(posterior, piece)).sums for piece in pieces]
        whole = sum(sums[1:], sums[0])
        for piece in pieces:
            units_out = leaving.at(posterior, piece)
            yield _as_normal(units_out, normal_rows(units_out).given_others(whole), asked)


def _split_sums(leaving: Leaving, posterior: xr.Dataset, rows: Integers, most: int) -> list[Integers]:
    """Return the pieces of the rows of one unit that is larger than the budget, where sums over them say all; else none."""
    if len(rows) <= most or not has_sums(leaving.at(posterior.isel(chain=[0], draw=[0]), rows)):
        return []
    return np.array_split(rows, -(-len(rows) // most))


def _given_others(units_out: LeftOutUnits, asked: Asked) -> RowPredictions:
    """Return what rows are given the others of their unit, where all is normal."""
    if has_sums(units_out):
        own = normal_rows(units_out)
        return _as_normal(units_out, own.given_others(own.sums), asked)
    z, root = (np.empty((units_out.draws, len(units_out.rows))) for _ in range(2))
    for rows in unit_rows(units_out):
        _, weighted, precision = normal_unit(units_out, rows)
        root[:, rows] = np.sqrt(precision)
        z[:, rows] = weighted / root[:, rows]
    return _as_normal(units_out, (z, root), asked)


def _as_normal(units_out: LeftOutUnits, law: tuple[Array, Array], asked: Asked) -> RowPredictions:
    return _normal(units_out.scalars, units_out.design, units_out.rows, (*law, np.log(law[1])), asked)


def _normal(
    scalars: Mapping[str, Array], design: Design, rows: Integers, law: tuple[Array, Array, Array], asked: Asked
) -> RowPredictions:
    """Return what rows are whose working response is normal, from its residual in SDs, one by its SD, and that as a logarithm."""
    (z, root, log_root), family, mu = law, design.family, design.mu.parameter
    y, trials = np.asarray(design.response, dtype=float)[rows], np.broadcast_to(design.trials, (design.rows,))[rows]
    working, points = family.working, asked.points[:, rows]
    log = np.square(z)
    log *= -0.5
    log += log_root
    log += family.constant(y, trials)
    distribution: list[Array] = []
    for number, point in enumerate(points):
        alike = (other for other in range(number) if np.all(np.abs(points[other] - point) <= np.spacing(np.abs(point))))
        same = next(alike, None)
        shift = working(point) - working(y)
        own = special.ndtr(z if not np.any(shift) else z + shift * root) if same is None else distribution[same]
        distribution.append(own)
    known = np.empty((0, *log.shape))
    if asked.moments:
        known = np.array(moments_of(family, {**scalars, mu: working(y) - z / root, family.scale: 1.0 / root}, trials))
    return RowPredictions(rows, log, np.array(distribution).reshape(-1, *log.shape), known)


def _finest_factor(design: Design) -> Factor | None:
    """Return the factor with the most levels that have several rows each and normal effects, or None."""
    found: list[Factor] = []
    for _, group in design.group_blocks():
        if group.takes != ONE or not group.compared or group.heavy:
            continue
        units = find_units(design, group.name)
        if units.singletons < len(units.labels):
            found.append(units)
    return max(found, key=lambda units: len(units.labels), default=None)


def _places_within(units: Integers) -> Integers:
    """Return the place of each row among the rows of its unit, from 0."""
    order = np.argsort(units, kind="stable")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(units[order])) + 1])
    places = np.empty(len(units), dtype=np.intp)
    places[order] = np.arange(len(units)) - np.repeat(starts, np.diff([*starts, len(units)]))
    return places
