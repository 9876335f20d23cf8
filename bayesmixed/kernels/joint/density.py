"""The log-density of every hierarchical model of the class, with its gradient, as one compiled function."""

import numpy as np
from numba import njit

from bayesmixed.kernels.joint.joint_guides import (
    add_root_slopes,
    read_guide,
    read_roots,
    restore,
    restore_back,
    work_space,
)
from bayesmixed.kernels.joint.term_effects import (
    add_row_effects,
    coefficients_back,
    fill_coefficients,
    row_effects_back,
)
from bayesmixed.kernels.joint.variance_split import split_density
from bayesmixed.kernels.joint.whitening import unwhiten, whiten_slopes
from bayesmixed.kernels.records import FIRST_CUT, FIXED, FURTHER_CUT, LOWER_END, MODELLED, SPLIT, UPPER_END
from bayesmixed.kernels.rows.cutpoints import ends_back, fill_ends
from bayesmixed.kernels.rows.families import row
from bayesmixed.kernels.rows.limited import limited_row
from bayesmixed.kernels.rows.priors import below, prior_row


@njit(cache=False, error_model="numpy")
def log_density(x, gradient, data):  # type: ignore[no-untyped-def]
    """Return the log-density of a model at unconstrained coordinates, Jacobians included, and write its gradient."""
    if data.model[0].joint.size > 0:
        return _joint_density(x, gradient, data)
    total = _log_density(unwhiten(x, data), gradient, data)
    whiten_slopes(gradient, data)
    return total


@njit(cache=False, error_model="numpy")
def _joint_density(x, gradient, data):  # type: ignore[no-untyped-def]
    """Return the log-density in joint coordinates of coefficients and effects, and write its gradient."""
    guide, slots, places = read_guide(data)
    size, (levels, width) = len(slots), guide[4].shape
    first = data.terms[places[-1]].effects if levels else 0
    roots = read_roots(x, places, data)
    work = work_space(size, levels, width, len(guide[6]))
    z, inner_z = np.empty(size), np.empty((levels, width))
    log_determinant = restore(x, slots, first, roots, guide, z, inner_z, work)
    point = x.copy()
    for i in range(size):
        point[slots[i]] = z[i]
    for i in range(levels * width):
        point[first + i] = inner_z[i // width, i % width]
    total = _log_density(point, gradient, data) - log_determinant
    roots_bar = restore_back(gradient, slots, first, z, inner_z, roots, guide, work)
    add_root_slopes(x, places, roots_bar, data, gradient)
    return total


@njit(cache=False, error_model="numpy")
def _log_density(x, gradient, data):  # type: ignore[no-untyped-def]
    """Return the log-density and write its gradient, nothing whitened.

    The order of the work: coefficients of group terms from the outermost inwards, linear predictors, rows, and the
    same way back with the derivatives (reverse-mode differentiation by hand).
    """
    model, parameters = data.model[0], len(data.parameters)
    n = model.rows
    gradient[:] = 0.0
    eta = np.zeros((n, parameters))
    for p in range(parameters):
        _predict(x, eta, p, n, data, gradient, False, eta)
    total = 0.0
    family, link = model.family, data.parameters[0].link
    response, trials, constants = model.response, model.trials, model.constants
    weights, limits = model.weights, model.limits
    score = np.zeros((n, parameters))
    for i in range(n):
        constant = data.numbers[constants + i]
        y, tried = data.numbers[response + i], data.numbers[trials + i]
        if limits < 0:
            value = row(family, link, y, tried, constant, eta, score, i)
        else:
            low, high = data.numbers[limits + i], data.numbers[limits + n + i]
            bottom, top = data.numbers[limits + 2 * n + i], data.numbers[limits + 3 * n + i]
            value = limited_row(family, link, y, tried, constant, low, high, bottom, top, eta, score, i)
        if weights >= 0:
            value *= data.numbers[weights + i]
            for p in range(parameters):
                score[i, p] *= data.numbers[weights + i]
        total += value
    for p in range(parameters):
        total += _predict(x, eta, p, n, data, gradient, True, score)
    return total + log_priors(x, gradient, data)


@njit(cache=False, error_model="numpy")
def log_priors(x, gradient, data):  # type: ignore[no-untyped-def]
    """Return the log-density of all priors but those of effects, Jacobians included; add its derivatives to the gradient."""
    total = 0.0
    for k in range(len(data.priors)):
        one = data.priors[k]
        if one.code == SPLIT:
            total += split_density(x, one.slot, data, gradient) + one.constant
            continue
        number, rise, log_rise, bend = below(one.highest, x[one.slot])
        value, slope = prior_row(one.transform, one.code, one.a, one.b, one.c, one.factor * number)
        total += value + one.constant + log_rise
        gradient[one.slot] += one.factor * slope * rise + bend
    return total


@njit(cache=False, error_model="numpy")
def _predict(x, eta, p, n, data, gradient, backward, score):  # type: ignore[no-untyped-def]
    """Write the linear predictor of a parameter; going backward, add its derivatives and return its effects' density.

    The forward values are computed anew on the way back: cheaper than keeping them.
    """
    parameter = data.parameters[p]
    slot = parameter.scalar
    if slot in (LOWER_END, FURTHER_CUT):
        return 0.0
    if slot in (UPPER_END, FIRST_CUT):
        if backward:
            return ends_back(x, score, p, n, data, gradient)
        fill_ends(x, eta, p, n, data)
        return 0.0
    if slot != MODELLED:
        value, rise, offset = parameter.value, 1.0, parameter.offset
        if slot != FIXED:
            value, rise, _, _ = below(parameter.value, x[slot])
        if not backward:
            for i in range(n):
                eta[i, p] = value + data.numbers[offset + i] if offset >= 0 else value
        elif slot >= 0:
            for i in range(n):
                gradient[slot] += score[i, p] * rise
        return 0.0
    width = parameter.width
    beta = np.empty(width)
    for k in range(width):
        place = data.integers[parameter.beta_slots + k]
        beta[k] = x[place] if place >= 0 else data.numbers[parameter.beta_values + k]
    beta_bar = np.zeros(width)
    count, first = parameter.terms, parameter.first_term
    coefficients_at = np.zeros(count + 1, dtype=np.int64)
    for t in range(count):
        term = data.terms[first + t]
        size = 0 if term.single else term.levels * term.columns
        coefficients_at[t + 1] = coefficients_at[t] + size
    coefficients = np.zeros(coefficients_at[count])
    for t in range(count):
        term = data.terms[first + t]
        if not term.single:
            fill_coefficients(x, term, t, coefficients, coefficients_at, beta, data)
    single = -1
    for t in range(count):
        if data.terms[first + t].single:
            single = first + t
    if not backward:
        _fill(eta[:, p], n, parameter, beta, coefficients, coefficients_at, data)
        if single >= 0:
            add_row_effects(x, eta[:, p], data.terms[single], n, data)
        return 0.0
    bar = score[:, p]
    coefficients_bar = np.zeros(coefficients_at[count])
    total = 0.0
    if single >= 0:
        rest = np.empty(n)
        _fill(rest, n, parameter, beta, coefficients, coefficients_at, data)
        total += row_effects_back(x, rest, bar, data.terms[single], n, data, gradient)
    _scatter(bar, n, parameter, beta_bar, coefficients_bar, coefficients_at, data)
    for t in range(count - 1, -1, -1):
        term = data.terms[first + t]
        if not term.single:
            total += coefficients_back(
                x,
                term,
                t,
                coefficients,
                coefficients_bar,
                coefficients_at,
                beta,
                beta_bar,
                data,
                gradient,
            )
    for k in range(width):
        place = data.integers[parameter.beta_slots + k]
        if place >= 0:
            gradient[place] += beta_bar[k]
    return total


@njit(cache=False, error_model="numpy")
def _fill(eta, n, parameter, beta, coefficients, coefficients_at, data):  # type: ignore[no-untyped-def]
    """Write the linear predictor from offset, population columns and group terms, effects of single rows left out."""
    offset, matrix = parameter.offset, parameter.rest_matrix
    rest, columns = parameter.rest_width, parameter.rest_columns
    for i in range(n):
        value = data.numbers[offset + i]
        for k in range(rest):
            value += data.numbers[matrix + i * rest + k] * beta[data.integers[columns + k]]
        eta[i] = value
    count, first = parameter.terms, parameter.first_term
    for t in range(count):
        term = data.terms[first + t]
        if term.single or term.absorbed:
            continue
        width, index, z = term.columns, term.index, term.matrix
        start = coefficients_at[t]
        if term.whole:
            levels = term.levels
            for i in range(n):
                column = start + data.integers[index + i]
                for j in range(levels):
                    eta[i] += data.numbers[z + i * levels + j] * coefficients[column + j * width]
        elif term.entries:
            for e in range(n * term.entries):
                eta[e // term.entries] += data.numbers[z + e] * coefficients[start + data.integers[index + e]]
        elif term.ones:
            for i in range(n):
                eta[i] += coefficients[start + data.integers[index + i]]
        else:
            for i in range(n):
                level = start + data.integers[index + i] * width
                for k in range(width):
                    eta[i] += data.numbers[z + i * width + k] * coefficients[level + k]


@njit(cache=False, error_model="numpy")
def _scatter(bar, n, parameter, beta_bar, coefficients_bar, coefficients_at, data):  # type: ignore[no-untyped-def]
    """Add the derivatives in the linear predictor to those in coefficients."""
    matrix = parameter.rest_matrix
    rest, columns = parameter.rest_width, parameter.rest_columns
    for i in range(n):
        for k in range(rest):
            beta_bar[data.integers[columns + k]] += data.numbers[matrix + i * rest + k] * bar[i]
    count, first = parameter.terms, parameter.first_term
    for t in range(count):
        term = data.terms[first + t]
        if term.single or term.absorbed:
            continue
        width, index, z = term.columns, term.index, term.matrix
        start = coefficients_at[t]
        if term.whole:
            levels = term.levels
            for i in range(n):
                column = start + data.integers[index + i]
                for j in range(levels):
                    coefficients_bar[column + j * width] += data.numbers[z + i * levels + j] * bar[i]
        elif term.entries:
            for e in range(n * term.entries):
                coefficients_bar[start + data.integers[index + e]] += data.numbers[z + e] * bar[e // term.entries]
        elif term.ones:
            for i in range(n):
                coefficients_bar[start + data.integers[index + i]] += bar[i]
        else:
            for i in range(n):
                level = start + data.integers[index + i] * width
                for k in range(width):
                    coefficients_bar[level + k] += data.numbers[z + i * width + k] * bar[i]
