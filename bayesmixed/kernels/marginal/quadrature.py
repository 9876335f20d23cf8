"""The effect of each level given all else: its integral by adaptive Gauss-Hermite quadrature, and exact draws."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.marginal.rows import row_slopes, row_value
from bayesmixed.kernels.rows.families import BINOMIAL, POISSON
from bayesmixed.kernels.rows.links import LOGIT

_ROUNDS, _CLOSE, _LONGEST = 50, 0.3, 3.0
_LARGE, _TRIALS = 1e200, 10_000
_APART = 1.3
"""How many SDs from the mode the outer tangents of the hull touch."""


@njit(cache=False, error_model="numpy")
def integrate_effects(rows, eta, further, root, levels, nodes, log_weights):  # type: ignore[no-untyped-def]
    """Return the logarithm of the integral of the likelihood over the effects of all levels, one for each.

    Parameters
    ----------
    eta : (n,) array
        Predictors without these effects.
    levels : (J, 1) array
        Standardised effects where the search for their modes begins; moved to about these.
    nodes, log_weights : (M, 1), (M,) arrays
        Of the standard normal law; log weights have x^2 / 2 added.
    """
    family, link, plain, tau = rows.family, rows.link, rows.plain, root[0, 0]
    response, trials, weights, own = rows.response, rows.trials, rows.weights, rows.own
    powers = np.empty(len(eta))
    total = 0.0
    for j in range(len(levels)):
        start, stop = rows.pointers[j], rows.pointers[j + 1]
        sums = _prepare(family, link, plain, response, trials, weights, eta, powers, start, stop)
        z, precision = _climb(
            family,
            link,
            plain,
            response,
            trials,
            weights,
            further,
            own,
            eta,
            powers,
            start,
            stop,
            sums,
            tau,
            levels[j, 0],
        )
        levels[j, 0] = z
        spread = 1.0 / math.sqrt(precision)
        best, mass = -np.inf, 0.0
        for q in range(len(nodes)):
            x = z + nodes[q, 0] * spread
            value = log_weights[q] - 0.5 * x * x
            value += _value(
                family, link, plain, response, trials, weights, further, own, eta, powers, start, stop, sums, tau * x
            )
            if value > best:
                mass = mass * math.exp(best - value) + 1.0
                best = value
            else:
                mass += math.exp(value - best)
        total += best + math.log(mass * spread)
    return total


@njit(cache=False, error_model="numpy")
def draw_effects(rows, eta, further, root, start_at, stream, out):  # type: ignore[no-untyped-def]
    """Write a draw of the standardised effect of each level given all else.

    Its log-density is concave and lies below its tangents at three places: a draw from below these is taken with the share
    that the density has of the hull (Gilks & Wild 1992, Appl Stat 41:337).
    """
    family, link, plain, tau = rows.family, rows.link, rows.plain, root[0, 0]
    response, trials, weights, own = rows.response, rows.trials, rows.weights, rows.own
    powers, at, value, slope = np.empty(len(eta)), np.empty(3), np.empty(3), np.empty(3)
    for j in range(len(out)):
        start, stop = rows.pointers[j], rows.pointers[j + 1]
        sums = _prepare(family, link, plain, response, trials, weights, eta, powers, start, stop)
        z, precision = _climb(
            family,
            link,
            plain,
            response,
            trials,
            weights,
            further,
            own,
            eta,
            powers,
            start,
            stop,
            sums,
            tau,
            start_at[j, 0],
        )
        spread = 1.0 / math.sqrt(precision)
        for k in range(3):
            side = k - 1.0
            at[k] = z + side * _APART * spread
            for _ in range(_TRIALS):
                value[k], slope[k], _ = _slopes(
                    family,
                    link,
                    plain,
                    response,
                    trials,
                    weights,
                    further,
                    own,
                    eta,
                    powers,
                    start,
                    stop,
                    sums,
                    tau,
                    at[k],
                    True,
                )
                if k == 1 or side * slope[k] < 0.0:
                    break
                at[k] += 2.0 * side * spread
        hull = tangent_hull(at, value, slope)
        out[j, 0] = np.nan  # where densities are no numbers
        for _ in range(_TRIALS):
            place, height = draw_below(hull, at, value, slope, stream)
            density = -0.5 * place * place + _value(
                family,
                link,
                plain,
                response,
                trials,
                weights,
                further,
                own,
                eta,
                powers,
                start,
                stop,
                sums,
                tau * place,
            )
            if math.log(1.0 - stream.random()) <= density - height:
                out[j, 0] = place
                break


@njit(cache=False, error_model="numpy")
def _climb(family, link, plain, response, trials, weights, further, own, eta, powers, start, stop, sums, tau, z):  # type: ignore[no-untyped-def]
    """Return a standardised effect near the mode of its level, and the precision near there.

    Newton steps; where one leaves the interval in which slopes say that the mode is, half of it.
    """
    low, high, precision = -np.inf, np.inf, 1.0
    for _ in range(_ROUNDS):
        _, slope, precision = _slopes(
            family, link, plain, response, trials, weights, further, own, eta, powers, start, stop, sums, tau, z, False
        )
        step = slope / precision
        if not step * slope > _CLOSE * _CLOSE:
            z += step
            break
        if slope > 0.0:
            low = z
        else:
            high = z
        z += min(max(step, -_LONGEST), _LONGEST)
        if not low < z < high:
            z = 0.5 * (low + high)
    return z, precision


@njit(cache=False, error_model="numpy")
def _prepare(family, link, plain, response, trials, weights, eta, powers, start, stop):  # type: ignore[no-untyped-def]
    """Write exp(eta) of the rows of a level, and return sums over them: of y eta, y, and exp(eta).

    Where each row takes the effect b as it is, exp(eta + b) is exp(eta) exp(b): a node needs no exponential of its own.
    """
    linear, counted, total = 0.0, 0.0, 0.0
    if plain and (family == POISSON or (family == BINOMIAL and link == LOGIT)):
        for i in range(start, stop):
            powers[i] = math.exp(eta[i])
            linear += weights[i] * response[i] * eta[i]
            counted += weights[i] * response[i]
            total += weights[i] * powers[i]
    return linear, counted, total


@njit(cache=False, error_model="numpy")
def _value(family, link, plain, response, trials, weights, further, own, eta, powers, start, stop, sums, effect):  # type: ignore[no-untyped-def]
    """Return the log-likelihood of the rows of a level at its effect."""
    linear, counted, total = sums
    if plain and family == POISSON:
        return linear + counted * effect - total * math.exp(effect)
    if plain and family == BINOMIAL and link == LOGIT:
        power, product = math.exp(effect), 1.0
        value = linear + counted * effect
        for i in range(start, stop):
            count = weights[i] * trials[i]
            odds = 1.0 + powers[i] * power
            if count == 1.0:
                # One logarithm for many rows.
                product *= odds
                if product > _LARGE:
                    value -= math.log(product)
                    product = 1.0
            else:
                value -= count * math.log(odds)
        return value - math.log(product)
    value = 0.0
    for i in range(start, stop):
        one = row_value(family, link, response[i], trials[i], further[i], eta[i] + own[i, 0] * effect)
        value += weights[i] * one
    return value


@njit(cache=False, error_model="numpy")
def _slopes(  # type: ignore[no-untyped-def]
    family, link, plain, response, trials, weights, further, own, eta, powers, start, stop, sums, tau, z, valued
):
    """Return the log-density of a level at its standardised effect, without a constant, its slope and its precision.

    Unless `valued` the first may be left out.
    """
    linear, counted, total = sums
    effect, value, slope, bend = tau * z, 0.0, 0.0, 0.0
    if plain and family == POISSON:
        mean = total * math.exp(effect)
        value, slope, bend = linear + counted * effect - mean, counted - mean, -mean
    elif plain and family == BINOMIAL and link == LOGIT:
        if valued:
            value = _value(
                family, link, plain, response, trials, weights, further, own, eta, powers, start, stop, sums, effect
            )
        power, slope = math.exp(effect), counted
        for i in range(start, stop):
            rest = 1.0 / (1.0 + powers[i] * power)
            count = weights[i] * trials[i] * (1.0 - rest)
            slope -= count
            bend -= count * rest
    else:
        for i in range(start, stop):
            one, first, second, _ = row_slopes(
                family, link, response[i], trials[i], further[i], eta[i] + own[i, 0] * effect
            )
            value += weights[i] * one
            slope += weights[i] * own[i, 0] * first
            bend += weights[i] * own[i, 0] * own[i, 0] * second
    return value - 0.5 * z * z, tau * slope - z, 1.0 - tau * tau * min(bend, 0.0)


@njit(cache=False, error_model="numpy")
def tangent_hull(at, value, slope):  # type: ignore[no-untyped-def]
    """Return where three tangents meet, and the masses below them, over the exponential of the middle value."""
    left = _crossing(at, value, slope, 0)
    right = _crossing(at, value, slope, 1)
    low = math.exp(value[0] + slope[0] * (left - at[0]) - value[1])
    high = math.exp(value[2] + slope[2] * (right - at[2]) - value[1])
    gap = slope[1] * (right - left)
    middle = low * (right - left) * (math.expm1(gap) / gap if abs(gap) > 1e-8 else 1.0)
    return left, right, low / slope[0], middle, -high / slope[2]


@njit(cache=False, error_model="numpy")
def _crossing(at, value, slope, k):  # type: ignore[no-untyped-def]
    """Return where two neighbouring tangents meet."""
    difference = slope[k] - slope[k + 1]
    if not difference > 1e-12 * (abs(slope[k]) + abs(slope[k + 1])):
        return 0.5 * (at[k] + at[k + 1])
    return (value[k + 1] - value[k] + slope[k] * at[k] - slope[k + 1] * at[k + 1]) / difference


@njit(cache=False, error_model="numpy")
def draw_below(hull, at, value, slope, stream):  # type: ignore[no-untyped-def]
    """Return a draw from the law whose log-density the tangents are, and their height there."""
    left, right, first, second, third = hull
    chosen, share = stream.random() * (first + second + third), 1.0 - stream.random()
    if chosen < first:
        k, place = 0, left + math.log(share) / slope[0]
    elif chosen < first + second:
        gap = slope[1] * (right - left)
        inside = math.log1p(share * math.expm1(gap)) / slope[1] if abs(gap) > 1e-8 else share * (right - left)
        k, place = 1, left + inside
    else:
        k, place = 2, right + math.log(share) / slope[2]
    return place, value[k] + slope[k] * (place - at[k])
