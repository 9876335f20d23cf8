"""Blocks: what a term becomes on data, its arrays, labels and learned state."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bayesmixed.links import Array
from bayesmixed.terms.splines import Spline


@dataclass(frozen=True, slots=True)
class PopulationBlock:
    """The population part of one predictor: n rows by p columns.

    Attributes
    ----------
    labels : tuple of str
        Column names, formulaic's own.
    matrix : (n, p) array
        The columns as written.
    scales : (p,) array
        Distance d that a default slope prior calls one step: 2 sd, or the range of a two-valued column.
    levels_mask : (p,) bool array
        Columns that together make the constant: the intercept, or the group means of a no-intercept formula.
    interactions : tuple of str
        Numeric variables whose interactions or powers make the main effects refer to their zero.
    state : EvaluatedFormula
        Learned levels, knots and contrasts, replayed on new rows.
    """

    role: ClassVar[str] = "population"
    labels: tuple[str, ...]
    matrix: Array
    scales: Array
    levels_mask: NDArray[np.bool_]
    interactions: tuple[str, ...]
    state: Any

    def take(self, rows: NDArray[np.intp]) -> "PopulationBlock":
        """Return the block of some of its rows."""
        return replace(self, matrix=self.matrix[rows])


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
    centre : (K,) array
        Origin at which the priors of SDs and correlations are stated; zero: as written.
    scales : (K,) array
        As in `PopulationBlock`.
    observation : bool
        One level per row by construction, that is `obs()`.
    states : tuple of EvaluatedFormula
        Learned state, one for each part.
    copies : (n,) array or None
        How many rows each row stands for, with frequency weights.
    """

    role: ClassVar[str] = "group"
    dense: ClassVar[bool] = False
    name: str
    labels: tuple[str, ...]
    matrix: Array
    index: NDArray[np.intp]
    levels: tuple[str, ...]
    known: int
    parts: tuple[Part, ...]
    centre: Array
    scales: Array
    observation: bool
    states: tuple[Any, ...]
    copies: Array | None = None

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
    def transform(self) -> Array:
        """(K, K) matrix T: effects as written are T times the effects at the centre."""
        matrix = np.eye(len(self.labels))
        if self.intercept is not None:
            matrix[self.intercept] -= self.centre
        return matrix

    @property
    def centred_matrix(self) -> Array:
        """(n, K) columns at the centre: the matrix that multiplies the effects at the centre."""
        return np.asarray(self.matrix @ self.transform)

    def take(self, rows: NDArray[np.intp]) -> "GroupBlock":
        """Return the block of some of its rows, with all levels."""
        copies = None if self.copies is None else self.copies[rows]
        return replace(self, matrix=self.matrix[rows], index=self.index[rows], copies=copies)

    def contribution(self, effects: Array) -> Array:
        """Return z'b of each row, (..., n), for effects at the centre, (..., J, K)."""
        return np.asarray(np.sum(effects[..., self.index, :] * self.centred_matrix, axis=-1))

    def sparse_columns(self, rows: slice = slice(None)) -> Any:
        """Return the (m, J K) columns that multiply the effects at the centre, level by level, in some rows."""
        places = self.index[rows, None] * len(self.labels) + np.arange(len(self.labels))
        return _sparse(places, self.matrix[rows] @ self.transform, self)


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

    role: ClassVar[str] = "smooth"
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
    def centre(self) -> Array:
        """(K,) zeros: the prior is stated as written."""
        return np.zeros(self.curves)

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

    @property
    def around(self) -> str:
        """What the curve varies around, in words."""
        return self.spline.basis.around

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Rows beyond the range of x that their curve had at the fit, (n,)."""
        low, high = self.ranges[self.index].T
        return np.asarray((self.x < low) | (self.x > high))

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

    role: ClassVar[str] = "offset"
    values: Array


Block = PopulationBlock | GroupBlock | SmoothBlock | OffsetBlock


def _sparse(columns: NDArray[np.intp], values: Array, block: NormalBlock) -> Any:
    """Return a sparse matrix with as many values in every row, a column for every coefficient of the block."""
    from scipy import sparse

    pointers = np.arange(0, values.size + 1, columns.shape[1])
    size = len(block.levels) * len(block.centre)
    return sparse.csr_matrix((values.ravel(), columns.ravel(), pointers), shape=(len(columns), size))
