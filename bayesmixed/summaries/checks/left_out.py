"""What the other rows say about each row: its distribution function and moments, predicted without it."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayesmixed.cross_validation.importance_weights import smooth_weights
from bayesmixed.cross_validation.marginal_densities import leave_rows_out, predict_in_turn
from bayesmixed.cross_validation.units import mark_bounding
from bayesmixed.design.design import Design
from bayesmixed.draws.pieces import split_draws
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import some_draws

DRAWS = 1000
_SAME = 1e-8


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the other rows say about each row.

    Attributes
    ----------
    distribution : (M, n) array
        P(Y <= point) at given points, averaged over draws with the weights of leaving the row out.
    pareto_k : (n,) array
        Below 0.7 the weights can be trusted.
    expected, variance : (n,) array
        Mean and variance of the response, empty unless asked for.
    doubt : (n,) array
        The part of the variance that is uncertainty about the row's own mean, without the variance of its family and
        without
        effects of single rows; empty unless asked for.
    place : (n,) array
        Means (of one trial), each relative to the mean over all rows predicted without the same row: leaving out a large
        response lowers the prediction of all rows a little, which alone would order rows that are the same to the
        model. Empty unless asked for.
    """

    distribution: Array
    pareto_k: Array
    expected: Array
    variance: Array
    doubt: Array
    place: Array


def predict_left_out(fit: Fit, points: Array, draws: int | None = DRAWS, *, moments: bool = False) -> Prediction:
    """Return the distribution function of each row at some points, (M, n), predicted from the other rows.

    With `moments` also what is expected of each row. Where residuals are correlated within groups, from other groups and the
    rows of its group before it, so that rows are independent.
    """
    design = fit.design
    posterior = some_draws(fit, draws)
    leave_out = leave_rows_out if design.residual is None else predict_in_turn
    distributions = [leave_out(design, part, points, moments=moments) for part in split_draws(posterior, design.rows)]
    chains = posterior.sizes["chain"]

    def join(pieces: list[Array]) -> Array:
        split = [p.reshape(*p.shape[:-2], chains, p.shape[-2] // chains, design.rows) for p in pieces]
        return np.concatenate(split, axis=-2)

    logs = xr.DataArray(join([distribution.log for distribution in distributions]), dims=("chain", "draw", "row"))
    log_weights, k = smooth_weights(logs.assign_coords(row=range(design.rows)))
    k = mark_bounding(design, np.arange(design.rows), k)
    weights = np.exp(log_weights.values)
    weights /= weights.sum(axis=(0, 1))
    distribution = np.einsum(
        "mcdn,cdn->mn", join([distribution.distribution for distribution in distributions]), weights
    )
    if not moments:
        return Prediction(distribution, k.values, *[np.empty(0)] * 4)
    return Prediction(
        distribution,
        k.values,
        *_moments(design, join([distribution.moments for distribution in distributions]), weights),
    )


def _moments(design: Design, drawn: Array, weights: Array) -> tuple[Array, Array, Array, Array]:
    """Return mean, variance, doubt and place of every row, (n,) each, from its moments by draw, (3, chain, draw, n)."""
    with np.errstate(invalid="ignore"):
        expected, square, known = np.einsum("mcdn,cdn->mn", drawn, weights)
    if any(group.residual for _, group in design.group_blocks()):
        known = np.einsum("cdn,cdn->n", drawn[0] ** 2, weights)
    each = drawn[0] / np.asarray(design.trials, dtype=float)
    level = np.einsum("cd,cdn->n", each.mean(axis=-1), weights)
    share = np.einsum("cdn,cdn->n", each, weights)
    place = share - level
    if np.ptp(place) <= _SAME * np.max(np.abs(share)):
        place = np.zeros(design.rows)
    return expected, square - expected**2, np.maximum(known - expected**2, 0.0), place + level.mean()


def below(y: Array) -> Array:
    """Return the largest numbers below y, where a distribution function equals P(Y < y)."""
    return np.nextafter(y, -np.inf)
