"""The block of a curve: columns of a covariate, whose normal coefficients are the same for all rows."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.block_parts import ALL
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.outlines import CurveOutline, Indices
from bayesmixed.terms.scaled_matrices import draw_normal


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveBlock(NormalBlock):
    """K curves of a covariate (1, or one for each level of a factor), each with an SD of its own.

    Their J coefficients are normal, like the effects of a group with J levels, but every row takes all of them, and
    there are no new ones to draw.

    Attributes
    ----------
    covariate, by : str
        Names of x and of what splits or multiplies the curve, "" for nothing.
    x : (n,) or (n, d) array
        The covariate, or several of them.
    index : (n,) integer array
        Curve of each row; `labels` are the levels of the factor that has one for each.
    ranges : (K, 2) or (K, 2, d) array
        Lowest and highest x of each curve at the fit.
    """

    takes: ClassVar[str] = ALL
    covariate: str
    by: str = ""
    x: Array
    index: NDArray[np.intp]
    ranges: Array

    def take(self, rows: NDArray[np.intp]) -> Self:
        """Return the block of some of its rows."""
        return replace(self, x=self.x[rows], matrix=self.matrix[rows], index=self.index[rows])

    @property
    def dimensions(self) -> int:
        """Number of covariates: 1, or 2 of a surface."""
        return 1 if self.x.ndim == 1 else self.x.shape[1]

    @property
    def curves(self) -> int:
        """Number K of curves."""
        return self.width

    @property
    @abstractmethod
    def around(self) -> str:
        """What a curve varies around, in words."""

    @property
    def instead(self) -> str:
        """What to write where another term has its columns without a penalty, "" for nothing in particular."""
        return ""

    @abstractmethod
    def along(self, curve: int, x: Array) -> Self:
        """Return the block of rows of one curve, with other values of the covariate."""

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Rows beyond the range of x that their curve had at the fit, (n,)."""
        if self.dimensions > 1:
            low, high = np.moveaxis(self.ranges[self.index], 1, 0)
            return np.asarray(np.any((self.x < low) | (self.x > high), axis=1))
        low, high = self.ranges[self.index].T
        return np.asarray((self.x < low) | (self.x > high))

    def note_beyond(self, goes_on: str) -> Iterator[str]:
        """Yield a note for each curve or surface on rows beyond the ranges at the fit, given how it goes on there."""
        for curve in range(self.curves):
            beyond = int(np.sum(self.outside & (self.index == curve)))
            if not beyond:
                continue
            pairs = np.atleast_2d(self.ranges[curve].T)
            ranges = " and ".join(f"{low:g} to {high:g}" for low, high in pairs)
            where = f" for '{self.labels[curve]}'" if self.labels else ""
            yield (
                f"{beyond} of {len(self.x)} rows lie beyond the range{'s' * (len(pairs) > 1)} {ranges} that {self.name} was "
                f"fitted to{where}: beyond all data the {'surface' if len(pairs) > 1 else 'curve'} {goes_on}, which is an "
                "assumption."
            )

    def judge(self, *draws: Array) -> Iterator[str]:
        """Yield what draws of the parameters of its spectrum, (S,) each, say about the number of its columns."""
        yield from ()

    def curve_values(self, curve: int) -> Array:
        """Return the covariate in the rows of a curve."""
        return self.x[self.index == curve]

    def rows_of(self, curve: int) -> NDArray[np.bool_]:
        """Return the rows in which the coefficients of a curve are not multiplied by zeros, (n,)."""
        return np.asarray((self.index == curve) & np.any(self.matrix != 0, axis=1))

    def variance(self, covariance: Array, rows: Any = slice(None)) -> Array:
        """Return the prior variance of the curve in some rows, (..., m), for diagonal covariances (..., K, K); with a spectrum
        its mean over the rows of the fit."""
        variances = np.diagonal(covariance, axis1=-2, axis2=-1)
        if self.spectrum is not None:
            return np.asarray(variances[..., self.index[rows]])
        return np.asarray(variances[..., self.index[rows]] * np.sum(self.matrix[rows] ** 2, axis=1))

    def mean_products(self, shares: Array) -> Array:
        """Return the mean over rows of the sums of squares of each curve's basis, (K, K) and diagonal."""
        if self.spectrum is not None:
            return np.diag(np.bincount(self.index, shares, minlength=self.width))
        return np.diag(np.bincount(self.index, shares * np.sum(self.matrix**2, axis=1), minlength=self.width))

    def draw_new(self, covariance: Array, generator: np.random.Generator) -> Array:
        """Return one draw of the coefficients of a curve, (..., J, K), for diagonal covariances (..., K, K)."""
        return draw_normal(covariance, len(self.levels), generator)

    def sums(self, values: Array, rows: Any = slice(None)) -> Array:
        """Return sums of values, (m,), times each column over some rows, (J,)."""
        return np.asarray(values @ self.matrix[rows])

    def read_rows(self, rows: Any = slice(None)) -> tuple[NDArray[np.intp], Array]:
        """Return the curve of some rows, (m,), and their columns."""
        return self.index[rows], self.matrix[rows]

    def contribution(self, effects: Array, *, written: bool = False) -> Array:
        """Return z'b of each row, (..., n), for coefficients (..., J, K), which are as written."""
        total = np.empty((*effects.shape[:-2], len(self.x)))
        for curve in range(self.curves):
            rows = self.index == curve
            total[..., rows] = effects[..., curve] @ self.matrix[rows].T
        return total

    def loadings(self, rows: Any = slice(None)) -> tuple[NDArray[np.intp], Array]:
        """Return which of the J K coefficients some rows take, (m, J), and what multiplies each."""
        return self.index[rows, None] + self.curves * np.arange(len(self.levels)), self.matrix[rows]

    def expression(self, coefficients: Any) -> Any:
        """Return z'b of each row as symbols, for coefficients of the shape of the block."""
        if len(self.shape) == 1:
            return self.matrix @ coefficients
        return (self.matrix * coefficients.T[self.index]).sum(axis=1)

    @property
    def row_columns(self) -> tuple[NDArray[Any], ...]:
        """Columns, (n,) each, that distinguish rows with different z'b."""
        return (self.index, *self.matrix.T)

    def outline(self, indices: Indices) -> CurveOutline:
        """Return what equations need to know of it."""
        return CurveOutline(self.dim, indices.row, self.labels, self.around, self.spectrum)

    def sd_priors(self, unit: float) -> Iterator[tuple[Prior, str]]:
        """Yield half-t distributions: the columns have the unit of the predictor."""
        what = "surface" if self.dimensions > 1 else "curve"
        for _ in range(self.curves):
            yield Prior(name="HalfStudentT", arguments=(4.0, unit)), f"SD of the {what} around {self.around}"
