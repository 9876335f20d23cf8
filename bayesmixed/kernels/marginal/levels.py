"""The rows of levels as functions of their effects: many levels with one effect each at once, or one with several."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.dense import FAST
from bayesmixed.kernels.marginal.elementwise import exponentials, logarithms
from bayesmixed.kernels.marginal.row_effects import read_rows, row_space
from bayesmixed.kernels.rows.families import BINOMIAL, GAMMA, NEGBIN, POISSON
from bayesmixed.kernels.rows.links import LOGIT

SUMS, ODDS, ROWS = 0, 1, 2
"""Of a level at the effect b its rows are, but for a linear function of b, minus T exp(+-b); minus the sum over rows of
n log(1 + E exp(b)); any function of each row."""
_STEP, _LARGEST_ODDS, _LARGE = 8, 1e18, 1e150
"""So many rows make one product, which does not overflow if no factor is larger than that."""


@njit(cache=False, error_model="numpy")
def form_of(rows):  # type: ignore[no-untyped-def]
    """Return the form of the rows of a level."""
    if rows.layered:
        return ROWS
    if rows.family == POISSON or rows.family == GAMMA:
        return SUMS
    return ODDS if rows.family == NEGBIN or (rows.family == BINOMIAL and rows.link == LOGIT) else ROWS


@njit(cache=False, error_model="numpy")
def at_once(rows):  # type: ignore[no-untyped-def]
    """Return whether each row takes one effect as it is, and a level is a function of few numbers."""
    return rows.plain and form_of(rows) != ROWS


@njit(cache=False, error_model="numpy")
def level_space(rows, rule):  # type: ignore[no-untyped-def]
    """Return the arrays of `prepare_levels` and of the other functions here; `rule` is that of effects of rows."""
    count, levels = len(rows.response), len(rows.pointers) - 1
    by_rows = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    slopes = np.empty((levels, rows.own.shape[1]))
    by_levels = np.empty(levels), np.empty(levels), np.empty(levels), np.empty(levels)
    return by_rows, slopes, by_levels, row_space(rows, rule)


@njit(cache=False, error_model="numpy", fastmath=FAST)
def prepare_levels(rows, eta, further, space):  # type: ignore[no-untyped-def]
    """Write what is the same at every effect, and return the part of the log-likelihood that depends on none."""
    (powers, counts, scratch, _), slopes, (totals, _, _, _), _ = space
    form, family, linear = form_of(rows), rows.family, 0.0
    response, trials, weights, pointers = rows.response, rows.trials, rows.weights, rows.pointers
    if form == ROWS:
        return 0.0
    if family == GAMMA:
        for i in range(len(eta)):
            powers[i] = response[i] - eta[i]
    exponentials(len(eta), powers if family == GAMMA else eta, scratch, powers)
    if family == GAMMA:
        for i in range(len(eta)):
            counts[i] = weights[i] * further[i]
            linear += counts[i] * (response[i] - eta[i] + 1.0)
    else:
        for i in range(len(eta)):
            linear += weights[i] * response[i] * eta[i]
            counts[i] = weights[i] * trials[i] if family == BINOMIAL else weights[i]
        if family == NEGBIN:
            for i in range(len(eta)):
                counts[i] *= response[i] + further[i]
                powers[i] /= further[i]
    for j in range(len(pointers) - 1):
        total = 0.0
        for k in range(slopes.shape[1]):
            slope = 0.0
            if family == GAMMA:
                for i in range(pointers[j], pointers[j + 1]):
                    slope -= counts[i] * rows.own[i, k]
            else:
                for i in range(pointers[j], pointers[j + 1]):
                    slope += weights[i] * response[i] * rows.own[i, k]
            slopes[j, k] = slope
        if form == SUMS:
            for i in range(pointers[j], pointers[j + 1]):
                total += counts[i] * powers[i]
        else:
            # The largest odds, below 0 where a row counts for more or less than one.
            for i in range(pointers[j], pointers[j + 1]):
                total = max(total, powers[i]) if counts[i] == 1.0 and total >= 0.0 else -1.0
        totals[j] = total
    return linear


@njit(cache=False, error_model="numpy", fastmath=FAST)
def level_values(rows, space, chosen, effects, values):  # type: ignore[no-untyped-def]
    """Write the log-likelihood of some levels at the one effect that each row takes as it is, see `at_once`.

    What `prepare_levels` returns is left out here and below.
    """
    (powers, counts, scratch, terms), slopes, (totals, factors, first, second), _ = space
    form, size, pointers = form_of(rows), len(chosen), rows.pointers
    sign = -1.0 if rows.family == GAMMA else 1.0
    for a in range(size):
        factors[a] = sign * effects[a]
    exponentials(size, factors, first, factors)
    if form == SUMS:
        for a in range(size):
            j = chosen[a]
            values[a] = slopes[j, 0] * effects[a] - totals[j] * factors[a]
        return
    filled = 0
    for a in range(size):
        j, factor = chosen[a], factors[a]
        start, stop = pointers[j], pointers[j + 1]
        values[a], product = slopes[j, 0] * effects[a], 1.0
        if totals[j] >= 0.0 and totals[j] * factor < _LARGEST_ODDS:
            # One logarithm for many rows.
            whole = start + (stop - start) // _STEP * _STEP
            for i in range(start, whole, _STEP):
                eight = 1.0
                for k in range(_STEP):
                    eight *= 1.0 + powers[i + k] * factor
                product *= eight
                if product > _LARGE:
                    values[a] -= math.log(product)
                    product = 1.0
            for i in range(whole, stop):
                product *= 1.0 + powers[i] * factor
        else:
            for i in range(start, stop):
                terms[filled + i - start] = 1.0 + powers[i] * factor
            filled += stop - start
        second[a] = product
    logarithms(size, second, first, second)
    logarithms(filled, terms, scratch, terms)
    filled = 0
    for a in range(size):
        j, value = chosen[a], values[a] - second[a]
        if not (totals[j] >= 0.0 and totals[j] * factors[a] < _LARGEST_ODDS):
            start, stop = pointers[j], pointers[j + 1]
            for i in range(start, stop):
                value -= counts[i] * terms[filled + i - start]
            filled += stop - start
        values[a] = value


@njit(cache=False, error_model="numpy", fastmath=FAST)
def level_slopes(rows, space, chosen, effects, slope, bend):  # type: ignore[no-untyped-def]
    """Write the first two derivatives of `level_values`."""
    (powers, counts, _, _), slopes, (totals, factors, first, _), _ = space
    form, pointers = form_of(rows), rows.pointers
    sign = -1.0 if rows.family == GAMMA else 1.0
    for a in range(len(chosen)):
        factors[a] = sign * effects[a]
    exponentials(len(chosen), factors, first, factors)
    for a in range(len(chosen)):
        j, factor = chosen[a], factors[a]
        one, two = 0.0, 0.0
        if form == SUMS:
            two = totals[j] * factor
            one = sign * two
        else:
            for i in range(pointers[j], pointers[j + 1]):
                rest = 1.0 / (1.0 + powers[i] * factor)
                count = counts[i] * (1.0 - rest)
                one += count
                two += count * rest
        slope[a], bend[a] = slopes[j, 0] - one, -two


@njit(cache=False, error_model="numpy", fastmath=FAST)
def shifted_rows(rows, eta, further, space, chosen, shift, valued, first, second, values):  # type: ignore[no-untyped-def]
    """Write the log-likelihood of some levels whose predictors are shifted.

    Parameters
    ----------
    shift : array
        By row of the chosen levels, one after the other.
    valued : bool
        Whether values are wanted.
    first, second : arrays, written
        Derivatives in the predictors of these rows.
    """
    (powers, counts, scratch, terms), _, _, layer = space
    form, family, pointers = form_of(rows), rows.family, rows.pointers
    response, weights = rows.response, rows.weights
    at = 0
    if form == ROWS:
        which = np.empty(len(eta), dtype=np.int64)
        for a in range(len(chosen)):
            for i in range(pointers[chosen[a]], pointers[chosen[a] + 1]):
                which[at], terms[at] = i, eta[i] + shift[at]
                at += 1
        read_rows(rows, which[:at], terms, further, layer, powers, first, second, counts)
        at = 0
        for a in range(len(chosen)):
            values[a] = 0.0
            for _ in range(pointers[chosen[a]], pointers[chosen[a] + 1]):
                values[a] += powers[at]
                at += 1
        return
    sign = -1.0 if family == GAMMA else 1.0
    for a in range(len(chosen)):
        at += pointers[chosen[a] + 1] - pointers[chosen[a]]
    for i in range(at):
        terms[i] = sign * shift[i]
    exponentials(at, terms, scratch, terms)
    at = 0
    for a in range(len(chosen)):
        start = pointers[chosen[a]]
        size, value = pointers[chosen[a] + 1] - start, 0.0
        for i in range(size):
            slope = -counts[start + i] if family == GAMMA else weights[start + i] * response[start + i]
            value += slope * shift[at + i]
            first[at + i] = slope
        if form == SUMS:
            for i in range(size):
                one = counts[start + i] * (terms[at + i] * powers[start + i])
                value -= one
                first[at + i] -= sign * one
                second[at + i] = -one
        else:
            for i in range(size):
                odds = 1.0 + terms[at + i] * powers[start + i]
                rest = 1.0 / odds
                one = counts[start + i] * (1.0 - rest)
                first[at + i] -= one
                second[at + i] = -one * rest
                terms[at + i] = odds
        values[a] = value
        at += size
    if form == SUMS or not valued:
        return
    logarithms(at, terms, scratch, terms)
    at = 0
    for a in range(len(chosen)):
        start = pointers[chosen[a]]
        size, value = pointers[chosen[a] + 1] - start, 0.0
        for i in range(size):
            value += counts[start + i] * terms[at + i]
        values[a] -= value
        at += size


@njit(cache=False, error_model="numpy", fastmath=FAST)
def grid_values(rows, eta, further, space, j, middle, axes, places, grid, values):  # type: ignore[no-untyped-def]
    """Write the log-likelihood of a level over a grid of its effects.

    An exponential is a product over the axes: a row has so many exponentials as the axes have places, and not one for each
    point.

    Parameters
    ----------
    middle, axes : (K,), (K, K) arrays
        Effects at the middle of the grid; row k is how they change along axis k.
    places : (m,) array
        Distances from the middle along each axis.
    grid : (2 (m K + 1) rows of the level,) array of work space
    values : (m^K,) array, written
        The last axis fastest.
    """
    (powers, counts, scratch, terms), slopes, (totals, _, _, _), layer = space
    form, start = form_of(rows), rows.pointers[j]
    size, width, number = rows.pointers[j + 1] - start, len(middle), len(places)
    sign = -1.0 if rows.family == GAMMA else 1.0
    chosen, effect = np.zeros(width, dtype=np.int64), np.empty(width)
    every = (width * number + 1) * size
    at_middle, odds = grid[width * number * size : every], grid[every:]
    widest, largest, multiplied = 0.0, 0.0, False
    if form != ROWS:
        for i in range(size):
            for k in range(width):
                moved = 0.0
                for m in range(width):
                    moved += rows.own[start + i, m] * axes[k, m]
                for q in range(number):
                    grid[(k * number + q) * size + i] = sign * places[q] * moved
                widest = max(widest, abs(moved))
            value = 0.0
            for m in range(width):
                value += rows.own[start + i, m] * middle[m]
            grid[width * number * size + i] = sign * value
        exponentials(every, grid, odds, grid)
        for i in range(size):
            at_middle[i] *= powers[start + i]
            largest = max(largest, at_middle[i])
        reach = width * widest * max(places[number - 1], -places[0])
        multiplied = totals[j] >= 0.0 and reach < 40.0 and largest * math.exp(reach) < _LARGEST_ODDS
    for point in range(len(values)):
        rest = point
        for k in range(width - 1, -1, -1):
            chosen[k] = rest % number
            rest //= number
        value = 0.0
        for m in range(width):
            effect[m] = middle[m]
            for k in range(width):
                effect[m] += places[chosen[k]] * axes[k, m]
            value += slopes[j, m] * effect[m]
        if form == ROWS:
            for i in range(size):
                terms[i] = eta[start + i]
                for m in range(width):
                    terms[i] += rows.own[start + i, m] * effect[m]
            which = np.arange(start, start + size)
            read_rows(rows, which, terms, further, layer, powers, counts, scratch, odds)
            values[point] = np.sum(powers[:size])
            continue
        if chosen[width - 1] == 0:
            for i in range(size):
                terms[i] = at_middle[i]
            for k in range(width - 1):
                begin = (k * number + chosen[k]) * size
                for i in range(size):
                    terms[i] *= grid[begin + i]
        begin = ((width - 1) * number + chosen[width - 1]) * size
        if form == SUMS:
            for i in range(size):
                value -= counts[start + i] * (terms[i] * grid[begin + i])
        elif multiplied:
            product, whole = 1.0, size // _STEP * _STEP
            for i in range(0, whole, _STEP):
                eight = 1.0
                for k in range(_STEP):
                    eight *= 1.0 + terms[i + k] * grid[begin + i + k]
                product *= eight
                if product > _LARGE:
                    value -= math.log(product)
                    product = 1.0
            for i in range(whole, size):
                product *= 1.0 + terms[i] * grid[begin + i]
            value -= math.log(product)
        else:
            for i in range(size):
                odds[i] = 1.0 + terms[i] * grid[begin + i]
            logarithms(size, odds, scratch, odds)
            for i in range(size):
                value -= counts[start + i] * odds[i]
        values[point] = value
