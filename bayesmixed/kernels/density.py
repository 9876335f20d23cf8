"""The log-density of every hierarchical model of the class, with its gradient, as one compiled function."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels import packing as at
from bayesmixed.kernels.cutpoints import ends_back, fill_ends
from bayesmixed.kernels.prior_rows import prior_row
from bayesmixed.kernels.rows import row
from bayesmixed.kernels.special import expit
from bayesmixed.kernels.whitening import unwhiten, whiten_slopes


@njit(cache=False, error_model="numpy")
def log_density(x, gradient, numbers, integers):  # type: ignore[no-untyped-def]
    """Return the log-density of a model at unconstrained coordinates, Jacobians included, and write its gradient."""
    total = _log_density(unwhiten(x, numbers, integers), gradient, numbers, integers)
    whiten_slopes(gradient, numbers, integers)
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
            _coefficients(x, term, t, first, coefficients, coefficients_at, beta, numbers, integers)
    observation = -1
    for t in range(count):
        if integers[first + t * at.TERM_SIZE + at.OBSERVATION]:
            observation = first + t * at.TERM_SIZE
    if not backward:
        _fill(eta[:, p], n, base, beta, coefficients, coefficients_at, numbers, integers)
        if observation >= 0:
            _observation(x, eta[:, p], observation, n, numbers, integers)
        return 0.0
    bar = score[:, p]
    coefficients_bar = np.zeros(coefficients_at[count])
    total = 0.0
    if observation >= 0:
        rest = np.empty(n)
        _fill(rest, n, base, beta, coefficients, coefficients_at, numbers, integers)
        total += _observation_back(x, rest, bar, observation, n, numbers, integers, gradient)
    _scatter(bar, n, base, beta_bar, coefficients_bar, coefficients_at, numbers, integers)
    for t in range(count - 1, -1, -1):
        term = first + t * at.TERM_SIZE
        if not integers[term + at.OBSERVATION]:
            total += _coefficients_back(
                x,
                term,
                t,
                first,
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
    rest, columns, shift = integers[base + at.REST_WIDTH], integers[base + at.REST_COLUMNS], integers[base + at.SHIFT]
    constant = 0.0
    for k in range(len(beta)):
        constant += numbers[shift + k] * beta[k]
    for i in range(n):
        value = constant + numbers[offset + i]
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
def _observation(x, eta, term, n, numbers, integers):  # type: ignore[no-untyped-def]
    """Add observation-level effects; the variable of a centred one is the whole predictor of its row."""
    sd = _sd(x, term, 0, numbers, integers)
    effects, centred = integers[term + at.EFFECTS], integers[term + at.CENTRED]
    for i in range(n):
        if integers[centred + i]:
            eta[i] = x[effects + i]
        else:
            eta[i] += sd * x[effects + i]


@njit(cache=False, error_model="numpy")
def _scatter(bar, n, base, beta_bar, coefficients_bar, coefficients_at, numbers, integers):  # type: ignore[no-untyped-def]
    """Add the derivatives in the linear predictor to those in coefficients."""
    matrix, shift = integers[base + at.REST_MATRIX], integers[base + at.SHIFT]
    rest, columns = integers[base + at.REST_WIDTH], integers[base + at.REST_COLUMNS]
    whole = 0.0
    for i in range(n):
        whole += bar[i]
        for k in range(rest):
            beta_bar[integers[columns + k]] += numbers[matrix + i * rest + k] * bar[i]
    for k in range(len(beta_bar)):
        beta_bar[k] += numbers[shift + k] * whole
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


@njit(cache=False, error_model="numpy")
def _sd(x, term, k, numbers, integers):  # type: ignore[no-untyped-def]
    slot = integers[integers[term + at.SD_SLOTS] + k]
    return math.exp(x[slot]) if slot >= 0 else numbers[integers[term + at.SD_VALUES] + k]


@njit(cache=False, error_model="numpy")
def scale_factor(x, term, numbers, integers):  # type: ignore[no-untyped-def]
    """Return SDs and the Cholesky factor of the correlations of a term's columns.

    Within a part the factor is built from partial correlations 2 u - 1 (Lewandowski, Kurowicka & Joe 2009).
    """
    width = integers[term + at.COLUMNS]
    sd = np.empty(width)
    factor = np.zeros((width, width))
    for k in range(width):
        sd[k] = _sd(x, term, k, numbers, integers)
        factor[k, k] = 1.0
    parts = integers[term + at.PARTS]
    place = parts + 1
    for _ in range(integers[parts]):
        size, slot = integers[place], integers[place + 1]
        for i in range(1, size):
            left = 1.0
            row_at = integers[place + 2 + i]
            for j in range(i):
                z = 2.0 * expit(x[slot]) - 1.0
                factor[row_at, integers[place + 2 + j]] = z * math.sqrt(left)
                left *= 1.0 - z * z
                slot += 1
            factor[row_at, row_at] = math.sqrt(left)
        place += 2 + size
    return sd, factor


@njit(cache=False, error_model="numpy")
def scale_factor_back(x, term, sd, factor, scaled_bar, numbers, integers, gradient):  # type: ignore[no-untyped-def]
    """Add the derivatives in diag(sd) factor to those in log SDs and partial correlations."""
    width = integers[term + at.COLUMNS]
    for k in range(width):
        slot = integers[integers[term + at.SD_SLOTS] + k]
        if slot >= 0:
            for m in range(width):
                gradient[slot] += scaled_bar[k, m] * sd[k] * factor[k, m]
    parts = integers[term + at.PARTS]
    place = parts + 1
    for _ in range(integers[parts]):
        size, slot = integers[place], integers[place + 1]
        for i in range(1, size):
            row_at = integers[place + 2 + i]
            left = np.empty(i + 1)
            left[0] = 1.0
            for j in range(i):
                z = 2.0 * expit(x[slot + j]) - 1.0
                left[j + 1] = left[j] * (1.0 - z * z)
            left_bar = scaled_bar[row_at, row_at] * sd[row_at] * 0.5 / math.sqrt(left[i])
            for j in range(i - 1, -1, -1):
                u = expit(x[slot + j])
                z = 2.0 * u - 1.0
                entry_bar = scaled_bar[row_at, integers[place + 2 + j]] * sd[row_at]
                z_bar = entry_bar * math.sqrt(left[j]) - 2.0 * z * left[j] * left_bar
                left_bar = left_bar * (1.0 - z * z) + entry_bar * z * 0.5 / math.sqrt(left[j])
                gradient[slot + j] += z_bar * 2.0 * u * expit(-x[slot + j])
            slot += i
        place += 2 + size


@njit(cache=False, error_model="numpy")
def _mean(term, level, width, first, coefficients, coefficients_at, beta, numbers, integers, mean):  # type: ignore[no-untyped-def]
    """Write the mean of the coefficients of one level: an outer level's or population coefficients, and level covariates."""
    parent, matrix = integers[term + at.PARENT], integers[term + at.MEAN]
    mean[:] = 0.0
    if parent >= 0:
        outer = integers[integers[term + at.PARENT_INDEX] + level]
        mean[0] = coefficients[coefficients_at[parent] + outer]
    elif matrix >= 0:
        for k in range(width):
            for m in range(len(beta)):
                mean[k] += numbers[matrix + k * len(beta) + m] * beta[m]
    count, columns = integers[term + at.LEVEL_WIDTH], integers[term + at.LEVEL_COLUMNS]
    values = integers[term + at.LEVEL_MATRIX] + level * count
    for m in range(count):
        mean[integers[term + at.INTERCEPT]] += numbers[values + m] * beta[integers[columns + m]]


@njit(cache=False, error_model="numpy")
def _coefficients(x, term, t, first, coefficients, coefficients_at, beta, numbers, integers):  # type: ignore[no-untyped-def]
    """Write the coefficients (mean plus effect) of every level of a term."""
    width, levels = integers[term + at.COLUMNS], integers[term + at.LEVELS]
    effects, centred, start = integers[term + at.EFFECTS], integers[term + at.CENTRED], coefficients_at[t]
    sd, factor = scale_factor(x, term, numbers, integers)
    mean = np.zeros(width)
    for j in range(levels):
        if integers[centred + j]:
            for k in range(width):
                coefficients[start + j * width + k] = x[effects + j * width + k]
            continue
        _mean(term, j, width, first, coefficients, coefficients_at, beta, numbers, integers, mean)
        for k in range(width):
            value = 0.0
            for m in range(k + 1):
                value += factor[k, m] * x[effects + j * width + m]
            coefficients[start + j * width + k] = mean[k] + sd[k] * value


@njit(cache=False, error_model="numpy")
def _coefficients_back(  # type: ignore[no-untyped-def]
    x,
    term,
    t,
    first,
    coefficients,
    coefficients_bar,
    coefficients_at,
    beta,
    beta_bar,
    numbers,
    integers,
    gradient,
):
    """Return the log-density of a term's effects; pass the derivatives in its coefficients on."""
    width, levels = integers[term + at.COLUMNS], integers[term + at.LEVELS]
    effects, centred, start = integers[term + at.EFFECTS], integers[term + at.CENTRED], coefficients_at[t]
    parent, matrix = integers[term + at.PARENT], integers[term + at.MEAN]
    count, columns = integers[term + at.LEVEL_WIDTH], integers[term + at.LEVEL_COLUMNS]
    sd, factor = scale_factor(x, term, numbers, integers)
    scaled_bar = np.zeros((width, width))
    mean, mean_bar = np.zeros(width), np.zeros(width)
    w, back = np.zeros(width), np.zeros(width)
    total = 0.0
    log_scale = 0.0
    for k in range(width):
        log_scale += math.log(sd[k] * factor[k, k])
    centred_levels = 0
    for j in range(levels):
        here = start + j * width
        if integers[centred + j]:
            centred_levels += 1
            _mean(term, j, width, first, coefficients, coefficients_at, beta, numbers, integers, mean)
            for k in range(width):
                value = (coefficients[here + k] - mean[k]) / sd[k]
                for m in range(k):
                    value -= factor[k, m] * w[m]
                w[k] = value / factor[k, k]
                total -= 0.5 * w[k] * w[k]
            for k in range(width - 1, -1, -1):
                value = w[k]
                for m in range(k + 1, width):
                    value -= factor[m, k] * sd[m] * back[m]
                back[k] = value / (factor[k, k] * sd[k])
            for k in range(width):
                gradient[effects + j * width + k] += coefficients_bar[here + k] - back[k]
                mean_bar[k] = back[k]
                for m in range(k + 1):
                    scaled_bar[k, m] += back[k] * w[m]
        else:
            for k in range(width):
                z = x[effects + j * width + k]
                total -= 0.5 * z * z
                gradient[effects + j * width + k] -= z
                mean_bar[k] = coefficients_bar[here + k]
                for m in range(k + 1):
                    gradient[effects + j * width + m] += coefficients_bar[here + k] * sd[k] * factor[k, m]
                    scaled_bar[k, m] += coefficients_bar[here + k] * x[effects + j * width + m]
        if parent >= 0:
            outer = integers[integers[term + at.PARENT_INDEX] + j]
            coefficients_bar[coefficients_at[parent] + outer] += mean_bar[0]
        elif matrix >= 0:
            for k in range(width):
                for m in range(len(beta)):
                    beta_bar[m] += numbers[matrix + k * len(beta) + m] * mean_bar[k]
        values = integers[term + at.LEVEL_MATRIX] + j * count
        for m in range(count):
            beta_bar[integers[columns + m]] += numbers[values + m] * mean_bar[integers[term + at.INTERCEPT]]
    for k in range(width):
        scaled_bar[k, k] -= centred_levels / (sd[k] * factor[k, k])
    scale_factor_back(x, term, sd, factor, scaled_bar, numbers, integers, gradient)
    return total - centred_levels * log_scale - 0.9189385332046727 * levels * width


@njit(cache=False, error_model="numpy")
def _observation_back(x, rest, bar, term, n, numbers, integers, gradient):  # type: ignore[no-untyped-def]
    """Return the log-density of observation-level effects; `bar` becomes the derivative in the rest of the predictor."""
    sd = _sd(x, term, 0, numbers, integers)
    effects, centred = integers[term + at.EFFECTS], integers[term + at.CENTRED]
    slot = integers[integers[term + at.SD_SLOTS]]
    total, log_sd_bar = 0.0, 0.0
    for i in range(n):
        if integers[centred + i]:
            z = (x[effects + i] - rest[i]) / sd
            total -= 0.5 * z * z + math.log(sd)
            gradient[effects + i] += bar[i] - z / sd
            bar[i] = z / sd
            log_sd_bar += z * z - 1.0
        else:
            z = x[effects + i]
            total -= 0.5 * z * z
            gradient[effects + i] += bar[i] * sd - z
            log_sd_bar += bar[i] * z * sd
    if slot >= 0:
        gradient[slot] += log_sd_bar
    return total - 0.9189385332046727 * n
