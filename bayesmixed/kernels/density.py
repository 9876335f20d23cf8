"""The log-density of every hierarchical model of the class, with its gradient, as one compiled function."""

import numpy as np
from numba import njit

from bayesmixed.kernels import packing as at
from bayesmixed.kernels.cutpoints import ends_back, fill_ends
from bayesmixed.kernels.joint_guides import add_root_slopes, read_guide, read_roots, restore, restore_back, work_space
from bayesmixed.kernels.prior_rows import prior_row
from bayesmixed.kernels.rows import row
from bayesmixed.kernels.term_effects import add_observation, coefficients_back, fill_coefficients, observation_back
from bayesmixed.kernels.whitening import unwhiten, whiten_slopes


@njit(cache=False, error_model="numpy")
def log_density(x, gradient, numbers, integers):  # type: ignore[no-untyped-def]
    """Return the log-density of a model at unconstrained coordinates, Jacobians included, and write its gradient."""
    guide, slots, headers = read_guide(numbers, integers)
    size, (levels, width) = len(slots), guide[4].shape
    if size == 0:
        point, log_determinant = unwhiten(x, numbers, integers), 0.0
    else:
        point, log_determinant = x.copy(), 0.0
    first = integers[headers[-1] + at.EFFECTS] if levels else 0
    roots = read_roots(x, headers, numbers, integers)
    work = work_space(size, levels, width, len(guide[6]))
    z, inner_z = np.empty(size), np.empty((levels, width))
    if size > 0:
        log_determinant = restore(x, slots, first, roots, guide, z, inner_z, work)
        for i in range(size):
            point[slots[i]] = z[i]
        for i in range(levels * width):
            point[first + i] = inner_z[i // width, i % width]
    total = _log_density(point, gradient, numbers, integers) - log_determinant
    whiten_slopes(gradient, numbers, integers)
    if size > 0:
        roots_bar = restore_back(gradient, slots, first, z, inner_z, roots, guide, work)
        add_root_slopes(x, headers, roots_bar, numbers, integers, gradient)
    return total


@njit(cache=False, error_model="numpy")
def _log_density(x, gradient, numbers, integers):  # type: ignore[no-untyped-def]
    """Return the log-density and write its gradient, nothing whitened.

    The order of the work: coefficients of group terms from the outermost inwards, linear predictors, rows, and the
    same way back with the derivatives (reverse-mode differentiation by hand).
    """
    n = integers[at.ROWS]
    parameters = integers[at.PARAMETERS]
    gradient[:] = 0.0
    eta = np.zeros((n, parameters))
    for p in range(parameters):
        _predict(x, eta, p, n, numbers, integers, gradient, False, eta)
    total = 0.0
    family = integers[at.FAMILY]
    link = integers[at.FIRST_PARAMETER + at.LINK]
    response, trials, constants = integers[at.RESPONSE], integers[at.TRIALS], integers[at.CONSTANTS]
    weights = integers[at.WEIGHTS]
    score = np.zeros((n, parameters))
    for i in range(n):
        constant = numbers[constants + i]
        value = row(family, link, numbers[response + i], numbers[trials + i], constant, eta, score, i)
        if weights >= 0:
            value *= numbers[weights + i]
            for p in range(parameters):
                score[i, p] *= numbers[weights + i]
        total += value
    for p in range(parameters):
        total += _predict(x, eta, p, n, numbers, integers, gradient, True, score)
    return total + log_priors(x, gradient, numbers, integers)


@njit(cache=False, error_model="numpy")
def log_priors(x, gradient, numbers, integers):  # type: ignore[no-untyped-def]
    """Return the log-density of all scalar priors, Jacobians included; add its derivatives to the gradient."""
    total = 0.0
    start, count = integers[at.PRIORS], integers[at.PRIOR_COUNT]
    for k in range(count):
        base = start + 4 * k
        slot, transform, code, place = integers[base], integers[base + 1], integers[base + 2], integers[base + 3]
        factor = numbers[place + 4]
        at_slot = factor * x[slot]
        value, slope = prior_row(transform, code, numbers[place], numbers[place + 1], numbers[place + 2], at_slot)
        total += value + numbers[place + 3]
        gradient[slot] += factor * slope
    return total


@njit(cache=False, error_model="numpy")
def _predict(x, eta, p, n, numbers, integers, gradient, backward, score):  # type: ignore[no-untyped-def]
    """Write the linear predictor of a parameter; going backward, add its derivatives and return its effects' density.

    The forward values are computed anew on the way back: cheaper than keeping them.
    """
    base = at.FIRST_PARAMETER + p * at.PARAMETER_SIZE
    slot = integers[base + at.SCALAR]
    if slot == at.LOWER_END:
        return 0.0
    if slot == at.UPPER_END:
        if backward:
            return ends_back(x, score, p, n, numbers, integers, gradient)
        fill_ends(x, eta, p, n, numbers, integers)
        return 0.0
    if slot != at.MODELLED:
        value = numbers[integers[base + at.SCALAR_VALUE]] if slot == at.FIXED else x[slot]
        offset = integers[base + at.OFFSET]
        if not backward:
            for i in range(n):
                eta[i, p] = value + numbers[offset + i] if offset >= 0 else value
        elif slot >= 0:
            for i in range(n):
                gradient[slot] += score[i, p]
        return 0.0
    width = integers[base + at.WIDTH]
    beta = np.empty(width)
    for k in range(width):
        place = integers[integers[base + at.BETA_SLOTS] + k]
        beta[k] = x[place] if place >= 0 else numbers[integers[base + at.BETA_VALUES] + k]
    beta_bar = np.zeros(width)
    count, first = integers[base + at.TERM_COUNT], integers[base + at.TERMS]
    coefficients_at = np.zeros(count + 1, dtype=np.int64)
    for t in range(count):
        term = first + t * at.TERM_SIZE
        size = 0 if integers[term + at.OBSERVATION] else integers[term + at.LEVELS] * integers[term + at.COLUMNS]
        coefficients_at[t + 1] = coefficients_at[t] + size
    coefficients = np.zeros(coefficients_at[count])
    for t in range(count):
        term = first + t * at.TERM_SIZE
        if not integers[term + at.OBSERVATION]:
            fill_coefficients(x, term, t, coefficients, coefficients_at, beta, numbers, integers)
    observation = -1
    for t in range(count):
        if integers[first + t * at.TERM_SIZE + at.OBSERVATION]:
            observation = first + t * at.TERM_SIZE
    if not backward:
        _fill(eta[:, p], n, base, beta, coefficients, coefficients_at, numbers, integers)
        if observation >= 0:
            add_observation(x, eta[:, p], observation, n, numbers, integers)
        return 0.0
    bar = score[:, p]
    coefficients_bar = np.zeros(coefficients_at[count])
    total = 0.0
    if observation >= 0:
        rest = np.empty(n)
        _fill(rest, n, base, beta, coefficients, coefficients_at, numbers, integers)
        total += observation_back(x, rest, bar, observation, n, numbers, integers, gradient)
    _scatter(bar, n, base, beta_bar, coefficients_bar, coefficients_at, numbers, integers)
    for t in range(count - 1, -1, -1):
        term = first + t * at.TERM_SIZE
        if not integers[term + at.OBSERVATION]:
            total += coefficients_back(
                x,
                term,
                t,
                coefficients,
                coefficients_bar,
                coefficients_at,
                beta,
                beta_bar,
                numbers,
                integers,
                gradient,
            )
    for k in range(width):
        place = integers[integers[base + at.BETA_SLOTS] + k]
        if place >= 0:
            gradient[place] += beta_bar[k]
    return total


@njit(cache=False, error_model="numpy")
def _fill(eta, n, base, beta, coefficients, coefficients_at, numbers, integers):  # type: ignore[no-untyped-def]
    """Write the linear predictor from offset, population columns and group terms, observation effects left out."""
    offset, matrix = integers[base + at.OFFSET], integers[base + at.REST_MATRIX]
    rest, columns = integers[base + at.REST_WIDTH], integers[base + at.REST_COLUMNS]
    for i in range(n):
        value = numbers[offset + i]
        for k in range(rest):
            value += numbers[matrix + i * rest + k] * beta[integers[columns + k]]
        eta[i] = value
    count, first = integers[base + at.TERM_COUNT], integers[base + at.TERMS]
    for t in range(count):
        term = first + t * at.TERM_SIZE
        if integers[term + at.OBSERVATION] or integers[term + at.ABSORBED]:
            continue
        width, index, z = integers[term + at.COLUMNS], integers[term + at.INDEX], integers[term + at.MATRIX]
        start = coefficients_at[t]
        if integers[term + at.DENSE]:
            levels = integers[term + at.LEVELS]
            for i in range(n):
                column = start + integers[index + i]
                for j in range(levels):
                    eta[i] += numbers[z + i * levels + j] * coefficients[column + j * width]
        elif integers[term + at.ONES]:
            for i in range(n):
                eta[i] += coefficients[start + integers[index + i]]
        else:
            for i in range(n):
                level = start + integers[index + i] * width
                for k in range(width):
                    eta[i] += numbers[z + i * width + k] * coefficients[level + k]


@njit(cache=False, error_model="numpy")
def _scatter(bar, n, base, beta_bar, coefficients_bar, coefficients_at, numbers, integers):  # type: ignore[no-untyped-def]
    """Add the derivatives in the linear predictor to those in coefficients."""
    matrix = integers[base + at.REST_MATRIX]
    rest, columns = integers[base + at.REST_WIDTH], integers[base + at.REST_COLUMNS]
    for i in range(n):
        for k in range(rest):
            beta_bar[integers[columns + k]] += numbers[matrix + i * rest + k] * bar[i]
    count, first = integers[base + at.TERM_COUNT], integers[base + at.TERMS]
    for t in range(count):
        term = first + t * at.TERM_SIZE
        if integers[term + at.OBSERVATION] or integers[term + at.ABSORBED]:
            continue
        width, index, z = integers[term + at.COLUMNS], integers[term + at.INDEX], integers[term + at.MATRIX]
        start = coefficients_at[t]
        if integers[term + at.DENSE]:
            levels = integers[term + at.LEVELS]
            for i in range(n):
                column = start + integers[index + i]
                for j in range(levels):
                    coefficients_bar[column + j * width] += numbers[z + i * levels + j] * bar[i]
        elif integers[term + at.ONES]:
            for i in range(n):
                coefficients_bar[start + integers[index + i]] += bar[i]
        else:
            for i in range(n):
                level = start + integers[index + i] * width
                for k in range(width):
                    coefficients_bar[level + k] += numbers[z + i * width + k] * bar[i]
