"""Inverse links of compiled rows, with their derivatives."""

import math

from numba import njit

from bayesmixed.kernels.rows.special import (
    expit,
    log1m_exp_slopes,
    log_normal_cdf_slopes,
    normal_density,
    softplus_slope,
    standard_normal_cdf,
)

IDENTITY, LOG, LOGIT, PROBIT, CLOGLOG, LOG_MINUS_ONE, CAUCHIT, INVERSE, SQRT = 0, 1, 2, 3, 4, 5, 6, 7, 8
INVERSE_SQUARED, LOGIT_MINUS_ONE = 9, 10

LINK_CODES = {
    "identity": IDENTITY,
    "log": LOG,
    "logit": LOGIT,
    "probit": PROBIT,
    "cloglog": CLOGLOG,
    "log_minus_one": LOG_MINUS_ONE,
    "cauchit": CAUCHIT,
    "inverse": INVERSE,
    "sqrt": SQRT,
    "inverse_squared": INVERSE_SQUARED,
    "logit_minus_one": LOGIT_MINUS_ONE,
}


@njit(cache=False)
def positive_mean(link, eta):  # type: ignore[no-untyped-def]
    """Return a positive mean and its derivative in the predictor; NaN where the link has no inverse."""
    if link == LOG:
        mean = math.exp(eta)
        return mean, mean
    if eta <= 0.0:
        return math.nan, math.nan
    if link == IDENTITY:
        return eta, 1.0
    if link == INVERSE:
        return 1.0 / eta, -1.0 / (eta * eta)
    if link == INVERSE_SQUARED:
        mean = 1.0 / math.sqrt(eta)
        return mean, -0.5 * mean / eta
    return eta * eta, 2.0 * eta


@njit(cache=False)
def real_mean(link, eta):  # type: ignore[no-untyped-def]
    """Return a mean that may have any sign and its first three derivatives; NaN where the link has no inverse."""
    if link == IDENTITY:
        return eta, 1.0, 0.0, 0.0
    if link == LOG:
        mean = math.exp(eta)
        return mean, mean, mean, mean
    if eta <= 0.0:
        return math.nan, math.nan, math.nan, math.nan
    mean = 1.0 / eta
    return mean, -mean * mean, 2.0 * mean**3, -6.0 * mean**4


@njit(cache=False)
def probability(link, eta):  # type: ignore[no-untyped-def]
    """Return a probability, its complement and its derivative in the predictor."""
    if link == LOGIT:
        mean, rest = expit(eta), expit(-eta)
        return mean, rest, mean * rest
    if link == PROBIT:
        return standard_normal_cdf(eta), standard_normal_cdf(-eta), normal_density(eta)
    if link == CLOGLOG:
        hazard = math.exp(eta)
        return -math.expm1(-hazard), math.exp(-hazard), math.exp(eta - hazard)
    return math.atan2(1.0, -eta) / math.pi, math.atan2(1.0, eta) / math.pi, 1.0 / (math.pi * (1.0 + eta * eta))


@njit(cache=False)
def log_mean(link, eta):  # type: ignore[no-untyped-def]
    """Return the logarithm of a positive mean and its derivatives; NaN where the link has no inverse."""
    if link == LOG:
        return eta, 1.0, 0.0, 0.0
    if eta <= 0.0:
        return math.nan, math.nan, math.nan, math.nan
    power = 2.0
    if link != SQRT:
        power = -1.0 if link == INVERSE else (1.0 if link == IDENTITY else -0.5)
    slope = power / eta
    return power * math.log(eta), slope, -slope / eta, 2.0 * slope / (eta * eta)


@njit(cache=False)
def log_probability(link, eta, complement):  # type: ignore[no-untyped-def]
    """Return the logarithm of a probability, or of its complement, and its first three derivatives."""
    if link == CLOGLOG:
        hazard = math.exp(eta)
        return (-hazard, -hazard, -hazard, -hazard) if complement else log1m_exp_slopes(hazard)
    sign = -1.0 if complement else 1.0
    if link == LOGIT:
        total, rest = softplus_slope(-sign * eta)
        bend = rest * expit(sign * eta)
        value, a, b, c = -total, rest, -bend, bend * (1.0 - 2.0 * rest)
    elif link == PROBIT:
        value, a, b, c = log_normal_cdf_slopes(sign * eta)
    else:
        x = sign * eta
        square = 1.0 + x * x
        mean = math.atan2(1.0, -x) / math.pi
        a = 1.0 / (math.pi * square * mean)
        b, c = -2.0 * x / square * a, (6.0 * x * x - 2.0) / (square * square) * a
        value, b, c = math.log(mean), b - a * a, c - 3.0 * a * b + 2.0 * a * a * a
    return value, sign * a, b, sign * c
