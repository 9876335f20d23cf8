"""What the other rows say about each row: its distribution function and moments, predicted without it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from bayesmixed.cross_validation.left_out_rows import leave_rows_out, predict_in_turn
from bayesmixed.cross_validation.left_out_units import condition
from bayesmixed.cross_validation.row_densities import response_of, row_values
from bayesmixed.cross_validation.row_pieces import Asked
from bayesmixed.cross_validation.units import mark_bounding
from bayesmixed.cross_validation.weighted_units import Weighted, weigh
from bayesmixed.design.design import Design
from bayesmixed.draws.pieces import are_kept, most_rows
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import count_of
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import some_draws
from bayesmixed.fits.shared_results import shared_results
from bayesmixed.integration.layers import Integers

DRAWS = 1000
_SAME = 1e-8
_SAMPLED = 20_000
"""Rows of very many whose mean stands for that of all."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the other rows say about each row.

    Attributes
    ----------
    distribution : (2, n) array
        P(Y <= y) at the response and P(Y < y), or at the limits of a censored one, averaged over draws with the weights of
        leaving the row out.
    zero : (n,) array
        P(Y = 0), empty unless asked for.
    pareto_k : (n,) array
        Below 0.7 the weights can be trusted.
    expected, variance : (n,) array
        Mean and variance of the response, empty unless asked for.
    doubt : (n,) array
        The part of the variance that is uncertainty about the row's own mean, without the variance of its family and
        without effects of
        single rows; empty unless asked for.
    place : (n,) array
        Means (of one trial), each relative to the mean over all rows predicted without the same row: leaving out a large
        response lowers the prediction of all rows a little, which alone would order rows that are the same to the
        model. Empty unless asked for.
    """

    distribution: Array
    zero: Array
    pareto_k: Array
    expected: Array
    variance: Array
    doubt: Array
    place: Array


def predict_left_out(
    fit: Fit, draws: int | None = DRAWS, *, zeros: bool = False, moments: bool = False, category: int = 0
) -> Prediction:
    """Return the distribution function of each row at its response, predicted from the other rows.

    With `zeros` also the probability of a zero, with `moments` also what is expected of each row. Where residuals are correlated
    within groups, from other groups and the rows of its group before it, so that rows are independent. Computed once for a fit.
    Of counts of several categories it is about that of one `category`, by its number.
    """
    known = shared_results(fit)
    key = (predict_left_out.__name__, draws, category)
    before = known.get(key)
    if before is None or (zeros and not len(before.zero)) or (moments and not len(before.expected)):
        zeros, moments = zeros or bool(before and len(before.zero)), moments or bool(before and len(before.expected))
        known[key] = before = _predict(fit, some_draws(fit, draws), zeros, moments, category)
    return before


def _predict(fit: Fit, posterior: xr.Dataset, zeros: bool, moments: bool, category: int) -> Prediction:
    design, observed = fit.design, fit.design.observed
    if category:
        observed = replace(observed, values=count_of(design.response, category))
        design = replace(design, family=design.family.event(category))
    points = observed.interval
    if zeros:
        points = np.stack([*points, np.zeros(design.rows), below(np.zeros(design.rows))])
    asked = Asked(points, moments)
    leave_out = leave_rows_out if design.residual is None else predict_in_turn
    size = design.rows * (1 + len(points) + 3 * moments)
    parts: Iterator[Weighted] | list[Weighted] = weigh(
        lambda wanted: leave_out(design, posterior, asked, wanted), posterior, design.rows, size // design.rows
    )
    level = np.empty(0)
    if moments and are_kept(posterior, size):
        parts = list(parts)
        level = _mean_of_parts(design, parts)
    elif moments:
        level = _mean_of_some(design, posterior)
    distribution, k, found = np.empty((len(points), design.rows)), np.empty(design.rows), np.empty((5, design.rows))
    residual = any(group.residual for _, group in design.group_blocks())
    for part in parts:
        weights = np.exp(part.log_weights)
        weights /= weights.sum(axis=0)
        distribution[:, part.rows] = np.einsum("msn,sn->mn", part.predicted.distribution, weights)
        k[part.rows] = part.pareto_k
        if moments:
            found[:, part.rows] = _moments(part, weights, level, _trials(design, part.rows), residual)
    k = mark_bounding(design, np.arange(design.rows), xr.DataArray(k, dims=("row",))).values
    zero = np.clip(distribution[2] - distribution[3], 0.0, 1.0) if zeros else np.empty(0)
    if not moments:
        return Prediction(distribution[:2], zero, k, *[np.empty(0)] * 4)
    expected, variance, doubt, share, around = found
    place = share - around
    if np.ptp(place) <= _SAME * np.max(np.abs(share)):
        place = np.zeros(design.rows)
    return Prediction(distribution[:2], zero, k, expected, variance, doubt, place + level.mean())


def _moments(part: Weighted, weights: Array, level: Array, trials: Array, residual: bool) -> Array:
    """Return mean, variance and doubt of some rows, the mean of one trial, and that over all rows under their weights, (5, m).

    `level` is the mean of one trial over all rows at each draw; with `residual` effects of single rows are no doubt.
    """
    drawn = part.predicted.moments
    with np.errstate(invalid="ignore"):
        expected, square, known = np.einsum("msn,sn->mn", drawn, weights)
    if residual:
        known = np.einsum("sn,sn->n", drawn[0] ** 2, weights)
    share = np.einsum("sn,sn->n", drawn[0] / trials, weights)
    doubt = np.maximum(known - expected**2, 0.0)
    return np.stack([expected, square - expected**2, doubt, share, level @ weights])


def _mean_of_parts(design: Design, parts: list[Weighted]) -> Array:
    """Return the mean of one trial over all rows at each draw, (S,)."""
    sums = [np.sum(part.predicted.moments[0] / _trials(design, part.rows), axis=-1) for part in parts]
    return np.asarray(np.sum(sums, axis=0) / design.rows)


def _mean_of_some(design: Design, posterior: xr.Dataset) -> Array:
    """Return the mean of one trial over some of very many rows at each draw, (S,), given all effects: leaving one of so many out
    changes none of them."""
    rows = np.arange(0, design.rows, -(-design.rows // _SAMPLED))
    total: Array | float = 0.0
    for piece in np.array_split(rows, -(-len(rows) // most_rows(posterior))):
        units_out = condition(design, posterior, piece)
        _, trials = response_of(units_out)
        mean = design.family.mean(row_values(units_out, units_out.etas), trials) / trials
        total = total + np.sum(np.broadcast_to(mean, (units_out.draws, len(piece))), axis=-1)
    return np.asarray(total / len(rows))


def _trials(design: Design, rows: Integers) -> Array:
    """Return the numbers of trials of some rows, (m,)."""
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), (design.rows,))[rows]
    return np.maximum(trials, 1.0)  # the total of counts of categories may be 0, and all moments then are


def below(y: Array) -> Array:
    """Return the largest numbers below y, where a distribution function equals P(Y < y)."""
    return np.nextafter(y, -np.inf)
