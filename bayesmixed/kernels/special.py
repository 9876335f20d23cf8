"""Special functions that numba lacks, with the precision of double numbers."""

import math

from numba import njit

_HALF_LOG_TWO_PI = 0.9189385332046727


@njit(cache=False)
def digamma(x: float) -> float:
    """Return the digamma function for x > 0: recurrence to x >= 6, then the asymptotic series."""
    shift = 0.0
    while x < 6.0:
        shift -= 1.0 / x
        x += 1.0
    inverse = 1.0 / (x * x)
    series = inverse * (
        1.0 / 12.0
        - inverse * (1.0 / 120.0 - inverse * (1.0 / 252.0 - inverse * (1.0 / 240.0 - inverse * (1.0 / 132.0))))
    )
    return shift + math.log(x) - 0.5 / x - series


@njit(cache=False)
def softplus(x: float) -> float:
    """Return log(1 + exp(x)) without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@njit(cache=False)
def softplus_slope(x: float):  # type: ignore[no-untyped-def]
    """Return log(1 + exp(x)) and its derivative by one exponential, to an absolute error of 1e-16."""
    small = math.exp(-abs(x))
    near = 1.0 / (1.0 + small)
    return max(x, 0.0) + math.log(1.0 + small), near if x >= 0.0 else small * near


@njit(cache=False)
def expit(x: float) -> float:
    """Return 1 / (1 + exp(-x)) without overflow."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


@njit(cache=False)
def log_normal_cdf(x: float) -> float:
    """Return the log of the standard normal distribution function, asymptotically below -30."""
    if x > -30.0:
        return math.log(0.5 * math.erfc(-x / math.sqrt(2.0)))
    square = 1.0 / (x * x)
    series = 1.0 - square * (1.0 - 3.0 * square * (1.0 - 5.0 * square))
    return -0.5 * x * x - _HALF_LOG_TWO_PI - math.log(-x) + math.log(series)


@njit(cache=False)
def normal_hazard(x: float) -> float:
    """Return the standard normal density over its distribution function at x."""
    return math.exp(-0.5 * x * x - _HALF_LOG_TWO_PI - log_normal_cdf(x))


@njit(cache=False)
def log1m_exp_negative(x: float) -> float:
    """Return log(1 - exp(-x)) for x > 0."""
    if x < 0.6931471805599453:
        return math.log(-math.expm1(-x))
    return math.log1p(-math.exp(-x))


@njit(cache=False)
def standard_normal_cdf(x: float) -> float:
    """Return the standard normal distribution function."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@njit(cache=False)
def normal_density(x: float) -> float:
    """Return the standard normal density."""
    return math.exp(-0.5 * x * x - _HALF_LOG_TWO_PI)


@njit(cache=False)
def log_rising(x: float, y: float):  # type: ignore[no-untyped-def]
    """Return log Gamma(x + y) - log Gamma(x) and its derivatives in x and in y.

    For large x by the series of Stirling, where the difference of two log-gammas would lose its digits.
    """
    upper = digamma(x + y)
    if x < 1e5:
        return math.lgamma(x + y) - math.lgamma(x), upper - digamma(x), upper
    ratio = math.log1p(y / x)
    value = (x - 0.5) * ratio + y * math.log(x + y) - y + (1.0 / (x + y) - 1.0 / x) / 12.0
    slope = ratio + 0.5 / x - 0.5 / (x + y) + (1.0 / (x * x) - 1.0 / ((x + y) * (x + y))) / 12.0
    return value, slope, upper
