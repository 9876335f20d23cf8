"""Log-densities of scalar priors on unconstrained coordinates, with their derivatives."""

import math

from numba import njit

from bayesmixed.kernels.rows.special import expit, softplus

REAL, POSITIVE, UNIT, ABOVE_ONE = 0, 1, 2, 3

DISTRIBUTION_CODES = {
    "Normal": 0,
    "StudentT": 1,
    "Cauchy": 2,
    "Laplace": 3,
    "Logistic": 4,
    "HalfNormal": 5,
    "HalfStudentT": 6,
    "HalfCauchy": 7,
    "Exponential": 8,
    "Gamma": 9,
    "InverseGamma": 10,
    "LogNormal": 11,
    "Beta": 12,
}


@njit(cache=False)
def prior_row(transform, code, a, b, c, x):  # type: ignore[no-untyped-def]
    """Return log-density plus log-Jacobian at the unconstrained x, up to a constant, and its derivative in x."""
    if transform == REAL:
        return kernel(code, a, b, c, x)
    if transform == POSITIVE:
        value = math.exp(x)
        density, slope = kernel(code, a, b, c, value)
        return density + x, slope * value + 1.0
    if transform == UNIT:
        value = expit(x)
        other = expit(-x)
        # Only Beta: log value and log(1 - value) directly, so that the ends are exact.
        density = -(a - 1.0) * softplus(-x) - (b - 1.0) * softplus(x)
        jacobian = -softplus(-x) - softplus(x)
        return density + jacobian, (a - 1.0) * other - (b - 1.0) * value + other - value
    shift = math.exp(x)
    density, slope = kernel(code, a, b, c, 1.0 + shift)
    return density + x, slope * shift + 1.0


@njit(cache=False)
def below(highest, x):  # type: ignore[no-untyped-def]
    """Return the number below `highest` that has the coordinate x and its derivative, and the logarithm of that and its own.

    The exponential of the number is a share of that of `highest`, and x the log-odds of the share; x itself if it is infinite.
    """
    if highest == math.inf:
        return x, 1.0, 0.0, 0.0
    rest = expit(-x)
    return highest - softplus(-x), rest, -softplus(x), rest - 1.0


@njit(cache=False)
def kernel(code, a, b, c, v):  # type: ignore[no-untyped-def]
    """Return the log-density of a distribution at v, up to a constant, and its derivative in v."""
    if code == 0:
        z = (v - a) / b
        return -0.5 * z * z, -z / b
    if code == 1:
        z = (v - b) / c
        return -0.5 * (a + 1.0) * math.log1p(z * z / a), -(a + 1.0) * z / (c * (a + z * z))
    if code == 2:
        z = (v - a) / b
        return -math.log1p(z * z), -2.0 * z / (b * (1.0 + z * z))
    if code == 3:
        return -abs(v - a) / b, -1.0 / b if v > a else 1.0 / b
    if code == 4:
        z = (v - a) / b
        return -z - 2.0 * softplus(-z), (2.0 * expit(-z) - 1.0) / b
    if code == 5:
        z = v / a
        return -0.5 * z * z, -z / a
    if code == 6:
        z = v / b
        return -0.5 * (a + 1.0) * math.log1p(z * z / a), -(a + 1.0) * z / (b * (a + z * z))
    if code == 7:
        z = v / a
        return -math.log1p(z * z), -2.0 * z / (a * (1.0 + z * z))
    if code == 8:
        return -a * v, -a
    if code == 9:
        return (a - 1.0) * math.log(v) - b * v, (a - 1.0) / v - b
    if code == 10:
        return -(a + 1.0) * math.log(v) - b / v, -(a + 1.0) / v + b / (v * v)
    if code == 11:
        z = (math.log(v) - a) / b
        return -0.5 * z * z - math.log(v), (-z / b - 1.0) / v
    return (a - 1.0) * math.log(v) + (b - 1.0) * math.log1p(-v), (a - 1.0) / v - (b - 1.0) / (1.0 - v)
