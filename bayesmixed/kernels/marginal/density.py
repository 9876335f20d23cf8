"""Estimates of the density of SDs, correlations and dispersions, all coefficients and effects integrated out."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.collapsed.prior_roots import apply_to_vector
from bayesmixed.kernels.joint.density import log_priors
from bayesmixed.kernels.marginal.frozen_models import REACH, blend, draw_eliminated, open_model
from bayesmixed.kernels.marginal.quadrature import draw_given_border, integrate_levels, integration_space
from bayesmixed.kernels.marginal.row_effects import read_all_roots, row_space, set_rows
from bayesmixed.kernels.marginal.rows import fill_further, lower_predictors
from bayesmixed.kernels.marginal.working_models import (
    add_border,
    add_levels,
    draw_border,
    factor_model,
    find_mode,
    weigh,
    work_space,
)
from bayesmixed.kernels.rows.cutpoints import log_prior as log_threshold_prior

_HALF_LOG_TWO_PI = 0.9189385332046727


@njit(cache=False, error_model="numpy")
def laplace(points, rows, data, coefficients, levels, others, eta, rule):  # type: ignore[no-untyped-def]
    """Return Laplace's approximation of the log-density at points (S, dimension), coefficients not among them.

    Parameters
    ----------
    coefficients : (3, p) array
        Slots of the coefficients; location and scale of about their prior.
    levels, others : (J, K), (r,) arrays
        Where the search for the mode begins; moved to it.
    eta : (n,) array, written
        Linear predictors there.
    rule : (2, M) array
        Of effects of rows.
    """
    found = np.empty(len(points))
    work, further, layer = work_space(rows), np.empty(len(eta)), row_space(rows, rule)
    for s in range(len(points)):
        x = points[s].copy()
        root, table, roots, sd = read_all_roots(x, rows, data)
        constant = fill_further(x, rows, further)
        set_rows(rows, further, sd, layer)
        value, log_determinant = find_mode(rows, further, root, table, roots, levels, others, eta, work, layer)
        found[s] = value + constant - 0.5 * log_determinant
        found[s] += log_all_priors(x, data, coefficients, others) + half_squares(others, coefficients.shape[1])
        if not math.isfinite(found[s]):
            levels[:], others[:] = 0.0, 0.0
    return found


@njit(cache=False, error_model="numpy")
def half_squares(others, width):  # type: ignore[no-untyped-def]
    """Return minus the log-density of the standard normal coefficients, the exact prior of which is added elsewhere."""
    total = 0.0
    for k in range(len(others) - width, len(others)):
        total += 0.5 * others[k] * others[k]
    return total + _HALF_LOG_TWO_PI * width


@njit(cache=False, error_model="numpy")
def log_all_priors(x, data, coefficients, others):  # type: ignore[no-untyped-def]
    """Write the coefficients into a point and return the log-density of all priors, coefficients in their units."""
    width = coefficients.shape[1]
    total = 0.0
    for k in range(width):
        x[int(coefficients[0, k])] = coefficients[1, k] + coefficients[2, k] * others[len(others) - width + k]
        total += math.log(coefficients[2, k])
    if len(data.parameters) > 0:
        total += log_threshold_prior(x, data.parameters[0], data.numbers)
    return total + log_priors(x, np.zeros(len(x)), data)


@njit(cache=False, error_model="numpy")
def estimate(  # type: ignore[no-untyped-def]
    points,
    far,
    noise,
    densities,
    starts,
    rows,
    data,
    coefficients,
    middle,
    centre,
    frozen,
    nodes,
    log_weights,
    rule,
    logs,
    border,
):
    """Write logarithms of unbiased estimates of the density at points, and the border of which each is made.

    The border is drawn from about a normal law and weighed by its density, with the effects of each level integrated out, over
    that of the draw. The law is that of a working model around the mode at one point, moved to where the border has its
    mode: solved at other points it is right at any SD where rows are normal, and at an SD of 0.

    Parameters
    ----------
    points : (S, dimension) array
        Coefficients in them are written.
    far : (S,) array of bool
        At which points a working model is found anew, around the mode of the first one there.
    noise, border : (S, r) arrays
        Random numbers, about standard normal, and the border in standardised units.
    densities : (S,) array
        Log-densities of `noise`, times (2 pi)^(r / 2).
    starts : (S, J, K) array
        If not empty `noise` is the border itself, and searches for the modes of levels begin here.
    middle, centre : (dimension,), (n,) arrays
        A point, and the predictors at the mode there.
    frozen : tuple
        What `freeze` returns of these.
    nodes, log_weights : (M, K), (M,) arrays
        Of the standard normal law; log weights have |x|^2 / 2 added.
    rule : (2, N) array
        Of effects of rows.
    """
    models, eliminated = frozen
    model, (_, _, factors), spaces = models[0].copy(), work_space(rows), integration_space(rows, rule)
    layer = spaces[0][3]
    products, sums = open_model(rows, model)
    own_products, own_sums, own_factors = work_space(rows)
    levels, others, given = (
        np.empty((len(rows.pointers) - 1, rows.own.shape[1])),
        np.empty(rows.border),
        len(starts) > 0,
    )
    eta, further, width = np.empty(len(centre)), np.empty(len(centre)), coefficients.shape[1]
    nothing = np.zeros(rows.border)
    middle_root, table, roots, sd = read_all_roots(middle, rows, data)
    constant = fill_further(middle, rows, further)
    without = centre + further if rows.thresholds > 0 else centre
    for s in range(len(points)):
        x = points[s]
        root, table, roots, sd = read_all_roots(x, rows, data)
        if given:
            constant = fill_further(x, rows, further)
            set_rows(rows, further, sd, layer)
            levels[:], others[:] = starts[s], noise[s]
        elif rows.layered:
            constant = fill_further(x, rows, further)
            set_rows(rows, further, sd, layer)
            weigh(rows, centre, further, middle_root, True, products, sums, layer)
        elif rows.scalar >= 0:
            constant = fill_further(x, rows, further)
            if abs(x[rows.scalar] - middle[rows.scalar]) <= REACH:
                blend(models, x[rows.scalar] - middle[rows.scalar], model)
            else:
                weigh(rows, centre, further, middle_root, True, products, sums, layer)
        elif rows.thresholds > 0:
            constant = fill_further(x, rows, further)
            eta[:] = without - further
            weigh(rows, eta, further, middle_root, True, products, sums, layer)
        outer = factors[2]
        distance, drawn = math.log(root[0, 0]) - math.log(middle_root[0, 0]), True
        if given:
            pass
        elif len(eliminated) > 0 and not far[s] and abs(distance) <= REACH:
            drawn = draw_eliminated(
                rows, distance, root, table, roots, eliminated, products, sums, outer, noise[s], levels, others
            )
        else:
            drawn = math.isfinite(factor_model(rows, root, table, roots, products, factors))
            if drawn:
                draw_border(rows, root, table, roots, sums, factors, nothing if far[s] else noise[s], levels, others)
            if drawn and far[s]:
                apply_to_vector(others, table, roots, False)
                add_border(rows, others, eta)
                lower_predictors(rows, further, eta)
                add_levels(rows, root, levels, eta)
                weigh(rows, eta, further, root, True, own_products, own_sums, layer)
                outer = own_factors[2]
                drawn = math.isfinite(factor_model(rows, root, table, roots, own_products, own_factors))
                if drawn:
                    draw_border(rows, root, table, roots, own_sums, own_factors, noise[s], levels, others)
        if not drawn:
            logs[s] = -np.inf
            continue
        border[s] = others
        value = constant - densities[s] + log_all_priors(x, data, coefficients, others) + _HALF_LOG_TWO_PI * width
        for k in range(0 if given else len(others)):
            value -= math.log(outer[k, k])
        for k in range(len(others) - width):
            value -= 0.5 * others[k] * others[k]
        apply_to_vector(others, table, roots, False)
        add_border(rows, others, eta)
        lower_predictors(rows, further, eta)
        logs[s] = value + integrate_levels(rows, eta, further, root, spaces, levels, nodes, log_weights)


@njit(cache=False, error_model="numpy")
def draw_levels(points, border, counts, stream, rows, data, start, rule, out):  # type: ignore[no-untyped-def]
    """Write draws of the standardised effects of all levels, (total of counts, J, K), given points and borders (S, r).

    Parameters
    ----------
    counts : (S,) array
        How many draws belong to each point.
    stream : generator of random numbers
    start : (J, K) array
        Where searches for modes begin.
    rule : (2, M) array
        Of effects of rows.
    """
    eta, further, spaces, at = np.empty(len(rows.offset)), np.empty(len(rows.offset)), integration_space(rows, rule), 0
    for s in range(len(points)):
        root, table, roots, sd = read_all_roots(points[s], rows, data)
        fill_further(points[s], rows, further)
        set_rows(rows, further, sd, spaces[0][3])
        plain = border[s].copy()
        apply_to_vector(plain, table, roots, False)
        add_border(rows, plain, eta)
        lower_predictors(rows, further, eta)
        draw_given_border(rows, eta, further, root, spaces, start, stream, out[at : at + counts[s]])
        at += counts[s]


@njit(cache=False, error_model="numpy")
def draw_row_effects(points, border, levels, stream, rows, single, data, rule, out):  # type: ignore[no-untyped-def]
    """Write draws of the standardised effects of rows, (S, n, 1), given points, borders (S, r) and levels (S, J, K).

    `single` : the same rows, each as a level with one effect, and not layered.
    """
    eta, further, spaces = np.empty(len(rows.offset)), np.empty(len(rows.offset)), integration_space(single, rule)
    start, own = np.zeros((len(rows.offset), 1)), np.empty((1, 1))
    for s in range(len(points)):
        root, table, roots, own[0, 0] = read_all_roots(points[s], rows, data)
        fill_further(points[s], rows, further)
        plain = border[s].copy()
        apply_to_vector(plain, table, roots, False)
        add_border(rows, plain, eta)
        add_levels(rows, root, levels[s], eta)
        draw_given_border(single, eta, further, own, spaces, start, stream, out[s : s + 1])
