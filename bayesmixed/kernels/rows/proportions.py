"""Rows of proportions and of numbers of successes, with their derivatives in the linear predictors."""

import math

from numba import njit

from bayesmixed.kernels.rows.cutpoints import log_share
from bayesmixed.kernels.rows.links import CLOGLOG, LOGIT, PROBIT, probability
from bayesmixed.kernels.rows.special import (
    digamma,
    expit,
    log1m_exp_negative,
    log_normal_cdf,
    log_rising,
    normal_hazard,
    softplus,
)


@njit(cache=False, error_model="numpy")
def binomial_row(link, y, trials, eta):  # type: ignore[no-untyped-def]
    """Return the row of successes in trials under a link other than the logit, and its derivative."""
    value = derivative = 0.0
    if link == PROBIT:
        if y > 0:
            value += y * log_normal_cdf(eta)
            derivative += y * normal_hazard(eta)
        if trials > y:
            value += (trials - y) * log_normal_cdf(-eta)
            derivative -= (trials - y) * normal_hazard(-eta)
    elif link == CLOGLOG:
        hazard = math.exp(eta)
        value = derivative = -(trials - y) * hazard
        if y > 0:
            value += y * log1m_exp_negative(hazard)
            derivative += y * hazard / math.expm1(hazard)
    else:
        mean, rest, slope = probability(link, eta)
        value = y * math.log(mean) + (trials - y) * math.log(rest)
        derivative = slope * (y / mean - (trials - y) / rest)
    return value, derivative


@njit(cache=False, error_model="numpy")
def beta_row(link, y, eta, score, i):  # type: ignore[no-untyped-def]
    """Return the row of a number between 0 and 1."""
    mean, rest, slope = probability(link, eta[i, 0])
    precision = math.exp(eta[i, 1])
    a, b = mean * precision, rest * precision
    above, below = math.log(y) - digamma(a), math.log1p(-y) - digamma(b)
    score[i, 0] = precision * slope * (above - below)
    score[i, 1] = precision * (digamma(precision) + mean * above + rest * below)
    return a * math.log(y) + b * math.log1p(-y) + math.lgamma(precision) - math.lgamma(a) - math.lgamma(b)


@njit(cache=False, error_model="numpy")
def beta_binomial_row(link, y, trials, eta, score, i):  # type: ignore[no-untyped-def]
    """Return the row of successes whose probability has a beta distribution."""
    mean, rest, slope = probability(link, eta[i, 0])
    precision = math.exp(eta[i, 1])
    above, above_slope, _ = log_rising(mean * precision, y)
    below, below_slope, _ = log_rising(rest * precision, trials - y)
    whole, whole_slope, _ = log_rising(precision, trials)
    score[i, 0] = precision * slope * (above_slope - below_slope)
    score[i, 1] = precision * (mean * above_slope + rest * below_slope - whole_slope)
    return above + below - whole


@njit(cache=False, error_model="numpy")
def zero_one_inflated_beta_row(link, y, eta, score, i):  # type: ignore[no-untyped-def]
    """Return the row of a number from 0 to 1, 0 and 1 with probabilities of their own."""
    edge, one = eta[i, 2], eta[i, 3]
    if y > 0.0 and y < 1.0:
        score[i, 2], score[i, 3] = -expit(edge), 0.0
        return beta_row(link, y, eta, score, i) - softplus(edge)
    score[i, 0] = score[i, 1] = 0.0
    score[i, 2] = expit(-edge)
    score[i, 3] = y - expit(one)
    return y * one - softplus(one) - softplus(-edge)


@njit(cache=False, error_model="numpy")
def ordered_beta_row(y, eta, score, i):  # type: ignore[no-untyped-def]
    """Return the row of a number from 0 to 1: the lowest, middle or highest of three categories, the middle one beta."""
    low, gap = eta[i, 2] - eta[i, 0], math.exp(eta[i, 3])
    if y == 0.0 or y == 1.0:
        end = low if y == 0.0 else -low - gap
        slope = expit(-end)
        sign = 1.0 if y == 0.0 else -1.0
        score[i, 0], score[i, 1], score[i, 2], score[i, 3] = -sign * slope, 0.0, sign * slope, -y * slope * gap
        return -softplus(-end)
    value, below, above = log_share(LOGIT, low, low + gap)
    value += beta_row(LOGIT, y, eta, score, i)
    score[i, 0] -= below + above
    score[i, 2], score[i, 3] = below + above, above * gap
    return value
