"""Thresholds of ordered categories as columns of predictors: the ends of an interval, or, step by step, one for each."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.records import FIRST_CUT
from bayesmixed.kernels.rows.links import CLOGLOG, LOGIT
from bayesmixed.kernels.rows.priors import kernel
from bayesmixed.kernels.rows.special import expit, log1m_exp_negative, log_normal_cdf, softplus

INDUCED = -1
"""Code of the prior under which the shares of the categories at predictor 0 have a Dirichlet distribution."""
_HALF_LOG_TWO_PI = 0.9189385332046727


@njit(cache=False, error_model="numpy")
def log_share(link, lower, upper):  # type: ignore[no-untyped-def]
    """Return log(F(upper) - F(lower)) and its derivatives in lower and in upper; the ends may be infinite."""
    if link == LOGIT:
        gap = upper - lower
        steep = 1.0 / math.expm1(gap)
        value = log1m_exp_negative(gap) - softplus(-upper) - softplus(lower)
        return value, -expit(lower) - steep, expit(-upper) + steep
    if link == CLOGLOG:
        value = log1m_exp_negative(-math.exp(upper) * math.expm1(lower - upper)) - math.exp(lower)
        above = math.exp(upper - math.exp(upper) - value) if upper < math.inf else 0.0
        return value, -math.exp(lower - math.exp(lower) - value), above
    first, second = (-upper, -lower) if lower > 0.0 else (lower, upper)
    high = log_normal_cdf(second)
    value = high + log1m_exp_negative(high - log_normal_cdf(first))
    below = math.exp(-0.5 * lower * lower - _HALF_LOG_TWO_PI - value)
    return value, -below, math.exp(-0.5 * upper * upper - _HALF_LOG_TWO_PI - value)


@njit(cache=False, error_model="numpy")
def fill_ends(x, eta, p, n, data):  # type: ignore[no-untyped-def]
    """Write upper and lower end of the interval of each response into the columns p and p + 1 of the predictors, or all
    thresholds into the columns from p on."""
    cuts = _cuts(x, data.parameters[p])
    if data.parameters[p].scalar == FIRST_CUT:
        for i in range(n):
            for k in range(len(cuts)):
                eta[i, p + k] = cuts[k]
        return
    response = data.model[0].response
    for i in range(n):
        category = int(data.numbers[response + i] + 0.5)
        eta[i, p] = cuts[category - 1] if category <= len(cuts) else math.inf
        eta[i, p + 1] = cuts[category - 2] if category > 1 else -math.inf


@njit(cache=False, error_model="numpy")
def ends_back(x, score, p, n, data, gradient):  # type: ignore[no-untyped-def]
    """Return the log-density of the thresholds, Jacobian included; add all derivatives in their coordinates."""
    parameter = data.parameters[p]
    cuts = _cuts(x, parameter)
    slot, count, response = parameter.first_cut, len(cuts), data.model[0].response
    bar = np.zeros(count)
    free = parameter.scalar == FIRST_CUT
    for i in range(n):
        if free:
            for k in range(count):
                bar[k] += score[i, p + k]
            continue
        category = int(data.numbers[response + i] + 0.5)
        if category <= count:
            bar[category - 1] += score[i, p]
        if category > 1:
            bar[category - 2] += score[i, p + 1]
    total = _prior(cuts, bar, parameter, data.numbers)
    rest = 0.0
    for k in range(count - 1, 0, -1):
        rest += bar[k]
        gradient[slot + k] += rest if free else rest * math.exp(x[slot + k]) + 1.0
        total += 0.0 if free else x[slot + k]
    gradient[slot] += rest + bar[0]
    return total


@njit(cache=False, error_model="numpy")
def log_prior(x, parameter, numbers):  # type: ignore[no-untyped-def]
    """Return the log-density of the thresholds, Jacobian included."""
    cuts = _cuts(x, parameter)
    total = _prior(cuts, np.zeros(len(cuts)), parameter, numbers)
    for k in range(1, len(cuts)):
        total += 0.0 if parameter.scalar == FIRST_CUT else x[parameter.first_cut + k]
    return total


@njit(cache=False, error_model="numpy")
def _cuts(x, parameter):  # type: ignore[no-untyped-def]
    """Return the thresholds: the first coordinate is the first one, the others are the distances or their logarithms."""
    slot, count = parameter.first_cut, parameter.width
    cuts = np.empty(count)
    cuts[0] = x[slot]
    for k in range(1, count):
        step = x[slot + k]
        cuts[k] = cuts[k - 1] + (step if parameter.scalar == FIRST_CUT else math.exp(step))
    return cuts


@njit(cache=False, error_model="numpy")
def _prior(cuts, bar, parameter, numbers):  # type: ignore[no-untyped-def]
    """Return the log-density of the thresholds and add its derivatives."""
    code, place, link = parameter.cut_prior, parameter.cut_numbers, parameter.link
    a, b, c, total = numbers[place], numbers[place + 1], numbers[place + 2], numbers[place + 3]
    count = len(cuts)
    if code != INDUCED:
        for k in range(count):
            value, slope = kernel(code, a, b, c, cuts[k])
            total += value
            bar[k] += slope
        return total
    for k in range(count):
        value, slope = _log_density(link, cuts[k])
        total += value
        bar[k] += slope
    for k in range(count + 1):
        lower = cuts[k - 1] if k > 0 else -math.inf
        upper = cuts[k] if k < count else math.inf
        value, below, above = log_share(link, lower, upper)
        total += (a - 1.0) * value
        if k > 0:
            bar[k - 1] += (a - 1.0) * below
        if k < count:
            bar[k] += (a - 1.0) * above
    return total


@njit(cache=False, error_model="numpy")
def _log_density(link, v):  # type: ignore[no-untyped-def]
    """Return the log-density of the latent distribution and its derivative."""
    if link == LOGIT:
        return -softplus(v) - softplus(-v), 1.0 - 2.0 * expit(v)
    if link == CLOGLOG:
        return v - math.exp(v), 1.0 - math.exp(v)
    return -0.5 * v * v - _HALF_LOG_TWO_PI, -v
