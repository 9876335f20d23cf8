"""The block of a smooth: penalised columns, whose coefficients are normal."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bayesmixed.links import Array
from bayesmixed.terms.block_parts import ALL, Coordinates, Part, basis_coordinates, sparse_rows
from bayesmixed.terms.notation import safe_name
from bayesmixed.terms.scaled_matrices import draw_normal
from bayesmixed.terms.splines import Spline


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

    takes: ClassVar[str] = ALL
    of_rows: ClassVar[bool] = False
    named: ClassVar[bool] = False
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

    def draw_new(self, covariance: Array, generator: np.random.Generator) -> Array:
        """Return one draw of the coefficients of a curve, (..., J, K), for diagonal covariances (..., K, K)."""
        return draw_normal(covariance, len(self.levels), generator)

    def contribution(self, effects: Array) -> Array:
        """Return z'b of each row, (..., n), for coefficients (..., J, K)."""
        total = np.empty((*effects.shape[:-2], len(self.x)))
        for curve in range(self.curves):
            rows = self.index == curve
            total[..., rows] = effects[..., curve] @ self.matrix[rows].T
        return total

    def loadings(self, rows: Any = slice(None)) -> tuple[NDArray[np.intp], Array]:
        """Return which of the J K coefficients some rows take, (m, J), and what multiplies each."""
        return self.index[rows, None] + self.curves * np.arange(len(self.levels)), self.matrix[rows]

    def sparse_columns(self, rows: slice = slice(None)) -> Any:
        """Return the (m, J K) columns that multiply the coefficients, in some rows."""
        return sparse_rows(*self.loadings(rows), len(self.levels) * self.width)

    def expression(self, coefficients: Any) -> Any:
        """Return z'b of each row as symbols, for coefficients of the shape of the block."""
        if len(self.shape) == 1:
            return self.matrix @ coefficients
        return (self.matrix * coefficients.T[self.index]).sum(axis=1)

    def parents(self, outer: Any) -> NDArray[np.intp] | None:
        """Return None: the coefficients lie in no factor."""
        return None

    @property
    def row_columns(self) -> tuple[NDArray[Any], ...]:
        """Columns, (n,) each, that tell apart rows with different z'b."""
        return (self.index, *self.matrix.T)
