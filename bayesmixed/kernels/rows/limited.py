"""Rows of which only limits are known, and rows that are seen only within bounds."""

import math

from numba import njit

from bayesmixed.kernels.rows.families import (
    EXPONENTIAL,
    GAMMA,
    GAUSSIAN,
    LOGNORMAL,
    NEGBIN,
    POISSON,
    STUDENT,
    WEIBULL,
    row,
)
from bayesmixed.kernels.rows.incomplete import incomplete_beta, incomplete_gamma
from bayesmixed.kernels.rows.links import positive_mean, real_mean
from bayesmixed.kernels.rows.special import digamma, log1m_exp_negative, log1m_exp_slopes, log_normal_cdf, normal_hazard

LIMITED = (GAUSSIAN, STUDENT, LOGNORMAL, WEIBULL, EXPONENTIAL, GAMMA, POISSON, NEGBIN)
"""Families with compiled tails."""


@njit(cache=False, error_model="numpy")
def limited_row(family, link, y, trials, constant, low, high, bottom, top, eta, score, i):  # type: ignore[no-untyped-def]
    """Return the log-likelihood of a row whose response lies in (low, high], NaN where it is known, and which is seen only
    if it lies in (bottom, top]; write its derivatives."""
    parameters = eta.shape[1]
    if math.isnan(low):
        value = row(family, link, y, trials, constant, eta, score, i)
    else:
        value, first, second, third = _between(family, link, low, high, eta, i)
        score[i, 0] = first
        if parameters > 1:
            score[i, 1] = second
        if parameters > 2:
            score[i, 2] = third
    if bottom > -math.inf or top < math.inf:
        seen, first, second, third = _between(family, link, bottom, top, eta, i)
        value -= seen
        score[i, 0] -= first
        if parameters > 1:
            score[i, 1] -= second
        if parameters > 2:
            score[i, 2] -= third
    return value


@njit(cache=False, error_model="numpy")
def _between(family, link, low, high, eta, i):  # type: ignore[no-untyped-def]
    """Return log P(low < Y <= high) and its derivatives: the difference of the smaller tails of both ends."""
    if low == -math.inf and high == math.inf:
        return 0.0, 0.0, 0.0, 0.0
    if low == -math.inf:
        below = tails(family, link, high, eta, i)
        return below[0], below[2], below[3], below[4]
    at_low = tails(family, link, low, eta, i)
    if high == math.inf:
        return at_low[1], at_low[5], at_low[6], at_low[7]
    at_high = tails(family, link, high, eta, i)
    if at_low[0] > at_low[1]:
        larger, smaller = at_low[1], at_high[1]
        share = 1.0 / -math.expm1(smaller - larger)
        rest = share - 1.0
        value = larger + log1m_exp_negative(larger - smaller)
        return (
            value,
            share * at_low[5] - rest * at_high[5],
            share * at_low[6] - rest * at_high[6],
            share * at_low[7] - rest * at_high[7],
        )
    larger, smaller = at_high[0], at_low[0]
    share = 1.0 / -math.expm1(smaller - larger)
    rest = share - 1.0
    value = larger + log1m_exp_negative(larger - smaller)
    return (
        value,
        share * at_high[2] - rest * at_low[2],
        share * at_high[3] - rest * at_low[3],
        share * at_high[4] - rest * at_low[4],
    )


@njit(cache=False, error_model="numpy")
def tails(family, link, y, eta, i):  # type: ignore[no-untyped-def]
    """Return log P(Y <= y) and log P(Y > y), then the derivatives of both in three predictors, 0 where there are fewer."""
    if family in (GAUSSIAN, LOGNORMAL):
        if family == GAUSSIAN:
            mean, slope, _, _ = real_mean(link, eta[i, 0])
            residual = y - mean
        else:
            residual, slope = math.log(y) - eta[i, 0], 1.0
        scale = math.exp(-eta[i, 1])
        z = residual * scale
        up, down = normal_hazard(z), -normal_hazard(-z)
        first, second = -slope * scale, -z
        return log_normal_cdf(z), log_normal_cdf(-z), up * first, up * second, 0.0, down * first, down * second, 0.0
    if family == STUDENT:
        return _student(link, y, eta, i)
    mean, slope = positive_mean(link, eta[i, 0])
    relative = slope / mean
    if family in (WEIBULL, EXPONENTIAL):
        rise, bend, second = math.log(y / mean), 1.0, 0.0
        if family == WEIBULL:
            bend = math.exp(eta[i, 1])
            place = 1.0 + 1.0 / bend
            rise = bend * (rise + math.lgamma(place))
            second = rise - digamma(place)
        hazard, first = math.exp(rise), -bend * relative
        below, up = rise, 1.0
        if rise > -600.0:
            below, up, _, _ = log1m_exp_slopes(hazard)
        return below, -hazard, up * first, up * second, 0.0, -hazard * first, -hazard * second, 0.0
    if family == GAMMA:
        shape = math.exp(eta[i, 1])
        found = incomplete_gamma(shape, eta[i, 1] + math.log(y / mean))
        return (
            found[0],
            found[3],
            -relative * found[2],
            shape * found[1] + found[2],
            0.0,
            -relative * found[5],
            shape * found[4] + found[5],
            0.0,
        )
    above = math.floor(y) + 1.0
    if family == POISSON:
        found = incomplete_gamma(above, math.log(mean))
        return found[3], found[0], relative * found[5], 0.0, 0.0, relative * found[2], 0.0, 0.0
    size = math.exp(eta[i, 1])
    whole = size + mean
    first, second = -size * slope / (whole * whole), size * mean / (whole * whole)
    both = incomplete_beta(size, above, size / whole, mean / whole)
    return (
        both[0],
        both[4],
        first * both[3],
        size * both[1] + second * both[3],
        0.0,
        first * both[7],
        size * both[5] + second * both[7],
        0.0,
    )


@njit(cache=False, error_model="numpy")
def _student(link, y, eta, i):  # type: ignore[no-untyped-def]
    """Return the tails of a Student response: the outer one is half of an incomplete beta function."""
    mean, slope, _, _ = real_mean(link, eta[i, 0])
    scale, extra = math.exp(-eta[i, 1]), math.exp(eta[i, 2])
    nu = 1.0 + extra
    z = (y - mean) * scale
    half = 0.5 * nu
    square = z * z
    log, in_nu = -math.log(2.0), 0.0
    if square > 0.0:
        found = incomplete_beta(half, 0.5, nu / (nu + square), square / (nu + square))
        log += found[0]
        in_nu = 0.5 * found[1] + found[3] * square / ((nu + square) * (nu + square))
    density = math.lgamma(half + 0.5) - math.lgamma(half) - 0.5 * math.log(nu * math.pi)
    density -= (half + 0.5) * math.log1p(square / nu)
    other = math.log1p(-math.exp(log))
    odds = math.exp(log - other)
    a, b, c = -slope * scale, -z, extra * in_nu
    outer, inner = math.exp(density - log), math.exp(density - other)
    if z < 0.0:
        return log, other, outer * a, outer * b, c, -inner * a, -inner * b, -odds * c
    return other, log, inner * a, inner * b, -odds * c, -outer * a, -outer * b, c
