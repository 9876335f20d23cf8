"""Derivatives of the rows of all families: the first three in the predictor of the first parameter, mixed ones in others."""

import math

from numba import njit

from bayesmixed.kernels.rows.categories import CATEGORICAL, STEPWISE, categorical, stepwise
from bayesmixed.kernels.rows.conway_maxwell import CONWAY_MAXWELL_POISSON, conway_maxwell
from bayesmixed.kernels.rows.families import (
    BETA,
    BETA_BINOMIAL,
    BINOMIAL,
    CUMULATIVE,
    EXPONENTIAL,
    GAMMA,
    GAUSSIAN,
    GENERALISED_POISSON,
    HURDLE,
    INFLATED,
    INVERSE_GAUSSIAN,
    LOGNORMAL,
    NEGBIN,
    NEGBIN1,
    ORDERED_BETA,
    POISSON,
    STUDENT,
    TRUNCATED,
    WEIBULL,
)
from bayesmixed.kernels.rows.links import IDENTITY, LOG, LOGIT, log_mean, real_mean
from bayesmixed.kernels.rows.natural import (
    beta,
    beta_binomial,
    binomial,
    cumulative,
    normal,
    ordered_beta,
    positive,
    student,
    through,
)
from bayesmixed.kernels.rows.skewed import SHIFTED_LOGNORMAL, SKEWED, shifted_lognormal, skewed
from bayesmixed.kernels.rows.special import expit, log1m_exp_negative, softplus, softplus_slope
from bayesmixed.kernels.rows.tweedie import TWEEDIE, tweedie


@njit(cache=False, error_model="numpy")
def derivatives(family, link, y, trials, eta, i):  # type: ignore[no-untyped-def]
    """Return the log-density of a row, without the part that depends on no parameter, and its first three derivatives.

    Parameters
    ----------
    family, link : int
        Codes of the family and of the link of its first parameter; the others have their default link.
    y, trials : float
    eta : (n, parameters) array
        Linear predictors; derivatives are in `eta[i, 0]`.
    """
    if family == POISSON and link == LOG:
        mean = math.exp(eta[i, 0])
        return y * eta[i, 0] - mean, y - mean, -mean, -mean
    if family == BINOMIAL and link == LOGIT:
        total, mean = softplus_slope(eta[i, 0])
        bend = trials * mean * (1.0 - mean)
        return y * eta[i, 0] - trials * total, y - trials * mean, -bend, -bend * (1.0 - 2.0 * mean)
    value, first, second, third, _, _, _ = _row(family, link, y, trials, eta, i, 0)
    return value, first, second, third


@njit(cache=False, error_model="numpy")
def mixed_derivatives(family, link, y, trials, eta, i, k):  # type: ignore[no-untyped-def]
    """Return the derivatives in `eta[i, k]`, k > 0, of the log-density of a row and of its first two derivatives."""
    _, _, _, _, value, first, second = _row(family, link, y, trials, eta, i, k)
    return value, first, second


@njit(cache=False, error_model="numpy")
def fill_derivatives(family, link, y, trials, eta, out):  # type: ignore[no-untyped-def]
    """Write the derivatives of all rows.

    Parameters
    ----------
    out : (n, 4) or (n, 4 + 3 * (parameters - 1)) array
        `derivatives`, and if there is place `mixed_derivatives` of each further predictor.
    """
    for i in range(len(y)):
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = derivatives(family, link, y[i], trials[i], eta, i)
        for k in range(1, out.shape[1] // 3):
            a, b, c = mixed_derivatives(family, link, y[i], trials[i], eta, i, k)
            out[i, 3 * k + 1], out[i, 3 * k + 2], out[i, 3 * k + 3] = a, b, c


@njit(cache=False, error_model="numpy")
def _row(family, link, y, trials, eta, i, k):  # type: ignore[no-untyped-def]
    """Return the seven numbers of a row of any family; the last three are 0 where k is."""
    if family < INFLATED:
        return _plain(family, link, y, trials, eta, i, k)
    if family >= TRUNCATED:
        return _positive(family - TRUNCATED, link, y, trials, eta, i, k)
    last = eta.shape[1] - 1
    share = eta[i, last]
    zero = -softplus(-share)
    if family < HURDLE:
        of_share = k == last
        row = _plain(family - INFLATED, link, y, trials, eta, i, 0 if of_share else k)
        _, a, b, c, p, q, r = row
        if y > 0.0:
            return row[0] - softplus(share), a, b, c, -expit(share) if of_share else p, q, r
        kept, left = expit(row[0] - share), expit(share - row[0])
        bend = kept * left
        turn = bend * (left - kept)
        whole = _compose(zero + softplus(row[0] - share), kept, bend, turn, row)
        if of_share:
            return *whole[:4], expit(-share) - kept, -bend * a, -turn * a * a - bend * b
        return whole
    if y == 0.0:
        return zero, 0.0, 0.0, 0.0, expit(-share) if k == last else 0.0, 0.0, 0.0
    v, a, b, c, p, q, r = _positive(family - HURDLE, link, y, trials, eta, i, 0 if k == last else k)
    return v - softplus(share), a, b, c, -expit(share) if k == last else p, q, r


@njit(cache=False, error_model="numpy")
def _positive(family, link, y, trials, eta, i, k):  # type: ignore[no-untyped-def]
    """Return the row of a response that is not zero, given that."""
    if family not in (POISSON, NEGBIN):
        return _plain(family, link, y, trials, eta, i, k)
    u, slope, bend, turn = log_mean(link, eta[i, 0])
    further = eta[i, 1] if family == NEGBIN else 0.0
    row = _truncated(positive(family, y, u, further, k), positive(family, 0.0, u, further, k))
    return row if link == LOG else through(row, slope, bend, turn)


@njit(cache=False, error_model="numpy")
def _truncated(row, zero):  # type: ignore[no-untyped-def]
    """Return a row given that it is not zero, from the row of zero: with -log(1 - exp(zero)) added.

    The derivatives of that are polynomials of a ratio that may overflow by itself.
    """
    v, a, b, c, p, q, r = zero
    ratio = 1.0 / math.expm1(-v)
    t, u, w = ratio * a, ratio * b, (1.0 + ratio) * a
    turn = 2.0 * t * t + 3.0 * t * a + a * a
    return (
        row[0] - log1m_exp_negative(-v),
        row[1] + t,
        row[2] + t * w + u,
        row[3] + t * turn + 3.0 * w * u + ratio * c,
        row[4] + ratio * p,
        row[5] + ratio * (p * w + q),
        row[6] + ratio * (p * turn + 2.0 * w * q + r) + (1.0 + ratio) * p * u,
    )


@njit(cache=False, error_model="numpy")
def _plain(family, link, y, trials, eta, i, k):  # type: ignore[no-untyped-def]
    """Return the seven numbers of a row of a family that is not mixed with zeros."""
    first = eta[i, 0]
    if family == BINOMIAL:
        return binomial(link, y, trials - y, first)
    if family == CUMULATIVE:
        return cumulative(link, eta[i, 2] - first, eta[i, 1] - first, k)
    if family in STEPWISE:
        return stepwise(family, link, y, eta, i, k)
    if family == CATEGORICAL:
        return categorical(y, eta, i, k)
    if family == LOGNORMAL:
        return normal(math.log(y) - first, eta[i, 1], k)
    if family in (GAUSSIAN, STUDENT):
        mean, slope, bend, turn = real_mean(link, first)
        row = normal(y - mean, eta[i, 1], k) if family == GAUSSIAN else student(y - mean, eta[i, 1], eta[i, 2], k)
        return row if link == IDENTITY else through(row, slope, bend, turn)
    if family in (POISSON, NEGBIN, NEGBIN1, GAMMA, INVERSE_GAUSSIAN, GENERALISED_POISSON, EXPONENTIAL, WEIBULL):
        u, slope, bend, turn = log_mean(link, first)
        row = positive(family, y, u, eta[i, 1] if eta.shape[1] > 1 else 0.0, k)
        return row if link == LOG else through(row, slope, bend, turn)
    if family in (TWEEDIE, CONWAY_MAXWELL_POISSON):
        u, slope, bend, turn = log_mean(link, first)
        if family == TWEEDIE:
            row = _seven(tweedie(y, u, eta[i, 1], eta[i, 2]), k)
        else:
            mean = math.exp(u)
            row = through(conway_maxwell(y, mean, eta[i, 1]), mean, mean, mean)
        return row if link == LOG else through(row, slope, bend, turn)
    if family == SHIFTED_LOGNORMAL:
        return _seven(shifted_lognormal(y, first, eta[i, 1], eta[i, 2]), k)
    if family in SKEWED:
        mean, slope, bend, turn = real_mean(link, first)
        row = _seven(skewed(family, y - mean, eta[i, 1], eta[i, 2]), k)
        return row if link == IDENTITY else through(row, slope, bend, turn)
    if family == ORDERED_BETA:
        return ordered_beta(y, first, eta[i, 1], eta[i, 2], eta[i, 3], k)
    if family == BETA_BINOMIAL:
        return beta_binomial(link, y, trials, first, eta[i, 1], k)
    if family == BETA:
        return beta(link, y, first, eta[i, 1], k)
    edge, one = eta[i, 2], eta[i, 3]
    if y == 0.0 or y == 1.0:
        value = y * one - softplus(one) - softplus(-edge)
        of_edges = expit(-edge) if k == 2 else (y - expit(one) if k == 3 else 0.0)
        return value, 0.0, 0.0, 0.0, of_edges, 0.0, 0.0
    v, a, b, c, p, q, r = beta(link, y, first, eta[i, 1], k if k == 1 else 0)
    return v - softplus(edge), a, b, c, -expit(edge) if k == 2 else p, q, r


@njit(cache=False, error_model="numpy")
def _seven(row, k):  # type: ignore[no-untyped-def]
    """Return the seven numbers for one further predictor of the ten for two."""
    v, a, b, c, p1, q1, r1, p2, q2, r2 = row
    p, q, r = (p1, q1, r1) if k == 1 else ((p2, q2, r2) if k == 2 else (0.0, 0.0, 0.0))
    return v, a, b, c, p, q, r


@njit(cache=False, error_model="numpy")
def _compose(value, slope, bend, turn, row):  # type: ignore[no-untyped-def]
    """Return a function of a log-density, given its derivatives there, with those in the predictors."""
    _, a, b, c, p, q, r = row
    return (
        value,
        slope * a,
        bend * a * a + slope * b,
        turn * a * a * a + 3.0 * bend * a * b + slope * c,
        slope * p,
        bend * p * a + slope * q,
        turn * p * a * a + bend * (2.0 * a * q + p * b) + slope * r,
    )
