"""The effects of each level given all else: their integral by adaptive Gauss-Hermite quadrature, and draws of them."""

import numpy as np
from numba import njit

from bayesmixed.kernels.collapsed.level_blocks import backward_block, factor_block, forward_block, weigh_block
from bayesmixed.kernels.dense import FAST
from bayesmixed.kernels.marginal.elementwise import exponentials, logarithms
from bayesmixed.kernels.marginal.levels import (
    ROWS,
    at_once,
    form_of,
    grid_values,
    level_space,
    level_values,
    prepare_levels,
    shifted_rows,
)
from bayesmixed.kernels.marginal.lines import (
    apply_root,
    climb_lines,
    draw_lines,
    hull_space,
    line_space,
    set_hulls,
    set_lines,
)
from bayesmixed.kernels.marginal.row_effects import read_rows

_ROUNDS, _CLOSE = 1000, 0.2
_SWEEPS = 2
"""Times that each direction is drawn anew: directions are nearly independent, so that few forget a normal beginning."""


@njit(cache=False, error_model="numpy")
def integration_space(rows, rule):  # type: ignore[no-untyped-def]
    """Return the work space of `integrate_levels` and `draw_given_border`; `rule` is that of effects of rows."""
    return level_space(rows, rule), line_space(rows)


@njit(cache=False, error_model="numpy")
def integrate_levels(rows, eta, further, root, spaces, levels, nodes, log_weights):  # type: ignore[no-untyped-def]
    """Return the logarithm of the integral of the likelihood over the effects of all levels.

    Parameters
    ----------
    eta : (n,) array
        Predictors without these effects.
    levels : (J, K) array
        Standardised effects where the search for their modes begins; moved to about these.
    nodes, log_weights : (M, K), (M,) arrays
        A product of rules for the standard normal law; log weights have |x|^2 / 2 added.
    """
    space, _ = spaces
    size, width = levels.shape
    inner, axes = np.zeros((size, width, width)), np.zeros((width, width))
    total = prepare_levels(rows, eta, further, space)
    _climb(rows, eta, further, root, spaces, levels, inner)
    values, spreads = np.empty((len(nodes), size)), np.ones(size)
    for j in range(size):
        for k in range(width):
            spreads[j] /= inner[j, k, k]
    together = at_once(rows)
    if together or (width == 1 and form_of(rows) == ROWS):
        every, effects = np.arange(size), np.empty(size)
        for q in range(len(nodes)):
            for j in range(size):
                effects[j] = root[0, 0] * (levels[j, 0] + nodes[q, 0] * spreads[j])
            if together:
                level_values(rows, space, every, effects, values[q])
            else:
                _sum_rows(rows, eta, further, space, effects, values[q])
            for j in range(size):
                z = levels[j, 0] + nodes[q, 0] * spreads[j]
                values[q, j] += log_weights[q] - 0.5 * z * z
        return total + _sum_of_masses(values, spreads)
    number = 1
    while number**width < len(nodes):
        number += 1
    places = nodes[:number, width - 1].copy()
    grid = np.empty(2 * (width * len(places) + 1) * np.max(np.diff(rows.pointers)))
    turned, middle, found = np.empty((width, width)), np.empty(width), np.empty(len(nodes))
    for j in range(size):
        axes[:] = 0.0
        for k in range(width):
            axes[k, k] = 1.0
            backward_block(inner, j, axes, k)
            apply_root(root, axes[k], turned[k])
        apply_root(root, levels[j], middle)
        grid_values(rows, eta, further, space, j, middle, turned, places, grid, found)
        for q in range(len(nodes)):
            square = 0.0
            for k in range(width):
                place = levels[j, k]
                for m in range(width):
                    place += nodes[q, m] * axes[m, k]
                square += place * place
            values[q, j] = found[q] + log_weights[q] - 0.5 * square
    return total + _sum_of_masses(values, spreads)


@njit(cache=False, error_model="numpy")
def draw_given_border(rows, eta, further, root, spaces, start_at, stream, out):  # type: ignore[no-untyped-def]
    """Write draws of the standardised effects of each level given all else, (draws, J, K).

    One effect exactly. Of several a draw from the normal law at the mode, whose directions are then drawn anew, one given
    the others, each exactly.
    """
    space, lines = spaces
    size, width = start_at.shape
    starts, directions, hulls = lines[0][0], lines[0][1], hull_space(size)
    middle, inner = start_at.copy(), np.zeros((size, width, width))
    distances, spreads = np.empty(size), np.empty(size)
    prepare_levels(rows, eta, further, space)
    _climb(rows, eta, further, root, spaces, middle, inner)
    if width == 1:
        spreads[:] = 1.0 / inner[:, 0, 0]
        set_hulls(rows, eta, further, root, space, lines, middle[:, 0], spreads, hulls)
        for d in range(len(out)):
            draw_lines(rows, eta, further, root, space, lines, hulls, stream, distances)
            out[d, :, 0] = distances
        return
    for d in range(len(out)):
        for j in range(size):
            for k in range(width):
                starts[j, k] = stream.standard_normal()
            backward_block(inner, j, starts, j)
        starts += middle
        for step in range(_SWEEPS * width):
            directions[:] = 0.0
            for j in range(size):
                directions[j, step % width] = 1.0
                backward_block(inner, j, directions, j)
            set_lines(rows, root, lines)
            distances[:] = 0.0
            climb_lines(rows, eta, further, root, space, lines, distances, spreads)
            set_hulls(rows, eta, further, root, space, lines, distances, spreads, hulls)
            draw_lines(rows, eta, further, root, space, lines, hulls, stream, distances)
            for j in range(size):
                for k in range(width):
                    starts[j, k] += distances[j] * directions[j, k]
        out[d] = starts


@njit(cache=False, error_model="numpy")
def _climb(rows, eta, further, root, spaces, levels, inner):  # type: ignore[no-untyped-def]
    """Move standardised effects to near the mode of their level, and write the lower factors of the precisions near there.

    Several effects by Newton steps, halved until they climb.
    """
    size, width = levels.shape
    space, lines = spaces
    if width == 1:
        if not at_once(rows):
            set_lines(rows, root, lines)
        distances, spreads = levels[:, 0].copy(), np.empty(size)
        climb_lines(rows, eta, further, root, space, lines, distances, spreads)
        levels[:, 0], inner[:, 0, 0] = distances, 1.0 / spreads
        return
    shift, first, second = lines[1]
    active, before, step, values = np.arange(size), levels.copy(), np.empty((1, width)), np.empty(size)
    best, effect, plain, block = (
        np.full(size, -np.inf),
        np.empty(width),
        np.empty(width),
        np.empty((size, width, width)),
    )
    for _ in range(_ROUNDS):
        at = 0
        for a in range(len(active)):
            j = active[a]
            apply_root(root, levels[j], effect)
            for i in range(rows.pointers[j], rows.pointers[j + 1]):
                shift[at] = 0.0
                for k in range(width):
                    shift[at] += rows.own[i, k] * effect[k]
                at += 1
        shifted_rows(rows, eta, further, space, active, shift, True, first, second, values)
        at = kept = 0
        for a in range(len(active)):
            j, value = active[a], values[a]
            begin = at
            at += rows.pointers[j + 1] - rows.pointers[j]
            for k in range(width):
                value -= 0.5 * levels[j, k] * levels[j, k]
            if not value >= best[j] - 1e-9 * abs(best[j]):
                for k in range(width):
                    levels[j, k] = 0.5 * (levels[j, k] + before[j, k])
                active[kept] = j
                kept += 1
                continue
            best[j] = value
            plain[:], block[j] = 0.0, 0.0
            for i in range(begin, at):
                for k in range(width):
                    own = rows.own[rows.pointers[j] + i - begin, k]
                    plain[k] += first[i] * own
                    for m in range(width):
                        block[j, k, m] -= min(second[i], 0.0) * own * rows.own[rows.pointers[j] + i - begin, m]
            weigh_block(1.0, root, block, inner, j)
            factor_block(inner, j)
            for k in range(width):
                step[0, k] = -levels[j, k]
                for m in range(k, width):
                    step[0, k] += root[m, k] * plain[m]
            forward_block(inner, j, step, 0)
            distance = 0.0
            for k in range(width):
                distance += step[0, k] * step[0, k]
            backward_block(inner, j, step, 0)
            for k in range(width):
                before[j, k] = levels[j, k]
                levels[j, k] += step[0, k]
            if distance > _CLOSE * _CLOSE:
                active[kept] = j
                kept += 1
        active = active[:kept]
        if kept == 0:
            break


@njit(cache=False, error_model="numpy")
def _sum_of_masses(values, spreads):  # type: ignore[no-untyped-def]
    """Return the sum over levels of log(spread * sum over nodes of exp(value)); (M, J) values are replaced."""
    size, total = len(spreads), 0.0
    highest, mass, scratch = np.full(size, -np.inf), np.zeros(size), np.empty(size)
    for q in range(len(values)):
        for j in range(size):
            highest[j] = max(highest[j], values[q, j])
    for q in range(len(values)):
        for j in range(size):
            values[q, j] -= highest[j]
        exponentials(size, values[q], scratch, values[q])
        for j in range(size):
            mass[j] += values[q, j]
    for j in range(size):
        mass[j] *= spreads[j]
    logarithms(size, mass, scratch, mass)
    for j in range(size):
        total += highest[j] + mass[j]
    return total


@njit(cache=False, error_model="numpy", fastmath=FAST)
def _sum_rows(rows, eta, further, space, effects, values):  # type: ignore[no-untyped-def]
    """Write the log-likelihood of all levels, given one effect of each, where it is any function of each row."""
    (predictors, found, slopes, bends), _, _, layer = space
    for j in range(len(effects)):
        for i in range(rows.pointers[j], rows.pointers[j + 1]):
            predictors[i] = eta[i] + rows.own[i, 0] * effects[j]
    read_rows(rows, np.arange(len(eta)), predictors, further, layer, found, slopes, bends, np.empty(len(eta)))
    for j in range(len(effects)):
        values[j] = 0.0
        for i in range(rows.pointers[j], rows.pointers[j + 1]):
            values[j] += found[i]
