"""Inverse links of compiled rows, with their derivatives."""

import math

from numba import njit

from bayesmixed.kernels.special import expit, normal_density, standard_normal_cdf

IDENTITY, LOG, LOGIT, PROBIT, CLOGLOG, LOG_MINUS_ONE, CAUCHIT, INVERSE, SQRT = 0, 1, 2, 3, 4, 5, 6, 7, 8

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
}


@njit(cache=False)
def positive_mean(link, eta):  # type: ignore[no-untyped-def]
    """Return a positive mean and its derivative in the predictor; NaN where the link has no inverse."""
    if link == LOG:
        mean = math.exp(eta)
        return mean, mean
    if eta <= 0.0:
        return math.nan, math.nan
    if link == INVERSE:
        return 1.0 / eta, -1.0 / (eta * eta)
    return eta * eta, 2.0 * eta


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
