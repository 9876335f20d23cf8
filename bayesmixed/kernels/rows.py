"""Family rows: log-likelihood of one observation and its derivatives in the linear predictors."""

import math

from numba import njit

from bayesmixed.kernels.special import (
    digamma,
    expit,
    log1m_exp_negative,
    log_normal_cdf,
    normal_hazard,
    softplus,
)

GAUSSIAN, STUDENT, BINOMIAL, POISSON = 0, 1, 2, 3
IDENTITY, LOG, LOGIT, PROBIT, CLOGLOG, LOG_MINUS_ONE = 0, 1, 2, 3, 4, 5

FAMILY_CODES = {
    "gaussian": GAUSSIAN,
    "student": STUDENT,
    "bernoulli": BINOMIAL,
    "binomial": BINOMIAL,
    "poisson": POISSON,
}
LINK_CODES = {
    "identity": IDENTITY,
    "log": LOG,
    "logit": LOGIT,
    "probit": PROBIT,
    "cloglog": CLOGLOG,
    "log_minus_one": 5,
}


@njit(cache=False)
def row(family: int, link: int, y: float, trials: float, constant: float, eta, score, i: int) -> float:  # type: ignore[no-untyped-def]
    """Return the log-likelihood of one row and write its derivatives.

    Parameters
    ----------
    family, link : int
        Codes of the family and of the link of its first parameter; the others have their default link.
    y, trials, constant : float
        Response, trials, and the part of the log-likelihood that depends on no parameter.
    eta, score : (n, parameters) arrays
        Linear predictors; derivatives of the log-likelihood in them (row `i` is written).
    """
    if family == GAUSSIAN:
        mean, slope = eta[i, 0], 1.0
        if link == LOG:
            mean = slope = math.exp(eta[i, 0])
        scale = math.exp(-eta[i, 1])
        z = (y - mean) * scale
        score[i, 0] = z * scale * slope
        score[i, 1] = z * z - 1.0
        return constant - 0.5 * z * z - eta[i, 1]
    if family == STUDENT:
        mean, slope = eta[i, 0], 1.0
        if link == LOG:
            mean = slope = math.exp(eta[i, 0])
        scale, extra = math.exp(-eta[i, 1]), math.exp(eta[i, 2])
        nu = 1.0 + extra
        z = (y - mean) * scale
        ratio = z * z / nu
        weight = (nu + 1.0) / (nu * (1.0 + ratio))
        log_term = math.log1p(ratio)
        score[i, 0] = weight * z * scale * slope
        score[i, 1] = weight * z * z - 1.0
        half = 0.5 * (nu + 1.0)
        score[i, 2] = 0.5 * extra * (digamma(half) - digamma(0.5 * nu) - 1.0 / nu - log_term + weight * ratio)
        return math.lgamma(half) - math.lgamma(0.5 * nu) - 0.5 * math.log(nu * math.pi) - eta[i, 1] - half * log_term
    if family == BINOMIAL:
        return constant + _binomial(link, y, trials, eta, score, i)
    mean = math.exp(eta[i, 0])
    score[i, 0] = y - mean
    return constant + y * eta[i, 0] - mean


@njit(cache=False)
def _binomial(link, y, trials, eta, score, i):  # type: ignore[no-untyped-def]
    e = eta[i, 0]
    if link == LOGIT:
        score[i, 0] = y - trials * expit(e)
        return y * e - trials * softplus(e)
    if link == PROBIT:
        value = derivative = 0.0
        if y > 0:
            value += y * log_normal_cdf(e)
            derivative += y * normal_hazard(e)
        if trials > y:
            value += (trials - y) * log_normal_cdf(-e)
            derivative -= (trials - y) * normal_hazard(-e)
        score[i, 0] = derivative
        return value
    hazard = math.exp(e)
    value, derivative = -(trials - y) * hazard, -(trials - y) * hazard
    if y > 0:
        value += y * log1m_exp_negative(hazard)
        derivative += y * hazard / math.expm1(hazard)
    score[i, 0] = derivative
    return value
