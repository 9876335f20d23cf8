"""The block of a grouping factor: columns, the level of each row, labels, learned state and coordinates."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.prior_distributions import FEW_LEVELS, Prior
from bayesmixed.terms.basis import Basis
from bayesmixed.terms.block_parts import (
    ONE,
    RELATED,
    SEVERAL,
    Coordinates,
    Part,
    basis_coordinates,
    block_diagonal,
    lies_in,
)
from bayesmixed.terms.correlation_matrices import CorrelationMatrix
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.outlines import Column, GroupOutline, Indices
from bayesmixed.terms.scaled_matrices import draw_normal

MOST_COLUMNS = 12
"""Columns up to which each is a symbol of its own: more take minutes to compile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBlock(NormalBlock):
    """The effects of the levels of one grouping factor, of which new ones can be drawn.

    Attributes
    ----------
    index : (n,) integer array
        Level of each row.
    known : int
        Number of levels at the fit; those after them are new.
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
    states : tuple of EvaluatedFormula
        Learned state, one for each part.
    copies : (n,) array or None
        How many rows each row represents, with frequency weights.
    factors : tuple of str
        The columns whose combinations are the levels; none where levels are defined otherwise.
    tie : CorrelationMatrix or None
        Correlations with effects of the same levels in other predictors.
    """

    takes: ClassVar[str] = ONE
    shared: ClassVar[bool] = True
    compared: ClassVar[bool] = True
    index: NDArray[np.intp]
    known: int
    bases: tuple[Basis | None, ...]
    columns: Array
    written: Array
    units: Array
    units_as_written: Array
    means: Array
    states: tuple[Any, ...]
    copies: Array | None = None
    factors: tuple[str, ...] = ()
    tie: CorrelationMatrix | None = None

    @property
    def tied(self) -> bool:
        """Whether its effects are correlated with those of the same levels in other predictors."""
        return self.tie is not None

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Number of rows that have a share in each level, (J,)."""
        rows, levels, _ = self.pairs()
        copies = None if self.copies is None else self.copies[rows]
        return np.bincount(levels, copies, minlength=len(self.levels)).astype(np.intp)

    @property
    def transform(self) -> Array:
        """(K, K) matrix T: effects as written are T times the effects at the centre."""
        return np.eye(self.width) if self.coordinates.as_written else np.asarray(self.written @ self.coordinates.mixing)

    def take(self, rows: NDArray[np.intp]) -> "GroupBlock":
        """Return the block of some of its rows, with all levels."""
        copies = None if self.copies is None else self.copies[rows]
        return replace(
            self, matrix=self.matrix[rows], columns=self.columns[rows], index=self.index[rows], copies=copies
        )

    def join(self, other: "GroupBlock") -> "GroupBlock":
        """Return the block of two terms of one factor; their columns are independent of each other.

        Raises
        ------
        SpecError
            Both have a parameter of the same name, or levels of one are related.
        """
        if RELATED in (self.takes, other.takes):
            raise SpecError(
                f"'{self.name}' has effects of related levels and another term in the same predictor, which results could not "
                f"tell apart by their name. Give one of them another, gr({self.name}, cov=A, name=related)."
            )
        if self.heavy or other.heavy:
            raise SpecError(
                f"'{self.name}' has effects with a t distribution and another term in the same predictor. Leave one of them out."
            )
        names = [one.name for part in self.structured for one in (part.structure.parameters if part.structure else ())]
        for part in other.structured:
            for one in part.structure.parameters if part.structure else ():
                if one.name in names:
                    raise SpecError(
                        f"Two terms of '{self.name}' have a parameter '{one.name}' of their covariances, which results could "
                        "not tell apart. Give one of them another factor, or another covariance."
                    )
        parts = tuple(part.shifted(self.width) for part in other.parts)
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

    def with_fit(self, known: "GroupBlock") -> "GroupBlock":
        """Return the block on other rows in the coordinates of the fit; columns that the fit lacks stand behind its own."""
        coordinates, means = known.coordinates, known.means
        if self.width == known.width:
            return replace(self, coordinates=coordinates, parts=known.parts, means=means)
        pairs = list(zip(self.parts, known.parts, strict=True))
        order = [column for own, fitted in pairs for column in own.columns[: len(fitted.columns)]]
        parts = []
        for own, fitted in pairs:
            further = own.columns[len(fitted.columns) :]
            places = range(len(order), len(order) + len(further))
            order += further
            parts.append(replace(own, columns=(*fitted.columns, *places)))
        more = len(order) - known.width
        shared = {column: part.structure.label for part in parts if part.structure for column in part.columns}
        return replace(
            self,
            labels=tuple(self.labels[column] for column in order),
            matrix=self.matrix[:, order],
            parts=tuple(parts),
            columns=self.columns[:, order],
            written=self.written[np.ix_(order, order)],
            units=self.units[order],
            units_as_written=self.units_as_written[order],
            means=np.append(means, np.zeros(more)),
            coordinates=Coordinates(
                (*coordinates.labels, *(shared[column] for column in range(known.width, len(order)))),
                block_diagonal(coordinates.mixing, np.eye(more)),
                np.append(coordinates.units, np.ones(more)),
                np.append(coordinates.pulls, np.zeros(more)),
                coordinates.as_written,
            ),
        )

    @property
    def residual(self) -> bool:
        """Whether the effects are those of single rows."""
        return bool(np.all(self.sizes <= 1))

    @property
    def intercepts(self) -> tuple[int, ...]:
        """Columns that are constant within every level by what they are."""
        return () if self.intercept is None else (self.intercept,)

    @property
    def has(self) -> NDArray[np.bool_]:
        """Which of its effects a level has, (J, K): all, unless it has only those of its type."""
        return np.ones((len(self.levels), self.width), dtype=bool)

    def basis_labels(self, number: int) -> tuple[str, ...]:
        """Return the labels of the columns of the basis of one of its parts."""
        basis = self.bases[number]
        return () if basis is None else basis.labels

    def of_part(self, number: int, columns: Array) -> Array:
        """Return the columns of the basis of one of its parts, given those of all rows."""
        return columns

    def mean_columns(self, labels: Sequence[str]) -> NDArray[np.bool_]:
        """Return which population columns, by label, have coefficients that add up to the mean of each of its columns, (p, K)."""
        return np.array([[label == own for own in self.labels] for label in labels], dtype=bool).reshape(-1, self.width)

    @property
    def plain_labels(self) -> tuple[str, ...]:
        """Labels of its columns as its formula makes them, (K,)."""
        return self.labels

    @property
    def splits(self) -> tuple[str, ...]:
        """Columns that have one value in each level, by what it is."""
        return ()

    @property
    def row_types(self) -> NDArray[np.intp]:
        """Type of the level of each row, (n,): one for all, unless the covariance of effects depends on it."""
        return np.zeros(len(self.matrix), dtype=np.intp)

    @property
    def average_columns(self) -> Array:
        """What multiplies the effects as written of a level at the average of the rows, (J, K) or (1, K)."""
        return self.matrix.mean(axis=0, keepdims=True)

    def check_effects(self) -> None:
        """Refuse rows that ask for effects that their level does not have (SpecError)."""

    def check_average(self, what: str) -> None:
        """Refuse rows whose average is no level of one population (SpecError)."""

    def contribution(self, effects: Array, *, written: bool = False) -> Array:
        """Return z'b of each row, (..., n), for effects at the centre, or as written, (..., J, K)."""
        total: Any = 0.0
        for column, z in enumerate(self.matrix.T if written else self.centred_matrix.T):
            own = self.pick(effects[..., column])
            if np.any(z != 1.0):
                own *= z
            total = own if column == 0 else total + own
        return np.asarray(total)

    def expression(self, coefficients: Any) -> Any:
        """Return z'b of each row as symbols, for coefficients at the centre, (J, K)."""
        eta: Any = 0.0
        if self.takes == ONE and self.width > MOST_COLUMNS:
            return (coefficients[self.index] * self.centred_matrix).sum(axis=1)
        for column, z in enumerate(self.centred_matrix.T):
            picked = self.pick(coefficients[:, column])
            eta = eta + (picked if np.all(z == 1) else z * picked)
        return eta

    def pick(self, values: Any) -> Any:
        """Return the values, (..., J), of the level of each row, (..., n)."""
        return np.take(values, self.index, axis=-1) if isinstance(values, np.ndarray) else values[..., self.index]

    def sums(self, values: Array, rows: Any = slice(None)) -> Array:
        """Return sums of values, (m,), over the rows of each level, or some of them, (J,)."""
        return np.bincount(self.index[rows], values, minlength=len(self.levels))

    def independent_sums(self, values: Array) -> Array:
        """Return what multiplies the effects of independent levels, (R,), in the sum of values, (n,), times effects of rows."""
        return self.sums(values)

    def read_rows(self, rows: Any = slice(None)) -> tuple[NDArray[np.intp], Array]:
        """Return the level of some rows, (m,), and their columns at the centre."""
        return self.index[rows], self.centred_rows(rows)

    @property
    def spread_matrix(self) -> Array:
        """(n, K) columns z for which z' Sigma z is the variance of the term in each row, Sigma that of a level's effects."""
        return self.centred_matrix

    def variance(self, covariance: Array, rows: Any = slice(None)) -> Array:
        """Return the variance of z'b in some rows, (..., m), for covariances (..., K, K) of effects at the centre."""
        z = self.spread_matrix[rows]
        return np.einsum("...kl,nk,nl->...n", covariance, z, z, optimize=True)

    def mean_products(self, shares: Array) -> Array:
        """Return the mean of zz' over rows, (K, K) at the centre, each row with its share."""
        z = self.spread_matrix
        return np.asarray(z.T @ (shares[:, None] * z))

    def mean_level_variance(self, shares: Array) -> float:
        """Return the mean variance of the effects of levels over rows, each with its share, where the SD of the term is 1."""
        return 1.0

    def draw_new(self, covariance: Array, generator: np.random.Generator) -> Array:
        """Return one draw of the effects of every level at the centre, (..., J, K), for covariances (..., K, K).

        Levels without rows have none: zeros.
        """
        present = np.flatnonzero(self.occurs)
        effects = np.zeros((*covariance.shape[:-2], len(self.levels), self.width))
        effects[..., present, :] = draw_normal(covariance, len(present), generator)
        return effects

    def extend(
        self, known: Array, given: NDArray[np.bool_], covariance: Array, generator: np.random.Generator
    ) -> Array:
        """Return effects as written, (..., J, K), those of other levels than the given ones drawn.

        Parameters
        ----------
        known : (..., G, K) array
            The effects of the given levels, as written.
        given : (J,) bool array
            Which levels these are.
        covariance : (..., K, K) array
            Of effects at the centre.
        """
        effects = self.draw_new(covariance, generator) @ self.transform.T
        effects[..., given, :] = known
        return effects

    @property
    def level_covariances(self) -> Array:
        """Covariances of the effects of levels where the SD of the term is 1, (J, J)."""
        return np.eye(len(self.levels))

    @property
    def strangers(self) -> tuple[str, ...]:
        """Labels of new levels that have no known relation to those of the fit, where levels are related."""
        return ()

    @property
    def unrelated(self) -> bool:
        """Whether its levels are independent of each other, with one SD."""
        return self.takes == ONE

    def on_root(self) -> "GroupBlock":
        """Return the same term as effects of independent levels: itself."""
        return self

    def given_others(self, effects: Array, units: NDArray[np.intp]) -> tuple[Array, Array]:
        """Return effects without those that leave with a unit, and a root of their covariances at an SD of 1."""
        own = units >= 0
        return effects * ~own[:, None], own[:, None].astype(float)

    @property
    def occurs(self) -> NDArray[np.bool_]:
        """Which levels have rows, (J,)."""
        return np.bincount(self.pairs()[1], minlength=len(self.levels)) > 0

    @property
    def unseen(self) -> tuple[str, ...]:
        """Labels of levels with rows that are not in the fit."""
        if self.known == len(self.levels):
            return ()  # also where the rows are not in memory
        return tuple(self.levels[place] for place in np.flatnonzero(self.occurs) if place >= self.known)

    def extrapolations(self) -> Iterator[str]:
        """Yield a note where curves of levels are evaluated beyond the range of their covariate at the fit."""
        for part, state in zip(self.parts, self.states, strict=True):
            if hasattr(state, "extrapolations"):
                yield from state.extrapolations(self.matrix[:, list(part.columns)])

    def without_empty_levels(self) -> "GroupBlock":
        """Return the block with the levels that have rows."""
        present, index = np.unique(self.index, return_inverse=True)
        levels = tuple(self.levels[place] for place in present)
        return replace(self, index=index.astype(np.intp), levels=levels, known=len(levels))

    def parents(self, outer: "NormalBlock") -> NDArray[np.intp] | None:
        """Return the level of another factor that contains each level, (J,), None where one has several."""
        if not outer.one_each or not isinstance(outer, GroupBlock):
            return None
        index = lies_in(self.index, outer.index, len(self.levels))
        return index if np.array_equal(index[self.index], outer.index) else None

    @property
    def row_columns(self) -> tuple[NDArray[Any], ...]:
        """Columns, (n,) each, that distinguish rows with different z'b."""
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

    def loadings(self, rows: Any = slice(None)) -> tuple[NDArray[np.intp], Array]:
        """Return which of the J K effects some rows take, (m, E), and what multiplies each, at the centre."""
        return self.index[rows, None] * self.width + np.arange(self.width), self.centred_rows(rows)

    def centred_rows(self, rows: Any) -> Array:
        """Return some rows of the columns at the centre."""
        if self.coordinates.as_written:
            return self.matrix[rows]
        return np.asarray(self.columns[rows] @ self.coordinates.mixing)

    @property
    def counted(self) -> str:
        """What its levels are, in words that follow a number: "levels of herd"."""
        return f"levels of {self.name}"

    @property
    def between(self) -> str:
        """What its SDs lie between, in words."""
        return self.name

    @property
    def adjective(self) -> str:
        """What its effects are called: "herd" effects."""
        return self.name

    def is_constant(self, values: Array) -> bool:
        """Return whether values, (n,), are the same in all rows of each level."""
        rows, levels, _ = self.pairs()
        own, one = values[rows], np.zeros(len(self.levels))
        one[levels] = own
        return bool(np.all(np.abs(own - one[levels]) <= 1e-12 * float(np.abs(values).max(initial=0.0))))

    def outline(self, indices: Indices, index_of: Callable[[Array], str]) -> GroupOutline:
        """Return what equations need to know of it, given the index of the values of a column."""
        columns: list[Column] = []
        parts: list[Part] = []
        for part in self.parts:
            own = [Column(self.labels[column], index_of(self.matrix[:, column])) for column in part.columns]
            if part.structure is not None and part.structure.of_places:
                own = [Column(part.structure.inside, indices.row, place=True)]
            parts.append(replace(part, columns=tuple(range(len(columns), len(columns) + len(own)))))
            columns += own
        return GroupOutline(
            name=self.dim,
            index=indices.row if self.single else indices.letters[self.dim],
            columns=tuple(columns),
            parts=tuple(parts),
            single=self.single,
            inside=tuple(indices.inside.get(self.dim, ())),
            levels=len(self.levels),
            short=self.factors[-1] if self.factors else self.dim,
            several=self.takes == SEVERAL,
            heavy=self.heavy,
        )

    def sd_priors(self, unit: float) -> Iterator[tuple[Prior, str]]:
        """Yield half-t distributions; half-normal ones with few levels, which say little about the tail (Gelman 2006)."""
        labels = self.coordinates.labels
        for label, own in zip(labels, self.coordinates.units, strict=True):
            # Columns with one SD have one label.
            few = len(self.levels) * labels.count(label) < FEW_LEVELS
            scale = float(unit * own)
            distribution = (
                Prior(name="HalfNormal", arguments=(scale,))
                if few
                else Prior(name="HalfStudentT", arguments=(4.0, scale))
            )
            where = self.about_centre if label == "Intercept" else ""
            yield distribution, f"SD between {self.between}{where}" + (", few levels" if few else "")
