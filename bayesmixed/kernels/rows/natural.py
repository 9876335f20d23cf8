"""Rows of families in their natural arguments: the mean, its logarithm, or the predictor.

Each gives seven numbers: log-density without the part that depends on no parameter, its first three derivatives, then the
derivatives of log-density, first and second derivative in the k-th further predictor (0 where k is).
"""

import math

from numba import njit

from bayesmixed.kernels.rows.families import EXPONENTIAL, GAMMA, INVERSE_GAUSSIAN, NEGBIN, NEGBIN1, POISSON, WEIBULL
from bayesmixed.kernels.rows.links import CLOGLOG, LOGIT, log_probability
from bayesmixed.kernels.rows.special import (
    digamma,
    expit,
    log1m_exp_negative,
    log1m_exp_slopes,
    log_gamma_slopes,
    log_normal_cdf_slopes,
    rising,
    softplus,
)


@njit(cache=False, error_model="numpy")
def binomial(link, y, failures, eta):  # type: ignore[no-untyped-def]
    """Return a binomial row in its predictor."""
    row = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if y > 0.0:
        row = _add(row, log_probability(link, eta, False), y)
    if failures > 0.0:
        row = _add(row, log_probability(link, eta, True), failures)
    return row


@njit(cache=False, error_model="numpy")
def _add(row, more, times):  # type: ignore[no-untyped-def]
    """Return a row with a multiple of a function of the predictor added."""
    v, a, b, c, p, q, r = row
    return v + times * more[0], a + times * more[1], b + times * more[2], c + times * more[3], p, q, r


@njit(cache=False, error_model="numpy")
def normal(residual, log_scale, k):  # type: ignore[no-untyped-def]
    """Return a normal row in its mean."""
    scale = math.exp(-log_scale)
    z, square = residual * scale, scale * scale
    value = -0.5 * z * z - log_scale
    if k == 0:
        return value, z * scale, -square, 0.0, 0.0, 0.0, 0.0
    return value, z * scale, -square, 0.0, z * z - 1.0, -2.0 * z * scale, 2.0 * square


@njit(cache=False, error_model="numpy")
def student(residual, log_scale, log_extra, k):  # type: ignore[no-untyped-def]
    """Return a row of Student's t in its mean."""
    variance, extra = math.exp(2.0 * log_scale), math.exp(log_extra)
    nu = 1.0 + extra
    width, square = nu * variance, residual * residual
    total, half = nu * variance + residual * residual, 0.5 * (nu + 1.0)
    log_term, n = math.log1p(square / width), nu + 1.0
    value = math.lgamma(half) - math.lgamma(0.5 * nu) - 0.5 * math.log(nu * math.pi) - log_scale - half * log_term
    first = n * residual / total
    second = -n * (width - square) / (total * total)
    third = -2.0 * n * residual * (3.0 * width - square) / (total * total * total)
    p = q = r = 0.0
    if k == 1:
        p = first * residual - 1.0
        q = -2.0 * width * first / total
        r = -2.0 * n * width * (3.0 * square - width) / (total * total * total)
    elif k == 2:
        p = 0.5 * extra * (digamma(half) - digamma(0.5 * nu) - 1.0 / nu - log_term + first * residual / nu)
        q = extra * (first / n - first * variance / total)
        r = extra * (second / n - n * variance * (total - 2.0 * (width - square)) / (total * total * total))
    return value, first, second, third, p, q, r


@njit(cache=False, error_model="numpy")
def positive(family, y, u, further, k):  # type: ignore[no-untyped-def]
    """Return a row of a positive mean in the logarithm of the mean."""
    p = q = r = 0.0
    if family == POISSON:
        mean = math.exp(u)
        return y * u - mean, y - mean, -mean, -mean, p, q, r
    if family == GAMMA:
        shape, ratio = math.exp(further), y * math.exp(-u)
        log_ratio, change = math.log(y) - u, shape * ratio
        if k > 0:
            p, q, r = shape * (further + 1.0 + log_ratio - ratio - digamma(shape)), change - shape, -change
        value = shape * (further + log_ratio - ratio) - math.lgamma(shape)
        return value, change - shape, -change, change, p, q, r
    if family == EXPONENTIAL:
        ratio = y * math.exp(-u)
        return -u - ratio, ratio - 1.0, -ratio, ratio, p, q, r
    if family == WEIBULL:
        shape = math.exp(further)
        place = 1.0 + 1.0 / shape
        rise = shape * (math.log(y) - u + math.lgamma(place))
        hazard = math.exp(rise)
        first, second = shape * (hazard - 1.0), -shape * shape * hazard
        if k > 0:
            drift = rise - digamma(place)
            p = 1.0 + drift * (1.0 - hazard)
            q, r = first + shape * hazard * drift, (2.0 + drift) * second
        return further + rise - hazard, first, second, -shape * second, p, q, r
    if family == INVERSE_GAUSSIAN:
        ratio, weight = y * math.exp(-u), math.exp(further) / y
        first, second = weight * ratio * (ratio - 1.0), weight * ratio * (1.0 - 2.0 * ratio)
        deviance = 0.5 * weight * (ratio - 1.0) ** 2
        if k > 0:
            p, q, r = 0.5 - deviance, first, second
        return 0.5 * further - deviance, first, second, weight * ratio * (4.0 * ratio - 1.0), p, q, r
    mean = math.exp(u)
    if family == NEGBIN:
        size = math.exp(further)
        total = mean + size
        share, rest = mean / total, size / total
        failures, product = math.log1p(mean / size), share * rest
        all_ = (y + size) * product
        value, slope, _, _ = rising(further, y)
        first = rest * y - size * share
        if k > 0:
            p = slope - size * (failures - (mean - y) / total)
            q, r = share * first, -product * (size + (y + size) * (share - rest))
        # log(share) as minus log(1 + size / mean) stays right where the mean vanishes.
        log_share = -softplus(further - u)
        return value - size * failures + y * log_share, first, -all_, -all_ * (rest - share), p, q, r
    if family == NEGBIN1:
        excess = math.exp(further)
        size, each = mean / excess, math.log1p(excess)
        value, a, b, c = rising(u - further, y)
        first, second, third = a - size * each, b - size * each, c - size * each
        if k > 0:
            lost = size * excess / (1.0 + excess)
            p, q, r = -first - lost + y / (1.0 + excess), -second - lost, -third - lost
        return value - size * each + y * (further - each), first, second, third, p, q, r
    share, rest = expit(further), expit(-further)
    own = mean * rest
    total = own + share * y
    w, more = own / total, y - 1.0
    turn = w * (1.0 - w)
    if k > 0:
        change = -w * share * (1.0 + rest * (y - mean) / total)
        p = share * (rest * (y - mean) * (more / total - 1.0) - 1.0) if y > 0.0 else share * own
        q, r = more * change + share * own, more * (1.0 - 2.0 * w) * change + share * own
    value = u - softplus(further) + more * math.log(total) - total if y > 0.0 else -total
    return value, 1.0 + more * w - own, more * turn - own, more * turn * (1.0 - 2.0 * w) - own, p, q, r


@njit(cache=False, error_model="numpy")
def beta(link, y, eta, log_precision, k):  # type: ignore[no-untyped-def]
    """Return a beta row in its predictor."""
    mean, rest = log_probability(link, eta, False), log_probability(link, eta, True)
    value, whole, _, _ = log_gamma_slopes(log_precision)
    row = (value, 0.0, 0.0, 0.0, whole if k > 0 else 0.0, 0.0, 0.0)
    row = _add_part(row, mean, _beta_part(log_precision + mean[0], math.log(y)), k)
    return _add_part(row, rest, _beta_part(log_precision + rest[0], math.log1p(-y)), k)


@njit(cache=False, error_model="numpy")
def _beta_part(log_a, log_y):  # type: ignore[no-untyped-def]
    """Return a log(y) - log Gamma(a) and its derivatives in log a."""
    value, first, second, third = log_gamma_slopes(log_a)
    own = math.exp(log_a) * log_y
    return own - value, own - first, own - second, own - third


@njit(cache=False, error_model="numpy")
def beta_binomial(link, y, trials, eta, log_precision, k):  # type: ignore[no-untyped-def]
    """Return a beta-binomial row in its predictor."""
    mean, rest = log_probability(link, eta, False), log_probability(link, eta, True)
    value, whole, _, _ = rising(log_precision, trials)
    row = (-value, 0.0, 0.0, 0.0, -whole if k > 0 else 0.0, 0.0, 0.0)
    row = _add_part(row, mean, rising(log_precision + mean[0], y), k)
    return _add_part(row, rest, rising(log_precision + rest[0], trials - y), k)


@njit(cache=False, error_model="numpy")
def _add_part(row, share, part, k):  # type: ignore[no-untyped-def]
    """Return a row with a function of log(share * precision) added: its derivatives in both logarithms are the same."""
    value, a, b, c = part
    whole = (value, a, b, c, a, b, c) if k > 0 else (value, a, b, c, 0.0, 0.0, 0.0)
    v, a, b, c, p, q, r = through(whole, share[1], share[2], share[3])
    return row[0] + v, row[1] + a, row[2] + b, row[3] + c, row[4] + p, row[5] + q, row[6] + r


@njit(cache=False, error_model="numpy")
def cumulative(link, lower, upper, k):  # type: ignore[no-untyped-def]
    """Return the row of an ordered category between two ends less the predictor; k is 1 for the upper end, 2 for the lower.

    Derivatives in the predictor are those in minus both ends.
    """
    gap = upper - lower
    if link == LOGIT:
        a, b = expit(-upper), expit(lower)
        da, db = a * (1.0 - a), b * (1.0 - b)
        value = log1m_exp_negative(gap) - softplus(-upper) - softplus(lower)
        row = (value, b - a, -da - db, db * (1.0 - 2.0 * b) - da * (1.0 - 2.0 * a))
        steep = 1.0 / math.expm1(gap)
        if k == 1:
            return *row, a + steep, da, da * (1.0 - 2.0 * a)
        if k == 2:
            return *row, -b - steep, db, -db * (1.0 - 2.0 * b)
        return *row, 0.0, 0.0, 0.0
    if link == CLOGLOG:
        hazard = math.exp(lower)
        v, a, b, c = log1m_exp_slopes(-math.exp(upper) * math.expm1(-gap)) if upper < math.inf else (0.0, 0.0, 0.0, 0.0)
        row = (v - hazard, hazard - a, b - hazard, hazard - c)
        if k == 1:
            part = -1.0 / math.expm1(-gap)
            return *row, part * a, -part * b, part * c
        if k == 2:
            part = 1.0 / math.expm1(gap)
            return *row, -hazard - part * a, hazard + part * b, -hazard - part * c
        return *row, 0.0, 0.0, 0.0
    # The share is that below the second end, less that below the first; upper and lower tail mirror each other.
    sign = -1.0 if lower > 0.0 else 1.0
    first, second = (-upper, -lower) if lower > 0.0 else (lower, upper)
    v, a, b, c = log_normal_cdf_slopes(second)
    a0, b0, c0, ratio = 0.0, 0.0, 0.0, 0.0
    if first > -math.inf:
        v0, a0, b0, c0 = log_normal_cdf_slopes(first)
        gap = v - v0
        v, ratio = v + log1m_exp_negative(gap), 1.0 / math.expm1(gap)
    product = ratio * (1.0 + ratio)
    away, bent = a - a0, b - b0
    dratio = -product * away
    ddratio = product * ((1.0 + 2.0 * ratio) * away * away - bent)
    row = (
        v,
        -sign * (a + ratio * away),
        b + dratio * away + ratio * bent,
        -sign * (c + ddratio * away + 2.0 * dratio * bent + ratio * (c - c0)),
    )
    if k == 0:
        return *row, 0.0, 0.0, 0.0
    if (k == 1) == (lower <= 0.0):
        high = 1.0 + ratio
        return *row, sign * a * high, -(b * high + a * dratio), sign * (c * high + 2.0 * b * dratio + a * ddratio)
    return *row, -sign * a0 * ratio, b0 * ratio + a0 * dratio, -sign * (c0 * ratio + 2.0 * b0 * dratio + a0 * ddratio)


@njit(cache=False, error_model="numpy")
def ordered_beta(y, eta, log_precision, cut, log_gap, k):  # type: ignore[no-untyped-def]
    """Return the row of a number from 0 to 1; k is 1 for the precision, 2 for the threshold of 0, 3 for the gap."""
    low, gap = cut - eta, math.exp(log_gap)
    high = low + gap
    inside = 0.0 < y < 1.0
    lower, upper = (high if y > 0.0 else -math.inf, math.inf if y > 0.0 else low) if not inside else (low, high)
    # The threshold of 1 is the upper end of the numbers between, and the lower end of 1.
    v, a, b, c, p, q, r = cumulative(LOGIT, lower, upper, (1 if inside else 2) if k == 3 and y > 0.0 else 0)
    p, q, r = (-a, -b, -c) if k == 2 else (gap * p, gap * q, gap * r)
    if not inside:
        return v, a, b, c, p, q, r
    more = beta(LOGIT, y, eta, log_precision, 1 if k == 1 else 0)
    return v + more[0], a + more[1], b + more[2], c + more[3], p + more[4], q + more[5], r + more[6]


@njit(cache=False, error_model="numpy")
def through(row, slope, bend, turn):  # type: ignore[no-untyped-def]
    """Return a row in the predictor from that in its natural argument, by the derivatives of the argument."""
    v, a, b, c, p, q, r = row
    square = slope * slope
    return (
        v,
        a * slope,
        b * square + a * bend,
        c * square * slope + 3.0 * b * slope * bend + a * turn,
        p,
        q * slope,
        r * square + q * bend,
    )
