"""Blocks: what a term becomes on data, its arrays, labels and learned state."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bayesmixed.links import Array


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
    state : formulaic.ModelSpec
        Learned levels, knots and contrasts, replayed on new rows.
    """

    role: ClassVar[str] = "population"
    labels: tuple[str, ...]
    matrix: Array
    scales: Array
    levels_mask: NDArray[np.bool_]
    interactions: tuple[str, ...]
    state: Any


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
    states : tuple of formulaic.ModelSpec
        Learned state, one for each part.
    copies : (n,) array or None
        How many rows each row stands for, with frequency weights.
    """

    role: ClassVar[str] = "group"
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


@dataclass(frozen=True, slots=True)
class OffsetBlock:
    """A known addition to one predictor, (n,)."""

    role: ClassVar[str] = "offset"
    values: Array


Block = PopulationBlock | GroupBlock | OffsetBlock
