"""Cholesky factors and inverses of dense matrices in compiled code that reports failure instead of raising."""

import math

import numpy as np
from numba import njit

BLOCK = 64
TILE = 256


@njit(cache=False, error_model="numpy")
def cholesky(matrix):  # type: ignore[no-untyped-def]
    """Replace the lower triangle of a symmetric matrix by its Cholesky factor; return False if it is not positive."""
    size = len(matrix)
    for start in range(0, size, BLOCK):
        stop = min(start + BLOCK, size)
        for i in range(start, size):
            for j in range(start, min(i + 1, stop)):
                value = matrix[i, j]
                for k in range(start, j):
                    value -= matrix[i, k] * matrix[j, k]
                if i > j:
                    matrix[i, j] = value / matrix[j, j]
                elif value > 0.0 and value < np.inf:
                    matrix[i, j] = math.sqrt(value)
                else:
                    return False
        if stop < size:
            panel = np.ascontiguousarray(matrix[stop:, start:stop])
            for left in range(stop, size, TILE):
                right = min(left + TILE, size)
                below, beside = panel[left - stop :], panel[left - stop : right - stop]
                _subtract(matrix, left, multiply(below, beside.T.copy()))
    return True


@njit(cache=False, error_model="numpy")
def invert(factor):  # type: ignore[no-untyped-def]
    """Return the inverse of the matrix whose lower Cholesky factor is given."""
    size = len(factor)
    lower = np.zeros((size, size))
    for start in range(0, size, BLOCK):
        stop = min(start + BLOCK, size)
        diagonal = np.zeros((stop - start, stop - start))
        for j in range(stop - start):
            diagonal[j, j] = 1.0 / factor[start + j, start + j]
            for i in range(j + 1, stop - start):
                value = 0.0
                for k in range(j, i):
                    value -= factor[start + i, start + k] * diagonal[k, j]
                diagonal[i, j] = value / factor[start + i, start + i]
        _place(lower, start, start, diagonal, 1.0)
        for left in range(0, start, TILE):
            right = min(left + TILE, start)
            beside = np.ascontiguousarray(factor[start:stop, left:start])
            above = np.ascontiguousarray(lower[left:start, left:right])
            _place(lower, start, left, multiply(diagonal, multiply(beside, above)), -1.0)
    inverse = np.empty((size, size))
    for top in range(0, size, TILE):
        bottom = min(top + TILE, size)
        rows = np.ascontiguousarray(lower[top:, top:bottom].T)
        for left in range(0, bottom, TILE):
            right = min(left + TILE, size)
            block = multiply(rows, np.ascontiguousarray(lower[top:, left:right]))
            _place(inverse, top, left, block, 1.0)
    for i in range(size):
        for j in range(i):
            inverse[j, i] = inverse[i, j]
    return inverse


@njit(cache=False)
def multiply(left, right):  # type: ignore[no-untyped-def]
    """Return the product of two contiguous matrices; one place, so that it is compiled once."""
    return np.dot(left, right)


@njit(cache=False, error_model="numpy")
def forward(factor, vector):  # type: ignore[no-untyped-def]
    """Replace a vector by L^-1 times it, L the lower factor."""
    for i in range(len(vector)):
        value = vector[i]
        for k in range(i):
            value -= factor[i, k] * vector[k]
        vector[i] = value / factor[i, i]


@njit(cache=False, error_model="numpy")
def backward(factor, vector):  # type: ignore[no-untyped-def]
    """Replace a vector by L'^-1 times it, L the lower factor."""
    for i in range(len(vector) - 1, -1, -1):
        vector[i] /= factor[i, i]
        for k in range(i):
            vector[k] -= factor[i, k] * vector[i]


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
