"""What blocks are made of: parts with one covariance, coordinates of priors, and which levels a row takes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array
from bayesmixed.terms.structures import Structure

ONE, RELATED, SEVERAL, ALL = "one", "related", "several", "all"
"""Levels whose effects a row takes: one, so that levels are independent given all else; one of several that vary together;
several, with shares; all."""


@dataclass(frozen=True, slots=True)
class Part:
    """Columns of a group block that share one covariance structure.

    Attributes
    ----------
    columns : tuple of int
        Their places in the block.
    correlated : bool
        Whether their correlations are estimated one by one.
    structure : Structure or None
        The structure of their covariance, where it is neither diagonal nor free.
    letter : str
        Letter of (x |p| g): all columns of a factor with it have one covariance, in whatever predictors they stand.
    """

    columns: tuple[int, ...]
    correlated: bool
    structure: Structure | None = None
    letter: str = ""

    def shifted(self, by: int) -> "Part":
        """Return the part shifted behind so many other columns."""
        return replace(self, columns=tuple(column + by for column in self.columns))


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Numbers on which the priors of coefficients, or of SDs of effects, are stated.

    Attributes
    ----------
    labels : tuple of str
        Of the q coordinates, in prior keys: "Intercept_centred", "x", "f #1"; those of coefficients as written where a
        user states priors on these.
    mixing : (r, q) array
        Coefficients of the columns of the basis are this matrix times the coordinates.
    units : (q,) array
        Scales of default priors, in units of that of a standardised slope; NaN where the user states a prior.
    pulls : (q,) array
        What multiplies the location of the intercept to make that of a coordinate.
    as_written : bool
        Coordinates are the coefficients or effects as written.
    origin : (p,) array or None
        In fits of earlier versions, the values of the columns as written at which their priors are stated.
    """

    labels: tuple[str, ...]
    mixing: Array
    units: Array
    pulls: Array
    as_written: bool = False
    origin: Array | None = None


def basis_coordinates(labels: tuple[str, ...], units: Array, *, as_written: bool = False) -> Coordinates:
    """Return as coordinates the coefficients of columns of a basis, or those as written."""
    return Coordinates(labels, np.eye(len(labels)), units, np.zeros(len(labels)), as_written)


def fixed_correlations(parts: tuple[Part, ...], value: float) -> Array:
    """Return the (K, K) correlation matrix in which every correlation that would be estimated has one value."""
    found = np.eye(sum(len(part.columns) for part in parts))
    for part in parts:
        if part.correlated:
            found[np.ix_(part.columns, part.columns)] = value
    np.fill_diagonal(found, 1.0)
    return found


def lies_in(inner: NDArray[np.intp], outer: NDArray[np.intp], size: int | None = None) -> NDArray[np.intp]:
    """Return the outer group that contains each inner one, (size,), from the groups of the rows: that of its last row."""
    found = np.zeros(int(inner.max()) + 1 if size is None else size, dtype=np.intp)
    found[inner] = outer
    return found


def block_diagonal(first: Array, second: Array) -> Array:
    """Return the block-diagonal matrix of two matrices."""
    found = np.zeros(np.add(first.shape, second.shape))
    found[: first.shape[0], : first.shape[1]] = first
    found[first.shape[0] :, first.shape[1] :] = second
    return found


def sparse_rows(places: NDArray[np.intp], values: Array, size: int) -> Any:
    """Return a sparse matrix with so many columns and the same number of values in every row, (m, E) places and values."""
    from scipy import sparse

    pointers = np.arange(0, values.size + 1, places.shape[1])
    return sparse.csr_matrix((values.ravel(), places.ravel(), pointers), shape=(len(places), size))
