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


@njit(cache=False)
def polygammas(x: float):  # type: ignore[no-untyped-def]
    """Return digamma, trigamma and tetragamma for x > 0: recurrence to x >= 10, then the asymptotic series."""
    first, second, third = 0.0, 0.0, 0.0
    while x < 10.0:
        a = 1.0 / x
        first -= a
        second += a * a
        third -= 2.0 * a * a * a
        x += 1.0
    a = 1.0 / x
    b = a * a
    first += (
        math.log(x) - 0.5 * a - b * (1.0 / 12.0 - b * (1.0 / 120.0 - b * (1.0 / 252.0 - b * (1.0 / 240.0 - b / 132.0))))
    )
    tail = 1.0 / 6.0 - b * (
        1.0 / 30.0 - b * (1.0 / 42.0 - b * (1.0 / 30.0 - b * (5.0 / 66.0 - b * (691.0 / 2730.0 - b * 7.0 / 6.0))))
    )
    second += a + b * (0.5 + a * tail)
    tail = 0.5 - b * (1.0 / 6.0 - b * (1.0 / 6.0 - b * (0.3 - b * (5.0 / 6.0 - b * (691.0 / 210.0 - b * 17.5)))))
    third -= b * (1.0 + a + b * tail)
    return first, second, third


@njit(cache=False)
def log_gamma_slopes(log_x: float):  # type: ignore[no-untyped-def]
    """Return log Gamma(x) and its first three derivatives in log x."""
    x = math.exp(log_x)
    a, b, c = polygammas(1.0 + x)
    first, second, third = x * a, x * x * b, x * x * x * c
    value = math.lgamma(x) if log_x > -40.0 else -log_x
    return value, first - 1.0, first + second, first + 3.0 * second + third


@njit(cache=False)
def rising(log_x: float, y: float):  # type: ignore[no-untyped-def]
    """Return log Gamma(x + y) - log Gamma(x) and its first three derivatives in log x.

    Small counts y by a sum, large x by differences of Stirling's series: no digits are lost where x is far above y.
    """
    x = math.exp(log_x)
    if y <= 16.0 and x < 1e18 and y == math.floor(y):
        if y == 0.0:
            return 0.0, 0.0, 0.0, 0.0
        product, first, second, third = 1.0, 1.0, 0.0, 0.0
        for k in range(1, int(y)):
            product *= x + k
            share = x / (x + k)
            rest = k / (x + k)
            first += share
            second += share * rest
            third += share * rest * (rest - share)
        return log_x + math.log(product), first, second, third
    if x < 1e3:
        high, low = polygammas(x + y), polygammas(1.0 + x)
        a, b, c = x * (high[0] - low[0]), x * x * (high[1] - low[1]), x * x * x * (high[2] - low[2])
        return log_x + math.lgamma(x + y) - math.lgamma(1.0 + x), 1.0 + a, a + b, a + 3.0 * b + c
    # Powers of 1 / x less those of 1 / (x + y), times powers of x.
    ratio, part, share = math.log1p(y / x), y / (x + y), x / (x + y)
    squares, cubes = part * (1.0 + share), part * (1.0 + share + share * share)
    fourths = squares * (1.0 + share * share)
    value = (x - 0.5) * ratio + y * math.log(x + y) - y - part / (12.0 * x) + cubes / (360.0 * x * x * x)
    a = x * ratio + 0.5 * part + squares / (12.0 * x) - fourths / (120.0 * x * x * x)
    b = -x * part - 0.5 * squares - cubes / (6.0 * x)
    return value, a, a + b, a + 3.0 * b + x * squares + cubes + 0.5 * fourths / x


@njit(cache=False)
def log_normal_cdf_slopes(x: float):  # type: ignore[no-untyped-def]
    """Return the log of the standard normal distribution function and its first three derivatives.

    In the lower tail by the continued fraction of Mills' ratio, whose levels give the differences that vanish there.
    """
    if x > 38.0:
        return 0.0, 0.0, 0.0, 0.0
    if x > -5.0:
        value = log_normal_cdf(x)
        hazard = math.exp(-0.5 * x * x - _HALF_LOG_TWO_PI - value)
        excess = hazard + x
        return value, hazard, -hazard * excess, hazard * (excess * (excess + hazard) - 1.0)
    t, level = -x, 0.0
    for k in range(30, 2, -1):
        level = k / (t + level)
    below = 2.0 / (t + level)
    excess = 1.0 / (t + below)
    hazard = t + excess
    value = -0.5 * x * x - _HALF_LOG_TWO_PI - math.log(hazard)
    return value, hazard, -hazard * excess, hazard * excess * excess * below * (level - below)


@njit(cache=False)
def log1m_exp_slopes(hazard: float):  # type: ignore[no-untyped-def]
    """Return log(1 - exp(-x)) for x > 0 and its first three derivatives in log x."""
    first = hazard / math.expm1(hazard) if hazard < 700.0 else 0.0
    bend = 1.0 - hazard - first
    if hazard < 0.05:
        square = hazard * hazard
        bend = -0.5 * hazard - square * (1.0 / 12.0 - square * (1.0 / 720.0 - square / 30240.0))
    second = first * bend
    return log1m_exp_negative(hazard), first, second, second * bend - first * (hazard + second)
