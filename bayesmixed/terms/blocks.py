"""Blocks: what a term becomes on data, its arrays, labels, learned state and coordinates."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bayesmixed.links import Array
from bayesmixed.terms.basis import Basis
from bayesmixed.terms.block_parts import ONE, Coordinates, Part, basis_coordinates, block_diagonal, sparse_rows
from bayesmixed.terms.empty_cells import Reduction
from bayesmixed.terms.notation import safe_name
from bayesmixed.terms.scaled_matrices import draw_normal
from bayesmixed.terms.smooth_block import SmoothBlock


@dataclass(frozen=True, slots=True)
class PopulationBlock:
    """The population part of one predictor: n rows by p columns, and q coordinates in which its priors are stated.

    Attributes
    ----------
    labels : tuple of str
        Names of the columns as written.
    matrix : (n, p) array
        The columns as written.
    state : EvaluatedFormula
        Learned levels, knots and contrasts, replayed on new rows.
    basis : Basis
        Of the formula, smooths left out.
    columns : (n, r) array
        Columns of the basis, then those of smooths that are not penalised.
    written : (p, r) array
        Coefficients as written are this matrix times those of `columns`.
    units : (r,) array
        Scales of the default priors of the coefficients of `columns`; see `Basis.units`.
    means, written_means : (r,), (p,) arrays
        Means of `columns` and `matrix` over the rows of the fit.
    coordinates : Coordinates
        Where the priors are stated.
    reduction : Reduction
        Which columns of the formula `matrix` has.
    open_part : (n, d) array
        What the rows of the fit leave open of the predictor of each row: no columns without empty combinations of levels.
    """

    labels: tuple[str, ...]
    matrix: Array
    state: Any
    basis: Basis
    columns: Array
    written: Array
    units: Array
    means: Array
    written_means: Array
    coordinates: Coordinates
    reduction: Reduction
    open_part: Array

    @property
    def column_labels(self) -> tuple[str, ...]:
        """Labels of the r columns of the basis and of smooths."""
        return (*self.basis.labels, *self.labels[len(self.labels) - len(self.units) + len(self.basis.labels) :])

    @property
    def is_open(self) -> NDArray[np.bool_]:
        """Rows of which the rows of the fit leave the predictor open, (n,)."""
        return np.asarray(np.any(self.open_part != 0.0, axis=1))

    @property
    def transform(self) -> Array:
        """(p, q) matrix T: coefficients as written are T times the coordinates."""
        return np.eye(len(self.labels)) if self.as_written else np.asarray(self.written @ self.coordinates.mixing)

    @property
    def as_written(self) -> bool:
        """Whether the coordinates are the coefficients as written, if of columns with the mean zero under thresholds."""
        return self.coordinates.as_written

    @property
    def coordinate_matrix(self) -> Array:
        """(n, q) columns that multiply the coordinates."""
        return self.coordinate_rows(slice(None))

    def coordinate_rows(self, rows: slice) -> Array:
        """Return some rows of `coordinate_matrix`."""
        return np.asarray(self.columns[rows] @ self.coordinates.mixing)

    def take(self, rows: NDArray[np.intp]) -> "PopulationBlock":
        """Return the block of some of its rows."""
        return replace(self, matrix=self.matrix[rows], columns=self.columns[rows], open_part=self.open_part[rows])


@dataclass(frozen=True, slots=True)
class GroupBlock:
    """The effects of one grouping factor in one predictor: J levels by K columns.

    Attributes
    ----------
    name : str
        The factor: "herd", "block:plot", "obs".
    labels : tuple of str
        The K columns, formulaic's names.
    matrix : (n, K) array
        The columns as written.
    index : (n,) integer array
        Level of each row.
    levels : tuple of str
        The J labels; those after the first `known` were not there when the model was fitted.
    parts : tuple of Part
        Partition of the columns by covariance structure.
    bases : tuple of (Basis or None)
        For each state: None where there is nothing to learn.
    columns : (n, K) array
        Columns of the bases.
    written : (K, K) array
        Effects as written are this matrix times those of `columns`.
    units, units_as_written : (K,) arrays
        Scales of the default priors of the SDs of effects of `columns`, and of effects as written.
    means : (K,) array
        Means of `columns` over the rows of the fit.
    coordinates : Coordinates
        Where the priors of SDs and correlations are stated.
    of_rows : bool
        One level per row by construction, that is `obs()`.
    states : tuple of EvaluatedFormula
        Learned state, one for each part.
    copies : (n,) array or None
        How many rows each row stands for, with frequency weights.
    factors : tuple of str
        The columns whose combinations are the levels, none for `obs()`.
    """

    takes: ClassVar[str] = ONE
    named: ClassVar[bool] = True
    name: str
    labels: tuple[str, ...]
    matrix: Array
    index: NDArray[np.intp]
    levels: tuple[str, ...]
    known: int
    parts: tuple[Part, ...]
    bases: tuple[Basis | None, ...]
    columns: Array
    written: Array
    units: Array
    units_as_written: Array
    means: Array
    coordinates: Coordinates
    of_rows: bool
    states: tuple[Any, ...]
    copies: Array | None = None
    factors: tuple[str, ...] = ()

    @property
    def dim(self) -> str:
        """The factor's name in the draws: dimension of its levels, and part of the names of its variables."""
        return safe_name(self.name)

    @property
    def correlated(self) -> bool:
        """Whether any correlation is estimated."""
        return any(part.correlated for part in self.parts)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the effects, (J, K)."""
        return len(self.levels), len(self.labels)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Number of rows of each level, (J,)."""
        return np.bincount(self.index, self.copies, minlength=len(self.levels)).astype(np.intp)

    @property
    def intercept(self) -> int | None:
        """Position of the intercept column, if there is one."""
        return self.labels.index("Intercept") if "Intercept" in self.labels else None

    @property
    def width(self) -> int:
        """Number K of columns."""
        return len(self.labels)

    @property
    def scales(self) -> Array:
        """(K,) what the default prior of each SD calls one step."""
        return np.asarray(1.0 / self.coordinates.units)

    @property
    def centred(self) -> bool:
        """Whether priors are stated elsewhere than as written."""
        return not np.array_equal(self.transform, np.eye(self.width))

    @property
    def transform(self) -> Array:
        """(K, K) matrix T: effects as written are T times the effects at the centre."""
        return np.eye(self.width) if self.coordinates.as_written else np.asarray(self.written @ self.coordinates.mixing)

    @property
    def centred_matrix(self) -> Array:
        """(n, K) columns at the centre: the matrix that multiplies the effects at the centre."""
        return self.centred_rows(slice(None))

    def take(self, rows: NDArray[np.intp]) -> "GroupBlock":
        """Return the block of some of its rows, with all levels."""
        copies = None if self.copies is None else self.copies[rows]
        return replace(
            self, matrix=self.matrix[rows], columns=self.columns[rows], index=self.index[rows], copies=copies
        )

    def join(self, other: "GroupBlock") -> "GroupBlock":
        """Return the block of two terms of one factor; their columns are independent of each other."""
        parts = tuple(Part(tuple(c + self.width for c in part.columns), part.correlated) for part in other.parts)
        units_as_written = np.concatenate([self.units_as_written, other.units_as_written])
        return replace(
            self,
            labels=self.labels + other.labels,
            matrix=np.hstack([self.matrix, other.matrix]),
            parts=self.parts + parts,
            bases=self.bases + other.bases,
            columns=np.hstack([self.columns, other.columns]),
            written=block_diagonal(self.written, other.written),
            units=np.concatenate([self.units, other.units]),
            units_as_written=units_as_written,
            means=np.concatenate([self.means, other.means]),
            coordinates=basis_coordinates(self.labels + other.labels, units_as_written, as_written=True),
            states=self.states + other.states,
        )

    @property
    def residual(self) -> bool:
        """Whether the effects are those of single rows."""
        return self.of_rows or bool(np.all(self.sizes <= 1))

    def contribution(self, effects: Array, *, written: bool = False) -> Array:
        """Return z'b of each row, (..., n), for effects at the centre, or as written, (..., J, K)."""
        total: Any = 0.0
        for column, z in enumerate(self.matrix.T if written else self.centred_matrix.T):
            total = total + self.pick(effects[..., column]) * z
        return np.asarray(total)

    def expression(self, coefficients: Any) -> Any:
        """Return z'b of each row as symbols, for coefficients at the centre, (J, K)."""
        eta: Any = 0.0
        for column, z in enumerate(self.centred_matrix.T):
            picked = self.pick(coefficients[:, column])
            eta = eta + (picked if np.all(z == 1) else z * picked)
        return eta

    def pick(self, values: Any) -> Any:
        """Return the values, (..., J), of the level of each row, (..., n)."""
        return values[..., self.index]

    def sums(self, values: Array) -> Array:
        """Return sums of values, (n,), over the rows of each level, (J,)."""
        return np.bincount(self.index, values, minlength=len(self.levels))

    @property
    def spread_matrix(self) -> Array:
        """(n, K) columns z for which z' Sigma z is the variance of the term in each row, Sigma that of a level's effects."""
        return self.centred_matrix

    def variance(self, covariance: Array) -> Array:
        """Return the variance of z'b in each row, (..., n), for covariances (..., K, K) of effects at the centre."""
        z = self.spread_matrix
        return np.einsum("...kl,nk,nl->...n", covariance, z, z, optimize=True)

    def draw_new(self, covariance: Array, generator: np.random.Generator) -> Array:
        """Return one draw of the effects of every level at the centre, (..., J, K), for covariances (..., K, K).

        Levels without rows have none: zeros.
        """
        present = np.flatnonzero(self.occurs)
        effects = np.zeros((*covariance.shape[:-2], len(self.levels), self.width))
        effects[..., present, :] = draw_normal(covariance, len(present), generator)
        return effects

    @property
    def occurs(self) -> NDArray[np.bool_]:
        """Which levels have rows, (J,)."""
        return np.bincount(self.index, minlength=len(self.levels)) > 0

    @property
    def unseen(self) -> tuple[str, ...]:
        """Labels of levels with rows that were not there when the model was fitted."""
        return tuple(self.levels[place] for place in np.flatnonzero(self.occurs) if place >= self.known)

    def without_empty_levels(self) -> "GroupBlock":
        """Return the block with the levels that have rows."""
        present, index = np.unique(self.index, return_inverse=True)
        levels = tuple(self.levels[place] for place in present)
        return replace(self, index=index.astype(np.intp), levels=levels, known=len(levels))

    def parents(self, outer: "NormalBlock") -> NDArray[np.intp] | None:
        """Return the level of another factor in which each level lies, (J,), None where one lies in several."""
        if not isinstance(outer, GroupBlock) or outer.takes != ONE:
            return None
        index = np.zeros(len(self.levels), dtype=np.intp)
        index[self.index] = outer.index
        return index if np.array_equal(index[self.index], outer.index) else None

    @property
    def row_columns(self) -> tuple[NDArray[Any], ...]:
        """Columns, (n,) each, that tell apart rows with different z'b."""
        return (self.index, *self.matrix.T)

    def pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
        """Return every row with every level that it takes: rows, levels and shares, (P,) each."""
        return np.arange(len(self.index)), self.index, np.ones(len(self.index))

    def products(self, weights: Array) -> Array:
        """Return sums of weights (S, n) times zz' of columns as written over the rows of each level, (S, J, K, K)."""
        rows, levels, shares = self.pairs()
        found = np.zeros((len(weights), len(self.levels), self.width, self.width))
        for k in range(self.width):
            for m in range(k, self.width):
                product = (weights * (self.matrix[:, k] * self.matrix[:, m]))[:, rows] * shares**2
                for draw, values in enumerate(product):
                    sums = np.bincount(levels, values, minlength=len(self.levels))
                    found[draw, :, k, m] = found[draw, :, m, k] = sums
        return found

    def alone(self, levels: NDArray[np.bool_]) -> tuple[NDArray[np.intp], Array]:
        """Return the effects of some levels, (J,), as sets of rows: the set of each row, -1 for none, and columns (n, K) that
        multiply its effects at the centre."""
        own = levels[self.index]
        return np.where(own, self.index, -1), self.centred_matrix * own[:, None]

    def indicators(self) -> Array:
        """Return the share that each row has in each level, (n, J)."""
        rows, levels, shares = self.pairs()
        found = np.zeros((len(self.matrix), len(self.levels)))
        np.add.at(found, (rows, levels), shares)
        return found

    def extrapolations(self) -> Iterator[str]:
        """Yield nothing: new levels are no extrapolation."""
        yield from ()

    def loadings(self, rows: Any = slice(None)) -> tuple[NDArray[np.intp], Array]:
        """Return which of the J K effects some rows take, (m, E), and what multiplies each, at the centre."""
        return self.index[rows, None] * self.width + np.arange(self.width), self.centred_rows(rows)

    def sparse_columns(self, rows: slice = slice(None)) -> Any:
        """Return the (m, J K) columns that multiply the effects at the centre, level by level, in some rows."""
        return sparse_rows(*self.loadings(rows), len(self.levels) * self.width)

    def centred_rows(self, rows: Any) -> Array:
        """Return some rows of `centred_matrix`."""
        if self.coordinates.as_written:
            return self.matrix[rows]
        return np.asarray(self.columns[rows] @ self.coordinates.mixing)


NormalBlock = GroupBlock | SmoothBlock
"""Blocks whose coefficients are normal with an SD that is estimated."""


@dataclass(frozen=True, slots=True)
class OffsetBlock:
    """A known addition to one predictor, (n,)."""

    values: Array
    parts: tuple[Part, ...] = ()

    def join(self, other: "OffsetBlock") -> "OffsetBlock":
        """Return the sum of two additions."""
        return OffsetBlock(self.values + other.values)


Block = PopulationBlock | GroupBlock | SmoothBlock | OffsetBlock
