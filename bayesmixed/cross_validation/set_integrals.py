"""Integrals over the effects of sets of rows by adaptive Gauss-Hermite quadrature, in compiled code."""

import math

import numpy as np
from numba import njit

from bayesmixed.integration.nested_quadrature import SHRINKING, SURE, TOLERANCE
from bayesmixed.kernels.bridge import entry_point
from bayesmixed.kernels.marginal.levels import level_space, level_values, prepare_levels
from bayesmixed.kernels.marginal.lines import climb_lines, line_space
from bayesmixed.kernels.marginal.row_effects import read_rows, row_space, set_rows
from bayesmixed.kernels.marginal.rows import row_slopes
from bayesmixed.kernels.rows.families import GAMMA

_ROUNDS, _CLOSE, _LONGEST = 1000, 1e-3, 3.0
_SURE, _SHRINKING, _TOLERANCE = SURE, SHRINKING, TOLERANCE


@njit(cache=False, error_model="numpy")
def integrate_sets(rows, eta, further, loadings, sds, base, known, rules, rule, modes, out, changes):  # type: ignore[no-untyped-def]
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
    rules : three of (nodes, log_weights, ratios)
        (M, K), (M,) and (2 K, M) arrays, of the standard normal law; log weights have |x|^2 / 2 added; ratios are those of
        `check_ratios`. Later rules are for sets of which those before are not sure.
    rule : (2, N) array
        Of effects of rows.
    modes : (S, J, K) array
        Where the search for modes begins, NaN: at those of the draw before; moved to these.
    changes : (S, J) array, written
        By what share the ratios change the integrals at most.
    """
    count, width = modes.shape[1:]
    layer, constants = row_space(rows, rule), np.empty(count)
    place, best_place, gradient, step = np.zeros(width), np.zeros(width), np.empty(width), np.zeros(width)
    bend, root, logs = (
        np.empty((width, width)),
        np.empty((width, width)),
        np.empty(max(len(rules[0][0]), len(rules[2][0]))),
    )
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
            best, close = -np.inf, False
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
                close = not distance >= _CLOSE
                if close:
                    break
                largest = _LONGEST
                for k in range(width):
                    largest = max(largest, abs(step[k]))
                for k in range(width):
                    step[k] *= _LONGEST / largest
                    place[k] = best_place[k] + step[k]
            found, shift = 0.0, 0.0
            for attempt in range(3):
                nodes, log_weights, ratios = rules[attempt]
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
                mass = sum_masses(logs[: len(nodes)], highest)
                changes[s, j] = largest_change(logs[: len(nodes)], mass, ratios)
                if not close:
                    changes[s, j] = np.inf
                shift, found, before = abs(highest + math.log(mass) - found), highest + math.log(mass), shift
                if attempt == 2 and _SHRINKING * max(shift, before) < _TOLERANCE:
                    changes[s, j] = min(changes[s, j], _SURE)
                if not changes[s, j] > _SURE:
                    break
            found += constants[j]
            for k in range(width):
                modes[s, j, k] = best_place[k]
                found -= math.log(root[k, k])
            out[s, j] = found


@njit(cache=False, error_model="numpy")
def sum_masses(logs, highest):  # type: ignore[no-untyped-def]
    """Return the sum of exponentials, over that of the highest; they take the place of the logarithms."""
    mass = 0.0
    for q in range(len(logs)):
        logs[q] = math.exp(logs[q] - highest)
        mass += logs[q]
    return mass


@njit(cache=False, error_model="numpy")
def largest_change(masses, mass, ratios):  # type: ignore[no-untyped-def]
    """Return by what share of a sum of masses the ratios change it at most."""
    largest = 0.0
    for c in range(len(ratios)):
        total = 0.0
        for q in range(len(masses)):
            total += masses[q] * ratios[c, q]
        largest = max(largest, abs(total / mass - 1.0))
    return largest


@njit(cache=False, error_model="numpy")
def add_places(eta, loadings, s, which, place, predictors):  # type: ignore[no-untyped-def]
    """Write the predictors of the rows of a set at a place of its effects."""
    for a in range(len(which)):
        predictors[a] = eta[s, which[a]]
        for k in range(len(place)):
            predictors[a] += loadings[s, which[a], k] * place[k]


@njit(cache=False, error_model="numpy")
def integrate_plain_sets(rows, eta, further, loadings, sds, base, known, rules, rule, modes, out, changes):  # type: ignore[no-untyped-def]
    """Do what `integrate_sets` does where each row takes one effect of its set with the same loading, see `at_once`."""
    count = modes.shape[1]
    space, lines, every = level_space(rows, rule), line_space(rows), np.arange(count)
    most, before = max(len(rules[0][0]), len(rules[2][0])), np.zeros(count)
    shifts = np.zeros(count)
    root, spreads, effects, values = np.empty((1, 1)), np.empty(count), np.empty(count), np.empty((most, count))
    places, constants, logs = np.zeros(count), np.empty(count), np.empty(most)
    for s in range(len(eta)):
        root[0, 0] = loadings[s, 0, 0]
        fill_constants(rows, further, base, known, s, constants)
        prepare_levels(rows, eta[s], further[s], space)
        for j in range(count):
            places[j] = modes[s, j, 0] if math.isfinite(modes[s, j, 0]) else places[j]
            out[s, j] = constants[j]
            for i in range(rows.pointers[j], rows.pointers[j + 1]):
                if rows.family == GAMMA:
                    out[s, j] += rows.weights[i] * further[s, i] * (rows.response[i] - eta[s, i] + 1.0)
                else:
                    out[s, j] += rows.weights[i] * rows.response[i] * eta[s, i]
        climb_lines(rows, eta[s], further[s], root, space, lines, places, spreads)
        chosen = every
        for attempt in range(3):
            nodes, log_weights, ratios = rules[attempt]
            for q in range(len(nodes)):
                for a in range(len(chosen)):
                    j = chosen[a]
                    effects[a] = root[0, 0] * (places[j] + nodes[q, 0] * spreads[j])
                level_values(rows, space, chosen, effects, values[q])
            kept = 0
            for a in range(len(chosen)):
                j, highest = chosen[a], -np.inf
                for q in range(len(nodes)):
                    z = places[j] + nodes[q, 0] * spreads[j]
                    logs[q] = values[q, a] + log_weights[q] - 0.5 * z * z
                    highest = max(highest, logs[q])
                mass = sum_masses(logs[: len(nodes)], highest)
                changes[s, j] = largest_change(logs[: len(nodes)], mass, ratios)
                modes[s, j, 0] = places[j]
                found = highest + math.log(mass * spreads[j])
                shift = abs(found - before[j])
                if attempt == 2 and _SHRINKING * max(shift, shifts[j]) < _TOLERANCE:
                    changes[s, j] = min(changes[s, j], _SURE)
                before[j], shifts[j] = found, shift
                if attempt < 2 and changes[s, j] > _SURE:
                    chosen[kept] = j
                    kept += 1
                else:
                    out[s, j] += found
            chosen = chosen[:kept].copy()
            if kept == 0:
                break
        every = np.arange(count)


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
