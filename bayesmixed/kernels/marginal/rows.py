"""Rows as the marginal density reads them, sorted by the levels of the factor that is integrated by quadrature.

Families here are concave in the predictor, and have one further parameter at most.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from bayesmixed.kernels.rows.families import BINOMIAL, GAMMA, GAUSSIAN, NEGBIN, POISSON
from bayesmixed.kernels.rows.links import LOGIT
from bayesmixed.kernels.rows.natural import binomial
from bayesmixed.kernels.rows.special import log1m_exp_negative, log_rising, softplus_slope

_PATIENT = 40
"""Steps after which a search for a mode does more than Newton's."""


class Rows(NamedTuple):
    """n rows, a border of r coefficients and effects that each row takes some of, and J levels with K effects each.

    Attributes
    ----------
    layered : bool
        Each row has an effect of its own, which is integrated out within the row.
    kinds, examples : (n,), (m,) arrays
        For layered rows the number of a kind of rows that share all that their log-likelihood depends on besides the
        predictor, -1 for rare ones, and a row of each kind; of Poisson rows, which may have other responses, the largest.
    family, link : int
        Codes of the compiled rows; lognormal rows are normal ones, and the response of these and of gamma rows a logarithm.
    plain : bool
        Each row takes one effect of its level as it is.
    border : int
        r
    response, trials, weights, offset : (n,) arrays
    constant : float
        Log-likelihood that depends on no parameter.
    distinct : (3, m) array
        Response, `shift` and sum of weights of the rows that share what of their log-likelihood depends on the further
        parameter alone; the categories between two thresholds.
    scalar, value : int, float
        Coordinate of the logarithm of the further parameter, -1 where it is fixed, and then that.
    shift : (n,) array
        What is added to it in each row; of events at thresholds the sign of all that a row adds up.
    thresholds, first_cut : int, int
        Number of thresholds between ordered categories, 0 without categories; coordinate of the logarithm of the first
        distance between them. Under a logit a category between two thresholds u < v is two events, F(v - eta) - F(u - eta) =
        (1 - exp(u - v)) F(v - eta) F(eta - u): rows are then these events, and the first threshold a coefficient.
    steps : bool
        Categories are events by themselves, of which thresholds may have any order: the coordinates are the distances.
    cut : (n,) array
        At which threshold each event is.
    columns : (n, p) array
        Columns of the coefficients, the last p of the border, which are standard normal under about their prior.
    starts, places, slots, loadings : (n + 1,), (m,), (m,), (m,) arrays
        For each row its first entry; of each entry the place in the border, that among `level_columns` of its level, and
        what multiplies it.
    own : (n, K) array
        What multiplies the effects of the level.
    pointers : (J + 1,) array
        First row of each level.
    level_pointers, level_columns : (J + 1,), (N,) arrays
        The places of the border that the rows of each level take, ascending.
    """

    layered: bool
    kinds: Any
    examples: Any
    family: int
    link: int
    plain: bool
    border: int
    response: Any
    trials: Any
    weights: Any
    offset: Any
    constant: float
    distinct: Any
    scalar: int
    value: float
    shift: Any
    thresholds: int
    first_cut: int
    steps: bool
    cut: Any
    columns: Any
    starts: Any
    places: Any
    slots: Any
    loadings: Any
    own: Any
    pointers: Any
    level_pointers: Any
    level_columns: Any


@njit(cache=False, error_model="numpy")
def fill_further(x, rows, further):  # type: ignore[no-untyped-def]
    """Write the further parameter of each row at a point, and return the log-likelihood that depends on no predictor.

    Of events at thresholds it is the distance of the threshold from the first one.
    """
    if rows.thresholds > 0:
        return _fill_distances(x, rows, further)
    value = x[rows.scalar] if rows.scalar >= 0 else rows.value
    family, total, shift, one = rows.family, rows.constant, 0.0, math.exp(value)
    for i in range(len(further)):
        if rows.shift[i] != shift:
            shift = rows.shift[i]
            one = math.exp(value + shift)
        further[i] = one
    for k in range(rows.distinct.shape[1]):
        y, weight = rows.distinct[0, k], rows.distinct[2, k]
        one = math.exp(value + rows.distinct[1, k])
        if family == NEGBIN:
            total += weight * (log_rising(one, y)[0] - y * math.log(one))
        elif family == GAMMA:
            total += weight * (one * math.log(one) - one - math.lgamma(one))
        elif family == GAUSSIAN:
            total -= weight * (value + rows.distinct[1, k])
    return total


@njit(cache=False, error_model="numpy")
def _fill_distances(x, rows, further):  # type: ignore[no-untyped-def]
    """Write how far the threshold of each row is from the first one, and return what depends on distances alone."""
    distances, total = np.zeros(rows.thresholds), rows.constant
    for k in range(1, rows.thresholds):
        gap = x[rows.first_cut + k - 1]
        if not rows.steps:
            gap = math.exp(gap)
            total += rows.distinct[2, k - 1] * log1m_exp_negative(gap)
        distances[k] = distances[k - 1] + gap
    for i in range(len(further)):
        further[i] = rows.shift[i] * distances[rows.cut[i]]
    return total


@njit(cache=False, error_model="numpy")
def lower_predictors(rows, further, eta):  # type: ignore[no-untyped-def]
    """Subtract the distances of thresholds."""
    if rows.thresholds > 0:
        for i in range(len(eta)):
            eta[i] -= further[i]


@njit(cache=False, error_model="numpy")
def row_slopes(family, link, y, trials, further, predictor):  # type: ignore[no-untyped-def]
    """Return the log-likelihood of a row as far as it depends on its predictor, and its first three derivatives there."""
    if family == POISSON:
        mean = math.exp(predictor)
        return y * predictor - mean, y - mean, -mean, -mean
    if family == BINOMIAL and link == LOGIT:
        total, mean = softplus_slope(predictor)
        bend = -trials * mean * (1.0 - mean)
        return y * predictor - trials * total, y - trials * mean, bend, bend * (1.0 - 2.0 * mean)
    if family == NEGBIN:
        ratio = math.exp(predictor) / further
        share, whole = ratio / (1.0 + ratio), y + further
        bend = -whole * share / (1.0 + ratio)
        return y * predictor - whole * math.log1p(ratio), y - whole * share, bend, bend * (1.0 - 2.0 * share)
    if family == GAMMA:
        distance = y - predictor
        excess = math.expm1(distance)
        bend = further * (excess + 1.0)
        return further * (distance - excess), further * excess, -bend, bend
    if family == GAUSSIAN:
        weight = 1.0 / (further * further)
        residual = y - predictor
        return -0.5 * weight * residual * residual, weight * residual, -weight, 0.0
    value, first, second, third, _, _, _ = binomial(link, y, trials - y, predictor)
    return value, first, second, third


@njit(cache=False, error_model="numpy")
def next_place(z, slope, step, low, high, tried, longest):  # type: ignore[no-untyped-def]
    """Return where to look next for the mode of a concave function of one number, which is between `low` and `high`.

    Newton's step at first. After some places that were `tried` the middle of a bounded interval now and then, and ever longer
    steps where there is no bound yet, so that the mode is found however far it is and however sharp.
    """
    bounded, late = low > -np.inf and high < np.inf, tried - _PATIENT
    if not math.isfinite(step):  # far beyond the mode the slope overflows
        if not math.isfinite(z) or not (slope > 0.0 or slope < 0.0):
            return 0.5 * (low + high) if bounded else 0.5 * z if math.isfinite(z) else 0.0
        step = longest if slope > 0.0 else -longest
    if late >= 0:
        if bounded and late % 2 == 0:
            return 0.5 * (low + high)
        if not bounded:
            step, longest = step * 2.0 ** min(late, 60), longest * 2.0 ** min(late, 60)
    z += min(max(step, -longest), longest)
    return z if low < z < high else 0.5 * (low + high)
