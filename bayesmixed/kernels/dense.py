"""Cholesky factors of dense matrices, and their inverses, in compiled code that reports failure instead of raising."""

import math

import numpy as np
from numba import njit

BLOCK = 64
STRIP = 8
TILE = 256
FAST = {"reassoc", "contract"}
"""Sums may be taken in any order, so that the processor forms several products at once; NaN and infinity stay."""


@njit(cache=False, error_model="numpy")
def cholesky(matrix):  # type: ignore[no-untyped-def]
    """Replace the lower triangle of a symmetric matrix by its Cholesky factor; return False if it is not positive."""
    size = len(matrix)
    for start in range(0, size, BLOCK):
        stop = min(start + BLOCK, size)
        panel = np.ascontiguousarray(matrix[start:, start:stop])
        if not _factor_panel(panel):
            return False
        _place(matrix, start, start, panel, 1.0)
        for left in range(stop, size, TILE):
            right = min(left + TILE, size)
            below, beside = panel[left - start :], panel[left - start : right - start]
            _subtract(matrix, left, multiply(below, beside.T.copy()))
    return True


@njit(cache=False, error_model="numpy")
def cholesky_slopes(factor, slopes):  # type: ignore[no-untyped-def]
    """Replace derivatives in a lower Cholesky factor, the lower triangle of `slopes`, by those in its matrix, symmetric.

    They are C'^-1 Phi(C' C_bar) C^-1, Phi the lower triangle with half the diagonal (Murray 2016, arXiv:1602.07527).
    """
    size = len(factor)
    for k in range(size):
        for i in range(k, size):
            value = 0.0
            for m in range(i, size):
                value += factor[m, i] * slopes[m, k]
            slopes[i, k] = value if i > k else 0.5 * value
        for i in range(k):
            slopes[i, k] = 0.0
    for k in range(size):
        for i in range(size - 1, -1, -1):
            value = slopes[i, k]
            for m in range(i + 1, size):
                value -= factor[m, i] * slopes[m, k]
            slopes[i, k] = value / factor[i, i]
    for i in range(size):
        for k in range(size - 1, -1, -1):
            value = slopes[i, k]
            for m in range(k + 1, size):
                value -= slopes[i, m] * factor[m, k]
            slopes[i, k] = value / factor[k, k]
    for i in range(size):
        for k in range(i):
            slopes[i, k] = slopes[k, i] = 0.5 * (slopes[i, k] + slopes[k, i])


@njit(cache=False, error_model="numpy")
def invert_triangle(factor):  # type: ignore[no-untyped-def]
    """Return the transposed inverse U of a lower Cholesky factor, an upper triangle: U U' is the inverse matrix."""
    size = len(factor)
    if size <= BLOCK:
        return _invert_block(factor)
    lower = np.zeros((size, size))
    for start in range(0, size, BLOCK):
        stop = min(start + BLOCK, size)
        diagonal = _invert_block(np.ascontiguousarray(factor[start:stop, start:stop])).T.copy()
        _place(lower, start, start, diagonal, 1.0)
        for left in range(0, start, TILE):
            right = min(left + TILE, start)
            beside = np.ascontiguousarray(factor[start:stop, left:start])
            above = np.ascontiguousarray(lower[left:start, left:right])
            _place(lower, start, left, multiply(diagonal, multiply(beside, above)), -1.0)
    return lower.T.copy()


@njit(cache=False)
def multiply(left, right):  # type: ignore[no-untyped-def]
    """Return the product of two contiguous matrices; one place, so that it is compiled once."""
    return np.dot(left, right)


@njit(cache=False, error_model="numpy", fastmath=FAST)
def dot_rows(matrix, i, k, start):  # type: ignore[no-untyped-def]
    """Return the product of two rows of a matrix, from a column on."""
    left, right = matrix[i, start:], matrix[k, start:]
    value = 0.0
    for m in range(len(left)):
        value += left[m] * right[m]
    return value


@njit(cache=False, error_model="numpy", fastmath=FAST)
def add_row(target, i, factor, matrix, k, strip):  # type: ignore[no-untyped-def]
    """Add to a row of one matrix a multiple of a row of another one, from a strip of columns on.

    The number of columns is a multiple of STRIP: rows of some dozen numbers then have no rest that is added one by one.
    """
    for s in range(max(strip, 0), matrix.shape[1] // STRIP):
        for m in range(STRIP):
            target[i, s * STRIP + m] += factor * matrix[k, s * STRIP + m]


@njit(cache=False, error_model="numpy", fastmath=FAST)
def forward(factor, vector):  # type: ignore[no-untyped-def]
    """Replace a vector by L^-1 times it, L the lower factor."""
    for i in range(len(vector)):
        value = vector[i]
        for k in range(i):
            value -= factor[i, k] * vector[k]
        vector[i] = value / factor[i, i]


@njit(cache=False, error_model="numpy", fastmath=FAST)
def backward(factor, vector):  # type: ignore[no-untyped-def]
    """Replace a vector by L'^-1 times it, L the lower factor."""
    for i in range(len(vector) - 1, -1, -1):
        vector[i] /= factor[i, i]
        for k in range(i):
            vector[k] -= factor[i, k] * vector[i]


@njit(cache=False, error_model="numpy", fastmath=FAST)
def _factor_panel(panel):  # type: ignore[no-untyped-def]
    """Replace the first columns of a symmetric matrix, from its diagonal on, by those of its Cholesky factor."""
    size, width = panel.shape
    for j in range(width):
        for i in range(j, size):
            value = panel[i, j]
            for k in range(j):
                value -= panel[i, k] * panel[j, k]
            if i > j:
                panel[i, j] = value / panel[j, j]
            elif value > 0.0 and value < np.inf:
                panel[j, j] = math.sqrt(value)
            else:
                return False
    return True


@njit(cache=False, error_model="numpy", fastmath=FAST)
def _invert_block(factor):  # type: ignore[no-untyped-def]
    """Return the transposed inverse of a small lower triangle: its rows are contiguous where products are summed."""
    size = len(factor)
    upper = np.zeros((size, size))
    for i in range(size):
        scale = 1.0 / factor[i, i]
        for j in range(i):
            value = 0.0
            for k in range(i - j):
                value -= factor[i, j + k] * upper[j, j + k]
            upper[j, i] = value * scale
        upper[i, i] = scale
    return upper


@njit(cache=False, error_model="numpy")
def _subtract(matrix, corner, block):  # type: ignore[no-untyped-def]
    for i in range(block.shape[0]):
        for j in range(block.shape[1]):
            matrix[corner + i, corner + j] -= block[i, j]


@njit(cache=False, error_model="numpy")
def _place(matrix, top, left, block, sign):  # type: ignore[no-untyped-def]
    for i in range(block.shape[0]):
        for j in range(block.shape[1]):
            matrix[top + i, left + j] = sign * block[i, j]
