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

from bayesmixed.kernels.dense import backward, cholesky, forward, invert, multiply

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
    half = np.empty((width, width))
    log_determinant = 0.0
    for i in range(len(outer)):
        for j in range(i + 1):
            outer[i, j] = weight * rest[i, j]
    square = weight * weight
    full = _is_full(levels, columns, outer)
    for g in range(levels):
        for i in range(width):
            for j in range(width):
                value = 0.0
                for k in range(j, width):
                    value += blocks[g, i, k] * root[k, j]
                half[i, j] = value
        for i in range(width):
            for j in range(i + 1):
                value = 0.0
                for k in range(i, width):
                    value += root[k, i] * half[k, j]
                inner[g, i, j] = weight * value + (1.0 if i == j else 0.0)
        if not cholesky(inner[g]):
            return np.nan
        for k in range(width):
            log_determinant += 2.0 * math.log(inner[g, k, k])
        for e in range(pointers[g], pointers[g + 1]):
            for i in range(width):
                value = 0.0
                for k in range(i, width):
                    value += root[k, i] * cross[e, k]
                link[e, i] = value
            forward(inner[g], link[e])
            if full:
                continue
            row = columns[e]
            for other in range(pointers[g], e + 1):
                value = 0.0
                for k in range(width):
                    value += link[e, k] * link[other, k]
                outer[row, columns[other]] -= square * value
    if full:
        for first in range(0, levels, CHUNK):
            rows = _dense_rows(first, min(first + CHUNK, levels), pointers, columns, link, len(outer))
            product = multiply(rows.T.copy(), rows)
            for i in range(len(outer)):
                for j in range(i + 1):
                    outer[i, j] -= square * product[i, j]
    _mirror(outer)
    _apply_transposed(outer, table, roots)
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
    """Write the diagonal blocks of A^-1 of the eliminated levels, (J, K, K); return its (R, R) block of the rest."""
    levels, width = inner.shape[0], inner.shape[1]
    inverse = invert(outer)
    covariance = inverse.copy()
    _apply(covariance, table, roots)
    square = weight * weight
    middle, column = np.empty((width, width)), np.empty(width)
    full = _is_full(levels, columns, outer)
    rows, product = outer[:0], outer[:0]
    for g in range(levels):
        middle[:] = 0.0
        if full and g % CHUNK == 0:
            rows = _dense_rows(g, min(g + CHUNK, levels), pointers, columns, link, len(outer))
            product = multiply(rows, covariance)
        if full:
            here = g % CHUNK * width
            for i in range(width):
                for k in range(width):
                    value = 0.0
                    for m in range(len(outer)):
                        value += product[here + i, m] * rows[here + k, m]
                    middle[i, k] = square * value
        for e in range(pointers[g], pointers[g] if full else pointers[g + 1]):
            row = columns[e]
            column[:] = 0.0
            for other in range(pointers[g], pointers[g + 1]):
                value = covariance[row, columns[other]]
                for k in range(width):
                    column[k] += value * link[other, k]
            for i in range(width):
                for k in range(width):
                    middle[i, k] += square * link[e, i] * column[k]
        for k in range(width):
            middle[k, k] += 1.0
        for k in range(width):
            backward(inner[g], middle[k])
        _transpose(middle)
        for k in range(width):
            backward(inner[g], middle[k])
        for i in range(width):
            for k in range(width):
                variances[g, i, k] = middle[i, k]
    return inverse


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
        forward(inner[g], levels[g])
        for k in range(width):
            quadratic += levels[g, k] * levels[g, k]
        for e in range(pointers[g], pointers[g + 1]):
            for k in range(width):
                taken[columns[e]] += weight * link[e, k] * levels[g, k]
    _apply_to_vector(taken, table, roots, True)
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
    _apply_to_vector(plain, table, roots, False)
    for g in range(len(levels)):
        for e in range(pointers[g], pointers[g + 1]):
            for k in range(width):
                levels[g, k] -= weight * link[e, k] * plain[columns[e]]
        backward(inner[g], levels[g])


@njit(cache=False, error_model="numpy")
def _apply_to_vector(vector, table, roots, transposed):  # type: ignore[no-untyped-def]
    """Replace a vector of the rest by T times it, or T' times it."""
    for t in range(len(table)):
        start, levels, width = table[t]
        for j in range(levels):
            at = start + j * width
            if transposed:
                for k in range(width):
                    value = 0.0
                    for m in range(k, width):
                        value += roots[t, m, k] * vector[at + m]
                    vector[at + k] = value
            else:
                for k in range(width - 1, -1, -1):
                    value = 0.0
                    for m in range(k + 1):
                        value += roots[t, k, m] * vector[at + m]
                    vector[at + k] = value


@njit(cache=False, error_model="numpy")
def _apply(matrix, table, roots):  # type: ignore[no-untyped-def]
    """Replace a symmetric matrix M by T M T'."""
    for i in range(len(matrix)):
        _apply_to_vector(matrix[i], table, roots, False)
    _transpose(matrix)
    for i in range(len(matrix)):
        _apply_to_vector(matrix[i], table, roots, False)


@njit(cache=False, error_model="numpy")
def _apply_transposed(matrix, table, roots):  # type: ignore[no-untyped-def]
    """Replace a symmetric matrix M by T' M T."""
    for i in range(len(matrix)):
        _apply_to_vector(matrix[i], table, roots, True)
    _transpose(matrix)
    for i in range(len(matrix)):
        _apply_to_vector(matrix[i], table, roots, True)


@njit(cache=False, error_model="numpy")
def _transpose(matrix):  # type: ignore[no-untyped-def]
    for i in range(len(matrix)):
        for j in range(i):
            matrix[i, j], matrix[j, i] = matrix[j, i], matrix[i, j]


@njit(cache=False, error_model="numpy")
def _mirror(matrix):  # type: ignore[no-untyped-def]
    """Write the lower triangle into the upper one."""
    for i in range(len(matrix)):
        for j in range(i):
            matrix[j, i] = matrix[i, j]
