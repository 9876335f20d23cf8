"""Elimination of the largest grouping factor from a precision matrix, and what follows from it.

The precision is `A = I + T' (W' diag(w) W) T`: coefficients are stated in units in which their prior is standard
normal (`T` is block diagonal, one root of the prior covariance for each term), so that a prior SD of zero is an
ordinary point. `W = [Z, V]`: `Z` holds the effects of the factor with the most levels, whose part of `A` is block
diagonal, `V` the rest. Eliminating `Z` leaves a dense matrix of the size of the rest.

Arguments that every function shares:

weight : number that multiplies the cross-products (1 / sigma^2, or 1 where they hold the weights)
root : (K, K) lower root of the prior covariance of one level of the eliminated factor
blocks : (J, K, K) cross-products Z_g'Z_g
pointers, columns, cross : Z'V by level: (J + 1,), (N,) ascending within a level, (N, K)
rest : (R, R) cross-products V'V
table, roots : (terms, 3) first column, levels, width of each term of the rest; (terms, ., .) their lower roots;
    columns in no term have root 1
"""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.collapsed.level_blocks import (
    backward_block,
    factor_block,
    forward_block,
    solve_both_sides,
    weigh_block,
)
from bayesmixed.kernels.collapsed.prior_roots import apply_to_vector, apply_transposed, spread_triangle
from bayesmixed.kernels.dense import STRIP, add_row, backward, cholesky, dot_rows, forward, invert_triangle, multiply

CHUNK = 256


@njit(cache=False, error_model="numpy")
def factor(weight, root, blocks, pointers, columns, cross, rest, table, roots, inner, link, outer):  # type: ignore[no-untyped-def]
    """Write the factors of A and return log|A|; NaN where rounding leaves A not positive.

    Parameters
    ----------
    inner : (J, K, K) array, written
        Lower Cholesky factors C_g of the eliminated blocks.
    link : (N, K) array, written
        C_g^-1 root' Z_g'V, by level.
    outer : (R, R) array, written
        Lower Cholesky factor of what is left.
    """
    levels, width = inner.shape[0], inner.shape[1]
    log_determinant = 0.0
    for i in range(len(outer)):
        for j in range(i + 1):
            outer[i, j] = weight * rest[i, j]
    square = weight * weight
    full = _is_full(levels, columns, outer)
    for g in range(levels):
        weigh_block(weight, root, blocks, inner, g)
        if not factor_block(inner, g):
            return np.nan
        for k in range(width):
            log_determinant += 2.0 * math.log(inner[g, k, k])
        for e in range(pointers[g], pointers[g + 1]):
            for i in range(width):
                value = 0.0
                for k in range(i, width):
                    value += root[k, i] * cross[e, k]
                link[e, i] = value
            forward_block(inner, g, link, e)
            if full:
                continue
            row = columns[e]
            for k in range(width):
                value = square * link[e, k]
                for other in range(pointers[g], e + 1):
                    outer[row, columns[other]] -= value * link[other, k]
    if full:
        for first in range(0, levels, CHUNK):
            rows = _dense_rows(first, min(first + CHUNK, levels), pointers, columns, link, len(outer))
            product = multiply(rows.T.copy(), rows)
            for i in range(len(outer)):
                for j in range(i + 1):
                    outer[i, j] -= square * product[i, j]
    apply_transposed(outer, table, roots)
    for i in range(len(outer)):
        outer[i, i] += 1.0
    if not cholesky(outer):
        return np.nan
    for i in range(len(outer)):
        log_determinant += 2.0 * math.log(outer[i, i])
    return log_determinant


@njit(cache=False, error_model="numpy")
def solve(weight, pointers, columns, table, roots, inner, link, outer, levels, others):  # type: ignore[no-untyped-def]
    """Replace a right-hand side by A^-1 times it and return the quadratic form of the two.

    Parameters
    ----------
    levels, others : (J, K) and (R,) arrays, replaced
        Right-hand side in standardised units, `T'` times that of the cross-products.
    """
    width = levels.shape[1]
    quadratic = _reduce(weight, pointers, columns, table, roots, inner, link, outer, levels, others)
    backward(outer, others)
    _substitute(weight, pointers, columns, table, roots, inner, link, levels, others, width)
    return quadratic


@njit(cache=False, error_model="numpy")
def draw(weight, pointers, columns, table, roots, inner, link, outer, levels, others, noise_levels, noise_others):  # type: ignore[no-untyped-def]
    """Replace a right-hand side by a draw from N(A^-1 times it, A^-1), made from standard normal noise."""
    width = levels.shape[1]
    _reduce(weight, pointers, columns, table, roots, inner, link, outer, levels, others)
    others += noise_others
    backward(outer, others)
    levels += noise_levels
    _substitute(weight, pointers, columns, table, roots, inner, link, levels, others, width)


@njit(cache=False, error_model="numpy")
def invert_blocks(weight, pointers, columns, table, roots, inner, link, outer, variances):  # type: ignore[no-untyped-def]
    """Write the diagonal blocks of A^-1 of the eliminated levels, (J, K, K); return a root of its block of the rest.

    The root U, (R, R), is an upper triangle, and U U' the block: no other products of its rows are formed than the few
    that are asked for.
    """
    levels, width = inner.shape[0], inner.shape[1]
    upper = invert_triangle(outer)
    spread, strips = spread_triangle(upper, table, roots)
    square = weight * weight
    full = _is_full(levels, columns, outer)
    sums = np.empty((width, spread.shape[1]))
    for g in range(levels):
        if full and g % CHUNK == 0:
            rows = _dense_rows(g, min(g + CHUNK, levels), pointers, columns, link, len(outer))
            sums = multiply(rows, spread)
        here = g % CHUNK * width if full else 0
        start, stop = pointers[g], pointers[g + 1]
        begin = strips[columns[start]] * STRIP if start < stop else spread.shape[1]
        if not full:
            for k in range(width):
                for m in range(begin, spread.shape[1]):
                    sums[k, m] = 0.0
            for e in range(start, stop):
                for k in range(width):
                    add_row(sums, k, link[e, k], spread, columns[e], strips[columns[e]])
        for i in range(width):
            for k in range(i + 1):
                value = square * dot_rows(sums, here + i, here + k, begin)
                variances[g, i, k] = variances[g, k, i] = value + (1.0 if i == k else 0.0)
        solve_both_sides(inner, variances, g)
    return upper


@njit(cache=False, error_model="numpy")
def _is_full(levels, columns, outer):  # type: ignore[no-untyped-def]
    """Return whether enough levels meet enough of the rest for dense products to be faster."""
    size = len(outer)
    return size >= 16 and 4 * len(columns) > levels * size


@njit(cache=False, error_model="numpy")
def _dense_rows(start, stop, pointers, columns, link, size):  # type: ignore[no-untyped-def]
    """Return the link of some levels as a dense matrix, K rows for each level."""
    width = link.shape[1]
    rows = np.zeros(((stop - start) * width, size))
    for g in range(start, stop):
        for e in range(pointers[g], pointers[g + 1]):
            for k in range(width):
                rows[(g - start) * width + k, columns[e]] = link[e, k]
    return rows


@njit(cache=False, error_model="numpy")
def _reduce(weight, pointers, columns, table, roots, inner, link, outer, levels, others):  # type: ignore[no-untyped-def]
    """Go half way: replace the right-hand side by the inverse of the lower factor of A times it."""
    count, width = levels.shape
    taken = np.zeros(len(others))
    quadratic = 0.0
    for g in range(count):
        forward_block(inner, g, levels, g)
        for k in range(width):
            quadratic += levels[g, k] * levels[g, k]
        for e in range(pointers[g], pointers[g + 1]):
            for k in range(width):
                taken[columns[e]] += weight * link[e, k] * levels[g, k]
    apply_to_vector(taken, table, roots, True)
    for i in range(len(others)):
        others[i] -= taken[i]
    forward(outer, others)
    for i in range(len(others)):
        quadratic += others[i] * others[i]
    return quadratic


@njit(cache=False, error_model="numpy")
def _substitute(weight, pointers, columns, table, roots, inner, link, levels, others, width):  # type: ignore[no-untyped-def]
    """Put the solution of the rest into the eliminated levels."""
    plain = others.copy()
    apply_to_vector(plain, table, roots, False)
    for g in range(len(levels)):
        for e in range(pointers[g], pointers[g + 1]):
            for k in range(width):
                levels[g, k] -= weight * link[e, k] * plain[columns[e]]
        backward_block(inner, g, levels, g)
