"""The block of levels of several types: the effects of each type have SDs and correlations of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.prior_distributions import FEW_LEVELS, Prior
from bayesmixed.terms.blocks import GroupBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedBlock(GroupBlock):
    """Effects with a covariance of each type: the columns of each type are zero in the rows of the others.

    So a level formally has effects of all types, of which its rows take those of its own.

    Attributes
    ----------
    by : str
        The column of the types.
    types : tuple of str
        Their labels, in the order of the parts of the block.
    type_of : (J,) integer array
        Type of each level, that of its rows; -1 of one without rows, or with rows of several types.
    types_of_rows : (n,) integer array
        Type of each row.
    plain : tuple of str
        Labels of the columns without the type, (K,).
    column_types : (K,) integer array
        Type of each column.
    """

    by: str
    types: tuple[str, ...]
    type_of: NDArray[np.intp]
    types_of_rows: NDArray[np.intp]
    plain: tuple[str, ...]
    column_types: NDArray[np.intp]

    @property
    def intercepts(self) -> tuple[int, ...]:
        """Columns that are constant within every level by what they are."""
        return tuple(column for column, label in enumerate(self.plain) if label == "Intercept")

    @property
    def has(self) -> NDArray[np.bool_]:
        """Which of its effects a level has, (J, K): those of its type."""
        return self.type_of[:, None] == self.column_types

    def _mark(self, number: int) -> str:
        """Return what the labels of one of its parts begin with: "f[a]"."""
        return f"{self.by}[{self.types[number % len(self.types)]}]"

    def basis_labels(self, number: int) -> tuple[str, ...]:
        """Return the labels of the columns of the basis of one of its parts."""
        return tuple(of_type(self._mark(number), label) for label in GroupBlock.basis_labels(self, number))

    def of_part(self, number: int, columns: Array) -> Array:
        """Return the columns of the basis of one of its parts, given those of all rows: zeros in rows of other types."""
        return columns * (self.row_types == number % len(self.types))[:, None]

    def mean_columns(self, labels: Sequence[str]) -> NDArray[np.bool_]:
        """Return which population columns have coefficients that add up to the mean of each of its columns, (p, K): that of the
        column in all rows, and what is added to it in rows of the type."""
        found = np.zeros((len(labels), self.width), dtype=bool)
        for column, (own, number) in enumerate(zip(self.plain, self.column_types, strict=True)):
            marks = {f"{self.by}[{self.types[number]}]", f"{self.by}[T.{self.types[number]}]"}
            names = {own, *(of_type(mark, own) for mark in marks)}
            names |= {f"{own}:{mark}" for mark in marks if own != "Intercept"}
            found[:, column] = [label in names for label in labels]
        return found

    @property
    def row_types(self) -> NDArray[np.intp]:
        """Type of the level of each row, (n,)."""
        return self.types_of_rows

    @property
    def plain_labels(self) -> tuple[str, ...]:
        """Labels of its columns as its formula makes them, (K,)."""
        return self.plain

    @property
    def splits(self) -> tuple[str, ...]:
        """The column of the types."""
        return (self.by,)

    @property
    def average_columns(self) -> Array:
        """What multiplies the effects as written of a level at the average of the rows, (J, K): of its own type."""
        average = self.matrix.mean(axis=0)
        of_plain = {label: average[[own == label for own in self.plain]].sum() for label in self.plain}
        return self.has * np.array([of_plain[label] for label in self.plain])

    def check_effects(self) -> None:
        """Refuse rows of levels of the fit with another type than there (SpecError)."""
        other = (self.index < self.known) & (self.type_of[self.index] != self.row_types)
        if np.any(other):
            row = int(np.argmax(other))
            level, known = self.levels[self.index[row]], self.type_of[self.index[row]]
            raise SpecError(
                f"Level '{level}' of '{self.name}' has '{self.by}' {self.types[self.row_types[row]]} in {int(other.sum())} "
                f"rows and {self.types[known]} in the fit, so that nothing is known about its effects there. Average over "
                'groups, groups="average", or take new ones, groups="new".'
            )

    def check_average(self, what: str) -> None:
        """Refuse rows of several types, whose average is no level of one population (SpecError)."""
        present = sorted(set(self.row_types.tolist()))
        if len(present) > 1:
            shown = enumerate_words([self.types[k] for k in present])
            raise SpecError(
                f"{what} of '{self.name}' is of one type of groups, and '{self.by}' is {shown}. State it: "
                f'at={{"{self.by}": "{self.types[present[0]]}"}}.'
            )

    def take(self, rows: NDArray[np.intp]) -> "TypedBlock":
        """Return the block of some of its rows, with all levels."""
        taken = GroupBlock.take(self, rows)
        assert isinstance(taken, TypedBlock)
        return replace(taken, types_of_rows=self.types_of_rows[rows])

    def join(self, other: GroupBlock) -> "TypedBlock":
        """Return the block of two terms of one factor with the same types (SpecError where they differ)."""
        if not isinstance(other, TypedBlock) or other.by != self.by:
            raise SpecError(
                f"'{self.name}' has effects by '{self.by}', and another term without these types: their SDs cannot be told "
                f"apart. Write gr({self.name}, by={self.by}) in both, or leave one out."
            )
        joined = GroupBlock.join(self, other)
        return replace(
            self,
            **{field.name: getattr(joined, field.name) for field in fields(GroupBlock)},
            plain=self.plain + other.plain,
            column_types=np.concatenate([self.column_types, other.column_types]),
        )

    def without_empty_levels(self) -> "TypedBlock":
        """Return the block with the levels that have rows."""
        kept = GroupBlock.without_empty_levels(self)
        assert isinstance(kept, TypedBlock)
        return replace(kept, type_of=self.type_of[np.unique(self.index)])

    def sd_priors(self, unit: float) -> Iterator[tuple[Prior, str]]:
        """Yield the default priors of the SDs: those of a factor with the levels of the type."""
        labels, units = self.coordinates.labels, self.coordinates.units
        for label, own, number in zip(labels, units, self.column_types, strict=True):
            few, scale = int(np.sum(self.type_of == number)) < FEW_LEVELS, float(unit * own)
            name, arguments = ("HalfNormal", (scale,)) if few else ("HalfStudentT", (4.0, scale))
            where = self.about_centre if label == self._mark(int(number)) else ""
            about = f"SD between {self.between} where {self.by} is {self.types[number]}{where}"
            yield Prior(name=name, arguments=arguments), about + (", few levels" if few else "")


def of_type(mark: str, label: str) -> str:
    """Return the label of a column in the rows of one type: "f[a]" of the intercept, "f[a]:x" of x."""
    return mark if label == "Intercept" else f"{mark}:{label}"
