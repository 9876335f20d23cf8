"""Rows with a normal effect of their own: their log-likelihood with it integrated out, as a function of the predictor."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.collapsed.views import read_roots
from bayesmixed.kernels.marginal.rows import row_slopes
from bayesmixed.kernels.rows.families import BINOMIAL, GAMMA, GAUSSIAN

PLACES = 128
"""Places of a lattice; beyond its ends rows are integrated one by one."""
_STEP, _FINE = 0.5, 0.46
"""The largest step of a lattice, and by what it falls with the sixth root of the curvature: errors are 1e-5 at most."""
_ROUNDS, _CLOSE, _LONGEST = 100, 0.03, 3.0
_SHARP = 2.0
"""Precision of a standardised effect given its row from which on its moments give derivatives."""


@njit(cache=False, error_model="numpy")
def read_all_roots(x, rows, data):  # type: ignore[no-untyped-def]
    """Return what `read_roots` does without the last term of layered rows, and the SD of their effects, which are that term."""
    root, table, roots = read_roots(x, data)
    last = len(table) - int(rows.layered)
    sd = roots[last, 0, 0] if rows.layered else 0.0
    return root, table[:last], roots[:last], sd


@njit(cache=False, error_model="numpy")
def row_space(rows, rule):  # type: ignore[no-untyped-def]
    """Return the work space of `read_row`: SD and number of the point; rule; lattices; what is filled at which point; scratch.

    rule : (2, M) array
        Nodes for the standard normal law, and log weights with x^2 / 2 added.
    """
    kinds = len(rows.examples)
    tables = np.zeros((kinds, 2)), np.empty((kinds, PLACES, 3)), np.zeros((kinds, PLACES))
    return np.zeros(2), rule, tables, np.empty((2, rule.shape[1]))


@njit(cache=False, error_model="numpy")
def set_rows(rows, further, sd, space):  # type: ignore[no-untyped-def]
    """Make ready for another SD of the effects of rows, or another further parameter."""
    numbers, _, (lattices, _, _), _ = space
    numbers[0] = sd
    numbers[1] += 1.0
    for k in range(len(lattices)):
        i = rows.examples[k]
        y, weight, middle = rows.response[i], rows.weights[i], 0.0
        if rows.family == BINOMIAL:
            curvature = rows.trials[i]
            middle = math.log((y + 0.5) / (rows.trials[i] - y + 0.5))
        elif rows.family == GAMMA:
            curvature = further[i]
        else:
            curvature = y + 1.0
            middle = math.log(y + 0.5)
        curvature = 1.0 / (1.0 / (weight * curvature) + sd * sd)
        step = min(_STEP, (_FINE / curvature) ** (1.0 / 6.0))
        lattices[k, 0], lattices[k, 1] = middle - step * (PLACES // 2), step


# Arrays are counted at each call of a function that takes them, which costs ten times a look at a lattice.
@njit(cache=False, error_model="numpy", inline="always")
def read_row(rows, i, further, predictor, space):  # type: ignore[no-untyped-def]
    """Return the weighted log-likelihood of a row, without the effect of the row if it has one, and three derivatives."""
    numbers, rule, (lattices, table, filled), scratch = space
    family, link, y, trials, weight = rows.family, rows.link, rows.response[i], rows.trials[i], rows.weights[i]
    if not rows.layered:
        value, slope, bend, third = row_slopes(family, link, y, trials, further, predictor)
        return weight * value, weight * slope, weight * bend, weight * third
    k = rows.kinds[i]
    at = predictor - y if family == GAMMA else predictor
    step = lattices[k, 1] if k >= 0 else 1.0
    place = (at - lattices[k, 0]) / step if k >= 0 else -1.0
    if not 0.0 <= place < PLACES - 1.0:
        return integrate_row(family, link, y, trials, weight, further, predictor, numbers[0], rule, scratch)
    c = int(place)
    for m in range(c, c + 2):
        if filled[k, m] != numbers[1]:
            value, slope, bend, _ = integrate_row(
                family, link, y, trials, weight, further, predictor + step * (m - place), numbers[0], rule, scratch
            )
            table[k, m, 0], table[k, m, 1], table[k, m, 2] = value, step * slope, step * step * bend
            filled[k, m] = numbers[1]
    t = place - c
    base, first, second = table[k, c, 0], table[k, c, 1], 0.5 * table[k, c, 2]
    a = table[k, c + 1, 0] - base - first - second
    b = table[k, c + 1, 1] - first - 2.0 * second
    d = table[k, c + 1, 2] - 2.0 * second
    cubed, fourth, fifth = 10.0 * a - 4.0 * b + 0.5 * d, -15.0 * a + 7.0 * b - d, 6.0 * a - 3.0 * b + 0.5 * d
    value = base + t * (first + t * (second + t * (cubed + t * (fourth + t * fifth))))
    slope = first + t * (2.0 * second + t * (3.0 * cubed + t * (4.0 * fourth + t * 5.0 * fifth)))
    bend = 2.0 * second + t * (6.0 * cubed + t * (12.0 * fourth + t * 20.0 * fifth))
    third = 6.0 * cubed + t * (24.0 * fourth + t * 60.0 * fifth)
    return value, slope / step, min(bend, 0.0) / (step * step), third / (step * step * step)


@njit(cache=False, error_model="numpy")
def integrate_row(family, link, y, trials, weight, further, predictor, sd, rule, scratch):  # type: ignore[no-untyped-def]
    """Return what `read_row` does, by adaptive Gauss-Hermite quadrature around the mode of the effect of the row.

    Derivatives are cumulants given the row: those of its derivatives where it says little of its effect, and else those of the
    effect.
    """
    if family == GAUSSIAN:
        precision = weight / (further * further)
        share, residual = precision / (1.0 + precision * sd * sd), y - predictor
        return (
            -0.5 * share * residual * residual - 0.5 * math.log1p(precision * sd * sd),
            share * residual,
            -share,
            0.0,
        )
    z, low, high, precision = 0.0, -np.inf, np.inf, 1.0
    longest = _LONGEST / max(1.0, sd)
    for _ in range(_ROUNDS):
        _, slope, bend, _ = row_slopes(family, link, y, trials, further, predictor + sd * z)
        steep, precision = sd * weight * slope - z, 1.0 - sd * sd * weight * min(bend, 0.0)
        step = steep / precision
        if not step * steep > _CLOSE * _CLOSE:
            break
        if steep > 0.0:
            low = z
        else:
            high = z
        z += min(max(step, -longest), longest)
        if not low < z < high:
            z = 0.5 * (low + high)
    _, centre, middle, _ = row_slopes(family, link, y, trials, further, predictor + sd * z)
    spread = 1.0 / math.sqrt(precision)
    highest = -np.inf
    for q in range(rule.shape[1]):
        at = z + spread * rule[0, q]
        value, _, _, _ = row_slopes(family, link, y, trials, further, predictor + sd * at)
        scratch[0, q] = rule[1, q] + weight * value - 0.5 * at * at
        highest = max(highest, scratch[0, q])
    sharp, mass = precision > _SHARP, 0.0
    one, two, three, second, mixed, third = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for q in range(rule.shape[1]):
        x = rule[0, q]
        share = math.exp(scratch[0, q] - highest)
        mass += share
        if not sharp:
            _, slope, bend, cubed = row_slopes(family, link, y, trials, further, predictor + sd * (z + spread * x))
            x = weight * (slope - centre)
            bend = weight * (bend - middle)
            second += share * bend
            mixed += share * x * bend
            third += share * cubed
        one += share * x
        two += share * x * x
        three += share * x * x * x
    one, two, three = one / mass, two / mass, three / mass
    variance, skew = two - one * one, three - 3.0 * one * two + 2.0 * one * one * one
    found = highest + math.log(spread * mass)
    if sharp:
        return (
            found,
            (z + spread * one) / sd,
            min(spread * spread * variance - 1.0, 0.0) / (sd * sd),
            skew * (spread / sd) ** 3,
        )
    second, mixed = second / mass, mixed / mass
    return (
        found,
        weight * centre + one,
        min(weight * middle + second + variance, 0.0),
        weight * third / mass + 3.0 * (mixed - one * second) + skew,
    )
