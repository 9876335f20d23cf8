"""The normal model that rows are replaced by around linear predictors, and the mode of effects and coefficients."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.collapsed.elimination import draw, factor, solve
from bayesmixed.kernels.collapsed.level_blocks import factor_block, forward_block, weigh_block
from bayesmixed.kernels.collapsed.prior_roots import apply_to_vector
from bayesmixed.kernels.dense import FAST
from bayesmixed.kernels.marginal.row_effects import read_rows
from bayesmixed.kernels.marginal.rows import lower_predictors

_ROUNDS, _CLOSE = 100, 1e-4


@njit(cache=False, error_model="numpy")
def work_space(rows):  # type: ignore[no-untyped-def]
    """Return the arrays of a working model: cross-products of levels, levels and border, border; sums of both; factors."""
    levels, width = len(rows.pointers) - 1, rows.own.shape[1]
    size, entries = rows.border, len(rows.level_columns)
    products = np.empty((levels, width, width)), np.empty((entries, width)), np.empty((size, size))
    sums = np.empty((levels, width)), np.empty(size)
    factors = np.zeros((levels, width, width)), np.empty((entries, width)), np.empty((size, size))
    return products, sums, factors


@njit(cache=False, error_model="numpy", fastmath=FAST)
def add_border(rows, border, eta):  # type: ignore[no-untyped-def]
    """Write the predictors of all rows without the effects of their levels, given the border in plain units."""
    width = rows.columns.shape[1]
    first = len(border) - width
    for i in range(len(eta)):
        value = rows.offset[i]
        for m in range(width):
            value += rows.columns[i, m] * border[first + m]
        for e in range(rows.starts[i], rows.starts[i + 1]):
            value += rows.loadings[e] * border[rows.places[e]]
        eta[i] = value


@njit(cache=False, error_model="numpy")
def add_levels(rows, root, levels, eta):  # type: ignore[no-untyped-def]
    """Add the effects of levels, given in standardised units."""
    width = rows.own.shape[1]
    effect = np.empty(width)
    for j in range(len(levels)):
        for k in range(width):
            effect[k] = 0.0
            for m in range(k + 1):
                effect[k] += root[k, m] * levels[j, m]
        for i in range(rows.pointers[j], rows.pointers[j + 1]):
            for k in range(width):
                eta[i] += rows.own[i, k] * effect[k]


@njit(cache=False, error_model="numpy")
def weigh(rows, eta, further, root, corrected, products, sums, layer):  # type: ignore[no-untyped-def]
    """Write the cross-products of the working model around predictors; return the log-likelihood there.

    `corrected`: its mode is then about where the border has its mode with the levels integrated out: each row is pulled
    by half its third derivative times the variance of its predictor given the border. `layer`: work space of `read_rows`.
    """
    blocks, cross, rest = products
    level_sums, rest_sums = sums
    blocks[:], cross[:], rest[:], level_sums[:], rest_sums[:] = 0.0, 0.0, 0.0, 0.0, 0.0
    width, dense = rows.own.shape[1], rows.columns.shape[1]
    first = len(rest) - dense
    inner, scaled = np.zeros((1, width, width)), np.empty((1, width))
    values, pulls, bends, thirds = np.empty(len(eta)), np.empty(len(eta)), np.empty(len(eta)), np.empty(len(eta))
    read_rows(rows, np.arange(len(eta)), eta, further, layer, values, pulls, bends, thirds)
    total = 0.0
    for j in range(len(blocks)):
        start, stop = rows.pointers[j], rows.pointers[j + 1]
        for i in range(start, stop):
            total += values[i]
            one = max(-bends[i], 0.0)
            linear = eta[i] - rows.offset[i] + (further[i] if rows.thresholds > 0 else 0.0)
            bends[i], pulls[i] = one, one * linear + pulls[i]
            for k in range(width):
                for m in range(width):
                    blocks[j, k, m] += one * rows.own[i, k] * rows.own[i, m]
        if corrected:
            inner[0] = 0.0
            weigh_block(1.0, root, blocks[j : j + 1], inner, 0)
            factor_block(inner, 0)
            for i in range(start, stop):
                for k in range(width):
                    scaled[0, k] = 0.0
                    for m in range(k, width):
                        scaled[0, k] += root[m, k] * rows.own[i, m]
                forward_block(inner, 0, scaled, 0)
                variance = 0.0
                for k in range(width):
                    variance += scaled[0, k] * scaled[0, k]
                pulls[i] += 0.5 * thirds[i] * variance
        begin = rows.level_pointers[j]
        ending = rows.level_pointers[j + 1] - dense
        for i in range(start, stop):
            one, drawn = bends[i], pulls[i]
            for k in range(width):
                own = one * rows.own[i, k]
                level_sums[j, k] += drawn * rows.own[i, k]
                for m in range(dense):
                    cross[ending + m, k] += own * rows.columns[i, m]
                for e in range(rows.starts[i], rows.starts[i + 1]):
                    cross[begin + rows.slots[e], k] += own * rows.loadings[e]
            for m in range(dense):
                value = one * rows.columns[i, m]
                rest_sums[first + m] += drawn * rows.columns[i, m]
                for n in range(m + 1):
                    rest[first + m, first + n] += value * rows.columns[i, n]
                for e in range(rows.starts[i], rows.starts[i + 1]):
                    rest[first + m, rows.places[e]] += value * rows.loadings[e]
            for e in range(rows.starts[i], rows.starts[i + 1]):
                value = one * rows.loadings[e]
                rest_sums[rows.places[e]] += drawn * rows.loadings[e]
                for other in range(rows.starts[i], e + 1):
                    rest[rows.places[e], rows.places[other]] += value * rows.loadings[other]
    return total


@njit(cache=False, error_model="numpy")
def factor_model(rows, root, table, roots, products, factors):  # type: ignore[no-untyped-def]
    """Write the factors of the precision of levels and border, and return the logarithm of its determinant."""
    blocks, cross, rest = products
    inner, link, outer = factors
    return factor(
        1.0,
        root,
        blocks,
        rows.level_pointers,
        rows.level_columns,
        cross,
        rest,
        table,
        roots,
        inner,
        link,
        outer,
    )


@njit(cache=False, error_model="numpy")
def draw_border(rows, root, table, roots, sums, factors, noise, levels, others):  # type: ignore[no-untyped-def]
    """Write a draw of the border, made from standard normal noise, and the mode of the levels given it."""
    inner, link, outer = factors
    _standardise(root, table, roots, sums, levels, others)
    still = np.zeros(levels.shape)
    draw(1.0, rows.level_pointers, rows.level_columns, table, roots, inner, link, outer, levels, others, still, noise)


@njit(cache=False, error_model="numpy")
def _standardise(root, table, roots, sums, levels, others):  # type: ignore[no-untyped-def]
    """Write the right-hand side in standardised units."""
    level_sums, rest_sums = sums
    width = levels.shape[1]
    for j in range(len(levels)):
        for k in range(width):
            levels[j, k] = 0.0
            for m in range(k, width):
                levels[j, k] += root[m, k] * level_sums[j, m]
    others[:] = rest_sums
    apply_to_vector(others, table, roots, True)


@njit(cache=False, error_model="numpy")
def find_mode(rows, further, root, table, roots, levels, others, eta, work, layer):  # type: ignore[no-untyped-def]
    """Move levels and border to their mode by Newton steps, halved until they climb.

    Returns the log-density of rows, levels and border there without its constants, and the logarithm of the determinant of
    the precision; the linear predictors are written.
    """
    products, sums, factors = work
    inner, link, outer = factors
    before_levels, before = levels.copy(), others.copy()
    best, log_determinant = -np.inf, np.nan
    for _ in range(_ROUNDS):
        plain = others.copy()
        apply_to_vector(plain, table, roots, False)
        add_border(rows, plain, eta)
        lower_predictors(rows, further, eta)
        add_levels(rows, root, levels, eta)
        value = weigh(rows, eta, further, root, False, products, sums, layer)
        value -= 0.5 * (np.sum(levels * levels) + np.sum(others * others))
        if not value >= best - 1e-10 * abs(best):
            if best == -np.inf:
                return -np.inf, np.nan
            levels[:], others[:] = 0.5 * (levels + before_levels), 0.5 * (others + before)
            continue
        best = value
        log_determinant = factor_model(rows, root, table, roots, products, factors)
        if not math.isfinite(log_determinant):
            return -np.inf, np.nan
        before_levels[:], before[:] = levels, others
        _standardise(root, table, roots, sums, levels, others)
        solve(1.0, rows.level_pointers, rows.level_columns, table, roots, inner, link, outer, levels, others)
        if max(_distance(levels.ravel(), before_levels.ravel()), _distance(others, before)) < _CLOSE:
            break
    return best, log_determinant


@njit(cache=False, error_model="numpy")
def _distance(one, other):  # type: ignore[no-untyped-def]
    largest = 0.0
    for k in range(len(one)):
        largest = max(largest, abs(one[k] - other[k]))
    return largest
