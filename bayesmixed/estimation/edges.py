"""Maxima at the edge of a covariance, SDs of zero and correlations of one, which searches on logarithms do not reach."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bayesmixed.estimation.maximisation import Maximum, Slopes, Values, maximise
from bayesmixed.families.links import Array

_NEARER = 12.0
"""How much nearer to either end a flat parameter is tried at last."""
_LEVEL = 0.01
"""A rise on the way there from which no maximum was found: there is none under priors whose density at zero is infinite."""
_END, _MOST_SIGNS = 2.0, 3
"""Coordinate of partial correlations that start anew, those of .76 and -.76; of how many all pairs of signs are tried."""
_UNIT, _STEP = 0.5, 1e-3
"""Unit of a root in starting SDs, and steps of differences in units."""
_TINY = 1e-150


@dataclass(frozen=True, slots=True)
class CovariancePlaces:
    """Where the covariance of K columns of a term stands among d parameters.

    Attributes
    ----------
    sds : (K,) integer array
        Logarithms of SDs.
    partials : (K (K - 1) / 2,) integer array
        Partial correlations, row by row, on the coordinates of `kernels.slots.PARTIAL`; none of independent columns.
    """

    sds: NDArray[np.int64]
    partials: NDArray[np.int64]

    @property
    def both(self) -> NDArray[np.int64]:
        return np.concatenate([self.sds, self.partials])

    def root(self, point: Array) -> Array:
        """Return the lower triangle, row by row, of the Cholesky factor of the covariance at a point (d,)."""
        partials, rows, number = np.tanh(0.5 * point[self.partials]), [], 0
        for i, sd in enumerate(np.exp(point[self.sds])):
            left = sd
            for partial in partials[number : number + i]:
                rows.append(left * partial)
                left *= np.sqrt(1.0 - partial**2)
            rows.append(left)
            number += i
        return np.array(rows)

    def coordinates(self, roots: Array) -> Array:
        """Return the parameters, (S, K (K + 1) / 2), SDs first, of any lower triangles (S, K (K + 1) / 2)."""
        sds, partials, first = [], [], 0
        ends = np.cumsum(1 + np.arange(len(self.sds))) - 1
        signs = np.where(roots[:, ends] < 0.0, -1.0, 1.0)
        for i, end in enumerate(ends.tolist()):
            row = roots[:, first : end + 1] * signs[:, : i + 1]
            # What is left of a row from each column on.
            left = np.sqrt(np.cumsum(row[:, ::-1] ** 2, axis=1)[:, ::-1])
            sds.append(np.log(np.maximum(left[:, 0], _TINY)))
            share = row[:, :i] / np.maximum(left[:, :i], _TINY)
            partials.append(2.0 * np.arctanh(np.clip(share, -1.0 + 1e-15, 1.0 - 1e-15)))
            first = end + 1
        return np.column_stack([*sds, *partials])


def maximise_to_edges(
    values: Values,
    start: Array,
    scale: Array,
    slopes: Slopes | None,
    parts: Sequence[CovariancePlaces],
    ends: NDArray[np.int64],
) -> Maximum:
    """Return the maximum as `maximise` does, also at an SD of zero, a correlation of one or an end of other parameters.

    Near such an edge the function is flat in logarithms of SDs and in partial correlations, and a search stops wherever it
    comes near one. From there it goes on in the entries of the Cholesky factor, in which nothing is special about zero (Bates
    et al., 2015, J Stat Softw 67:1, section 2.2), also from larger SDs with correlations of either sign.
    """
    best = maximise(values, start, scale, slopes)
    for part in parts:
        if len(part.partials) and len(_flat(best, part.both)):
            for point in [best.point, *_anew(best.point, start, part)]:
                other = _maximise_along_root(values, point, start, scale, slopes, part)
                if other.found and other.value > best.value:
                    best = other
    bounded = np.concatenate([ends, *(part.both for part in parts)])
    flat = set(_flat(best, bounded).tolist())
    for k, step in product(bounded.tolist(), (_NEARER, -_NEARER)):
        point = best.point.copy()
        point[k] += step
        there = float(values(point[None])[0])
        if there > best.value + (0.0 if k in flat else _LEVEL):
            best = replace(best, point=point, value=there, found=bool(best.found and there < best.value + _LEVEL))
    return best


def _flat(found: Maximum, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those of some parameters in which a maximum is flat."""
    return places[np.isnan(found.standard_errors(np.eye(len(found.point))[places]))]


def _anew(point: Array, start: Array, part: CovariancePlaces) -> Iterator[Array]:
    """Yield a point with starting SDs and with correlations of each sign."""
    count = len(part.partials)
    for signs in product((1.0, -1.0), repeat=count) if count <= _MOST_SIGNS else ((1.0,) * count, (-1.0,) * count):
        place = point.copy()
        place[part.sds] = np.maximum(start[part.sds], point[part.sds])
        place[part.partials] = _END * np.array(signs)
        yield place


def _maximise_along_root(
    values: Values, point: Array, start: Array, scale: Array, slopes: Slopes | None, part: CovariancePlaces
) -> Maximum:
    """Return the maximum that is found from a point in the entries of the Cholesky factor of one covariance."""
    rest = np.setdiff1d(np.arange(len(point)), part.both)
    size = len(rest)
    units = np.repeat(_UNIT * np.exp(start[part.sds]), 1 + np.arange(len(part.sds)))
    wide = np.zeros((size + len(units),) * 2)
    wide[:size, :size], wide[size:, size:] = scale[np.ix_(rest, rest)], np.diag(units)
    steps = _STEP * np.diag(units)

    def points(along: Array) -> Array:
        found = np.empty((len(along), len(point)))
        found[:, rest], found[:, part.both] = along[:, :size], part.coordinates(along[:, size:])
        return found

    def both(along: Array) -> tuple[float, Array]:
        assert slopes is not None
        value, gradient = slopes(points(along[None])[0])
        near = np.tile(along, (2 * len(units), 1))
        near[:, size:] += np.concatenate([steps, -steps])
        high, low = values(points(near)).reshape(2, -1)
        return value, np.concatenate([gradient[rest], 0.5 * (high - low) / np.diagonal(steps)])

    first = np.concatenate([point[rest], part.root(point)])
    found = maximise(lambda along: values(points(along)), first, wide, None if slopes is None else both)
    return maximise(values, points(found.point[None])[0], scale, slopes)
