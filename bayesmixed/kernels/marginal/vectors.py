"""The effects of levels with several each, given all else: their integral by products of rules, and their draws."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.collapsed.level_blocks import backward_block, factor_block, forward_block, weigh_block
from bayesmixed.kernels.marginal.quadrature import draw_below, tangent_hull
from bayesmixed.kernels.marginal.rows import row_slopes, row_value

_ROUNDS, _CLOSE = 60, 0.2
_APART, _TRIALS = 1.3, 10_000
_SWEEPS = 2
"""Times that each direction is drawn anew: directions are nearly independent, so that few forget a normal beginning."""


@njit(cache=False, error_model="numpy")
def integrate_vectors(rows, eta, further, root, levels, nodes, log_weights):  # type: ignore[no-untyped-def]
    """Return the logarithm of the integral of the likelihood over the effects of all levels; see `integrate_effects`."""
    family, link, own = rows.family, rows.link, rows.own
    response, trials, weights = rows.response, rows.trials, rows.weights
    width = own.shape[1]
    inner, moved, gradient = np.zeros((1, width, width)), np.empty((1, width)), np.empty(width)
    place, total = np.empty(width), 0.0
    for j in range(len(levels)):
        start, stop = rows.pointers[j], rows.pointers[j + 1]
        climb(family, link, response, trials, weights, further, own, eta, root, start, stop, levels[j], gradient, inner)
        best, mass = -np.inf, 0.0
        for q in range(len(nodes)):
            moved[0] = nodes[q]
            backward_block(inner, 0, moved, 0)
            for k in range(width):
                place[k] = levels[j, k] + moved[0, k]
            value = log_weights[q] + log_density(
                family, link, response, trials, weights, further, own, eta, root, start, stop, place
            )
            if value > best:
                mass = mass * math.exp(best - value) + 1.0
                best = value
            else:
                mass += math.exp(value - best)
        total += best + math.log(mass)
        for k in range(width):
            total -= math.log(inner[0, k, k])
    return total


@njit(cache=False, error_model="numpy")
def draw_vectors(rows, eta, further, root, start_at, stream, out):  # type: ignore[no-untyped-def]
    """Write draws of the standardised effects of each level given all else.

    A draw from the normal law at the mode, whose directions are then drawn anew, one given the others, each exactly: the
    density along a line is concave on its logarithm, see `quadrature.draw_effects`.
    """
    family, link, own = rows.family, rows.link, rows.own
    response, trials, weights = rows.response, rows.trials, rows.weights
    width = own.shape[1]
    inner, line, gradient = np.zeros((1, width, width)), np.empty((1, width)), np.empty(width)
    for j in range(len(out)):
        start, stop = rows.pointers[j], rows.pointers[j + 1]
        z = start_at[j].copy()
        climb(family, link, response, trials, weights, further, own, eta, root, start, stop, z, gradient, inner)
        for k in range(width):
            line[0, k] = stream.standard_normal()
        backward_block(inner, 0, line, 0)
        z += line[0]
        for _ in range(_SWEEPS):
            for k in range(width):
                line[0] = 0.0
                line[0, k] = 1.0
                backward_block(inner, 0, line, 0)
                z += (
                    _draw_along(
                        family,
                        link,
                        response,
                        trials,
                        weights,
                        further,
                        own,
                        eta,
                        root,
                        start,
                        stop,
                        z,
                        line[0],
                        stream,
                    )
                    * line[0]
                )
        out[j] = z


@njit(cache=False, error_model="numpy")
def _draw_along(family, link, response, trials, weights, further, own, eta, root, start, stop, z, line, stream):  # type: ignore[no-untyped-def]
    """Return how far along a line to go: a draw of the density there, of about unit spread."""
    at, value, slope = np.empty(3), np.empty(3), np.empty(3)
    middle, low, high = 0.0, -np.inf, np.inf
    for _ in range(_ROUNDS):
        _, steep, precision = _along(
            family, link, response, trials, weights, further, own, eta, root, start, stop, z, line, middle
        )
        step = steep / precision
        if not step * steep > 0.1:
            middle += step
            break
        if steep > 0.0:
            low = middle
        else:
            high = middle
        middle += min(max(step, -3.0), 3.0)
        if not low < middle < high:
            middle = 0.5 * (low + high)
    spread = 1.0 / math.sqrt(precision)
    for k in range(3):
        side = k - 1.0
        at[k] = middle + side * _APART * spread
        for _ in range(_TRIALS):
            value[k], slope[k], _ = _along(
                family, link, response, trials, weights, further, own, eta, root, start, stop, z, line, at[k]
            )
            if k == 1 or side * slope[k] < 0.0:
                break
            at[k] += 2.0 * side * spread
    hull = tangent_hull(at, value, slope)
    for _ in range(_TRIALS):
        place, height = draw_below(hull, at, value, slope, stream)
        density = log_density(
            family, link, response, trials, weights, further, own, eta, root, start, stop, z + place * line
        )
        if math.log(1.0 - stream.random()) <= density - height:
            return place
    return np.nan  # where densities are no numbers


@njit(cache=False, error_model="numpy")
def _along(family, link, response, trials, weights, further, own, eta, root, start, stop, z, line, distance):  # type: ignore[no-untyped-def]
    """Return the log-density of a level at a distance along a line, its slope and its precision there."""
    width = len(z)
    effect, change = np.zeros(width), np.zeros(width)
    value, slope, precision = 0.0, 0.0, 0.0
    for k in range(width):
        place = z[k] + distance * line[k]
        value -= 0.5 * place * place
        slope -= place * line[k]
        precision += line[k] * line[k]
        for m in range(k + 1):
            effect[k] += root[k, m] * (z[m] + distance * line[m])
            change[k] += root[k, m] * line[m]
    for i in range(start, stop):
        predictor, moved = eta[i], 0.0
        for k in range(width):
            predictor += own[i, k] * effect[k]
            moved += own[i, k] * change[k]
        one, first, second, _ = row_slopes(family, link, response[i], trials[i], further[i], predictor)
        value += weights[i] * one
        slope += weights[i] * first * moved
        precision -= min(weights[i] * second, 0.0) * moved * moved
    return value, slope, precision


@njit(cache=False, error_model="numpy")
def log_density(family, link, response, trials, weights, further, own, eta, root, start, stop, z):  # type: ignore[no-untyped-def]
    """Return the log-density of the rows of a level and of its standardised effects, without a constant."""
    width = len(z)
    effect, value = np.zeros(width), 0.0
    for k in range(width):
        value -= 0.5 * z[k] * z[k]
        for m in range(k + 1):
            effect[k] += root[k, m] * z[m]
    for i in range(start, stop):
        predictor = eta[i]
        for k in range(width):
            predictor += own[i, k] * effect[k]
        one = row_value(family, link, response[i], trials[i], further[i], predictor)
        value += weights[i] * one
    return value


@njit(cache=False, error_model="numpy")
def climb(family, link, response, trials, weights, further, own, eta, root, start, stop, z, gradient, inner):  # type: ignore[no-untyped-def]
    """Move standardised effects to near their mode, and write the lower factor of the precision near there.

    Newton steps, halved until they climb.
    """
    width = len(z)
    step, before, best = np.zeros((1, width)), z.copy(), -np.inf
    for _ in range(_ROUNDS):
        value = log_density(family, link, response, trials, weights, further, own, eta, root, start, stop, z)
        if not value >= best - 1e-9 * abs(best):
            for k in range(width):
                z[k] = 0.5 * (z[k] + before[k])
            continue
        best = value
        _bend(family, link, response, trials, weights, further, own, eta, root, start, stop, z, gradient, inner)
        distance = 0.0
        for k in range(width):
            step[0, k] = gradient[k]
        forward_block(inner, 0, step, 0)
        for k in range(width):
            distance += step[0, k] * step[0, k]
        backward_block(inner, 0, step, 0)
        for k in range(width):
            before[k] = z[k]
            z[k] += step[0, k]
        if not distance > _CLOSE * _CLOSE:
            break


@njit(cache=False, error_model="numpy")
def _bend(family, link, response, trials, weights, further, own, eta, root, start, stop, z, gradient, inner):  # type: ignore[no-untyped-def]
    """Write the gradient of `log_density` and the lower factor of its precision."""
    width = len(z)
    effect, plain, block = np.zeros(width), np.zeros(width), np.zeros((1, width, width))
    for k in range(width):
        for m in range(k + 1):
            effect[k] += root[k, m] * z[m]
    for i in range(start, stop):
        predictor = eta[i]
        for k in range(width):
            predictor += own[i, k] * effect[k]
        _, first, second, _ = row_slopes(family, link, response[i], trials[i], further[i], predictor)
        for k in range(width):
            plain[k] += weights[i] * first * own[i, k]
            for m in range(width):
                block[0, k, m] -= min(weights[i] * second, 0.0) * own[i, k] * own[i, m]
    for k in range(width):
        gradient[k] = -z[k]
        for m in range(k, width):
            gradient[k] += root[m, k] * plain[m]
    weigh_block(1.0, root, block, inner, 0)
    factor_block(inner, 0)
