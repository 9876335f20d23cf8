"""The contract of blocks with normal coefficients: what every such block provides."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array
from bayesmixed.formulas.notation import safe_name
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.block_parts import ONE, RELATED, Coordinates, Part, sparse_rows
from bayesmixed.terms.piece_bases import column_step
from bayesmixed.terms.spectra import Spectrum


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalBlock(ABC):
    """Normal coefficients of one term in one predictor: those of J levels on K columns, with SDs that are estimated.

    Attributes
    ----------
    name : str
        Its name in results: "herd", "block:plot", "s(x)".
    labels : tuple of str
        The K columns; empty where a single one needs no name.
    matrix : (n, m) array
        What multiplies the coefficients of a row, as written.
    levels : tuple of str
        The J labels.
    parts : tuple of Part
        Partition of the K columns by covariance structure.
    coordinates : Coordinates
        Where the priors of SDs and correlations are stated.
    takes : str
        The levels whose coefficients a row takes: one, several with shares, or all.
    shared : bool
        Its levels are those of a factor that other predictors may have too.
    compared : bool
        Its levels are groups, which can be listed, ranked and compared with each other.
    single : bool
        Each row has an effect of its own, by construction.
    spectrum : Spectrum or None
        How the SDs of the coefficients of a single curve depend on further parameters; None where all of them have its SD.
    """

    takes: ClassVar[str]
    shared: ClassVar[bool] = False
    compared: ClassVar[bool] = False
    single: ClassVar[bool] = False
    typical_difference: ClassVar[float] = 0.95387
    """Median size of the difference between the effects of two levels, where the SD of the term is 1."""
    typical_spread: ClassVar[float] = 1.0
    """SD of the effects of a level about which nothing is known, where that of the term is 1."""
    name: str
    labels: tuple[str, ...]
    matrix: Array
    levels: tuple[str, ...]
    parts: tuple[Part, ...]
    coordinates: Coordinates
    spectrum: Spectrum | None = None

    @property
    def heavy(self) -> bool:
        """Whether its effects have a t distribution."""
        return self.spectrum is not None and self.spectrum.heavy

    @property
    def dim(self) -> str:
        """Its name as draws can hold it: part of the names of its variables, and dimension of its levels."""
        return safe_name(self.name)

    @property
    def one_each(self) -> bool:
        """Whether each row has one of its levels."""
        return self.takes in (ONE, RELATED)

    @property
    def level_dim(self) -> str:
        """Name of the dimension of its levels."""
        return self.dim

    def on_root(self) -> "NormalBlock":
        """Return the same term as effects of independent levels: itself."""
        return self

    def from_independent(self, effects: Any) -> Any:
        """Return effects, (..., J, K), from those of the independent levels of `on_root`."""
        return effects

    def to_independent(self, effects: Array) -> Array:
        """Return the effects of the independent levels of `on_root`."""
        return effects

    @property
    def combined(self) -> tuple[tuple[str, ...], Array] | None:
        """Labels of levels, and the matrix that makes their effects of those of the levels here; None: they are the same."""
        return None

    @property
    def width(self) -> int:
        """Number K of columns."""
        return sum(len(part.columns) for part in self.parts)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the coefficients in draws: (J, K), or (J,) where one column needs no name."""
        return (len(self.levels), self.width)[: 2 if self.labels else 1]

    @property
    def size(self) -> int:
        """Number of coefficients, J K."""
        return len(self.levels) * self.width

    @property
    def tied(self) -> bool:
        """Whether its effects are correlated with those of the same levels in other predictors."""
        return False

    @property
    def correlated(self) -> bool:
        """Whether the effects of a level are correlated, with each other or with those in other predictors."""
        return self.tied or self.widest > 0 or any(part.structure.correlated for part in self.parts if part.structure)

    @property
    def widest(self) -> int:
        """Number of columns of the largest part whose correlations are estimated one by one, 0 without any."""
        return max((len(part.columns) for part in self.parts if part.correlated), default=0)

    @property
    def structured(self) -> tuple[Part, ...]:
        """Parts whose covariance has a structure, neither diagonal nor free."""
        return tuple(part for part in self.parts if part.structure is not None)

    @property
    def distinct_sds(self) -> tuple[tuple[int, str], ...]:
        """The SDs as written: the first column that has each, and what the columns with it are called."""
        shared = {
            column: (part.columns[0], part.structure.label)
            for part in self.parts
            if part.structure is not None and part.structure.covariance.equal
            for column in part.columns
        }
        labels = self.labels or ("",)
        return tuple(dict.fromkeys(shared.get(column, (column, label)) for column, label in enumerate(labels)))

    @property
    def intercept(self) -> int | None:
        """Position of the intercept column, if there is one."""
        return self.labels.index("Intercept") if "Intercept" in self.labels else None

    @property
    def centred(self) -> bool:
        """Whether priors are stated elsewhere than as written."""
        return not np.array_equal(self.transform, np.eye(self.width))

    @property
    def transform(self) -> Array:
        """(K, K) matrix T: coefficients as written are T times those at the centre."""
        return np.eye(self.width)

    @property
    def scales(self) -> Array:
        """(K,) one step, in the default prior of each SD."""
        return np.asarray(1.0 / self.coordinates.units)

    @property
    def centred_matrix(self) -> Array:
        """(n, m) columns at the centre: the matrix that multiplies the coefficients at the centre."""
        return self.centred_rows(slice(None))

    def centred_rows(self, rows: Any) -> Array:
        """Return some rows of `centred_matrix`."""
        return np.asarray(self.matrix[rows])

    def sparse_columns(self, rows: slice = slice(None)) -> Any:
        """Return the (m, J K) columns that multiply the coefficients at the centre, level by level, in some rows."""
        found = sparse_rows(*self.loadings(rows), self.size)
        found.sum_duplicates()
        return found

    @abstractmethod
    def take(self, rows: NDArray[np.intp]) -> Self:
        """Return the block of some of its rows, with all levels."""

    @abstractmethod
    def contribution(self, effects: Array, *, written: bool = False) -> Array:
        """Return z'b of each row, (..., n), for coefficients at the centre, or as written, (..., J, K)."""

    @abstractmethod
    def expression(self, coefficients: Any) -> Any:
        """Return z'b of each row as symbols, for coefficients at the centre in the shape of the block."""

    @abstractmethod
    def loadings(self, rows: Any = slice(None)) -> tuple[NDArray[np.intp], Array]:
        """Return which of the J K coefficients some rows take, (m, E), and what multiplies each, at the centre."""

    def read_rows(self, rows: Any = slice(None)) -> tuple[NDArray[np.intp], Array]:
        """Return which coefficients some rows take, and what multiplies them, at the centre, in the shortest form: the level
        of each row, (m,), where it takes one; the column where it takes all levels; else `loadings`."""
        return self.loadings(rows)

    @abstractmethod
    def sums(self, values: Array, rows: Any = slice(None)) -> Array:
        """Return sums over some rows of values, (m,), times the share or column that these have in each level, (J,)."""

    @abstractmethod
    def variance(self, covariance: Array, rows: Any = slice(None)) -> Array:
        """Return the variance of z'b in some rows, (..., m), for covariances (..., K, K) at the centre."""

    @abstractmethod
    def mean_products(self, shares: Array) -> Array:
        """Return the mean of zz' over rows, (K, K) at the centre, each row with its share."""

    @abstractmethod
    def draw_new(self, covariance: Array, generator: np.random.Generator) -> Array:
        """Return one draw of all coefficients at the centre, (..., J, K), for covariances (..., K, K)."""

    @property
    @abstractmethod
    def row_columns(self) -> tuple[NDArray[Any], ...]:
        """Columns, (n,) each, that distinguish rows with different z'b."""

    def parents(self, outer: "NormalBlock") -> NDArray[np.intp] | None:
        """Return the level of another factor that contains each level, (J,), None where there is no such factor."""
        return None

    def extrapolations(self) -> Iterator[str]:
        """Yield a note for each set of rows beyond the range of what the fit learned."""
        yield from ()

    @property
    def line_labels(self) -> tuple[str, ...]:
        """Labels of the L population columns that it adds."""
        return ()

    @property
    def line_matrix(self) -> Array:
        """(n, L) population columns that it adds."""
        return np.zeros((len(self.matrix), 0))

    @property
    def line_units(self) -> Array:
        """(L,) units of the default priors of these columns."""
        return np.array([1.0 / column_step(column) for column in self.line_matrix.T])

    @abstractmethod
    def sd_priors(self, unit: float) -> Iterator[tuple[Prior, str]]:
        """Yield the default prior of each SD, and what the SD is in words, given the unit of the predictor's SDs."""

    @property
    def about_centre(self) -> str:
        """Where priors of an intercept are stated, in words that follow what it is."""
        return " at the covariate means" if self.centred else ""
