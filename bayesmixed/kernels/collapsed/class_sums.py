"""Elimination of levels by classes: levels whose own cross-products are equal need only sums over their class.

Given the coefficients c of the rest, in the units of the data, a level says about its effects what is in
`t_g = Z_g'y - Z_g'V c`. All levels of a class share the factor of their block, and of the products `t_g t_g'` the
density needs the sum over the class, which is linear in `u u'`, `u = (-c, 1)`. So a gradient costs as much for many
levels as for few.

Arguments beside those of `elimination`:

blocks, counts : (C, K, K) cross-products of one level of each class; (C,) numbers of levels
products : (C, K (K + 1) / 2, T) for every pair k >= l of columns, row after row of such a triangle, the sum over the
    class of the outer product of rows k and l of [Z_g'V, Z_g'y], made symmetric by the sum with its transpose if k > l;
    of it the lower triangle, row after row, T = (R + 1)(R + 2) / 2
whole : (T,) such a triangle of [V, y]'[V, y]
inner, half : (C, K, K) lower Cholesky factors C_c of the eliminated blocks, and rows C_c^-1 root'e_k
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
from bayesmixed.kernels.collapsed.prior_roots import apply_to_vector, apply_transposed
from bayesmixed.kernels.dense import FAST, STRIP, cholesky, dot_rows


@njit(cache=False, error_model="numpy")
def factor_classes(weight, root, blocks, counts, products, whole, table, roots, inner, half, outer, others):  # type: ignore[no-untyped-def]
    """Write the factors of A and the right-hand side of the rest; return log|A| and what the levels leave of y'y weight.

    Parameters
    ----------
    inner, half : (C, K, K) arrays, written
    outer : (R, R) array, written
        Lower Cholesky factor of what is left of A.
    others : (R,) array, written
        What is left of T'W'y weight. The log-determinant is NaN where rounding leaves A not positive.
    """
    left = weight * whole
    log_determinant = 0.0
    for c in range(len(blocks)):
        weigh_block(weight, root, blocks, inner, c)
        if not factor_block(inner, c):
            return np.nan, np.nan
        pair = 0
        for k in range(inner.shape[1]):
            log_determinant += 2.0 * counts[c] * math.log(inner[c, k, k])
            for i in range(inner.shape[1]):
                half[c, k, i] = root[k, i]
            forward_block(inner, c, half[c], k)
            for m in range(k + 1):
                _add_multiple(left, -weight * weight * dot_rows(half[c], k, m, 0), products[c, pair])
                pair += 1
    size, place = len(outer), 0
    for i in range(size):
        for j in range(i + 1):
            outer[i, j] = left[place]
            place += 1
    for i in range(size):
        others[i] = left[place + i]
    apply_transposed(outer, table, roots)
    apply_to_vector(others, table, roots, True)
    for i in range(size):
        outer[i, i] += 1.0
    if not cholesky(outer):
        return np.nan, np.nan
    for i in range(size):
        log_determinant += 2.0 * math.log(outer[i, i])
    return log_determinant, left[-1]


@njit(cache=False, error_model="numpy")
def sum_moments(weight, counts, products, inner, half, spread, strips, plain):  # type: ignore[no-untyped-def]
    """Return the expected sum of v v' over all levels, (K, K), v their standardised effects.

    Parameters
    ----------
    spread, strips : (R, .) and (R,) arrays
        T times an upper root of the block of A^-1 of the rest, from `spread_triangle`.
    plain : (R,) array
        T times the mean of the rest.
    """
    triangle = _expected_products(spread, strips, plain)
    width = inner.shape[1]
    total, unexplained, own = np.zeros((width, width)), np.empty((width, width)), np.empty(inner.shape)
    for c in range(len(inner)):
        pair = 0
        for k in range(width):
            for m in range(k + 1):
                value = _dot(triangle, products[c, pair])
                unexplained[k, m] = unexplained[m, k] = value if k == m else 0.5 * value
                pair += 1
        for i in range(width):
            for j in range(width):
                value = counts[c] if i == j else 0.0
                for k in range(width):
                    for m in range(width):
                        value += weight * weight * half[c, k, i] * unexplained[k, m] * half[c, m, j]
                own[c, i, j] = value
        solve_both_sides(inner, own, c)
        for i in range(width):
            for j in range(width):
                total[i, j] += own[c, i, j]
    return total


@njit(cache=False, error_model="numpy")
def draw_levels(weight, root, pointers, columns, cross, sums, kinds, inner, plain, levels):  # type: ignore[no-untyped-def]
    """Replace standard normal noise by draws of the standardised effects of all levels given the rest.

    Parameters
    ----------
    sums, kinds : (J, K) and (J,) arrays
        Z_g'y, and the class of each level.
    plain : (R,) array
        T times a draw of the rest.
    levels : (J, K) array, replaced
    """
    width = levels.shape[1]
    unexplained, row = np.empty(width), np.empty((1, width))
    for g in range(len(levels)):
        for k in range(width):
            unexplained[k] = sums[g, k]
        for e in range(pointers[g], pointers[g + 1]):
            for k in range(width):
                unexplained[k] -= cross[e, k] * plain[columns[e]]
        for i in range(width):
            row[0, i] = 0.0
            for k in range(i, width):
                row[0, i] += weight * root[k, i] * unexplained[k]
        forward_block(inner, kinds[g], row, 0)
        for k in range(width):
            levels[g, k] += row[0, k]
        backward_block(inner, kinds[g], levels, g)


@njit(cache=False, error_model="numpy")
def _expected_products(spread, strips, plain):  # type: ignore[no-untyped-def]
    """Return the lower triangle of E[u u'], u = (-c, 1), what is off the diagonal twice: it stands for both halves."""
    size = len(plain)
    triangle = np.empty((size + 1) * (size + 2) // 2)
    place = 0
    for i in range(size):
        for j in range(i + 1):
            value = dot_rows(spread, i, j, strips[i] * STRIP) + plain[i] * plain[j]
            triangle[place] = value if i == j else 2.0 * value
            place += 1
    for i in range(size):
        triangle[place + i] = -2.0 * plain[i]
    triangle[-1] = 1.0
    return triangle


@njit(cache=False, error_model="numpy", fastmath=FAST)
def _add_multiple(target, factor, values):  # type: ignore[no-untyped-def]
    for i in range(len(target)):
        target[i] += factor * values[i]


@njit(cache=False, error_model="numpy", fastmath=FAST)
def _dot(left, right):  # type: ignore[no-untyped-def]
    value = 0.0
    for i in range(len(left)):
        value += left[i] * right[i]
    return value
