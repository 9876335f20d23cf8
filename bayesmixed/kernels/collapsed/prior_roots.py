"""Products with T, the block diagonal root of the prior covariance of what is left after an elimination.

table, roots : (terms, 3) first column, levels, width of each term; (terms, ., .) their lower roots; columns in no term
    have root 1
"""

import numpy as np
from numba import njit

from bayesmixed.kernels.dense import STRIP


@njit(cache=False, error_model="numpy")
def spread_triangle(upper, table, roots):  # type: ignore[no-untyped-def]
    """Return T times an upper triangle, with columns of zeros up to whole strips, and each row's first strip in use."""
    size = len(upper)
    spread = np.zeros((size, -(-size // STRIP) * STRIP))
    strips = np.empty(size, dtype=np.int64)
    for i in range(size):
        strips[i] = i // STRIP
        for j in range(i, size):
            spread[i, j] = upper[i, j]
    for t in range(len(table)):
        start, levels, width = table[t]
        for at in range(start, start + levels * width, width):
            strips[at : at + width] = at // STRIP
            _combine_rows(spread, at, at, size, roots, t, width, False)
    return spread, strips


@njit(cache=False, error_model="numpy")
def apply_to_vector(vector, table, roots, transposed):  # type: ignore[no-untyped-def]
    """Replace the beginning of a vector of the rest, or all of it, by T times it, or T' times it."""
    for t in range(len(table)):
        start, levels, width = table[t]
        count = min(levels, (len(vector) - start) // width)
        if width == 1:
            scale = roots[t, 0, 0]
            for j in range(count):
                vector[start + j] *= scale
            continue
        for at in range(start, start + count * width, width):
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
def apply_transposed(matrix, table, roots):  # type: ignore[no-untyped-def]
    """Replace a symmetric matrix M, of which the lower triangle is given, by T' M T."""
    for t in range(len(table)):
        start, levels, width = table[t]
        for at in range(start, start + levels * width, width):
            for i in range(width):
                for k in range(i + 1, width):
                    matrix[at + i, at + k] = matrix[at + k, at + i]
            for i in range(at, at + width):
                apply_to_vector(matrix[i, : at + width], table, roots, True)
            _combine_rows(matrix, at, 0, at + width, roots, t, width, True)
    first = 0
    for t in range(len(table)):
        first += table[t, 1] * table[t, 2]
    for i in range(first, len(matrix)):
        apply_to_vector(matrix[i, : i + 1], table, roots, True)


@njit(cache=False, error_model="numpy")
def _combine_rows(matrix, at, start, stop, roots, t, width, transposed):  # type: ignore[no-untyped-def]
    """Replace the rows of one level, in some columns, by the root of their term, or its transpose, times them."""
    for step in range(width):
        k = step if transposed else width - 1 - step
        for j in range(start, stop):
            matrix[at + k, j] *= roots[t, k, k]
        for m in range(k + 1, width) if transposed else range(k):
            factor = roots[t, m, k] if transposed else roots[t, k, m]
            for j in range(start, stop):
                matrix[at + k, j] += factor * matrix[at + m, j]
