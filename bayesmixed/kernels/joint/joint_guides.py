"""Joint coordinates of coefficients and group effects that stay near standard normal at every SD, in compiled code.

The guide is a normal approximation of what the data say about all coefficients u and the effects of one factor whose
levels are many and independent given u: `W` and `h` of a log-likelihood `h'c - c'W c / 2`, the prior of population
coefficients included. Effects are `c = T z`, T the root of their covariance. With `M = P + T'W T = C C'`, P the identity
for effects and zero for population coefficients, the coordinates are `v = C'(z - M^-1 T'h)`. They leave no ridge between
coefficients and the means of crossed factors. The levels of the one factor are eliminated first, so that the work grows
with their number, and with the cube of the size of u. As in `kernels.guides` the density stays exact.
"""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.dense import cholesky_slopes
from bayesmixed.kernels.joint.root_products import (
    add_slopes_of_roots,
    apply,
    apply_columns,
    apply_transposed,
    forward_root,
    forward_root_back,
    spread_back,
    transpose,
)
from bayesmixed.kernels.joint.term_effects import scale_factor, scale_factor_back


@njit(cache=False, error_model="numpy")
def restore(x, slots, first, roots, guide, z, inner_z, work):  # type: ignore[no-untyped-def]
    """Write coefficients and standardised effects at a point; return log|C|.

    Parameters
    ----------
    x : array
        The point.
    slots, first : (q,) integer array, int
        Places of the coordinates of u, and of the first one of the factor whose levels are eliminated.
    z, inner_z : (q,), (J, K) arrays
        Population coefficients with the standardised effects of the factors in u; those of the eliminated factor.
    roots : (R + 1, K, K) array
        Roots of the covariances of a level's effects: of the R terms in u, and of the eliminated one.
    guide : tuple
        Terms of u (R, 3): first place, levels, columns; W and h of u; blocks of W and h by level; for each level the
        first of its entries, their columns of u, and their values.
    work : tuple
        From `work_space`: what the way back needs.
    """
    terms, _, _, _, _, pointers, columns, _ = guide
    _, factor, _, offset, inner, links, means = work
    size, (levels, width) = len(z), means.shape
    log_determinant = _eliminate(roots[-1], guide, work) + _factor_rest(terms, roots, work)
    for i in range(size - 1, -1, -1):
        value = offset[i] + x[slots[i]]
        for m in range(i + 1, size):
            value -= factor[m, i] * z[m]
        z[i] = value / factor[i, i]
    u = _copy(z)
    apply(u, terms, roots)
    for j in range(levels):
        for i in range(width - 1, -1, -1):
            value = means[j, i] + x[first + j * width + i]
            for a in range(pointers[j], pointers[j + 1]):
                value -= links[a, i] * u[columns[a]]
            for m in range(i + 1, width):
                value -= inner[j, m, i] * inner_z[j, m]
            inner_z[j, i] = value / inner[j, i, i]
    return log_determinant


@njit(cache=False, error_model="numpy")
def _eliminate(root, guide, work):  # type: ignore[no-untyped-def]
    """Write factors, links and means of the levels, and W and h of u with the levels integrated out; return log|C|."""
    _, precision, pull, blocks, pulls, pointers, columns, cross = guide
    marginal, _, right, _, inner, links, means = work
    levels, width = means.shape
    for i in range(len(pull)):
        right[i] = pull[i]
        for k in range(i + 1):
            marginal[i, k] = precision[i, k]
    half, log_determinant = np.empty((width, width)), 0.0
    for j in range(levels):
        for i in range(width):
            for k in range(width):
                half[i, k] = 0.0
                for m in range(k, width):
                    half[i, k] += blocks[j, i, m] * root[m, k]
        for i in range(width):
            for k in range(i + 1):
                value = 1.0 if i == k else 0.0
                for m in range(i, width):
                    value += root[m, i] * half[m, k]
                for m in range(k):
                    value -= inner[j, i, m] * inner[j, k, m]
                inner[j, i, k] = math.sqrt(value) if i == k else value / inner[j, k, k]
            log_determinant += math.log(inner[j, i, i])
        forward_root(inner[j], root, pulls[j], means[j])
        for a in range(pointers[j], pointers[j + 1]):
            forward_root(inner[j], root, cross[a], links[a])
            for m in range(width):
                right[columns[a]] -= links[a, m] * means[j, m]
            # The columns of a level ascend.
            for b in range(pointers[j], a + 1):
                for m in range(width):
                    marginal[columns[a], columns[b]] -= links[a, m] * links[b, m]
    for i in range(len(right)):
        for k in range(i):
            marginal[k, i] = marginal[i, k]
    return log_determinant


@njit(cache=False, error_model="numpy")
def _factor_rest(terms, roots, work):  # type: ignore[no-untyped-def]
    """Write the Cholesky factor C of P + T'S T and C^-1 T'h, S and h with the levels integrated out; return log|C|."""
    marginal, factor, right, offset, _, _, _ = work
    for i in range(len(right)):
        offset[i] = right[i]
        for k in range(len(right)):
            factor[i, k] = marginal[i, k]
    apply_columns(factor, terms, roots)
    transpose(factor)
    apply_columns(factor, terms, roots)
    apply_transposed(offset, terms, roots)
    for t in range(len(terms)):
        for i in range(terms[t, 0], terms[t, 0] + terms[t, 1] * terms[t, 2]):
            factor[i, i] += 1.0
    log_determinant = 0.0
    for i in range(len(offset)):
        for k in range(i + 1):
            value = factor[i, k]
            for m in range(k):
                value -= factor[i, m] * factor[k, m]
            factor[i, k] = math.sqrt(value) if i == k else value / factor[k, k]
        log_determinant += math.log(factor[i, i])
        for m in range(i):
            offset[i] -= factor[i, m] * offset[m]
        offset[i] /= factor[i, i]
    return log_determinant


@njit(cache=False, error_model="numpy")
def restore_back(gradient, slots, first, z, inner_z, roots, guide, work):  # type: ignore[no-untyped-def]
    """Replace the derivatives in `z` and `inner_z` by those in their coordinates, those of -log|C| included; return
    the derivatives in the roots."""
    terms, _, _, blocks, pulls, pointers, columns, cross = guide
    marginal, factor, right, offset, inner, links, means = work
    size, (levels, width), root = len(z), inner_z.shape, roots[-1]
    u, u_bar, v_bar, roots_bar = _copy(z), np.zeros(size), np.empty(size), np.zeros_like(roots)
    inner_v_bar = np.empty((levels, width))
    apply(u, terms, roots)
    for j in range(levels):
        for i in range(width):
            value = gradient[first + j * width + i]
            for m in range(i):
                value -= inner[j, i, m] * inner_v_bar[j, m]
            inner_v_bar[j, i] = value / inner[j, i, i]
            gradient[first + j * width + i] = inner_v_bar[j, i]
        for a in range(pointers[j], pointers[j + 1]):
            for i in range(width):
                u_bar[columns[a]] -= links[a, i] * inner_v_bar[j, i]
    add_slopes_of_roots(roots_bar, u_bar, z, terms)
    apply_transposed(u_bar, terms, roots)
    for i in range(size):
        value = gradient[slots[i]] + u_bar[i]
        for m in range(i):
            value -= factor[i, m] * v_bar[m]
        v_bar[i] = value / factor[i, i]
        gradient[slots[i]] = v_bar[i]
    right_bar = _copy(v_bar)
    for i in range(size - 1, -1, -1):
        value = right_bar[i]
        for m in range(i + 1, size):
            value -= factor[m, i] * right_bar[m]
        right_bar[i] = value / factor[i, i]
    slopes = np.empty((size, size))
    for i in range(size):
        for k in range(i + 1):
            slopes[i, k] = -z[i] * v_bar[k] - right_bar[i] * offset[k]
        slopes[i, i] -= 1.0 / factor[i, i]
    cholesky_slopes(factor, slopes)
    # The matrix is T'S T: 2 S T slopes in T, T slopes T' in S.
    spread = np.empty((size, size))
    for i in range(size):
        for k in range(size):
            spread[i, k] = marginal[i, k]
    apply_columns(spread, terms, roots)
    for t in range(len(terms)):
        start, columns_of = terms[t, 0], terms[t, 2]
        for at_level in range(start, start + terms[t, 1] * columns_of, columns_of):
            for i in range(columns_of):
                for k in range(i + 1):
                    value = 0.5 * right[at_level + i] * right_bar[at_level + k]
                    for m in range(size):
                        value += spread[at_level + i, m] * slopes[m, at_level + k]
                    roots_bar[t, i, k] += 2.0 * value
    apply(right_bar, terms, roots)
    spread_back(slopes, terms, roots)
    mean_bar, block_bar, link_bar = np.empty(width), np.empty((width, width)), np.empty(width)
    for j in range(levels):
        for i in range(width):
            for k in range(i + 1):
                block_bar[i, k] = -inner_z[j, i] * inner_v_bar[j, k]
            block_bar[i, i] -= 1.0 / inner[j, i, i]
            mean_bar[i] = inner_v_bar[j, i]
        for a in range(pointers[j], pointers[j + 1]):
            for i in range(width):
                mean_bar[i] -= links[a, i] * right_bar[columns[a]]
                link_bar[i] = -inner_v_bar[j, i] * u[columns[a]] - right_bar[columns[a]] * means[j, i]
            for b in range(pointers[j], pointers[j + 1]):
                value = 2.0 * slopes[columns[a], columns[b]]
                for i in range(width):
                    link_bar[i] -= value * links[b, i]
            forward_root_back(inner[j], cross[a], links[a], link_bar, block_bar, roots_bar[-1])
        forward_root_back(inner[j], pulls[j], means[j], mean_bar, block_bar, roots_bar[-1])
        cholesky_slopes(inner[j], block_bar)
        for i in range(width):
            for k in range(i + 1):
                for m in range(width):
                    value = 0.0
                    for r in range(m, width):
                        value += blocks[j, i, r] * root[r, m]
                    roots_bar[-1, i, k] += 2.0 * value * block_bar[m, k]
    return roots_bar


@njit(cache=False, error_model="numpy")
def work_space(size, levels, width, entries):  # type: ignore[no-untyped-def]
    """Return space for what `restore` leaves to `restore_back`."""
    return (
        np.empty((size, size)),
        np.empty((size, size)),
        np.empty(size),
        np.empty(size),
        np.zeros((levels, width, width)),
        np.empty((entries, width)),
        np.empty((levels, width)),
    )


@njit(cache=False, error_model="numpy")
def restore_draws(points, slots, first, roots, guide):  # type: ignore[no-untyped-def]
    """Replace in points (S, dimension) the joint coordinates, given roots (S, R + 1, K, K)."""
    levels, width = guide[4].shape
    z, inner_z = np.empty(len(slots)), np.empty((levels, width))
    work = work_space(len(slots), levels, width, len(guide[6]))
    for s in range(len(points)):
        restore(points[s], slots, first, roots[s], guide, z, inner_z, work)
        for i in range(len(slots)):
            points[s, slots[i]] = z[i]
        for i in range(levels * width):
            points[s, first + i] = inner_z[i // width, i % width]


@njit(cache=False, error_model="numpy")
def read_guide(data):  # type: ignore[no-untyped-def]
    """Return the guide of a packed density, the slots of u, and the places of the terms, the eliminated one last."""
    joint = data.model[0].joint
    size, levels, width, entries, terms = joint.size, joint.levels, joint.width, joint.entries, joint.terms
    precision, pull, blocks, pulls, cross = joint.precision, joint.pull, joint.blocks, joint.pulls, joint.cross
    pointers, columns, table = joint.pointers, joint.columns, joint.table
    guide = (
        data.integers[table : table + 3 * terms].reshape((terms, 3)),
        data.numbers[precision : precision + size * size].reshape((size, size)),
        data.numbers[pull : pull + size],
        data.numbers[blocks : blocks + levels * width * width].reshape((levels, width, width)),
        data.numbers[pulls : pulls + levels * width].reshape((levels, width)),
        data.integers[pointers : pointers + levels + 1],
        data.integers[columns : columns + entries],
        data.numbers[cross : cross + entries * width].reshape((entries, width)),
    )
    slots, places = (
        data.integers[joint.slots : joint.slots + size],
        data.integers[joint.places : joint.places + terms + 1],
    )
    return guide, slots, places


@njit(cache=False, error_model="numpy")
def read_roots(x, places, data):  # type: ignore[no-untyped-def]
    """Return the roots of the covariances of a level's effects, by term; 1 where a guide eliminates no factor."""
    widest = 1
    for place in places:
        widest = max(widest, data.terms[place].columns if place >= 0 else 1)
    roots = np.zeros((len(places), widest, widest))
    for t in range(len(places)):
        if places[t] < 0:
            roots[t, 0, 0] = 1.0
            continue
        sd, factor = scale_factor(x, data.terms[places[t]], data)
        for i in range(len(sd)):
            for k in range(i + 1):
                roots[t, i, k] = sd[i] * factor[i, k]
    return roots


@njit(cache=False, error_model="numpy")
def add_root_slopes(x, places, roots_bar, data, gradient):  # type: ignore[no-untyped-def]
    """Add the derivatives in the roots to those in log SDs and partial correlations."""
    for t in range(len(places)):
        if places[t] >= 0:
            sd, factor = scale_factor(x, data.terms[places[t]], data)
            scale_factor_back(x, data.terms[places[t]], sd, factor, roots_bar[t], data, gradient)


@njit(cache=False, error_model="numpy")
def _copy(vector):  # type: ignore[no-untyped-def]
    copied = np.empty(len(vector))
    for i in range(len(vector)):
        copied[i] = vector[i]
    return copied
