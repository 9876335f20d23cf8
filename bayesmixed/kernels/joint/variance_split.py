"""The log-density of SDs of which each part of a model has a share in one variance, in compiled code."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.joint.term_effects import scale_factor, scale_factor_back
from bayesmixed.kernels.rows.priors import kernel


@njit(cache=False, error_model="numpy")
def split_density(x, place, data, gradient):  # type: ignore[no-untyped-def]
    """Return the log-density of the logarithms of all SDs, up to a constant, and add its derivatives to the gradient.

    With the variance V_t = tr(Sigma_t M_t) of each part, T^2 their sum, a_t the parameters of the Dirichlet distribution and
    A their sum, w_k^2 = sd_k^2 M_kk, r_t^2 the sum of these over the K_t columns of a part: log p(T) - (2 A - 1) log T
    + sum a_t log V_t + sum (sum log w_k^2 - K_t log r_t^2).

    At `place` are integers: number of parts, distribution of T, where its arguments, the a_t and the M_t stand
    among the numbers, and of each part the term (-1: none) and the coordinate of its SD.
    """
    parts, code, at = data.integers[place], data.integers[place + 1], data.integers[place + 2]
    shares, moments = at + 3, at + 3 + parts
    logs, concentration = np.empty(parts), 0.0
    start = moments
    for p in range(parts):
        term = data.integers[place + 3 + 2 * p]
        logs[p] = _log_variance(x, term, data.integers[place + 4 + 2 * p], start, 0.0, data, gradient)
        width = data.terms[term].columns if term >= 0 else 1
        start += width * width
        concentration += data.numbers[shares + p]
    highest = np.max(logs)
    log_squared = highest + math.log(np.sum(np.exp(logs - highest)))
    sd = math.exp(0.5 * log_squared)
    total, slope = kernel(code, data.numbers[at], data.numbers[at + 1], data.numbers[at + 2], sd)
    total -= (concentration - 0.5) * log_squared
    along = 0.5 * slope * sd - concentration + 0.5
    start = moments
    for p in range(parts):
        share = data.numbers[shares + p]
        term, slot = data.integers[place + 3 + 2 * p], data.integers[place + 4 + 2 * p]
        total += share * logs[p]
        derivative = along * math.exp(logs[p] - log_squared) + share
        _log_variance(x, term, slot, start, derivative, data, gradient)
        width = data.terms[term].columns if term >= 0 else 1
        if width > 1:
            total += _add_evenness(x, data.terms[term], start, data, gradient)
        start += width * width
    return total


@njit(cache=False, error_model="numpy")
def _log_variance(x, term, slot, start, derivative, data, gradient):  # type: ignore[no-untyped-def]
    """Return the logarithm of the variance of a part; add its derivatives times a number to the gradient."""
    if term < 0 or data.terms[term].columns == 1:
        own = slot if term < 0 else data.integers[data.terms[term].sd_slots]
        gradient[own] += 2.0 * derivative
        return 2.0 * x[own] + math.log(data.numbers[start])
    one = data.terms[term]
    width = one.columns
    _, correlation = scale_factor(x, one, data)
    highest = -np.inf
    for k in range(width):
        highest = max(highest, x[data.integers[one.sd_slots + k]])
    sd, weighed = np.empty(width), np.zeros((width, width))
    for k in range(width):
        sd[k] = math.exp(x[data.integers[one.sd_slots + k]] - highest)
    value = 0.0
    for m in range(width):
        for k in range(width):
            for i in range(width):
                weighed[k, m] += data.numbers[start + k * width + i] * sd[i] * correlation[i, m]
            value += weighed[k, m] * sd[k] * correlation[k, m]
    if derivative != 0.0:
        scale_factor_back(x, one, sd, correlation, weighed * (2.0 * derivative / value), data, gradient)
    return 2.0 * highest + math.log(value)


@njit(cache=False, error_model="numpy")
def _add_evenness(x, term, start, data, gradient):  # type: ignore[no-untyped-def]
    """Return sum log w_k^2 - K log r^2 of a term with several SDs, and add its derivatives to the gradient."""
    width = term.columns
    logs = np.empty(width)
    for k in range(width):
        logs[k] = 2.0 * x[data.integers[term.sd_slots + k]] + math.log(data.numbers[start + k * width + k])
    highest = np.max(logs)
    total = highest + math.log(np.sum(np.exp(logs - highest)))
    for k in range(width):
        gradient[data.integers[term.sd_slots + k]] += 2.0 - 2.0 * width * math.exp(logs[k] - total)
    return np.sum(logs) - width * total
