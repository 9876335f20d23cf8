"""Rows with a normal effect of their own: their log-likelihood with it integrated out, as a function of the predictor."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.collapsed.views import read_roots
from bayesmixed.kernels.marginal.rows import next_place, row_slopes
from bayesmixed.kernels.rows.families import BINOMIAL, GAMMA, GAUSSIAN, POISSON

PLACES, MORE = 128, 512
"""Places of a lattice, and of those of Poisson rows; beyond its ends rows are integrated one by one."""
_STEP, _FINE = 0.5, 0.46
"""The largest step of a lattice, and by what it falls with the sixth root of the curvature: errors are 1e-5 at most."""
_LOW, _HIGH, _ABOVE, _DOUBLED = -16.0, 16.0, 4.0, 7
"""Where lattices of Poisson rows begin, and up to where at least their places stand evenly, and how far above the largest row;
from there on steps double where the place does, so many times."""
_ROUNDS, _CLOSE, _LONGEST = 200, 0.03, 3.0
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
    """Return the work space of `read_rows`: SD and number of the point; rule; lattices; what is filled at which point; scratch.

    rule : (2, M) array
        Nodes for the standard normal law, and log weights with x^2 / 2 added.
    """
    kinds, places = len(rows.examples), MORE if rows.family == POISSON else PLACES
    tables = np.zeros((kinds, 5)), np.empty((kinds, places, 3)), np.zeros((kinds, places))
    return np.zeros(2), rule, tables, np.empty((2, rule.shape[1]))


@njit(cache=False, error_model="numpy")
def set_rows(rows, further, sd, space):  # type: ignore[no-untyped-def]
    """Make ready for another SD of the effects of rows, or another further parameter.

    A lattice begins somewhere, and has a step, a number of places, and a place from which on steps double with the place,
    and how many there are until they do.
    """
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
        lattices[k, 2], lattices[k, 3], lattices[k, 4] = PLACES, PLACES, PLACES
        if rows.family == POISSON:
            until = math.ceil(max(_HIGH, middle + _ABOVE) / step)
            even = until + math.ceil(-_LOW / step)
            # Beyond it is an exponential while the SD is small, and else smooth on the scale of the place.
            more = _DOUBLED * until if weight * sd * sd * math.exp(step * until) > 1.0 else 0
            lattices[k, 0], lattices[k, 2] = step * (until - even), min(MORE, even + more)
            lattices[k, 3], lattices[k, 4] = even, until


# Arrays are counted at each call of a function that takes them, which costs ten times a look at a lattice: rows are read in one.
@njit(cache=False, error_model="numpy")
def read_rows(rows, which, predictors, further, space, values, slopes, bends, thirds):  # type: ignore[no-untyped-def]
    """Write the weighted log-likelihood of some rows, without the effects of rows if they have such, and three derivatives.

    Poisson rows with the same weight share a lattice. With s = weight y the integral over the standard normal z of exp(s (eta
    + sd z) - weight exp(eta + sd z)) is exp(s eta + s^2 sd^2 / 2) times that of exp(-weight exp(eta + s sd^2 + sd z)).

    Parameters
    ----------
    which : integer array
        The rows.
    predictors : array
        One for each of these.
    further : (n,) array
        The further parameter of every row.
    values, slopes, bends, thirds : arrays, written
        As long as `predictors`, or longer.
    """
    numbers, rule, (lattices, table, filled), scratch = space
    response, trials, weights, kinds = rows.response, rows.trials, rows.weights, rows.kinds
    family, link, sd = rows.family, rows.link, numbers[0]
    for a in range(len(which)):
        i = which[a]
        y, trial, weight, predictor = response[i], trials[i], weights[i], predictors[a]
        if not rows.layered:
            value, slope, bend, third = row_slopes(family, link, y, trial, further[i], predictor)
            values[a], slopes[a], bends[a], thirds[a] = weight * value, weight * slope, weight * bend, weight * third
            continue
        k, place, step, linear, at = kinds[i], -1.0, 1.0, 0.0, predictor
        if k >= 0:
            if family == GAMMA:
                at = predictor - y
            elif family == POISSON:
                linear = weight * y
                at = predictor + linear * sd * sd
            place, step = _find_place(at, lattices[k, 0], lattices[k, 1], lattices[k, 3], lattices[k, 4])
        if not (k >= 0 and 0.0 <= place < lattices[k, 2] - 1.0):
            found = integrate_row(family, link, y, trial, weight, further[i], predictor, sd, rule, scratch)
            values[a], slopes[a], bends[a], thirds[a] = found
            continue
        c = int(place)
        for m in range(c, c + 2):
            if filled[k, m] != numbers[1]:
                near = at + step * (m - place) + (y if family == GAMMA else 0.0)
                own = 0.0 if family == POISSON else y
                found = integrate_row(family, link, own, trial, weight, further[i], near, sd, rule, scratch)
                table[k, m, 0], table[k, m, 1], table[k, m, 2], _ = found
                filled[k, m] = numbers[1]
        t = place - c
        base, first, second = table[k, c, 0], step * table[k, c, 1], 0.5 * step * step * table[k, c, 2]
        above = table[k, c + 1, 0] - base - first - second
        steeper = step * table[k, c + 1, 1] - first - 2.0 * second
        bent = step * step * table[k, c + 1, 2] - 2.0 * second
        third = 10.0 * above - 4.0 * steeper + 0.5 * bent
        fourth, fifth = -15.0 * above + 7.0 * steeper - bent, 6.0 * above - 3.0 * steeper + 0.5 * bent
        value = base + t * (first + t * (second + t * (third + t * (fourth + t * fifth))))
        slope = first + t * (2.0 * second + t * (3.0 * third + t * (4.0 * fourth + t * 5.0 * fifth)))
        bend = min(2.0 * second + t * (6.0 * third + t * (12.0 * fourth + t * 20.0 * fifth)), 0.0) / (step * step)
        third = (6.0 * third + t * (24.0 * fourth + t * 60.0 * fifth)) / (step * step * step)
        values[a] = value + linear * predictor + 0.5 * (linear * sd) * (linear * sd)
        # Lattices give the third roughly.
        slopes[a], bends[a], thirds[a] = linear + slope / step, bend, max(min(third, -bend), bend)


@njit(cache=False, error_model="numpy")
def _find_place(at, start, step, even, until):  # type: ignore[no-untyped-def]
    """Return a place on a lattice, and the step there."""
    place = (at - start) / step
    if not even < place < np.inf:
        return place, step
    ratio = (place - even) / until + 1.0
    octave = math.floor(math.log2(ratio))
    longer = 2.0**octave
    return even + until * (octave - 1.0 + max(ratio / longer, 1.0)), step * longer


@njit(cache=False, error_model="numpy")
def integrate_row(family, link, y, trials, weight, further, predictor, sd, rule, scratch):  # type: ignore[no-untyped-def]
    """Return what `read_rows` does, by adaptive Gauss-Hermite quadrature around the mode of the effect of the row.

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
    if family == POISSON:
        # The mode is tilt - W(exp(drift)) / sd, of Lambert.
        tilt = sd * weight * y
        drift = predictor + sd * tilt + math.log(max(weight * sd * sd, 1e-300))
        z = tilt - (drift - math.log(drift)) / sd if drift > 1.0 else z
    longest = _LONGEST / max(1.0, sd)
    for tried in range(_ROUNDS):
        _, slope, bend, _ = row_slopes(family, link, y, trials, further, predictor + sd * z)
        steep, precision = sd * weight * slope - z, 1.0 - sd * sd * weight * min(bend, 0.0)
        step = steep / precision
        if step * step <= _CLOSE * _CLOSE:
            break
        if steep > 0.0:
            low = z
        elif steep < 0.0:
            high = z
        z = next_place(z, steep, step, low, high, tried, longest)
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
