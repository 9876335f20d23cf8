"""Factors of the small blocks of many levels, in compiled code that indexes whole arrays: a view costs more than a block."""

import math

import numpy as np
from numba import njit


@njit(cache=False, error_model="numpy")
def weigh_block(weight, root, blocks, inner, g):  # type: ignore[no-untyped-def]
    """Write the lower triangle of I + weight root' B root, B one level's block."""
    width = inner.shape[1]
    for i in range(width):
        for j in range(i + 1):
            value = 0.0
            for k in range(i, width):
                for m in range(j, width):
                    value += root[k, i] * blocks[g, k, m] * root[m, j]
            inner[g, i, j] = weight * value + (1.0 if i == j else 0.0)


@njit(cache=False, error_model="numpy")
def factor_block(inner, g):  # type: ignore[no-untyped-def]
    """Replace the lower triangle of one level's block by its Cholesky factor; return False if it is not positive."""
    for j in range(inner.shape[1]):
        for i in range(j, inner.shape[1]):
            value = inner[g, i, j]
            for k in range(j):
                value -= inner[g, i, k] * inner[g, j, k]
            if i > j:
                inner[g, i, j] = value / inner[g, j, j]
            elif value > 0.0 and value < np.inf:
                inner[g, j, j] = math.sqrt(value)
            else:
                return False
    return True


@njit(cache=False, error_model="numpy")
def forward_block(inner, g, rows, e):  # type: ignore[no-untyped-def]
    """Replace one row by C_g^-1 times it."""
    for i in range(inner.shape[1]):
        value = rows[e, i]
        for k in range(i):
            value -= inner[g, i, k] * rows[e, k]
        rows[e, i] = value / inner[g, i, i]


@njit(cache=False, error_model="numpy")
def backward_block(inner, g, rows, e):  # type: ignore[no-untyped-def]
    """Replace one row by C_g'^-1 times it."""
    for i in range(inner.shape[1] - 1, -1, -1):
        value = rows[e, i]
        for k in range(i + 1, inner.shape[1]):
            value -= inner[g, k, i] * rows[e, k]
        rows[e, i] = value / inner[g, i, i]


@njit(cache=False, error_model="numpy")
def solve_both_sides(inner, blocks, g):  # type: ignore[no-untyped-def]
    """Replace a symmetric block M of one level by C_g'^-1 M C_g^-1."""
    width = inner.shape[1]
    for column in range(width):
        for i in range(width - 1, -1, -1):
            value = blocks[g, i, column]
            for k in range(i + 1, width):
                value -= inner[g, k, i] * blocks[g, k, column]
            blocks[g, i, column] = value / inner[g, i, i]
    for row in range(width):
        for i in range(width - 1, -1, -1):
            value = blocks[g, row, i]
            for k in range(i + 1, width):
                value -= inner[g, k, i] * blocks[g, row, k]
            blocks[g, row, i] = value / inner[g, i, i]
