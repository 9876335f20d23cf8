"""Working models around one mode, tabulated: at points near it they, or what an elimination leaves, are interpolated."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.collapsed.prior_roots import apply_to_vector, apply_transposed
from bayesmixed.kernels.dense import backward, cholesky, forward
from bayesmixed.kernels.marginal.row_effects import read_all_roots, row_space, set_rows
from bayesmixed.kernels.marginal.rows import fill_further
from bayesmixed.kernels.marginal.working_models import weigh, work_space

REACH = 0.7
"""How far from the middle a logarithm of an SD or of a further parameter may be; also in units of what it is there."""
_NODES = 22
"""Chebyshev's places: functions of the logarithm, with poles at a distance of pi / 2, are exact to 1e-13."""


@njit(cache=False, error_model="numpy")
def freeze(middle, rows, data, centre, rule, eliminating):  # type: ignore[no-untyped-def]
    """Return tables of the working model around predictors `centre`, near the point `middle`.

    Layered rows have none that is of use elsewhere. `rule` is that of effects of rows, `eliminating` whether the second table
    is asked for.

    Returns
    -------
    models : (M, .) array
        Its cross-products and sums, by the logarithm of the further parameter; one where there is none.
    eliminated : (M, .) array
        What the elimination of the levels takes from the cross-products and sums of the border, by the logarithm of
        their SD; none where levels have several effects, or models are several.
    """
    root, _, _, sd = read_all_roots(middle, rows, data)
    layer = row_space(rows, rule)
    x, further, size = middle.copy(), np.empty(len(centre)), rows.border
    products, sums, _ = work_space(rows)
    blocks, cross, rest = products
    models = np.empty(
        (
            _NODES if rows.scalar >= 0 and not rows.layered else 1,
            blocks.size + cross.size + rest.size + sums[0].size + sums[1].size,
        )
    )
    for m in range(len(models)):
        if len(models) > 1:
            x[rows.scalar] = middle[rows.scalar] + REACH * _place(m)
        fill_further(x, rows, further)
        set_rows(rows, further, sd, layer)
        products, sums = open_model(rows, models[m])
        weigh(rows, centre, further, root, True, products, sums, layer)
    (blocks, cross, _), (level_sums, _) = products, sums
    plain = (
        eliminating
        and not rows.layered
        and rows.scalar < 0
        and rows.thresholds == 0
        and rows.own.shape[1] == 1
        and root[0, 0] > 0.0
    )
    eliminated = np.zeros((_NODES if plain else 0, size * (size + 1) // 2 + size))
    for m in range(len(eliminated)):
        variance = (root[0, 0] * math.exp(REACH * _place(m))) ** 2
        for j in range(len(blocks)):
            share = variance / (1.0 + variance * blocks[j, 0, 0])
            for e in range(rows.level_pointers[j], rows.level_pointers[j + 1]):
                row, taken = rows.level_columns[e], share * cross[e, 0]
                for other in range(rows.level_pointers[j], e + 1):
                    eliminated[m, row * (row + 1) // 2 + rows.level_columns[other]] += taken * cross[other, 0]
                eliminated[m, size * (size + 1) // 2 + row] += taken * level_sums[j, 0]
    return models, eliminated


@njit(cache=False, error_model="numpy")
def open_model(rows, model):  # type: ignore[no-untyped-def]
    """Return the parts of a model that is one array: cross-products and sums, as `weigh` writes them."""
    levels, width = len(rows.pointers) - 1, rows.own.shape[1]
    size, entries = rows.border, len(rows.level_columns)
    a = levels * width * width
    b = a + entries * width
    c = b + size * size
    d = c + levels * width
    blocks, cross = model[:a].reshape((levels, width, width)), model[a:b].reshape((entries, width))
    products = blocks, cross, model[b:c].reshape((size, size))
    return products, (model[c:d].reshape((levels, width)), model[d:])


@njit(cache=False, error_model="numpy")
def blend(tables, distance, out):  # type: ignore[no-untyped-def]
    """Write what rows of a table give at a distance from the middle."""
    shares, total = np.zeros(_NODES), 0.0
    for m in range(_NODES):
        gap = distance / REACH - _place(m)
        if abs(gap) < 1e-14:
            shares[:], total = 0.0, 1.0
            shares[m] = 1.0
            break
        shares[m] = (-1.0) ** m * math.sin(math.pi * (m + 0.5) / _NODES) / gap
        total += shares[m]
    out[:] = 0.0
    for m in range(_NODES):
        share = shares[m] / total
        for k in range(len(out)):
            out[k] += share * tables[m, k]


@njit(cache=False, error_model="numpy")
def _place(m):  # type: ignore[no-untyped-def]
    """Return one of the places of Chebyshev, between -1 and 1."""
    return math.cos(math.pi * (m + 0.5) / _NODES)


@njit(cache=False, error_model="numpy")
def draw_eliminated(  # type: ignore[no-untyped-def]
    rows, distance, root, table, roots, eliminated, products, sums, outer, noise, levels, others
):
    """Write a draw of the border and the mode of the levels given it, as `draw_border` does; return False if none is known.

    Parameters
    ----------
    distance : float
        Of the logarithm of the SD of the levels from that in the middle.
    outer : (r, r) array, written
        Lower factor of the precision of the border.
    """
    (blocks, cross, rest), (level_sums, rest_sums) = products, sums
    size, tau = len(others), root[0, 0]
    taken = np.empty(eliminated.shape[1])
    blend(eliminated, distance, taken)
    at = 0
    for i in range(size):
        for k in range(i + 1):
            outer[i, k] = rest[i, k] - taken[at]
            at += 1
    for i in range(size):
        others[i] = rest_sums[i] - taken[at + i]
    apply_transposed(outer, table, roots)
    for i in range(size):
        outer[i, i] += 1.0
    if not cholesky(outer):
        return False
    apply_to_vector(others, table, roots, True)
    forward(outer, others)
    others += noise
    backward(outer, others)
    plain = others.copy()
    apply_to_vector(plain, table, roots, False)
    for j in range(len(levels)):
        value = level_sums[j, 0]
        for e in range(rows.level_pointers[j], rows.level_pointers[j + 1]):
            value -= cross[e, 0] * plain[rows.level_columns[e]]
        levels[j, 0] = tau * value / (1.0 + tau * tau * blocks[j, 0, 0])
    return True
