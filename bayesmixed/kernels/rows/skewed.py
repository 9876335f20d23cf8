"""Rows of skewed and of shifted responses and of quantiles, with all derivatives at once.

Each gives ten numbers: log-density without the part that depends on no parameter, its first three derivatives in the first
parameter, then for each of two further predictors the derivatives of log-density, first and second derivative in it.
"""

import math

from numba import njit

from bayesmixed.kernels.rows.special import expit, log_normal_cdf_slopes, softplus

EXGAUSSIAN, SKEW_NORMAL, ASYMMETRIC_LAPLACE = 16, 17, 18
SKEWED = EXGAUSSIAN, SKEW_NORMAL, ASYMMETRIC_LAPLACE
SHIFTED_LOGNORMAL = 24
_HALF_LOG_TWO_PI = 0.9189385332046727


@njit(cache=False, error_model="numpy")
def skewed(family, residual, second, third):  # type: ignore[no-untyped-def]
    """Return the ten numbers of a row of one of these families: the distance to its first parameter, and two predictors."""
    if family == EXGAUSSIAN:
        return exgaussian(residual, second, third)
    if family == SKEW_NORMAL:
        return skew_normal(residual, second, third)
    return asymmetric_laplace(residual, second, third)


@njit(cache=False, error_model="numpy")
def exgaussian(residual, log_sigma, log_tau):  # type: ignore[no-untyped-def]
    """Return the row of the sum of a normal and an exponential variable, from the distance to its mean."""
    sigma, ratio = math.exp(log_sigma), math.exp(log_sigma - log_tau)
    place = (residual + math.exp(log_tau)) / sigma
    w, inverse = place - ratio, 1.0 / sigma
    v, a, b, c = log_normal_cdf_slopes(w)
    total, step = place + ratio, ratio + 1.0 / ratio
    if w < 0.0:
        # The tail over the normal density: the squares of both cancel.
        excess = -b / a
        scaled = -_HALF_LOG_TWO_PI - math.log(a) if w < -5.0 else v + 0.5 * w * w
        value, first = scaled - 0.5 * place * place, place - excess
        of_sigma, of_tau = place * place - excess * total, excess * ratio + a / ratio - 2.0
    else:
        value, first = 0.5 * ratio * ratio - ratio * place + v, ratio - a
        of_sigma, of_tau = ratio * ratio - a * total, a * step - ratio * (ratio - place) - 2.0
    square = inverse * inverse
    return (
        value - log_tau,
        first * inverse,
        b * square,
        -c * square * inverse,
        of_sigma,
        (b * total + a) * inverse,
        -(c * total + 2.0 * b) * square,
        of_tau,
        -(b * step + ratio) * inverse,
        c * step * square,
    )


@njit(cache=False, error_model="numpy")
def skew_normal(residual, log_sigma, alpha):  # type: ignore[no-untyped-def]
    """Return the row of a skew normal variable, from the distance to its mean."""
    square = 1.0 + alpha * alpha
    turn = math.sqrt(2.0 / (math.pi * square))
    shift = alpha * turn
    rest = 1.0 - shift * shift
    log_scale = log_sigma - 0.5 * math.log(rest)
    inverse = math.exp(-log_scale)
    away = residual * inverse
    z = away + shift
    v, a, b, c = log_normal_cdf_slopes(alpha * z)
    slope, bend, last = alpha * a - z, alpha * alpha * b - 1.0, alpha * alpha * alpha * c
    # How location and scale move with alpha.
    moved = turn / square
    stretch = shift * moved / rest
    drift = moved - away * stretch
    inner = a + alpha * z * b
    squares = inverse * inverse
    return (
        v - log_scale - 0.5 * z * z,
        -slope * inverse,
        bend * squares,
        -last * squares * inverse,
        -1.0 - slope * away,
        (bend * away + slope) * inverse,
        -(last * away + 2.0 * bend) * squares,
        slope * drift + z * a - stretch,
        (slope * stretch - bend * drift - inner) * inverse,
        (last * drift + 2.0 * alpha * b + alpha * alpha * z * c - 2.0 * stretch * bend) * squares,
    )


@njit(cache=False, error_model="numpy")
def asymmetric_laplace(residual, log_sigma, logit_quantile):  # type: ignore[no-untyped-def]
    """Return the row whose mode is a quantile of the response, from the distance to it."""
    scale, share, rest = math.exp(-log_sigma), expit(logit_quantile), expit(-logit_quantile)
    slope = share if residual >= 0.0 else -rest
    first, product = slope * scale, share * rest
    loss = first * residual
    value = -softplus(logit_quantile) - softplus(-logit_quantile) - log_sigma - loss
    of_share = rest - share - product * residual * scale
    return value, first, 0.0, 0.0, loss - 1.0, -first, 0.0, of_share, product * scale, 0.0


@njit(cache=False, error_model="numpy")
def shifted_lognormal(y, mean, log_sigma, log_shift):  # type: ignore[no-untyped-def]
    """Return the row of a response beyond a shift whose rest is lognormal; minus infinity where the response is not beyond."""
    shift = math.exp(log_shift)
    rest = y - shift
    if not rest > 0.0:
        return -math.inf, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    scale, log_rest = math.exp(-log_sigma), math.log(rest)
    z, square, change = (log_rest - mean) * scale, scale * scale, shift / rest
    return (
        -0.5 * z * z - log_sigma - log_rest - _HALF_LOG_TWO_PI,
        z * scale,
        -square,
        0.0,
        z * z - 1.0,
        -2.0 * z * scale,
        2.0 * square,
        change * (z * scale + 1.0),
        -change * square,
        0.0,
    )
