"""Blocks: what a term becomes on data, its arrays, labels, learned state and coordinates."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bayesmixed.links import Array
from bayesmixed.terms.basis import Basis
from bayesmixed.terms.empty_cells import Reduction
from bayesmixed.terms.notation import safe_name
from bayesmixed.terms.splines import Spline


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
    is_open : (n,) bool array
        Rows of which the rows of the fit leave the predictor open: none without empty combinations of levels.
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
    is_open: NDArray[np.bool_]

    @property
    def column_labels(self) -> tuple[str, ...]:
        """Labels of the r columns of the basis and of smooths."""
        return (*self.basis.labels, *self.labels[len(self.labels) - len(self.units) + len(self.basis.labels) :])

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
        return replace(self, matrix=self.matrix[rows], columns=self.columns[rows], is_open=self.is_open[rows])


@dataclass(frozen=True, slots=True)
class Part:
    """Columns of a group block that share one covariance structure."""

    columns: tuple[int, ...]
    correlated: bool


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
    observation : bool
        One level per row by construction, that is `obs()`.
    states : tuple of EvaluatedFormula
        Learned state, one for each part.
    copies : (n,) array or None
        How many rows each row stands for, with frequency weights.
    factors : tuple of str
        The columns whose combinations are the levels, none for `obs()`.
    """

    dense: ClassVar[bool] = False
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
    observation: bool
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

    def fixed_correlations(self, value: float) -> Array:
        """Return the (K, K) correlation matrix in which every correlation that would be estimated has one value."""
        found = np.eye(self.width)
        for part in self.parts:
            if part.correlated:
                found[np.ix_(part.columns, part.columns)] = value
        np.fill_diagonal(found, 1.0)
        return found

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

    def contribution(self, effects: Array) -> Array:
        """Return z'b of each row, (..., n), for effects at the centre, (..., J, K)."""
        return np.asarray(np.sum(effects[..., self.index, :] * self.centred_matrix, axis=-1))

    def extrapolations(self) -> Iterator[str]:
        """Yield nothing: new levels are no extrapolation."""
        yield from ()

    def sparse_columns(self, rows: slice = slice(None)) -> Any:
        """Return the (m, J K) columns that multiply the effects at the centre, level by level, in some rows."""
        places = self.index[rows, None] * len(self.labels) + np.arange(len(self.labels))
        return _sparse(places, self.centred_rows(rows), self)

    def centred_rows(self, rows: slice) -> Array:
        """Return some rows of `centred_matrix`."""
        if self.coordinates.as_written:
            return self.matrix[rows]
        return np.asarray(self.columns[rows] @ self.coordinates.mixing)


@dataclass(frozen=True, slots=True)
class SmoothBlock:
    """The penalised part of a smooth in one predictor: K curves (1, or one for each level of a factor) of J columns.

    Its coefficients are normal as the effects of a group with J levels are, but every row takes all of them.

    Attributes
    ----------
    covariate, by : str
        Names of x and of what splits or multiplies the curve, "" for nothing.
    x : (n,) array
        The covariate.
    labels : tuple of str
        Levels of the factor that has a curve for each of them; empty for a single curve.
    matrix : (n, J) array
        Penalised columns, the smoothest first.
    index : (n,) integer array
        Curve of each row.
    levels : tuple of str
        Numbers of the J columns.
    spline : Spline
        Learned state.
    multiplier : (n,) array or None
        Numbers that multiply the curve.
    ranges : (K, 2) array
        Lowest and highest x of each curve at the fit.
    """

    dense: ClassVar[bool] = True
    observation: ClassVar[bool] = False
    correlated: ClassVar[bool] = False
    intercept: ClassVar[int | None] = None
    covariate: str
    by: str
    x: Array
    labels: tuple[str, ...]
    matrix: Array
    index: NDArray[np.intp]
    levels: tuple[str, ...]
    spline: Spline
    multiplier: Array | None
    ranges: Array

    @property
    def name(self) -> str:
        """Name in the draws, "s(x)", "s(x):sward"."""
        return f"s({self.covariate}){self._ending}"

    @property
    def dim(self) -> str:
        """The name as draws can hold it."""
        return safe_name(self.name)

    @property
    def curves(self) -> int:
        """Number K of curves."""
        return len(self.ranges)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the coefficients: (J,) for a single curve, (J, K) for those of the levels of a factor."""
        return (len(self.levels), self.curves)[: 2 if self.labels else 1]

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every curve by itself."""
        return tuple(Part((curve,), False) for curve in range(self.curves))

    @property
    def width(self) -> int:
        """Number K of curves."""
        return self.curves

    @property
    def centred(self) -> bool:
        """The prior is stated as written."""
        return False

    @property
    def coordinates(self) -> Coordinates:
        """The SDs of the curves, as written."""
        return basis_coordinates(self.labels or ("",), np.ones(self.curves), as_written=True)

    @property
    def scales(self) -> Array:
        """(K,) ones: the columns have the unit of the predictor."""
        return np.ones(self.curves)

    @property
    def transform(self) -> Array:
        """(K, K) identity."""
        return np.eye(self.curves)

    @property
    def centred_matrix(self) -> Array:
        """(n, J) penalised columns, which are as written."""
        return self.matrix

    def centred_rows(self, rows: slice) -> Array:
        """Return some rows of the penalised columns."""
        return self.matrix[rows]

    @property
    def around(self) -> str:
        """What the curve varies around, in words."""
        return self.spline.basis.around

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Rows beyond the range of x that their curve had at the fit, (n,)."""
        low, high = self.ranges[self.index].T
        return np.asarray((self.x < low) | (self.x > high))

    def curve_values(self, curve: int) -> Array:
        """Return the covariate in the rows of a curve."""
        return self.x[self.index == curve]

    def extrapolations(self) -> Iterator[str]:
        """Yield a note for each curve that is asked for values beyond the range of its covariate at the fit."""
        goes_on = "begins again" if self.spline.basis.periodic else "goes on as a straight line"
        for curve, (low, high) in enumerate(self.ranges):
            beyond = int(np.sum(self.outside & (self.index == curve)))
            where = f" for '{self.labels[curve]}'" if self.labels else ""
            if beyond:
                yield (
                    f"{beyond} of {len(self.x)} rows lie beyond the range {low:g} to {high:g} that {self.name} was "
                    f"fitted to{where}: outside of all data the curve {goes_on}, which is an assumption."
                )

    @property
    def _ending(self) -> str:
        return f":{self.by}" if self.by else ""

    @property
    def line_labels(self) -> tuple[str, ...]:
        """Labels of the columns that are not penalised."""
        kinds = ["constant"] if self.multiplier is not None else []
        kinds += [] if self.spline.basis.periodic else ["linear"]
        ends = [f"{self._ending}[{label}]" for label in self.labels] or [self._ending]
        return tuple(f"s({self.covariate})[{kind}]{end}" for end in ends for kind in kinds)

    @property
    def line_matrix(self) -> Array:
        """(n, L) columns that are not penalised: x from its mean, and the multiplier of the curve."""
        deviation = np.zeros((len(self.x), 0)) if self.spline.basis.periodic else self.x[:, None] - self.spline.centre
        if self.multiplier is not None:
            return np.hstack([self.multiplier[:, None], deviation * self.multiplier[:, None]])
        return np.hstack([deviation * (self.index == curve)[:, None] for curve in range(self.curves)])

    def take(self, rows: NDArray[np.intp]) -> "SmoothBlock":
        """Return the block of some of its rows."""
        multiplier = None if self.multiplier is None else self.multiplier[rows]
        return replace(self, x=self.x[rows], matrix=self.matrix[rows], index=self.index[rows], multiplier=multiplier)

    def variance(self, covariance: Array) -> Array:
        """Return the prior variance of the curve in each row, (..., n), for diagonal covariances (..., K, K)."""
        variances = np.diagonal(covariance, axis1=-2, axis2=-1)
        return np.asarray(variances[..., self.index] * np.sum(self.matrix**2, axis=1))

    def contribution(self, effects: Array) -> Array:
        """Return z'b of each row, (..., n), for coefficients (..., J, K)."""
        total = np.empty((*effects.shape[:-2], len(self.x)))
        for curve in range(self.curves):
            rows = self.index == curve
            total[..., rows] = effects[..., curve] @ self.matrix[rows].T
        return total

    def sparse_columns(self, rows: slice = slice(None)) -> Any:
        """Return the (m, J K) columns that multiply the coefficients, in some rows."""
        places = self.index[rows, None] + self.curves * np.arange(len(self.levels))
        return _sparse(places, self.matrix[rows], self)


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


def block_diagonal(first: Array, second: Array) -> Array:
    """Return two matrices on the diagonal of one, zeros beside them."""
    found = np.zeros(np.add(first.shape, second.shape))
    found[: first.shape[0], : first.shape[1]] = first
    found[first.shape[0] :, first.shape[1] :] = second
    return found


def _sparse(columns: NDArray[np.intp], values: Array, block: NormalBlock) -> Any:
    """Return a sparse matrix with as many values in every row, a column for every coefficient of the block."""
    from scipy import sparse

    pointers = np.arange(0, values.size + 1, columns.shape[1])
    size = len(block.levels) * block.width
    return sparse.csr_matrix((values.ravel(), columns.ravel(), pointers), shape=(len(columns), size))
