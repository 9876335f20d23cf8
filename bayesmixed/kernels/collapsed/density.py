"""The log-density of a Gaussian model over SDs, correlations and sigma, coefficients and effects integrated out."""

import math

import numpy as np
from numba import njit

from bayesmixed.kernels.collapsed.class_sums import factor_classes, sum_moments
from bayesmixed.kernels.collapsed.elimination import factor, invert_blocks, solve
from bayesmixed.kernels.collapsed.prior_roots import apply_to_vector, spread_triangle
from bayesmixed.kernels.collapsed.views import read_class_sums, read_cross_products, read_roots, read_sigma, right_side
from bayesmixed.kernels.dense import backward, dot_rows, forward, invert_triangle
from bayesmixed.kernels.folding import fold_slopes, unfold
from bayesmixed.kernels.joint.density import log_priors
from bayesmixed.kernels.joint.term_effects import scale_factor, scale_factor_back
from bayesmixed.kernels.joint.whitening import unwhiten, whiten_slopes


@njit(cache=False, error_model="numpy")
def collapsed_density(x, gradient, data):  # type: ignore[no-untyped-def]
    """Return the log-density at unconstrained coordinates, Jacobians included, and write its gradient."""
    gradient[:] = 0.0
    folded = unwhiten(x, data)
    point, value = unfold(folded, data)
    value += marginal_likelihood(point, gradient, data) + log_priors(point, gradient, data)
    fold_slopes(folded, gradient, data)
    whiten_slopes(gradient, data)
    return value


@njit(cache=False, error_model="numpy")
def marginal_likelihood(x, gradient, data):  # type: ignore[no-untyped-def]
    """Return log p(y | SDs, correlations, sigma) and add its gradient, by Fisher's identity.

    In standardised units d log p / d root = root'^-1 (E[sum of v v' | y] - J I), and the derivative in log sigma is
    E[|y - W c|^2 | y] / sigma^2 - n, where the expected residual needs only traces of A^-1.
    """
    model = data.model[0]
    sigma = read_sigma(x, data)
    weight = 1.0 / (sigma * sigma)
    root, table, roots = read_roots(x, data)
    means = data.numbers[model.means : model.means + model.rest]
    if model.classes > 0:
        found = _by_classes(weight, root, table, roots, means, data)
    else:
        found = _by_levels(weight, root, table, roots, means, data)
    log_determinant, quadratic, moments, upper, mode = found
    if not math.isfinite(log_determinant):
        return -np.inf
    n, constant = model.count, model.constant
    value = constant - 0.5 * (n * math.log(2.0 * math.pi * sigma * sigma) + log_determinant + quadratic)
    # E|v - prior mean|^2 less the number of effects and coefficients.
    surplus = 0.0
    for i in range(len(moments)):
        surplus += moments[i, i] - data.terms[0].levels
    for i in range(len(mode)):
        surplus += dot_rows(upper, i, i, i) + (mode[i] - means[i]) ** 2 - 1.0
    _add_root_slopes(x, 0, moments, data, gradient)
    for t in range(len(table)):
        _add_root_slopes(x, t + 1, _rest_moments(table[t], upper, mode), data, gradient)
    if model.sigma >= 0:
        gradient[model.sigma] += quadratic - surplus - n
    return value


@njit(cache=False, error_model="numpy")
def _by_levels(weight, root, table, roots, means, data):  # type: ignore[no-untyped-def]
    """Return log|A|, the quadratic form of the data, and of the standardised effects and coefficients given the data:
    the expected sum of v v' over the eliminated levels, an upper root of the covariance of the rest, and its mean."""
    blocks, pointers, columns, cross, rest = read_cross_products(data)
    levels, width = blocks.shape[0], blocks.shape[1]
    size = len(rest)
    inner, link, outer = np.zeros((levels, width, width)), np.empty((len(columns), width)), np.empty((size, size))
    log_determinant = factor(weight, root, blocks, pointers, columns, cross, rest, table, roots, inner, link, outer)
    moments = np.zeros((width, width))
    if not math.isfinite(log_determinant):
        return log_determinant, 0.0, moments, outer, means
    effects, mode = right_side(weight, root, table, roots, data, levels, width, size)
    quadratic = weight * data.model[0].squares + np.sum(means * means)
    quadratic -= solve(weight, pointers, columns, table, roots, inner, link, outer, effects, mode)
    variances = np.empty((levels, width, width))
    upper = invert_blocks(weight, pointers, columns, table, roots, inner, link, outer, variances)
    for g in range(levels):
        for i in range(width):
            for k in range(width):
                moments[i, k] += variances[g, i, k] + effects[g, i] * effects[g, k]
    return log_determinant, quadratic, moments, upper, mode


@njit(cache=False, error_model="numpy")
def _by_classes(weight, root, table, roots, means, data):  # type: ignore[no-untyped-def]
    """Return the same as `_by_levels`, from sums over classes of levels."""
    blocks, counts, products, whole = read_class_sums(data)
    inner, half = np.zeros(blocks.shape), np.empty(blocks.shape)
    outer, mode = np.empty((len(means), len(means))), np.empty(len(means))
    log_determinant, quadratic = factor_classes(
        weight, root, blocks, counts, products, whole, table, roots, inner, half, outer, mode
    )
    if not math.isfinite(log_determinant):
        return log_determinant, 0.0, root, outer, means
    mode += means
    forward(outer, mode)
    quadratic += np.sum(means * means) - np.sum(mode * mode)
    backward(outer, mode)
    upper = invert_triangle(outer)
    spread, strips = spread_triangle(upper, table, roots)
    plain = mode.copy()
    apply_to_vector(plain, table, roots, False)
    moments = sum_moments(weight, counts, products, inner, half, spread, strips, plain)
    return log_determinant, quadratic, moments, upper, mode


@njit(cache=False, error_model="numpy")
def _rest_moments(place, upper, mode):  # type: ignore[no-untyped-def]
    """Return the expected sum of v v' over the levels of a term of the rest, (K, K)."""
    start, levels, width = place
    moments = np.zeros((width, width))
    for first in range(start, start + levels * width, width):
        for i in range(width):
            for k in range(width):
                covariance = dot_rows(upper, first + i, first + k, first + max(i, k))
                moments[i, k] += covariance + mode[first + i] * mode[first + k]
    return moments


@njit(cache=False, error_model="numpy")
def _add_root_slopes(x, t, moments, data, gradient):  # type: ignore[no-untyped-def]
    """Add the derivatives in a term's log SDs and partial correlations."""
    term = data.terms[t]
    width, levels = term.columns, term.levels
    sd, correlation = scale_factor(x, term, data)
    slopes = np.zeros((width, width))
    for k in range(width):
        for i in range(width - 1, -1, -1):
            value = moments[i, k] - (levels if i == k else 0.0)
            for m in range(i + 1, width):
                value -= correlation[m, i] * slopes[m, k]
            slopes[i, k] = value / correlation[i, i]
    for i in range(width):
        for k in range(width):
            slopes[i, k] = slopes[i, k] / sd[i] if k <= i else 0.0
    scale_factor_back(x, term, sd, correlation, slopes, data, gradient)
