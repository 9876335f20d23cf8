"""Levels along one line each in the space of their effects: modes, and exact draws by tangents."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.dense import FAST
from bayesmixed.kernels.marginal.levels import at_once, level_slopes, level_values, shifted_rows
from bayesmixed.kernels.marginal.rows import next_place

_ROUNDS, _CLOSE, _LONGEST = 200, 0.3, 3.0
_TRIALS = 10_000
_APART = 1.3
"""How many SDs from the mode the outer tangents of the hull touch."""


@njit(cache=False, error_model="numpy")
def line_space(rows):  # type: ignore[no-untyped-def]
    """Return where the lines of all levels begin, their directions, and what both are in the predictors; work space.

    For levels with one effect the line is the whole space, from 0 on, and only they need no `set_lines`.
    """
    count, levels, width = len(rows.response), len(rows.pointers) - 1, rows.own.shape[1]
    starts, directions = np.zeros((levels, width)), np.ones((levels, width))
    return (starts, directions, np.zeros(count), np.empty(count)), (np.empty(count), np.empty(count), np.empty(count))


@njit(cache=False, error_model="numpy")
def set_lines(rows, root, lines):  # type: ignore[no-untyped-def]
    """Write what starts and directions are in the predictors."""
    (starts, directions, base, change), _ = lines
    width = starts.shape[1]
    at, along = np.empty(width), np.empty(width)
    for j in range(len(starts)):
        apply_root(root, starts[j], at)
        apply_root(root, directions[j], along)
        for i in range(rows.pointers[j], rows.pointers[j + 1]):
            base[i], change[i] = 0.0, 0.0
            for k in range(width):
                base[i] += rows.own[i, k] * at[k]
                change[i] += rows.own[i, k] * along[k]


@njit(cache=False, error_model="numpy")
def apply_root(root, z, effect):  # type: ignore[no-untyped-def]
    """Write the effects in plain units."""
    for k in range(len(z)):
        effect[k] = 0.0
        for m in range(k + 1):
            effect[k] += root[k, m] * z[m]


@njit(cache=False, error_model="numpy", fastmath=FAST)
def _along(rows, eta, further, root, space, lines, chosen, distances, valued, sloped, value, slope, precision):  # type: ignore[no-untyped-def]
    """Write the log-density of some levels at a distance along their lines, without a constant, its slope and precision.

    Unless `valued` the first may be left out, and unless `sloped` the others.
    """
    (starts, directions, base, change), (shift, first, second) = lines
    if at_once(rows):
        tau = root[0, 0]
        effects = shift[: len(chosen)]
        for a in range(len(chosen)):
            effects[a] = tau * distances[a]
        if valued:
            level_values(rows, space, chosen, effects, value)
        if sloped:
            level_slopes(rows, space, chosen, effects, slope, precision)
        for a in range(len(chosen)):
            value[a] -= 0.5 * distances[a] * distances[a]
            slope[a] = tau * slope[a] - distances[a]
            precision[a] = 1.0 - tau * tau * min(precision[a], 0.0)
        return
    at = 0
    for a in range(len(chosen)):
        start, stop = rows.pointers[chosen[a]], rows.pointers[chosen[a] + 1]
        for i in range(start, stop):
            shift[at + i - start] = base[i] + distances[a] * change[i]
        at += stop - start
    shifted_rows(rows, eta, further, space, chosen, shift, valued, first, second, value)
    at = 0
    for a in range(len(chosen)):
        j = chosen[a]
        square, steep, curved = 0.0, 0.0, 0.0
        for k in range(starts.shape[1]):
            line = directions[j, k]
            place = starts[j, k] + distances[a] * line
            square += place * place
            steep -= place * line
            curved += line * line
        start, stop = rows.pointers[j], rows.pointers[j + 1]
        for i in range(start, stop):
            moved = change[i]
            steep += first[at + i - start] * moved
            curved -= min(second[at + i - start], 0.0) * moved * moved
        value[a], slope[a], precision[a] = value[a] - 0.5 * square, steep, curved
        at += stop - start


@njit(cache=False, error_model="numpy")
def climb_lines(rows, eta, further, root, space, lines, distances, spreads):  # type: ignore[no-untyped-def]
    """Move distances to near the mode of each line, and write the SDs of normal laws there.

    Steps are those of `next_place`.
    """
    size = len(distances)
    active, places = np.arange(size), np.empty(size)
    value, slope, precision = np.zeros(size), np.empty(size), np.empty(size)
    low, high = np.full(size, -np.inf), np.full(size, np.inf)
    for tried in range(_ROUNDS):
        for a in range(len(active)):
            places[a] = distances[active[a]]
        _along(rows, eta, further, root, space, lines, active, places, False, True, value, slope, precision)
        kept = 0
        for a in range(len(active)):
            j, z = active[a], places[a]
            spreads[j] = 1.0 / math.sqrt(precision[a])
            step = slope[a] / precision[a]
            if step * slope[a] <= _CLOSE * _CLOSE:
                distances[j] = z + step
                continue
            if slope[a] > 0.0:
                low[j] = z
            elif slope[a] < 0.0:
                high[j] = z
            distances[j] = next_place(z, slope[a], step, low[j], high[j], tried, _LONGEST)
            active[kept] = j
            kept += 1
        active = active[:kept]
        if kept == 0:
            break


@njit(cache=False, error_model="numpy")
def hull_space(size):  # type: ignore[no-untyped-def]
    """Return arrays for where tangents touch, values and slopes there, and hulls."""
    return np.empty((size, 3)), np.empty((size, 3)), np.empty((size, 3)), np.empty((size, 5))


@njit(cache=False, error_model="numpy")
def set_hulls(rows, eta, further, root, space, lines, middle, spreads, hulls):  # type: ignore[no-untyped-def]
    """Write the tangents of each line near its mode, and on both sides of it."""
    at, value, slope, masses = hulls
    size = len(middle)
    places, found, steep, precision = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    for k in range(3):
        side = k - 1.0
        for j in range(size):
            at[j, k] = middle[j] + side * _APART * spreads[j]
        active = np.arange(size)
        for _ in range(_TRIALS):
            for a in range(len(active)):
                places[a] = at[active[a], k]
            _along(rows, eta, further, root, space, lines, active, places, True, True, found, steep, precision)
            kept = 0
            for a in range(len(active)):
                j = active[a]
                value[j, k], slope[j, k] = found[a], steep[a]
                if k != 1 and not side * steep[a] < 0.0:
                    at[j, k] += 2.0 * side * spreads[j]
                    active[kept] = j
                    kept += 1
            active = active[:kept]
            if kept == 0:
                break
    for j in range(size):
        masses[j] = tangent_hull(at[j], value[j], slope[j])


@njit(cache=False, error_model="numpy")
def draw_lines(rows, eta, further, root, space, lines, hulls, stream, out):  # type: ignore[no-untyped-def]
    """Write a draw along each line.

    The log-density is concave and lies below its tangents at three places: a draw from below these is taken with the share
    that the density has of the hull (Gilks & Wild 1992, Appl Stat 41:337).
    """
    at, value, slope, masses = hulls
    size = len(out)
    places, heights, active = np.empty(size), np.empty(size), np.arange(size)
    found, steep, precision = np.empty(size), np.empty(size), np.empty(size)
    out[:] = np.nan  # where densities are no numbers
    for _ in range(_TRIALS):
        left, kept = len(active), 0
        for a in range(left):
            j = active[a]
            places[a], heights[a] = draw_below(masses[j], at[j], value[j], slope[j], stream)
        _along(rows, eta, further, root, space, lines, active, places, True, False, found, steep, precision)
        for a in range(left):
            if math.log(1.0 - stream.random()) <= found[a] - heights[a]:
                out[active[a]] = places[a]
            else:
                active[kept] = active[a]
                kept += 1
        active = active[:kept]
        if kept == 0:
            break


@njit(cache=False, error_model="numpy")
def tangent_hull(at, value, slope):  # type: ignore[no-untyped-def]
    """Return where three tangents meet, and the masses below them, over the exponential of the middle value."""
    left = _crossing(at, value, slope, 0)
    right = _crossing(at, value, slope, 1)
    low = math.exp(value[0] + slope[0] * (left - at[0]) - value[1])
    high = math.exp(value[2] + slope[2] * (right - at[2]) - value[1])
    gap = slope[1] * (right - left)
    middle = low * (right - left) * (math.expm1(gap) / gap if abs(gap) > 1e-8 else 1.0)
    return left, right, low / slope[0], middle, -high / slope[2]


@njit(cache=False, error_model="numpy")
def _crossing(at, value, slope, k):  # type: ignore[no-untyped-def]
    """Return where two neighbouring tangents meet."""
    difference = slope[k] - slope[k + 1]
    if not difference > 1e-12 * (abs(slope[k]) + abs(slope[k + 1])):
        return 0.5 * (at[k] + at[k + 1])
    return (value[k + 1] - value[k] + slope[k] * at[k] - slope[k + 1] * at[k + 1]) / difference


@njit(cache=False, error_model="numpy")
def draw_below(masses, at, value, slope, stream):  # type: ignore[no-untyped-def]
    """Return a draw from the law whose log-density the tangents are, and their height there."""
    left, right, first, second, third = masses
    chosen, share = stream.random() * (first + second + third), 1.0 - stream.random()
    if chosen < first:
        k, place = 0, left + math.log(share) / slope[0]
    elif chosen < first + second:
        gap = slope[1] * (right - left)
        inside = math.log1p(share * math.expm1(gap)) / slope[1] if abs(gap) > 1e-8 else share * (right - left)
        k, place = 1, left + inside
    else:
        k, place = 2, right + math.log(share) / slope[2]
    return place, value[k] + slope[k] * (place - at[k])
