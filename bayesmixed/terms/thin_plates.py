"""Thin plate regression splines: columns of one or two covariates with a penalty on their bending."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayesmixed.families.links import Array

MOST_KNOTS = 1000
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Plate:
    """A thin plate of two covariates learned from data: what is replayed on new rows.

    Attributes
    ----------
    centre : (2,) array
        Means of the covariates at the fit.
    unit : float
        The larger of their ranges: both are measured in it, so that the plate is as stiff in all directions.
    knots : (m, 2) array
        From the centre, in that unit.
    map : (m, r) array
        From the radial functions of the knots to penalised columns.
    plane : (3, r) array
        Constants and slopes (per unit, from the centre) that are removed from the penalised columns.
    """

    centre: Array
    unit: float
    knots: Array
    map: Array
    plane: Array

    def penalised(self, points: Array) -> Array:
        """Return the (n, r) penalised columns at points, (n, 2), the smoothest first."""
        scaled = (points - self.centre) / self.unit
        return _mapped(scaled, self.knots, self.map) - _planes(scaled) @ self.plane


def learn_plate(points: Array, k: int) -> Plate:
    """Return the thin plate of rank k for the points of a fit, (n, 2), with the integral of squared second derivatives
    penalised (Wood 2003, J R Stat Soc B 65:95); its k - 3 penalised columns are orthogonal over the rows to planes.

    Of more than 1,000 different points a random selection, always the same, serves as knots.
    """
    centre, unit = points.mean(axis=0), float(np.ptp(points, axis=0).max())
    scaled = (points - centre) / unit
    knots = np.unique(scaled, axis=0)
    if len(knots) > MOST_KNOTS:
        knots = knots[np.sort(np.random.default_rng(0).choice(len(knots), MOST_KNOTS, replace=False))]
    mapping = truncate(_energies(knots, knots), _planes(knots), k)
    plane, rotation = separate(_mapped(scaled, knots, mapping), _planes(scaled))
    return Plate(centre, unit, knots, mapping @ rotation, plane @ rotation)


def truncate(energies: Array, free: Array, k: int) -> Array:
    """Return the map from radial functions to the columns of a thin plate regression spline whose coefficients have penalty b'b.

    Of the coefficients of all m knots, the space of the k eigenvectors with the largest eigenvalues is kept, and in it
    the part orthogonal to the functions without a penalty.

    Parameters
    ----------
    energies : (m, m) array
        Radial function of each knot at each knot.
    free : (m, p) array
        Values at the knots of the functions without a penalty.
    k : int
        Rank; k - p columns are penalised.
    """
    values, vectors = _largest(energies, k)
    width = free.shape[1]
    kept = np.linalg.svd(free.T @ vectors)[2][width:].T
    return np.asarray(vectors @ kept @ whiten(kept.T @ (values[:, None] * kept), k - width))


def separate(raw: Array, free: Array, weight: Array | None = None) -> tuple[Array, Array]:
    """Return what takes penalised columns to those of Demmler and Reinsch: orthogonal over the rows to each other and to the
    functions without a penalty, and scaled so that the mean of z_i'z_i over the rows is 1.

    Parameters
    ----------
    raw : (n, r) array
        Columns whose coefficients have penalty b'b.
    free : (n, p) array
        The functions without a penalty.
    weight : (n,) array, optional
        Numbers by which all of them are multiplied.

    Returns
    -------
    (p, r) array, (r, r) array
        Coefficients of the free functions to be removed from the columns, and the rotation of the columns.
    """
    times = np.ones((len(raw), 1)) if weight is None else weight[:, None]
    removed = np.linalg.lstsq(free * times, raw * times, rcond=None)[0]
    columns = (raw - free @ removed) * times
    _, sizes, axes = np.linalg.svd(columns, full_matrices=False)
    rotation = axes.T / np.sqrt(np.sum(sizes**2) / len(raw))
    largest = np.abs(columns @ rotation).argmax(axis=0)
    return removed, rotation * np.sign((columns @ rotation)[largest, np.arange(rotation.shape[1])])


def whiten(penalty: Array, rank: int) -> Array:
    """Return the map to coordinates in which a penalty matrix of known rank is the identity."""
    values, vectors = np.linalg.eigh(penalty)
    return np.asarray(vectors[:, -rank:] / np.sqrt(values[-rank:]))


def in_blocks(columns: Callable[[Array], Array], x: Array) -> Array:
    """Return columns of rows, some rows at a time: thin plates have a function for each knot."""
    starts = range(0, len(x), _ROWS_AT_ONCE)
    return np.vstack([columns(x[start : start + _ROWS_AT_ONCE]) for start in starts])


def _mapped(points: Array, knots: Array, mapping: Array) -> Array:
    return in_blocks(lambda some: _energies(some, knots) @ mapping, points)


def _planes(points: Array) -> Array:
    return np.column_stack([np.ones(len(points)), points])


def _energies(points: Array, knots: Array) -> Array:
    """Return r^2 log(r) / (8 pi) of the distances r, the radial function of two covariates with second derivatives penalised."""
    square = np.sum((points[:, None, :] - knots[None, :, :]) ** 2, axis=2)
    return np.asarray(square * np.log(np.where(square > 0, square, 1.0)) / (16.0 * np.pi))


def _largest(matrix: Array, k: int) -> tuple[Array, Array]:
    """Return the k eigenvalues of a symmetric matrix that are largest in size, with their vectors."""
    from scipy.sparse.linalg import eigsh

    if 2 * k >= len(matrix):
        values, vectors = np.linalg.eigh(matrix)
        kept = np.argsort(-np.abs(values))[:k]
        return values[kept], vectors[:, kept]
    # A fixed start: Lanczos would draw a random one, and results would not be reproducible.
    start = np.random.default_rng(0).standard_normal(len(matrix))
    values, vectors = eigsh(matrix, k, v0=start, tol=0)
    return np.asarray(values), np.asarray(vectors)
