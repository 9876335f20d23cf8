"""Views of the flat data of a collapsed density, in compiled code."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.collapsed.prior_roots import apply_to_vector
from bayesmixed.kernels.joint.term_effects import scale_factor


@njit(cache=False, error_model="numpy")
def read_sigma(x, data):  # type: ignore[no-untyped-def]
    """Return sigma at a point."""
    model = data.model[0]
    slot = model.sigma
    return math.exp(x[slot] if slot >= 0 else model.sigma_value)


@njit(cache=False, error_model="numpy")
def read_roots(x, data):  # type: ignore[no-untyped-def]
    """Return the root of the covariance of the first term, table and roots of the others."""
    count, widest = len(data.terms), data.model[0].widest
    roots = np.zeros((count, widest, widest))
    table = np.zeros((count - 1, 3), dtype=np.int64)
    start = 0
    for t in range(count):
        term = data.terms[t]
        width = term.columns
        sd, correlation = scale_factor(x, term, data)
        for i in range(width):
            for k in range(i + 1):
                roots[t, i, k] = sd[i] * correlation[i, k]
        if t > 0:
            table[t - 1, 0], table[t - 1, 1], table[t - 1, 2] = start, term.levels, width
            start += term.levels * width
    return roots[0], table, roots[1:]


@njit(cache=False, error_model="numpy")
def read_cross_products(data):  # type: ignore[no-untyped-def]
    """Return the cross-products that `elimination` takes: blocks, pointers, columns, cross, rest."""
    first, model = data.terms[0], data.model[0]
    levels, width = first.levels, first.columns
    size, entries = model.rest, model.entries
    at_blocks, at_cross, at_rest = model.blocks, model.cross, model.rest_matrix
    at_pointers, at_columns = model.pointers, model.columns
    blocks = data.numbers[at_blocks : at_blocks + levels * width * width].reshape((levels, width, width))
    cross = data.numbers[at_cross : at_cross + entries * width].reshape((entries, width))
    rest = data.numbers[at_rest : at_rest + size * size].reshape((size, size))
    pointers = data.integers[at_pointers : at_pointers + levels + 1]
    return blocks, pointers, data.integers[at_columns : at_columns + entries], cross, rest


@njit(cache=False, error_model="numpy")
def read_class_sums(data):  # type: ignore[no-untyped-def]
    """Return the sums that `class_sums` takes: blocks, counts, products, whole."""
    model = data.model[0]
    classes, width, size = model.classes, data.terms[0].columns, model.rest
    pairs, triangle = width * (width + 1) // 2, (size + 1) * (size + 2) // 2
    at_blocks, at_sizes = model.class_blocks, model.class_sizes
    at_products, at_whole = model.class_products, model.whole
    blocks = data.numbers[at_blocks : at_blocks + classes * width * width].reshape((classes, width, width))
    products = data.numbers[at_products : at_products + classes * pairs * triangle].reshape((classes, pairs, triangle))
    return blocks, data.numbers[at_sizes : at_sizes + classes], products, data.numbers[at_whole : at_whole + triangle]


@njit(cache=False, error_model="numpy")
def right_side(weight, root, table, roots, data, levels, width, size):  # type: ignore[no-untyped-def]
    """Return T' W'y / sigma^2 plus the prior means, in standardised units, by level and of the rest."""
    model = data.model[0]
    sums, place = model.level_sums, model.rest_sums
    effects, others = np.zeros((levels, width)), np.empty(size)
    for g in range(levels):
        for k in range(width):
            for m in range(k, width):
                effects[g, k] += weight * root[m, k] * data.numbers[sums + g * width + m]
    for i in range(size):
        others[i] = weight * data.numbers[place + i]
    apply_to_vector(others, table, roots, True)
    for i in range(size):
        others[i] += data.numbers[model.means + i]
    return effects, others
