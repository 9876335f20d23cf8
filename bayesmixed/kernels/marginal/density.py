"""Estimates of the density of SDs, correlations and dispersions, all coefficients and effects integrated out."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.collapsed.prior_roots import apply_to_vector
from bayesmixed.kernels.collapsed.views import read_roots
from bayesmixed.kernels.joint.density import log_priors
from bayesmixed.kernels.marginal.quadrature import draw_effects, integrate_effects
from bayesmixed.kernels.marginal.rows import fill_further
from bayesmixed.kernels.marginal.vectors import draw_vectors, integrate_vectors
from bayesmixed.kernels.marginal.working_models import (
    add_border,
    add_levels,
    draw_border,
    factor_model,
    find_mode,
    weigh,
    work_space,
)

_HALF_LOG_TWO_PI = 0.9189385332046727


@njit(cache=False, error_model="numpy")
def laplace(points, rows, data, coefficients, levels, others, eta):  # type: ignore[no-untyped-def]
    """Return Laplace's approximation of the log-density at points (S, dimension), coefficients not among them.

    Parameters
    ----------
    coefficients : (3, p) array
        Slots of the coefficients; location and scale of about their prior.
    levels, others : (J, K), (r,) arrays
        Where the search for the mode begins; moved to it.
    eta : (n,) array, written
        Linear predictors there.
    """
    found = np.empty(len(points))
    work, further = work_space(rows), np.empty(len(eta))
    for s in range(len(points)):
        x = points[s].copy()
        root, table, roots = read_roots(x, data)
        constant = fill_further(x, rows, further)
        value, log_determinant = find_mode(rows, further, root, table, roots, levels, others, eta, work)
        found[s] = value + constant - 0.5 * log_determinant
        found[s] += _log_priors(x, data, coefficients, others) + _half_squares(others, coefficients.shape[1])
        if not math.isfinite(found[s]):
            levels[:], others[:] = 0.0, 0.0
    return found


@njit(cache=False, error_model="numpy")
def _half_squares(others, width):  # type: ignore[no-untyped-def]
    """Return minus the log-density of the standard normal coefficients, the exact prior of which is added elsewhere."""
    total = 0.0
    for k in range(len(others) - width, len(others)):
        total += 0.5 * others[k] * others[k]
    return total + _HALF_LOG_TWO_PI * width


@njit(cache=False, error_model="numpy")
def _log_priors(x, data, coefficients, others):  # type: ignore[no-untyped-def]
    """Write the coefficients into a point and return the log-density of all priors, coefficients in their units."""
    width = coefficients.shape[1]
    total = 0.0
    for k in range(width):
        x[int(coefficients[0, k])] = coefficients[1, k] + coefficients[2, k] * others[len(others) - width + k]
        total += math.log(coefficients[2, k])
    return total + log_priors(x, np.zeros(len(x)), data)


@njit(cache=False, error_model="numpy")
def estimate(points, far, noise, densities, rows, data, coefficients, middle, centre, nodes, log_weights, logs, border):  # type: ignore[no-untyped-def]
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
    middle, centre : (dimension,), (n,) arrays
        A point, and the predictors at the mode there.
    nodes, log_weights : (M, K), (M,) arrays
        Of the standard normal law; log weights have |x|^2 / 2 added.
    """
    products, sums, factors = work_space(rows)
    own_products, own_sums, own_factors = work_space(rows)
    levels, others = np.empty((len(rows.pointers) - 1, rows.own.shape[1])), np.empty(rows.border)
    eta, further, width = np.empty(len(centre)), np.empty(len(centre)), coefficients.shape[1]
    nothing = np.zeros(rows.border)
    root, table, roots = read_roots(middle, data)
    constant = fill_further(middle, rows, further)
    weigh(rows, centre, further, root, True, products, sums)
    for s in range(len(points)):
        x = points[s]
        root, table, roots = read_roots(x, data)
        if rows.scalar >= 0:
            constant = fill_further(x, rows, further)
            weigh(rows, centre, further, root, True, products, sums)
        if not math.isfinite(factor_model(rows, root, table, roots, products, factors)):
            logs[s] = -np.inf
            continue
        outer = factors[2]
        draw_border(rows, root, table, roots, sums, factors, nothing if far[s] else noise[s], levels, others)
        if far[s]:
            apply_to_vector(others, table, roots, False)
            add_border(rows, others, eta)
            add_levels(rows, root, levels, eta)
            weigh(rows, eta, further, root, True, own_products, own_sums)
            outer = own_factors[2]
            if not math.isfinite(factor_model(rows, root, table, roots, own_products, own_factors)):
                logs[s] = -np.inf
                continue
            draw_border(rows, root, table, roots, own_sums, own_factors, noise[s], levels, others)
        border[s] = others
        value = constant - densities[s] + _log_priors(x, data, coefficients, others) + _HALF_LOG_TWO_PI * width
        for k in range(len(others)):
            value -= math.log(outer[k, k])
        for k in range(len(others) - width):
            value -= 0.5 * others[k] * others[k]
        apply_to_vector(others, table, roots, False)
        add_border(rows, others, eta)
        if rows.own.shape[1] == 1:
            value += integrate_effects(rows, eta, further, root, levels, nodes, log_weights)
        else:
            value += integrate_vectors(rows, eta, further, root, levels, nodes, log_weights)
        logs[s] = value


@njit(cache=False, error_model="numpy")
def draw_levels(points, border, stream, rows, data, start, out):  # type: ignore[no-untyped-def]
    """Write draws of the standardised effects of all levels, (S, J, K), given points and borders (S, r).

    `stream` is a generator of random numbers, `start` (J, K) where searches for modes begin.
    """
    eta, further = np.empty(len(rows.offset)), np.empty(len(rows.offset))
    for s in range(len(points)):
        x = points[s]
        root, table, roots = read_roots(x, data)
        fill_further(x, rows, further)
        plain = border[s].copy()
        apply_to_vector(plain, table, roots, False)
        add_border(rows, plain, eta)
        if rows.own.shape[1] == 1:
            draw_effects(rows, eta, further, root, start, stream, out[s])
        else:
            draw_vectors(rows, eta, further, root, start, stream, out[s])
