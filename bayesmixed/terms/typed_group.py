"""The term of groups of several types, (1 | gr(g, by=f)): SDs and correlations of effects differ between types."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import fields, replace
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator, model_validator

from bayesmixed.errors import DataError, SpecError, did_you_mean, enumerate_words
from bayesmixed.formulas.notation import call_arguments, has_bar, keyword_arguments, split_factors
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.tables.column_names import quote_name
from bayesmixed.tables.factors import Table, encode, recode
from bayesmixed.terms.block_parts import Part, basis_coordinates, block_diagonal
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.covariances import find_covariance
from bayesmixed.terms.group import split_bars, take_letter
from bayesmixed.terms.group_variants import GroupVariant
from bayesmixed.terms.outlines import Column, GroupOutline, Indices
from bayesmixed.terms.prior_rules import Known, PriorRule
from bayesmixed.terms.typed_block import TypedBlock, of_type


class TypedGroup(GroupVariant):
    """Normal effects of groups of several types, each with SDs and correlations of its own: `(1 | gr(g, by=f))`.

    Every group has one type. New groups have the type of their rows.

    Attributes
    ----------
    by : str
        The grouping column, or several joined by colons.
    types : str
        The column of the types.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> terms = [bm.Fixed(formula="1"), bm.TypedGroup(by="herd", types="breed")]
    >>> bm.ModelSpec(response="y", predictors={"mu": terms}).formula
    'y ~ 1 + (1 | gr(herd, by=breed))'
    """

    kind: Literal["typed_group"] = "typed_group"
    types: str

    @field_validator("types")
    @classmethod
    def _one_column(cls, types: str) -> str:
        names = split_factors(types)
        if len(names) != 1:
            raise SpecError(f"gr(g, by={types}): types are those of one column; join several beforehand.")
        return names[0]

    @model_validator(mode="after")
    def _plain_covariance(self) -> "TypedGroup":
        if find_covariance(self.covariance).structured:
            raise SpecError(
                f"Covariance '{self.covariance}' is not for groups of several types, gr(g, by=f). Write '|' for correlated "
                "columns, '||' for independent ones."
            )
        if self.factor_columns == (self.types,):
            raise SpecError(f"'{self}': the column of the types is that of the groups. Leave by= out.")
        return self

    def __str__(self) -> str:
        return self.write(f"gr({':'.join(map(quote_name, self.factor_columns))}, by={quote_name(self.types)})")

    @property
    def split_columns(self) -> tuple[str, ...]:
        """The column of the types."""
        return (self.types,)

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads (SpecError if one is missing)."""
        names = [str(name) for name in available]
        if self.types not in names:
            raise SpecError(f"Column '{self.types}' in '{self}' is not in the data. {did_you_mean(self.types, names)}")
        return self._plain.columns(names) | {self.types}

    @classmethod
    def read(cls, piece: str) -> "tuple[TypedGroup, ...]":
        """Return the term that a summand of a formula is, (x | gr(g, by=f)), none if it is of another kind (SpecError)."""
        inside, letter = take_letter(piece) if has_bar(piece) else (piece, "")
        formula, call, covariance = split_bars(inside) if has_bar(inside) and inside.startswith("(") else ("", "", "")
        columns, options = keyword_arguments(call_arguments(call, "gr") or [])
        if "by" not in options:
            return ()
        if letter:
            raise SpecError(
                f"'{piece}': letters tie terms of groups of one type, (x |p| g), not of gr(). Leave it out."
            )
        if len(columns) != 1 or len(options) != 1:
            raise SpecError(f"'{piece}': with by= gr() takes a factor and its types alone, gr(g, by=f).")
        return (cls(by=columns[0], types=options["by"], formula=formula, covariance=covariance),)

    def build(self, table: Table, like: GroupBlock | None = None, *, part: int = 0, **_: bool) -> TypedBlock:
        """Return the term's columns, levels and index, the columns of each type in its own rows.

        Raises
        ------
        DataError
            A level has two types, a type has one level, or rows have a type that the fit lacks.
        """
        fitted = like if isinstance(like, TypedBlock) else None
        plain = (
            self._plain.build(table, like, part=part)
            if fitted is None
            else self._plain.build(table, _one(fitted, part))
        )
        row_types, types = self._types(table, fitted)
        type_of = _types_of_levels(plain, row_types)
        if fitted is None:
            self._check(plain, row_types, type_of, types)
        else:
            type_of[: len(fitted.type_of)] = fitted.type_of
        count, width = len(types), plain.width
        own = [(row_types == number)[:, None] for number in range(count)]
        labels = tuple(of_type(f"{self.types}[{one}]", label) for one in types for label in plain.labels)
        as_written = np.tile(plain.units_as_written, count)
        return TypedBlock(
            name=self.name,
            factors=plain.factors,
            labels=labels,
            matrix=np.hstack([plain.matrix * one for one in own]),
            index=plain.index,
            levels=plain.levels,
            known=plain.known,
            parts=tuple(part.shifted(width * number) for number in range(count) for part in plain.parts),
            bases=plain.bases * count,
            columns=np.hstack([plain.columns * one for one in own]),
            written=reduce(block_diagonal, [plain.written] * count),
            units=np.tile(plain.units, count),
            units_as_written=as_written,
            means=np.tile(plain.means, count),
            coordinates=basis_coordinates(labels, as_written, as_written=True),
            states=plain.states * count,
            by=self.types,
            types=types,
            type_of=type_of,
            types_of_rows=row_types,
            plain=plain.labels * count,
            column_types=np.repeat(np.arange(count), width),
        )

    def _types(self, table: Table, fitted: TypedBlock | None) -> tuple[NDArray[np.intp], tuple[str, ...]]:
        """Return the type of each row, and the labels of all types."""
        codes, types = encode(table.data[self.types])
        if fitted is None:
            return codes, types
        codes, known = recode(codes, types, fitted.types)
        if len(known) > len(fitted.types):
            raise DataError(
                f"'{self.types}' is {enumerate_words(list(known[len(fitted.types) :]))}, and no group of '{self.name}' in the "
                f"fit is of that type. Types of the fit: {enumerate_words(list(fitted.types))}."
            )
        return codes, fitted.types

    def _check(
        self, block: GroupBlock, row_types: NDArray[np.intp], type_of: NDArray[np.intp], types: tuple[str, ...]
    ) -> None:
        """Refuse levels with several types, and types with one level (DataError)."""
        several = np.flatnonzero(type_of < 0)
        if len(several):
            level = several[0]
            found = [types[k] for k in sorted(set(row_types[block.index == level].tolist()))]
            raise DataError(
                f"Level '{block.levels[level]}' of '{self.name}' has rows with {self.types} {enumerate_words(found)} "
                f"({len(several)} of {len(type_of)} levels have several), and gr({self.name}, by={self.types}) needs one type "
                f"for each. Effects that differ within levels are (0 + {self.types} | {self.name}); if labels are used again in "
                f"each {self.types}, the groups are {self.types}:{self.name}."
            )
        if len(types) < 2:
            raise DataError(f"'{self.types}' is '{types[0]}' in all rows. Write ({self.formula} | {self.name}).")
        counts = np.bincount(type_of, minlength=len(types))
        if counts.min() < 2:
            one = types[int(counts.argmin())]
            raise DataError(
                f"One level of '{self.name}' has {self.types} '{one}'; an SD between levels needs several. Merge this type with "
                f"another, or write ({self.formula} | {self.name})."
            )

    def prior_rules(self, known: Known) -> Iterator[PriorRule]:
        """Yield the rules of the SDs and correlations of its effects, which hold for each type."""
        for rule in super().prior_rules(known):
            label = rule.key.label and of_type(self.types, rule.key.label)
            yield replace(rule, key=ParameterKey(rule.key.variable, label), meaning=f"{rule.meaning}, by {self.types}")

    def outline(self, indices: Indices, factors: Collection[str]) -> GroupOutline:
        """Return what equations need to know of it without data."""
        found = super().outline(indices, factors)
        columns = tuple(Column(of_type(self.types, column.label), column.index) for column in found.columns)
        return replace(found, columns=columns)


def _one(block: TypedBlock, part: int) -> Any:
    """Return what the plain term of one part needs to be replayed."""
    columns = list(block.parts[part].columns)
    chosen = np.ix_(columns, columns)
    own = {field.name: getattr(block, field.name) for field in fields(GroupBlock)}
    own |= {
        "labels": tuple(block.plain[column] for column in columns),
        "parts": (Part(tuple(range(len(columns))), block.parts[part].correlated),),
        "bases": (block.bases[part],),
        "states": (block.states[part],),
        "written": block.written[chosen],
        "units_as_written": block.units_as_written[columns],
        "means": block.means[columns],
    }
    return GroupBlock(**own)


def _types_of_levels(block: GroupBlock, row_types: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the type of the rows of each level, (J,); -1 of levels without rows, or with several types."""
    low = np.full(len(block.levels), np.iinfo(np.intp).max)
    high = np.full(len(block.levels), -1)
    np.minimum.at(low, block.index, row_types)
    np.maximum.at(high, block.index, row_types)
    return np.where(low == high, high, -1).astype(np.intp)
