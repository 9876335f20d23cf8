"""Integrals over the effects of sets of rows by adaptive Gauss-Hermite quadrature, in compiled code."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.bridge import entry_point
from bayesmixed.kernels.marginal.levels import level_space, level_values, prepare_levels
from bayesmixed.kernels.marginal.lines import climb_lines, line_space
from bayesmixed.kernels.marginal.row_effects import read_rows, row_space, set_rows
from bayesmixed.kernels.marginal.rows import row_slopes
from bayesmixed.kernels.rows.families import GAMMA

_ROUNDS, _CLOSE, _LONGEST = 100, 1e-3, 3.0


@njit(cache=False, error_model="numpy")
def integrate_sets(rows, eta, further, loadings, sds, base, known, nodes, log_weights, rule, modes, out):  # type: ignore[no-untyped-def]
    """Write log E exp(sum of rows) over the standard normal effects of each set, (S, J).

    Parameters
    ----------
    rows : Rows
        Sorted by set; `pointers` are those of the sets. The fields for a border are not read.
    eta, further : (S, n) arrays
        Predictors without these effects, and further parameters.
    loadings : (S, n, K) array
        What the effects add to the predictors.
    sds : (S,) array
        Of the effects of rows, if `rows` is layered.
    base, known : (n,), (S, n) arrays
        Predictors where log-densities are known, and these: of a row by itself, weights included.
    nodes, log_weights : (M, K), (M,) arrays
        Of the standard normal law; log weights have |x|^2 / 2 added.
    rule : (2, N) array
        Of effects of rows.
    modes : (S, J, K) array
        Where the search for modes begins, NaN: at those of the draw before; moved to these.
    """
    count, width = modes.shape[1:]
    layer, constants = row_space(rows, rule), np.empty(count)
    place, best_place, gradient, step = np.zeros(width), np.zeros(width), np.empty(width), np.zeros(width)
    bend, root, logs = np.empty((width, width)), np.empty((width, width)), np.empty(len(nodes))
    size = np.max(np.diff(rows.pointers))
    predictors, values, first = np.empty(size), np.empty(size), np.empty(size)
    second, third = np.empty(size), np.empty(size)
    for s in range(len(eta)):
        set_rows(rows, further[s], sds[s], layer)
        fill_constants(rows, further, base, known, s, constants)
        for j in range(count):
            start, stop = rows.pointers[j], rows.pointers[j + 1]
            which = np.arange(start, stop)
            for k in range(width):
                begin = modes[s, j, k]
                if not math.isfinite(begin):
                    begin = modes[s - 1, j, k] if s > 0 else 0.0
                place[k], best_place[k] = begin, begin
            best = -np.inf
            for k in range(width):
                step[k] = 0.0
                for m in range(k + 1):
                    root[k, m] = 1.0 if k == m else 0.0
            for _ in range(_ROUNDS):
                value = 0.0
                for k in range(width):
                    value -= 0.5 * place[k] * place[k]
                    gradient[k] = -place[k]
                    for m in range(k + 1):
                        bend[k, m] = 1.0 if k == m else 0.0
                add_places(eta, loadings, s, which, place, predictors)
                read_rows(rows, which, predictors, further[s], layer, values, first, second, third)
                for a in range(stop - start):
                    i = start + a
                    value += values[a]
                    for k in range(width):
                        gradient[k] += first[a] * loadings[s, i, k]
                        for m in range(k + 1):
                            bend[k, m] -= min(second[a], 0.0) * loadings[s, i, k] * loadings[s, i, m]
                if not value >= best - 1e-12 * abs(best):
                    for k in range(width):
                        step[k] *= 0.5
                        place[k] = best_place[k] + step[k]
                    continue
                best, distance = value, 0.0
                for k in range(width):
                    best_place[k] = place[k]
                    for m in range(k + 1):
                        total = bend[k, m]
                        for c in range(m):
                            total -= root[k, c] * root[m, c]
                        root[k, m] = math.sqrt(total) if k == m else total / root[m, m]
                    step[k] = gradient[k]
                    for c in range(k):
                        step[k] -= root[k, c] * step[c]
                    step[k] /= root[k, k]
                    distance += step[k] * step[k]
                for k in range(width - 1, -1, -1):
                    for c in range(k + 1, width):
                        step[k] -= root[c, k] * step[c]
                    step[k] /= root[k, k]
                if not distance >= _CLOSE:
                    break
                largest = _LONGEST
                for k in range(width):
                    largest = max(largest, abs(step[k]))
                for k in range(width):
                    step[k] *= _LONGEST / largest
                    place[k] = best_place[k] + step[k]
            highest = -np.inf
            for q in range(len(nodes)):
                value = log_weights[q]
                for k in range(width - 1, -1, -1):
                    place[k] = nodes[q, k]
                    for c in range(k + 1, width):
                        place[k] -= root[c, k] * (place[c] - best_place[c])
                    place[k] = best_place[k] + place[k] / root[k, k]
                    value -= 0.5 * place[k] * place[k]
                add_places(eta, loadings, s, which, place, predictors)
                read_rows(rows, which, predictors, further[s], layer, values, first, second, third)
                value += np.sum(values[: stop - start])
                logs[q] = value
                highest = max(highest, value)
            mass = 0.0
            for q in range(len(nodes)):
                mass += math.exp(logs[q] - highest)
            found = constants[j] + highest + math.log(mass)
            for k in range(width):
                modes[s, j, k] = best_place[k]
                found -= math.log(root[k, k])
            out[s, j] = found


@njit(cache=False, error_model="numpy")
def add_places(eta, loadings, s, which, place, predictors):  # type: ignore[no-untyped-def]
    """Write the predictors of the rows of a set at a place of its effects."""
    for a in range(len(which)):
        predictors[a] = eta[s, which[a]]
        for k in range(len(place)):
            predictors[a] += loadings[s, which[a], k] * place[k]


@njit(cache=False, error_model="numpy")
def integrate_plain_sets(rows, eta, further, loadings, sds, base, known, nodes, log_weights, rule, modes, out):  # type: ignore[no-untyped-def]
    """Do what `integrate_sets` does where each row takes one effect of its set with the same loading, see `at_once`."""
    count = modes.shape[1]
    space, lines, every = level_space(rows, rule), line_space(rows), np.arange(count)
    root, spreads, effects, values = np.empty((1, 1)), np.empty(count), np.empty(count), np.empty((len(nodes), count))
    places, constants = np.zeros(count), np.empty(count)
    for s in range(len(eta)):
        root[0, 0] = loadings[s, 0, 0]
        fill_constants(rows, further, base, known, s, constants)
        prepare_levels(rows, eta[s], further[s], space)
        for j in range(count):
            places[j] = modes[s, j, 0] if math.isfinite(modes[s, j, 0]) else places[j]
        climb_lines(rows, eta[s], further[s], root, space, lines, places, spreads)
        for q in range(len(nodes)):
            for j in range(count):
                effects[j] = root[0, 0] * (places[j] + nodes[q, 0] * spreads[j])
            level_values(rows, space, every, effects, values[q])
        for j in range(count):
            constant = constants[j]
            for i in range(rows.pointers[j], rows.pointers[j + 1]):
                if rows.family == GAMMA:
                    constant += rows.weights[i] * further[s, i] * (rows.response[i] - eta[s, i] + 1.0)
                else:
                    constant += rows.weights[i] * rows.response[i] * eta[s, i]
            highest, mass = -np.inf, 0.0
            for q in range(len(nodes)):
                z = places[j] + nodes[q, 0] * spreads[j]
                values[q, j] += log_weights[q] - 0.5 * z * z
                highest = max(highest, values[q, j])
            for q in range(len(nodes)):
                mass += math.exp(values[q, j] - highest)
            modes[s, j, 0] = places[j]
            out[s, j] = constant + highest + math.log(mass * spreads[j])


@njit(cache=False, error_model="numpy")
def fill_constants(rows, further, base, known, s, constants):  # type: ignore[no-untyped-def]
    """Write what the log-likelihoods of sets have besides `row_slopes`, from their values at one predictor.

    Those of the draw before stay if rows have no further parameter (`scalar` below 0).
    """
    if s > 0 and rows.scalar < 0:
        return
    for j in range(len(constants)):
        constants[j] = 0.0
        for i in range(rows.pointers[j], rows.pointers[j + 1]):
            value, _, _, _ = row_slopes(
                rows.family, rows.link, rows.response[i], rows.trials[i], further[s, i], base[i]
            )
            constants[j] += known[s, i] - rows.weights[i] * value


integrate_sets_compiled, integrate_plain_sets_compiled = entry_point(integrate_sets), entry_point(integrate_plain_sets)
