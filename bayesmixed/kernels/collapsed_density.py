"""The log-density of a Gaussian model over SDs, correlations and sigma, coefficients and effects integrated out."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels import packing as at
from bayesmixed.kernels.dense import dot_rows
from bayesmixed.kernels.density import log_priors
from bayesmixed.kernels.elimination import draw, factor, invert_blocks, solve
from bayesmixed.kernels.term_effects import scale_factor, scale_factor_back
from bayesmixed.kernels.whitening import unwhiten, whiten_slopes

# Integer header after the eleven entries that all densities share.
(
    SIGMA,
    SIGMA_VALUE,
    TERMS,
    TERM_COUNT,
    REST,
    WIDEST,
    ENTRIES,
    BLOCKS,
    POINTERS,
    COLUMNS,
    CROSS,
    REST_MATRIX,
    LEVEL_SUMS,
    REST_SUMS,
    SQUARES,
    MEANS,
    COUNT,
) = range(11, 28)
HEADER_SIZE = 28


@njit(cache=False, error_model="numpy")
def collapsed_density(x, gradient, numbers, integers):  # type: ignore[no-untyped-def]
    """Return the log-density at unconstrained coordinates, Jacobians included, and write its gradient."""
    gradient[:] = 0.0
    point = unwhiten(x, numbers, integers)
    value = marginal_likelihood(point, gradient, numbers, integers) + log_priors(point, gradient, numbers, integers)
    whiten_slopes(gradient, numbers, integers)
    return value


@njit(cache=False, error_model="numpy")
def marginal_likelihood(x, gradient, numbers, integers):  # type: ignore[no-untyped-def]
    """Return log p(y | SDs, correlations, sigma) and add its gradient, by Fisher's identity.

    In standardised units d log p / d root = root'^-1 (E[sum of v v' | y] - J I), and the derivative in log sigma is
    E[|y - W c|^2 | y] / sigma^2 - n, where the expected residual needs only traces of A^-1.
    """
    sigma = _sigma(x, numbers, integers)
    weight = 1.0 / (sigma * sigma)
    root, table, roots = _roots(x, numbers, integers)
    blocks, pointers, columns, cross, rest = _cross_products(numbers, integers)
    levels, width = blocks.shape[0], blocks.shape[1]
    size = len(rest)
    inner, link, outer = np.zeros((levels, width, width)), np.empty((len(columns), width)), np.empty((size, size))
    log_determinant = factor(weight, root, blocks, pointers, columns, cross, rest, table, roots, inner, link, outer)
    if not math.isfinite(log_determinant):
        return -np.inf
    means = numbers[integers[MEANS] : integers[MEANS] + size]
    mode_levels, mode_rest = _right_side(weight, root, table, roots, numbers, integers, levels, width, size)
    quadratic = weight * numbers[integers[SQUARES]]
    for i in range(size):
        quadratic += means[i] * means[i]
    quadratic -= solve(weight, pointers, columns, table, roots, inner, link, outer, mode_levels, mode_rest)
    variances = np.empty((levels, width, width))
    upper = invert_blocks(weight, pointers, columns, table, roots, inner, link, outer, variances)
    n, constant = numbers[integers[COUNT]], numbers[integers[COUNT] + 1]
    value = constant - 0.5 * (n * math.log(2.0 * math.pi * sigma * sigma) + log_determinant + quadratic)
    trace, distance = 0.0, 0.0
    for i in range(size):
        trace += dot_rows(upper, i, i, i)
        distance += (mode_rest[i] - means[i]) ** 2
    moments = np.zeros((integers[WIDEST], integers[WIDEST]))
    for g in range(levels):
        for i in range(width):
            trace += variances[g, i, i]
            distance += mode_levels[g, i] ** 2
            for k in range(width):
                moments[i, k] += variances[g, i, k] + mode_levels[g, i] * mode_levels[g, k]
    _add_root_slopes(x, 0, moments, numbers, integers, gradient)
    for t in range(len(table)):
        start, count, wide = table[t]
        moments[:] = 0.0
        for j in range(count):
            here = start + j * wide
            for i in range(wide):
                for k in range(wide):
                    covariance = dot_rows(upper, here + i, here + k, here + max(i, k))
                    moments[i, k] += covariance + mode_rest[here + i] * mode_rest[here + k]
        _add_root_slopes(x, t + 1, moments, numbers, integers, gradient)
    if integers[SIGMA] >= 0:
        gradient[integers[SIGMA]] += quadratic - distance + (levels * width + size - trace) - n
    return value


@njit(cache=False, nogil=True, error_model="numpy")
def draw_effects(points, noise, numbers, integers, out):  # type: ignore[no-untyped-def]
    """Write draws of all standardised effects and coefficients given each point.

    Parameters
    ----------
    points : (S, dimension) array
        Unconstrained SDs, correlations and sigma.
    noise, out : (S, q) arrays
        Standard normal numbers, and the draws: the eliminated levels first, then the rest.
    """
    blocks, pointers, columns, cross, rest = _cross_products(numbers, integers)
    levels, width = blocks.shape[0], blocks.shape[1]
    size, split = len(rest), blocks.shape[0] * blocks.shape[1]
    inner, link, outer = np.zeros((levels, width, width)), np.empty((len(columns), width)), np.empty((size, size))
    for s in range(len(points)):
        sigma = _sigma(points[s], numbers, integers)
        weight = 1.0 / (sigma * sigma)
        root, table, roots = _roots(points[s], numbers, integers)
        factor(weight, root, blocks, pointers, columns, cross, rest, table, roots, inner, link, outer)
        effects, others = _right_side(weight, root, table, roots, numbers, integers, levels, width, size)
        fresh = noise[s, :split].copy().reshape((levels, width))
        draw(weight, pointers, columns, table, roots, inner, link, outer, effects, others, fresh, noise[s, split:])
        out[s, :split] = effects.reshape(split)
        out[s, split:] = others


@njit(cache=False, error_model="numpy")
def _sigma(x, numbers, integers):  # type: ignore[no-untyped-def]
    slot = integers[SIGMA]
    return math.exp(x[slot] if slot >= 0 else numbers[integers[SIGMA_VALUE]])


@njit(cache=False, error_model="numpy")
def _roots(x, numbers, integers):  # type: ignore[no-untyped-def]
    """Return the root of the covariance of the first term, table and roots of the others."""
    count, widest = integers[TERM_COUNT], integers[WIDEST]
    roots = np.zeros((count, widest, widest))
    table = np.zeros((count - 1, 3), dtype=np.int64)
    start = 0
    for t in range(count):
        term = integers[TERMS] + t * at.TERM_SIZE
        width = integers[term + at.COLUMNS]
        sd, correlation = scale_factor(x, term, numbers, integers)
        for i in range(width):
            for k in range(i + 1):
                roots[t, i, k] = sd[i] * correlation[i, k]
        if t > 0:
            table[t - 1, 0], table[t - 1, 1], table[t - 1, 2] = start, integers[term + at.LEVELS], width
            start += integers[term + at.LEVELS] * width
    return roots[0], table, roots[1:]


@njit(cache=False, error_model="numpy")
def _cross_products(numbers, integers):  # type: ignore[no-untyped-def]
    first = integers[TERMS]
    levels, width = integers[first + at.LEVELS], integers[first + at.COLUMNS]
    size, entries = integers[REST], integers[ENTRIES]
    at_blocks, at_cross, at_rest = integers[BLOCKS], integers[CROSS], integers[REST_MATRIX]
    at_pointers, at_columns = integers[POINTERS], integers[COLUMNS]
    blocks = numbers[at_blocks : at_blocks + levels * width * width].reshape((levels, width, width))
    cross = numbers[at_cross : at_cross + entries * width].reshape((entries, width))
    rest = numbers[at_rest : at_rest + size * size].reshape((size, size))
    pointers = integers[at_pointers : at_pointers + levels + 1]
    return blocks, pointers, integers[at_columns : at_columns + entries], cross, rest


@njit(cache=False, error_model="numpy")
def _right_side(weight, root, table, roots, numbers, integers, levels, width, size):  # type: ignore[no-untyped-def]
    """Return T' W'y / sigma^2 plus the prior means, in standardised units, by level and of the rest."""
    sums, place = integers[LEVEL_SUMS], integers[REST_SUMS]
    effects, others = np.zeros((levels, width)), np.empty(size)
    for g in range(levels):
        for k in range(width):
            for m in range(k, width):
                effects[g, k] += weight * root[m, k] * numbers[sums + g * width + m]
    for i in range(size):
        others[i] = weight * numbers[place + i]
    for t in range(len(table)):
        start, count, wide = table[t]
        for j in range(count):
            here = start + j * wide
            for k in range(wide):
                value = 0.0
                for m in range(k, wide):
                    value += roots[t, m, k] * others[here + m]
                others[here + k] = value
    for i in range(size):
        others[i] += numbers[integers[MEANS] + i]
    return effects, others


@njit(cache=False, error_model="numpy")
def _add_root_slopes(x, t, moments, numbers, integers, gradient):  # type: ignore[no-untyped-def]
    """Add the derivatives in a term's log SDs and partial correlations."""
    term = integers[TERMS] + t * at.TERM_SIZE
    width, levels = integers[term + at.COLUMNS], integers[term + at.LEVELS]
    sd, correlation = scale_factor(x, term, numbers, integers)
    slopes = np.zeros((width, width))
    for k in range(width):
        for i in range(width - 1, -1, -1):
            value = moments[i, k] - (levels if i == k else 0.0)
            for m in range(i + 1, width):
                value -= correlation[m, i] * slopes[m, k]
            slopes[i, k] = value / correlation[i, i]
    for i in range(width):
        for k in range(width):
            slopes[i, k] = slopes[i, k] / sd[i] if k <= i else 0.0
    scale_factor_back(x, term, sd, correlation, slopes, numbers, integers, gradient)
