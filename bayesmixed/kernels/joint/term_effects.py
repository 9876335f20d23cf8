"""The effects of group terms in compiled code: from coordinates to coefficients, and derivatives the way back."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.joint.guides import (
    standardise,
    standardise_back,
    standardise_one,
    standardise_one_back,
    work_space,
)
from bayesmixed.kernels.rows.special import expit


@njit(cache=False, error_model="numpy")
def fill_coefficients(x, term, t, coefficients, coefficients_at, beta, data):  # type: ignore[no-untyped-def]
    """Write the coefficients (mean plus effect) of every level of a term."""
    width, levels, effects = term.columns, term.levels, term.effects
    centred, guide, start = term.centred, term.guide, coefficients_at[t]
    root = _root(*scale_factor(x, term, data))
    mean, z, work = np.zeros(width), np.zeros(width), work_space(width)
    for j in range(levels):
        if data.integers[centred + j]:
            for k in range(width):
                coefficients[start + j * width + k] = x[effects + j * width + k]
            continue
        _mean(term, j, width, coefficients, coefficients_at, beta, data, mean)
        standardise(x, effects + j * width, data.numbers, guide + j * width * (width + 1), root, mean, z, work)
        for k in range(width):
            value = mean[k]
            for m in range(k + 1):
                value += root[k, m] * z[m]
            coefficients[start + j * width + k] = value


@njit(cache=False, error_model="numpy")
def coefficients_back(  # type: ignore[no-untyped-def]
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
):
    """Return the log-density of a term's effects; pass the derivatives in its coefficients on."""
    width, levels, effects = term.columns, term.levels, term.effects
    centred, guide, start = term.centred, term.guide, coefficients_at[t]
    sd, factor = scale_factor(x, term, data)
    root, root_bar = _root(sd, factor), np.zeros((width, width))
    mean, mean_bar = np.zeros(width), np.zeros(width)
    z, z_bar, work = np.zeros(width), np.zeros(width), work_space(width)
    total = 0.0
    centred_levels = 0
    for j in range(levels):
        here, slot, place = start + j * width, effects + j * width, guide + j * width * (width + 1)
        _mean(term, j, width, coefficients, coefficients_at, beta, data, mean)
        if data.integers[centred + j]:
            centred_levels += 1
            for k in range(width):
                value = coefficients[here + k] - mean[k]
                for m in range(k):
                    value -= root[k, m] * z[m]
                z[k] = value / root[k, k]
            for k in range(width - 1, -1, -1):
                value = z[k]
                for m in range(k + 1, width):
                    value -= root[m, k] * mean_bar[m]
                mean_bar[k] = value / root[k, k]
                gradient[slot + k] += coefficients_bar[here + k] - mean_bar[k]
                for m in range(k + 1):
                    root_bar[k, m] += mean_bar[k] * z[m]
        else:
            total -= standardise(x, slot, data.numbers, place, root, mean, z, work)
            for k in range(width):
                mean_bar[k] = coefficients_bar[here + k]
                z_bar[k] = -z[k]
                for m in range(k, width):
                    z_bar[k] += root[m, k] * coefficients_bar[here + m]
                for m in range(k + 1):
                    root_bar[k, m] += coefficients_bar[here + k] * z[m]
            standardise_back(gradient, slot, data.numbers, place, root, mean, z, z_bar, work, mean_bar, root_bar)
        for k in range(width):
            total -= 0.5 * z[k] * z[k]
        _mean_back(term, j, width, coefficients_bar, coefficients_at, beta_bar, data, mean_bar)
    for k in range(width):
        total -= centred_levels * math.log(root[k, k])
        root_bar[k, k] -= centred_levels / root[k, k]
    scale_factor_back(x, term, sd, factor, root_bar, data, gradient)
    return total - 0.9189385332046727 * levels * width


@njit(cache=False, error_model="numpy")
def add_row_effects(x, eta, term, n, data):  # type: ignore[no-untyped-def]
    """Add observation-level effects; the variable of a centred one is the whole predictor of its row."""
    sd = _sd(x, term, 0, data)
    effects, centred, guide = term.effects, term.centred, term.guide
    for i in range(n):
        if data.integers[centred + i]:
            eta[i] = x[effects + i]
        else:
            weight, pull = data.numbers[guide + 2 * i], data.numbers[guide + 2 * i + 1]
            eta[i] += sd * standardise_one(x[effects + i], weight, pull, sd, eta[i])[0]


@njit(cache=False, error_model="numpy")
def row_effects_back(x, rest, bar, term, n, data, gradient):  # type: ignore[no-untyped-def]
    """Return the log-density of observation-level effects; `bar` becomes the derivative in the rest of the predictor."""
    sd = _sd(x, term, 0, data)
    effects, centred, guide = term.effects, term.centred, term.guide
    slot = data.integers[term.sd_slots]
    total, sd_bar = 0.0, 0.0
    for i in range(n):
        if data.integers[centred + i]:
            z = (x[effects + i] - rest[i]) / sd
            total -= 0.5 * z * z + math.log(sd)
            gradient[effects + i] += bar[i] - z / sd
            bar[i] = z / sd
            sd_bar += (z * z - 1.0) / sd
        else:
            weight, pull = data.numbers[guide + 2 * i], data.numbers[guide + 2 * i + 1]
            z, precision = standardise_one(x[effects + i], weight, pull, sd, rest[i])
            total -= 0.5 * (z * z + math.log(precision))
            slopes = standardise_one_back(weight, pull, sd, rest[i], z, bar[i] * sd - z)
            gradient[effects + i] += slopes[0]
            sd_bar += bar[i] * z + slopes[1]
            bar[i] += slopes[2]
    if slot >= 0:
        gradient[slot] += sd_bar * sd
    return total - 0.9189385332046727 * n


@njit(cache=False, error_model="numpy")
def scale_factor(x, term, data):  # type: ignore[no-untyped-def]
    """Return SDs and the Cholesky factor of the correlations of a term's columns.

    Within a part the factor is built from partial correlations 2 u - 1 (Lewandowski, Kurowicka & Joe 2009).
    """
    width = term.columns
    sd = np.empty(width)
    factor = np.zeros((width, width))
    for k in range(width):
        sd[k] = _sd(x, term, k, data)
        factor[k, k] = 1.0
    parts = term.parts
    place = parts + 1
    for _ in range(data.integers[parts]):
        size, slot = data.integers[place], data.integers[place + 1]
        for i in range(1, size):
            left = 1.0
            row_at = data.integers[place + 2 + i]
            for j in range(i):
                z = 2.0 * expit(x[slot]) - 1.0
                factor[row_at, data.integers[place + 2 + j]] = z * math.sqrt(left)
                left *= 1.0 - z * z
                slot += 1
            factor[row_at, row_at] = math.sqrt(left)
        place += 2 + size
    return sd, factor


@njit(cache=False, error_model="numpy")
def scale_factor_back(x, term, sd, factor, scaled_bar, data, gradient):  # type: ignore[no-untyped-def]
    """Add the derivatives in diag(sd) factor to those in log SDs and partial correlations."""
    width = term.columns
    for k in range(width):
        slot = data.integers[term.sd_slots + k]
        if slot >= 0:
            for m in range(width):
                gradient[slot] += scaled_bar[k, m] * sd[k] * factor[k, m]
    parts = term.parts
    place = parts + 1
    for _ in range(data.integers[parts]):
        size, slot = data.integers[place], data.integers[place + 1]
        for i in range(1, size):
            row_at = data.integers[place + 2 + i]
            left = np.empty(i + 1)
            left[0] = 1.0
            for j in range(i):
                z = 2.0 * expit(x[slot + j]) - 1.0
                left[j + 1] = left[j] * (1.0 - z * z)
            left_bar = scaled_bar[row_at, row_at] * sd[row_at] * 0.5 / math.sqrt(left[i])
            for j in range(i - 1, -1, -1):
                u = expit(x[slot + j])
                z = 2.0 * u - 1.0
                entry_bar = scaled_bar[row_at, data.integers[place + 2 + j]] * sd[row_at]
                z_bar = entry_bar * math.sqrt(left[j]) - 2.0 * z * left[j] * left_bar
                left_bar = left_bar * (1.0 - z * z) + entry_bar * z * 0.5 / math.sqrt(left[j])
                gradient[slot + j] += z_bar * 2.0 * u * expit(-x[slot + j])
            slot += i
        place += 2 + size


@njit(cache=False, error_model="numpy")
def _root(sd, factor):  # type: ignore[no-untyped-def]
    """Return diag(sd) factor, the root of the covariance of a level's effects."""
    root = np.zeros_like(factor)
    for k in range(len(sd)):
        for m in range(k + 1):
            root[k, m] = sd[k] * factor[k, m]
    return root


@njit(cache=False, error_model="numpy", inline="always")
def _mean(term, level, width, coefficients, coefficients_at, beta, data, mean):  # type: ignore[no-untyped-def]
    """Write the mean of the coefficients of one level: an outer level's, and population coefficients."""
    mean[:] = 0.0
    parent = term.parent
    if parent >= 0:
        outer = data.integers[term.parent_index + level]
        mean[0] = coefficients[coefficients_at[parent] + outer]
    taken, columns = term.mean_width, term.mean_columns
    weights = term.mean_weights + level * width * taken
    for k in range(width):
        for m in range(taken):
            mean[k] += data.numbers[weights + k * taken + m] * beta[data.integers[columns + m]]


@njit(cache=False, error_model="numpy", inline="always")
def _mean_back(term, level, width, coefficients_bar, coefficients_at, beta_bar, data, mean_bar):  # type: ignore[no-untyped-def]
    """Add the derivatives in the mean of one level to those in its parts."""
    parent = term.parent
    if parent >= 0:
        outer = data.integers[term.parent_index + level]
        coefficients_bar[coefficients_at[parent] + outer] += mean_bar[0]
    taken, columns = term.mean_width, term.mean_columns
    weights = term.mean_weights + level * width * taken
    for k in range(width):
        for m in range(taken):
            beta_bar[data.integers[columns + m]] += data.numbers[weights + k * taken + m] * mean_bar[k]


@njit(cache=False, error_model="numpy")
def _sd(x, term, k, data):  # type: ignore[no-untyped-def]
    slot = data.integers[term.sd_slots + k]
    return math.exp(x[slot]) if slot >= 0 else data.numbers[term.sd_values + k]
