"""Views of the flat data of a collapsed density, in compiled code."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels import packing as at
from bayesmixed.kernels.collapsed_header import (
    BLOCKS,
    CLASS_BLOCKS,
    CLASS_COUNT,
    CLASS_PRODUCTS,
    CLASS_SIZES,
    COLUMNS,
    CROSS,
    ENTRIES,
    LEVEL_SUMS,
    MEANS,
    POINTERS,
    REST,
    REST_MATRIX,
    REST_SUMS,
    SIGMA,
    SIGMA_VALUE,
    TERM_COUNT,
    TERMS,
    WHOLE,
    WIDEST,
)
from bayesmixed.kernels.prior_roots import apply_to_vector
from bayesmixed.kernels.term_effects import scale_factor


@njit(cache=False, error_model="numpy")
def read_sigma(x, numbers, integers):  # type: ignore[no-untyped-def]
    """Return sigma at a point."""
    slot = integers[SIGMA]
    return math.exp(x[slot] if slot >= 0 else numbers[integers[SIGMA_VALUE]])


@njit(cache=False, error_model="numpy")
def read_roots(x, numbers, integers):  # type: ignore[no-untyped-def]
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
def read_cross_products(numbers, integers):  # type: ignore[no-untyped-def]
    """Return the cross-products that `elimination` takes: blocks, pointers, columns, cross, rest."""
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
def read_class_sums(numbers, integers):  # type: ignore[no-untyped-def]
    """Return the sums that `class_sums` takes: blocks, counts, products, whole."""
    classes, width, size = integers[CLASS_COUNT], integers[integers[TERMS] + at.COLUMNS], integers[REST]
    pairs, triangle = width * (width + 1) // 2, (size + 1) * (size + 2) // 2
    at_blocks, at_sizes = integers[CLASS_BLOCKS], integers[CLASS_SIZES]
    at_products, at_whole = integers[CLASS_PRODUCTS], integers[WHOLE]
    blocks = numbers[at_blocks : at_blocks + classes * width * width].reshape((classes, width, width))
    products = numbers[at_products : at_products + classes * pairs * triangle].reshape((classes, pairs, triangle))
    return blocks, numbers[at_sizes : at_sizes + classes], products, numbers[at_whole : at_whole + triangle]


@njit(cache=False, error_model="numpy")
def right_side(weight, root, table, roots, numbers, integers, levels, width, size):  # type: ignore[no-untyped-def]
    """Return T' W'y / sigma^2 plus the prior means, in standardised units, by level and of the rest."""
    sums, place = integers[LEVEL_SUMS], integers[REST_SUMS]
    effects, others = np.zeros((levels, width)), np.empty(size)
    for g in range(levels):
        for k in range(width):
            for m in range(k, width):
                effects[g, k] += weight * root[m, k] * numbers[sums + g * width + m]
    for i in range(size):
        others[i] = weight * numbers[place + i]
    apply_to_vector(others, table, roots, True)
    for i in range(size):
        others[i] += numbers[integers[MEANS] + i]
    return effects, others
