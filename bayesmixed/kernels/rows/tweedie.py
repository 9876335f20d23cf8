"""Rows of the Tweedie family of powers between 1 and 2, with all derivatives at once."""

import math

from numba import njit

from bayesmixed.kernels.rows.special import expit, softplus

TWEEDIE = 25
_HALF_LOG_TWO_PI = 0.9189385332046727
_WIDE, _STEP, _DROP, _MOST = 7.75, 0.7, 37.0, 1000
"""SD of the summands from which not all of them are added; how many SDs then lie between two; the logarithm of the share of
the largest one below which the others are left out; how many are added at most, each way."""


@njit(cache=False, error_model="numpy")
def tweedie(y, u, log_phi, logit_power):  # type: ignore[no-untyped-def]
    """Return ten numbers, see `skewed`, in the logarithm of the mean, that of phi, and the log-odds of the power less one."""
    share, rest = expit(logit_power), expit(-logit_power)
    # Of the mean number of amounts, and of what each takes off the logarithm.
    b = math.exp(rest * u - log_phi)
    zero, move = b / rest, share * rest
    p_zero = move * (zero / rest - u * zero)
    if y == 0.0:
        return (
            -zero,
            -b,
            -rest * b,
            -rest * rest * b,
            zero,
            b,
            rest * b,
            -p_zero,
            move * u * b,
            move * (b + rest * u * b),
        )
    a = y * math.exp(-share * u - log_phi)
    amount, log_y, log_share, log_rest = a / share, math.log(y), -softplus(-logit_power), -softplus(logit_power)
    shape = rest / share
    log_z = shape * (log_y - log_share) - (1.0 + shape) * log_phi - log_rest
    series, number, of_shape = _series(log_z, shape, math.exp(rest * log_y - log_phi - log_rest))
    turn = -1.0 / (share * share)
    of_power = number * (turn * (log_y - log_share - log_phi) - shape / share + 1.0 / rest) + turn * of_shape
    return (
        series - log_y - amount - zero,
        a - b,
        -share * a - rest * b,
        share * share * a - rest * rest * b,
        amount + zero - number * (1.0 + shape),
        b - a,
        share * a + rest * b,
        move * (of_power + amount * (u + 1.0 / share)) - p_zero,
        move * u * (b - a),
        move * (b - a + u * (share * a + rest * b)),
    )


@njit(cache=False, error_model="numpy")
def _series(log_z, shape, largest):  # type: ignore[no-untyped-def]
    """Return log(sum over j >= 1 of z^j / (j! Gamma(shape j))), the mean of j, and the derivative in the shape.

    The series of Dunn & Smyth (2005, Stat Comput 15:267), from about its `largest` summand both ways. Where summands
    reach far, and none of them lies near the first, they are a smooth function of which fewer places give the sum.
    """
    spread = math.sqrt(largest / (1.0 + shape))
    step = 1.0 if spread < _WIDE else spread * _STEP
    middle = max(1.0, math.floor(largest + 0.5)) if step == 1.0 else largest
    fall, slope = _log_gamma(shape * middle)
    highest = middle * log_z - math.lgamma(1.0 + middle) - fall
    total, first, second = 1.0, middle, middle * slope
    for sign in (1.0, -1.0):
        for count in range(1, _MOST):
            place = middle + sign * step * count
            if place < 1.0:
                break
            fall, slope = _log_gamma(shape * place)
            log_share = place * log_z - math.lgamma(1.0 + place) - fall - highest
            weight = math.exp(log_share)
            total += weight
            first += weight * place
            second += weight * place * slope
            if not log_share > -_DROP:
                break
    return highest + math.log(total * step), first / total, -second / total


@njit(cache=False, error_model="numpy")
def _log_gamma(x):  # type: ignore[no-untyped-def]
    """Return log Gamma(x) and its derivative for x > 0: recurrence to x >= 8, then the series of Stirling."""
    product, slope = 1.0, 0.0
    while x < 8.0:
        product *= x
        slope -= 1.0 / x
        x += 1.0
    log_x, a = math.log(x), 1.0 / x
    b = a * a
    value = (x - 0.5) * log_x - x + _HALF_LOG_TWO_PI
    value += a * (1.0 / 12.0 - b * (1.0 / 360.0 - b * (1.0 / 1260.0 - b * (1.0 / 1680.0 - b * (1.0 / 1188.0)))))
    slope += log_x - 0.5 * a
    slope -= b * (1.0 / 12.0 - b * (1.0 / 120.0 - b * (1.0 / 252.0 - b * (1.0 / 240.0 - b * (1.0 / 132.0)))))
    return value - math.log(product), slope
