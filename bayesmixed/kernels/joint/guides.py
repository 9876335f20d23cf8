"""Coordinates of group effects that stay near standard normal at every SD, in compiled code.

The guide of a level is a normal approximation of what its rows say about its K coefficients c: a log-likelihood
`h'c - c'W c / 2`, kept as the K rows of W and then h. Under it, and the prior N(m, T T'), the standardised effects
`z = T^-1 (c - m)` have precision `M = I + T'W T = C C'` and mean `M^-1 T'(h - W m)`. A level is sampled in coordinates
`v = C'(z - mean)`: those are non-centred where W is small beside the prior's precision, centred where it is large, and
change from one to the other with the SDs while sampling. The guide shapes coordinates only; the density stays exact.
Kleppe (2019, J Comput Graph Stat 28:493) describes such dynamic rescaling. W = 0 gives non-centred coordinates.
"""

import math

import numpy as np
from numba import njit


@njit(cache=False, error_model="numpy", inline="always")
def standardise(v, slot, guides, place, root, mean, z, work):  # type: ignore[no-untyped-def]
    """Write the standardised effects of a level, from its coordinates v[slot:] and its guide at a place; return log|C|.

    What `standardise_back` needs of matrices stays in `work`, from `work_space`.
    """
    if len(mean) == 1:
        z[0], precision = standardise_one(v[slot], guides[place], guides[place + 1], root[0, 0], mean[0])
        return 0.5 * math.log(precision)
    return _standardise_block(v, slot, guides, place, root, mean, z, work)


@njit(cache=False, error_model="numpy")
def _standardise_block(v, slot, guides, place, root, mean, z, work):  # type: ignore[no-untyped-def]
    width = len(mean)
    spread, factor, residual, offset = work[0], work[1], work[2, 0], work[2, 1]
    pull = place + width * width
    for i in range(width):
        residual[i] = guides[pull + i]
        for k in range(width):
            residual[i] -= guides[place + i * width + k] * mean[k]
            spread[i, k] = 0.0
            for m in range(k, width):
                spread[i, k] += guides[place + i * width + m] * root[m, k]
    log_determinant = 0.0
    for i in range(width):
        for j in range(i + 1):
            value = 1.0 if i == j else 0.0
            for m in range(i, width):
                value += root[m, i] * spread[m, j]
            for k in range(j):
                value -= factor[i, k] * factor[j, k]
            factor[i, j] = math.sqrt(value) if i == j else value / factor[j, j]
        log_determinant += math.log(factor[i, i])
        value = 0.0
        for m in range(i, width):
            value += root[m, i] * residual[m]
        for k in range(i):
            value -= factor[i, k] * offset[k]
        offset[i] = value / factor[i, i]
    for i in range(width - 1, -1, -1):
        value = offset[i] + v[slot + i]
        for k in range(i + 1, width):
            value -= factor[k, i] * z[k]
        z[i] = value / factor[i, i]
    return log_determinant


@njit(cache=False, error_model="numpy", inline="always")
def standardise_back(v_bar, slot, guides, place, root, mean, z, z_bar, work, mean_bar, root_bar):  # type: ignore[no-untyped-def]
    """Add the derivatives in z, and those of -log|C|, to those in coordinates, mean and root."""
    if len(mean) > 1:
        _standardise_block_back(v_bar, slot, guides, place, root, mean, z, z_bar, work, mean_bar, root_bar)
        return
    slopes = standardise_one_back(guides[place], guides[place + 1], root[0, 0], mean[0], z[0], z_bar[0])
    v_bar[slot] += slopes[0]
    root_bar[0, 0] += slopes[1]
    mean_bar[0] += slopes[2]


@njit(cache=False, error_model="numpy")
def _standardise_block_back(v_bar, slot, guides, place, root, mean, z, z_bar, work, mean_bar, root_bar):  # type: ignore[no-untyped-def]
    width = len(mean)
    spread, factor, residual, offset = work[0], work[1], work[2, 0], work[2, 1]
    sum_bar, pulled_bar, precision_bar = work[3, 0], work[3, 1], work[4]
    # z = C'^-1 (offset + v) and offset = C^-1 T' residual.
    for i in range(width):
        value = z_bar[i]
        for k in range(i):
            value -= factor[i, k] * sum_bar[k]
        sum_bar[i] = value / factor[i, i]
        v_bar[slot + i] += sum_bar[i]
    for i in range(width - 1, -1, -1):
        value = sum_bar[i]
        for k in range(i + 1, width):
            value -= factor[k, i] * pulled_bar[k]
        pulled_bar[i] = value / factor[i, i]
    # Of a Cholesky factor: C'^-1 Phi(C' C_bar) C^-1, Phi the lower triangle with half the diagonal (Murray 2016).
    for i in range(width):
        for k in range(width):
            precision_bar[i, k] = 0.0
        for k in range(i + 1):
            for m in range(i, width):
                precision_bar[i, k] -= factor[m, i] * (z[m] * sum_bar[k] + pulled_bar[m] * offset[k])
        precision_bar[i, i] = 0.5 * (precision_bar[i, i] - 1.0)
    for k in range(width):
        for i in range(width - 1, -1, -1):
            value = precision_bar[i, k]
            for m in range(i + 1, width):
                value -= factor[m, i] * precision_bar[m, k]
            precision_bar[i, k] = value / factor[i, i]
    for i in range(width):
        for k in range(width - 1, -1, -1):
            value = precision_bar[i, k]
            for m in range(k + 1, width):
                value -= precision_bar[i, m] * factor[m, k]
            precision_bar[i, k] = value / factor[k, k]
    for i in range(width):
        for k in range(width):
            mean_bar[i] -= spread[i, k] * pulled_bar[k]
        for k in range(i + 1):
            value = residual[i] * pulled_bar[k]
            for m in range(width):
                value += spread[i, m] * (precision_bar[m, k] + precision_bar[k, m])
            root_bar[i, k] += value


@njit(cache=False, error_model="numpy")
def work_space(width):  # type: ignore[no-untyped-def]
    """Return space for the matrices and vectors of one level."""
    return np.zeros((5, max(width, 2), max(width, 2)))


@njit(cache=False, error_model="numpy")
def standardise_one(v, weight, pull, sd, mean):  # type: ignore[no-untyped-def]
    """Return the standardised effect of a level with one column, and its precision under the guide."""
    precision = 1.0 + sd * sd * weight
    unit = 1.0 / math.sqrt(precision)
    return (sd * (pull - weight * mean) * unit + v) * unit, precision


@njit(cache=False, error_model="numpy")
def standardise_one_back(weight, pull, sd, mean, z, z_bar):  # type: ignore[no-untyped-def]
    """Return the derivatives in coordinate, SD and mean of one column, from that in z, minus half the log precision added."""
    unit = 1.0 / math.sqrt(1.0 + sd * sd * weight)
    share, residual = sd * weight * unit * unit, (pull - weight * mean) * unit * unit
    sd_bar = z_bar * residual - (z_bar * (z + sd * residual) + 1.0) * share
    return z_bar * unit, sd_bar, -z_bar * share


@njit(cache=False, error_model="numpy")
def standardise_draws(draws, guides, roots, means, out):  # type: ignore[no-untyped-def]
    """Write the standardised effects (S, J, K) of draws of coordinates, given roots (S, K, K) and means (S, J, K)."""
    width = draws.shape[2]
    flat, work = guides.ravel(), work_space(width)
    for s in range(draws.shape[0]):
        for j in range(draws.shape[1]):
            standardise(draws[s, j], 0, flat, j * width * (width + 1), roots[s], means[s, j], out[s, j], work)
