"""Family rows: log-likelihood of one observation and its derivatives in the linear predictors."""

import math

from numba import njit

from bayesmixed.kernels.rows.categories import (
    ACAT,
    CATEGORICAL,
    CRATIO,
    SRATIO,
    STEPWISE,
    categorical_row,
    stepwise_row,
)
from bayesmixed.kernels.rows.conway_maxwell import CONWAY_MAXWELL_POISSON, conway_maxwell
from bayesmixed.kernels.rows.cutpoints import log_share
from bayesmixed.kernels.rows.links import LOG, LOGIT, log_mean, positive_mean, real_mean
from bayesmixed.kernels.rows.proportions import (
    beta_binomial_row,
    beta_row,
    binomial_row,
    ordered_beta_row,
    zero_one_inflated_beta_row,
)
from bayesmixed.kernels.rows.skewed import (
    ASYMMETRIC_LAPLACE,
    EXGAUSSIAN,
    SHIFTED_LOGNORMAL,
    SKEW_NORMAL,
    SKEWED,
    shifted_lognormal,
    skewed,
)
from bayesmixed.kernels.rows.special import digamma, expit, log1m_exp_negative, log_rising, softplus, softplus_slope
from bayesmixed.kernels.rows.tweedie import TWEEDIE, tweedie

GAUSSIAN, STUDENT, BINOMIAL, POISSON, GAMMA, BETA, NEGBIN, LOGNORMAL = 0, 1, 2, 3, 4, 5, 6, 7
INVERSE_GAUSSIAN, BETA_BINOMIAL, NEGBIN1, ZERO_ONE_INFLATED_BETA, CUMULATIVE, GENERALISED_POISSON = 8, 9, 10, 11, 12, 13
EXPONENTIAL, WEIBULL, ORDERED_BETA = 14, 15, 19
INFLATED, HURDLE, TRUNCATED = 100, 200, 300
"""Added to the code of a family: mixed with zeros, the last predictor being the logit of their share, or without zeros."""

FAMILY_CODES = {
    "gaussian": GAUSSIAN,
    "student": STUDENT,
    "bernoulli": BINOMIAL,
    "binomial": BINOMIAL,
    "poisson": POISSON,
    "gamma": GAMMA,
    "beta": BETA,
    "negbin": NEGBIN,
    "lognormal": LOGNORMAL,
    "inverse_gaussian": INVERSE_GAUSSIAN,
    "beta_binomial": BETA_BINOMIAL,
    "negbin1": NEGBIN1,
    "generalised_poisson": GENERALISED_POISSON,
    "zero_inflated_poisson": INFLATED + POISSON,
    "zero_inflated_negbin": INFLATED + NEGBIN,
    "zero_inflated_binomial": INFLATED + BINOMIAL,
    "hurdle_poisson": HURDLE + POISSON,
    "hurdle_negbin": HURDLE + NEGBIN,
    "hurdle_gamma": HURDLE + GAMMA,
    "zero_inflated_beta": HURDLE + BETA,
    "zero_one_inflated_beta": ZERO_ONE_INFLATED_BETA,
    "cumulative": CUMULATIVE,
    "exponential": EXPONENTIAL,
    "weibull": WEIBULL,
    "exgaussian": EXGAUSSIAN,
    "skew_normal": SKEW_NORMAL,
    "asymmetric_laplace": ASYMMETRIC_LAPLACE,
    "ordered_beta": ORDERED_BETA,
    "hurdle_lognormal": HURDLE + LOGNORMAL,
    "truncated_poisson": TRUNCATED + POISSON,
    "truncated_negbin": TRUNCATED + NEGBIN,
    "zero_inflated_negbin1": INFLATED + NEGBIN1,
    "zero_inflated_beta_binomial": INFLATED + BETA_BINOMIAL,
    "sratio": SRATIO,
    "cratio": CRATIO,
    "acat": ACAT,
    "categorical": CATEGORICAL,
    "shifted_lognormal": SHIFTED_LOGNORMAL,
    "tweedie": TWEEDIE,
    "conway_maxwell_poisson": CONWAY_MAXWELL_POISSON,
}


@njit(cache=False, error_model="numpy", inline="always")
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
    if family in (BINOMIAL, POISSON):
        # These rows are cheaper than a call that hands arrays on.
        value, score[i, 0] = _single(family, link, y, trials, eta[i, 0])
        return constant + value
    return _row(family, link, y, trials, constant, eta, score, i)


@njit(cache=False, error_model="numpy")
def _row(family, link, y, trials, constant, eta, score, i):  # type: ignore[no-untyped-def]
    """Return the row of any family and write its derivatives."""
    if family < INFLATED:
        return constant + _plain(family, link, y, trials, eta, score, i)
    if family >= TRUNCATED:
        return constant + _positive(family - TRUNCATED, link, y, trials, eta, score, i)
    last = eta.shape[1] - 1
    share = eta[i, last]
    if family < HURDLE:
        own = constant + _plain(family - INFLATED, link, y, trials, eta, score, i) - softplus(share)
        if y > 0.0:
            score[i, last] = -expit(share)
            return own
        zero = -softplus(-share)
        kept = expit(own - zero)
        for k in range(last):
            score[i, k] *= kept
        score[i, last] = 1.0 - kept - expit(share)
        return zero + softplus(own - zero)
    return _hurdle(family - HURDLE, link, y, trials, constant, eta, score, i)


@njit(cache=False, error_model="numpy")
def _hurdle(family, link, y, trials, constant, eta, score, i):  # type: ignore[no-untyped-def]
    """Return the row of a family whose zeros are a matter of their own."""
    last = eta.shape[1] - 1
    share = eta[i, last]
    if y == 0.0:
        for k in range(last):
            score[i, k] = 0.0
        score[i, last] = expit(-share)
        return -softplus(-share)
    value = constant + _positive(family, link, y, trials, eta, score, i) - softplus(share)
    score[i, last] = -expit(share)
    return value


@njit(cache=False, error_model="numpy")
def _positive(family, link, y, trials, eta, score, i):  # type: ignore[no-untyped-def]
    """Return the row of a response that is not zero, given that; counts have at most two parameters of their own."""
    if family not in (POISSON, NEGBIN):
        return _plain(family, link, y, trials, eta, score, i)
    zero = _plain(family, link, 0.0, trials, eta, score, i)
    ratio = 1.0 / math.expm1(-zero)
    first = ratio * score[i, 0]
    second = ratio * score[i, 1] if family == NEGBIN else 0.0
    value = _plain(family, link, y, trials, eta, score, i) - log1m_exp_negative(-zero)
    score[i, 0] += first
    if family == NEGBIN:
        score[i, 1] += second
    return value


@njit(cache=False, error_model="numpy")
def _plain(family, link, y, trials, eta, score, i):  # type: ignore[no-untyped-def]
    """Return a row without the part of its log-likelihood that depends on no parameter."""
    if family == GAUSSIAN:
        mean, slope, _, _ = real_mean(link, eta[i, 0])
        return _normal(y - mean, slope, eta, score, i)
    if family in (BINOMIAL, POISSON):
        value, score[i, 0] = _single(family, link, y, trials, eta[i, 0])
        return value
    if family == NEGBIN:
        return _negbin(link, y, eta, score, i)
    if family == GAMMA:
        return _gamma(link, y, eta, score, i)
    if family == BETA:
        return beta_row(link, y, eta, score, i)
    if family == LOGNORMAL:
        return _normal(math.log(y) - eta[i, 0], 1.0, eta, score, i)
    if family == STUDENT:
        return _student(link, y, eta, score, i)
    if family == INVERSE_GAUSSIAN:
        return _inverse_gaussian(link, y, eta, score, i)
    if family == BETA_BINOMIAL:
        return beta_binomial_row(link, y, trials, eta, score, i)
    if family == NEGBIN1:
        return _negbin1(link, y, eta, score, i)
    if family == GENERALISED_POISSON:
        return _generalised_poisson(link, y, eta, score, i)
    if family in (EXPONENTIAL, WEIBULL):
        return _weibull(family, link, y, eta, score, i)
    if family in SKEWED:
        mean, slope, _, _ = real_mean(link, eta[i, 0])
        value, first, _, _, score[i, 1], _, _, score[i, 2], _, _ = skewed(family, y - mean, eta[i, 1], eta[i, 2])
        score[i, 0] = first * slope
        return value
    if family == SHIFTED_LOGNORMAL:
        row = shifted_lognormal(y, eta[i, 0], eta[i, 1], eta[i, 2])
        score[i, 0], score[i, 1], score[i, 2] = row[1], row[4], row[7]
        return row[0]
    if family == TWEEDIE:
        u, slope, _, _ = log_mean(link, eta[i, 0])
        row = tweedie(y, u, eta[i, 1], eta[i, 2])
        score[i, 0], score[i, 1], score[i, 2] = row[1] * slope, row[4], row[7]
        return row[0]
    if family == CONWAY_MAXWELL_POISSON:
        mean, slope = positive_mean(link, eta[i, 0])
        value, first, _, _, score[i, 1], _, _ = conway_maxwell(y, mean, eta[i, 1])
        score[i, 0] = first * slope
        return value
    if family == ORDERED_BETA:
        return ordered_beta_row(y, eta, score, i)
    if family in STEPWISE:
        return stepwise_row(family, link, y, eta, score, i)
    if family == CATEGORICAL:
        return categorical_row(y, eta, score, i)
    if family == ZERO_ONE_INFLATED_BETA:
        return zero_one_inflated_beta_row(link, y, eta, score, i)
    return _cumulative(link, eta, score, i)


@njit(cache=False, error_model="numpy")
def _normal(residual, slope, eta, score, i):  # type: ignore[no-untyped-def]
    scale = math.exp(-eta[i, 1])
    z = residual * scale
    score[i, 0] = z * scale * slope
    score[i, 1] = z * z - 1.0
    return -0.5 * z * z - eta[i, 1]


@njit(cache=False, error_model="numpy")
def _student(link, y, eta, score, i):  # type: ignore[no-untyped-def]
    mean, slope, _, _ = real_mean(link, eta[i, 0])
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


@njit(cache=False, error_model="numpy")
def _single(family, link, y, trials, eta):  # type: ignore[no-untyped-def]
    """Return the row of a family with one predictor, without its constant, and its derivative."""
    if family == POISSON:
        mean, slope = positive_mean(link, eta)
        if link == LOG:
            return y * eta - mean, y - mean
        return y * math.log(mean) - mean, (y / mean - 1.0) * slope
    if link == LOGIT:
        total, mean = softplus_slope(eta)
        return y * eta - trials * total, y - trials * mean
    return binomial_row(link, y, trials, eta)


@njit(cache=False, error_model="numpy")
def _gamma(link, y, eta, score, i):  # type: ignore[no-untyped-def]
    mean, slope = positive_mean(link, eta[i, 0])
    shape, ratio = math.exp(eta[i, 1]), y / mean
    log_ratio = math.log(ratio)
    score[i, 0] = shape * (ratio - 1.0) * slope / mean
    score[i, 1] = shape * (eta[i, 1] + 1.0 + log_ratio - ratio - digamma(shape))
    return shape * (eta[i, 1] + log_ratio - ratio) - math.lgamma(shape)


@njit(cache=False, error_model="numpy")
def _weibull(family, link, y, eta, score, i):  # type: ignore[no-untyped-def]
    """Return the row of a time to an event; that of an exponential one has no shape."""
    mean, slope = positive_mean(link, eta[i, 0])
    if family == EXPONENTIAL:
        ratio = y / mean
        score[i, 0] = (ratio - 1.0) * slope / mean
        return -math.log(mean) - ratio
    shape = math.exp(eta[i, 1])
    place = 1.0 + 1.0 / shape
    rise = shape * (math.log(y / mean) + math.lgamma(place))
    hazard = math.exp(rise)
    score[i, 0] = shape * (hazard - 1.0) * slope / mean
    score[i, 1] = 1.0 + (rise - digamma(place)) * (1.0 - hazard)
    return eta[i, 1] + rise - hazard


@njit(cache=False, error_model="numpy")
def _inverse_gaussian(link, y, eta, score, i):  # type: ignore[no-untyped-def]
    mean, slope = positive_mean(link, eta[i, 0])
    shape = math.exp(eta[i, 1])
    distance = y / mean - 1.0
    deviance = 0.5 * shape * distance * distance / y
    score[i, 0] = shape * distance * slope / (mean * mean)
    score[i, 1] = 0.5 - deviance
    return 0.5 * eta[i, 1] - deviance


@njit(cache=False, error_model="numpy")
def _negbin(link, y, eta, score, i):  # type: ignore[no-untyped-def]
    mean, slope = positive_mean(link, eta[i, 0])
    size = math.exp(eta[i, 1])
    rising, rising_slope, _ = log_rising(size, y)
    failures = math.log1p(mean / size)
    total = mean + size
    score[i, 0] = slope * size * (y - mean) / (mean * total)
    score[i, 1] = size * (rising_slope - failures + (mean - y) / total)
    log_mean = eta[i, 0] if link == LOG else math.log(mean)
    return rising - size * failures + (y * (log_mean - math.log(total)) if y > 0.0 else 0.0)


@njit(cache=False, error_model="numpy")
def _negbin1(link, y, eta, score, i):  # type: ignore[no-untyped-def]
    mean, slope = positive_mean(link, eta[i, 0])
    excess = math.exp(eta[i, 1])
    size = mean / excess
    rising, rising_slope, _ = log_rising(size, y)
    each = math.log1p(excess)
    drift = rising_slope - each
    score[i, 0] = slope * drift / excess
    score[i, 1] = -size * drift + (y - mean) / (1.0 + excess)
    return rising - size * each + y * (eta[i, 1] - each)


@njit(cache=False, error_model="numpy")
def _generalised_poisson(link, y, eta, score, i):  # type: ignore[no-untyped-def]
    mean, slope = positive_mean(link, eta[i, 0])
    share, rest = expit(eta[i, 1]), expit(-eta[i, 1])
    total = mean * rest + share * y
    bend = (y - 1.0) / total - 1.0
    score[i, 0] = slope * (1.0 / mean + rest * bend)
    score[i, 1] = share * (rest * (y - mean) * bend - 1.0)
    if y == 0.0:
        return -total
    log_mean = eta[i, 0] if link == LOG else math.log(mean)
    return log_mean - softplus(eta[i, 1]) + (y - 1.0) * math.log(total) - total


@njit(cache=False, error_model="numpy")
def _cumulative(link, eta, score, i):  # type: ignore[no-untyped-def]
    """Return the row of an ordered category; the predictors after the first are the ends of its interval."""
    value, below, above = log_share(link, eta[i, 2] - eta[i, 0], eta[i, 1] - eta[i, 0])
    score[i, 0], score[i, 1], score[i, 2] = -below - above, above, below
    return value
