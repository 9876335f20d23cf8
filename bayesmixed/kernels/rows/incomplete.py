"""Logarithms of incomplete gamma and beta functions and of their complements, with derivatives in all arguments."""

import math

from numba import njit

from bayesmixed.kernels.rows.special import digamma, log1m_exp_negative

_CLOSE, _MOST = 1e-15, 20_000


@njit(cache=False, error_model="numpy")
def _opposite(log, a, b):  # type: ignore[no-untyped-def]
    """Return log(1 - exp(log)) and its derivatives, from those of log < 0."""
    other = log1m_exp_negative(-log)
    odds = math.exp(log - other)
    return other, -odds * a, -odds * b


@njit(cache=False, error_model="numpy")
def incomplete_gamma(a, log_x):  # type: ignore[no-untyped-def]
    """Return log P(a, x) with its derivatives in a and in log x, and the same of Q = 1 - P.

    By the series of P below a + 1, else by the continued fraction of Q (DLMF 8.11.4, 8.9.2, by Lentz's method).
    """
    x = math.exp(log_x)
    lead = a * log_x - x - math.lgamma(a)
    start = log_x - digamma(a)
    if x < a + 1.0:
        term = 1.0 / a
        total, harmonic = term, term
        slope = -term * harmonic
        for n in range(1, _MOST):
            term *= x / (a + n)
            harmonic += 1.0 / (a + n)
            total += term
            slope -= term * harmonic
            if term * harmonic < _CLOSE * abs(slope):
                break
        below = lead + math.log(total)
        below_a, below_x = start + slope / total, math.exp(lead - below)
        above, above_a, above_x = _opposite(below, below_a, below_x)
        return below, below_a, below_x, above, above_a, above_x
    b = x + 1.0 - a
    c, c_a = 1e300, 0.0
    d, d_a = 1.0 / b, 1.0 / (b * b)
    h, h_a = d, d_a
    for n in range(1, _MOST):
        factor = -n * (n - a)
        b += 2.0
        low, low_a = factor * d + b, n * d + factor * d_a - 1.0
        c, c_a = b + factor / c, -1.0 + n / c - factor * c_a / (c * c)
        d, d_a = 1.0 / low, -low_a / (low * low)
        step, step_a = d * c, d_a * c + d * c_a
        h, h_a = h * step, h_a * step + h * step_a
        if abs(step - 1.0) < _CLOSE and abs(step_a) * abs(h) < 1e-14 * (abs(h_a) + abs(h)):
            break
    above = lead + math.log(h)
    above_a, above_x = start + h_a / h, -math.exp(lead - above)
    below, below_a, below_x = _opposite(above, above_a, above_x)
    return below, below_a, below_x, above, above_a, above_x


@njit(cache=False, error_model="numpy")
def incomplete_beta(a, b, x, rest):  # type: ignore[no-untyped-def]
    """Return log I_x(a, b) with its derivatives in a, b and x, and the same of 1 - I_x(a, b); `rest` is 1 - x."""
    if x < (a + 1.0) / (a + b + 2.0):
        below, below_a, below_b = _lower_beta(a, b, x, rest)
        above, above_a, above_b = _opposite(below, below_a, below_b)
    else:
        above, above_b, above_a = _lower_beta(b, a, rest, x)
        below, below_a, below_b = _opposite(above, above_a, above_b)
    both = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    density = (a - 1.0) * math.log(x) + (b - 1.0) * math.log(rest) - both
    below_x, above_x = math.exp(density - below), -math.exp(density - above)
    return below, below_a, below_b, below_x, above, above_a, above_b, above_x


@njit(cache=False, error_model="numpy")
def _lower_beta(a, b, x, rest):  # type: ignore[no-untyped-def]
    """Return log I_x(a, b) for x below its mean, and its derivatives in a and b, by the continued fraction of DLMF 8.17.22."""
    c, c_a, c_b = 1.0, 0.0, 0.0
    low = 1.0 - (a + b) * x / (a + 1.0)
    low_a, low_b = (b - 1.0) * x / ((a + 1.0) * (a + 1.0)), -x / (a + 1.0)
    d, d_a, d_b = 1.0 / low, -low_a / (low * low), -low_b / (low * low)
    h, h_a, h_b = d, d_a, d_b
    for n in range(1, _MOST):
        change = 0.0
        for half in range(2):
            if half == 0:
                bottom = (a - 1.0 + 2.0 * n) * (a + 2.0 * n)
                f = n * (b - n) * x / bottom
                f_a = -f * (1.0 / (a - 1.0 + 2.0 * n) + 1.0 / (a + 2.0 * n))
                f_b = n * x / bottom
            else:
                f = -(a + n) * (a + b + n) * x / ((a + 2.0 * n) * (a + 1.0 + 2.0 * n))
                f_b = f / (a + b + n)
                f_a = f_b + f * (1.0 / (a + n) - 1.0 / (a + 2.0 * n) - 1.0 / (a + 1.0 + 2.0 * n))
            low, low_a, low_b = 1.0 + f * d, f_a * d + f * d_a, f_b * d + f * d_b
            c, c_a, c_b = 1.0 + f / c, f_a / c - f * c_a / (c * c), f_b / c - f * c_b / (c * c)
            d, d_a, d_b = 1.0 / low, -low_a / (low * low), -low_b / (low * low)
            step, step_a, step_b = d * c, d_a * c + d * c_a, d_b * c + d * c_b
            h, h_a, h_b = h * step, h_a * step + h * step_a, h_b * step + h * step_b
            change = max(change, abs(step - 1.0), abs(step_a), abs(step_b))
        if change < 4.0 * _CLOSE:
            break
    both = digamma(a + b)
    constant = math.lgamma(a + b) - math.lgamma(a + 1.0) - math.lgamma(b)
    log = a * math.log(x) + b * math.log(rest) + constant + math.log(h)
    log_a = math.log(x) - 1.0 / a - digamma(a) + both + h_a / h
    return log, log_a, math.log(rest) - digamma(b) + both + h_b / h
