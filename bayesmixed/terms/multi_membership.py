"""The multi-membership term: a row takes the effects of several levels of one factor, with shares."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import field_validator, model_validator

from bayesmixed.errors import DataError, SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.formulas.names import formula_columns
from bayesmixed.formulas.notation import call_arguments, has_bar, read_call, split_factors
from bayesmixed.tables.column_names import quote_name
from bayesmixed.tables.factors import Table, encode, is_number, recode
from bayesmixed.terms.block_parts import SEVERAL
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.covariances import find_covariance
from bayesmixed.terms.group import Group, split_bars, take_letter
from bayesmixed.terms.levels import VaryingTerm
from bayesmixed.terms.normal_block import NormalBlock


class MultiMembership(VaryingTerm):
    """Normal effects of a factor of which a row can have several levels, `mm(school1, school2)`: a pupil who changed schools.

    All member columns share one set of levels and one SD. A row takes the effects of its levels, each times its share:
    equal shares, or shares given by weights. A level that a row names twice counts with both shares.

    Attributes
    ----------
    by : tuple of str
        The member columns.
    weights : tuple of str
        A column of weights for each of them; none: equal shares.
    scale : bool
        Weights are divided by their sum in each row, so that shares add up to one; else they are used as shares unchanged.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> terms = [bm.Fixed(formula="1"), bm.MultiMembership(by=("school1", "school2"), weights=("w1", "w2"))]
    >>> bm.ModelSpec(response="y", predictors={"mu": terms}).formula
    'y ~ 1 + mm(school1, school2, weights=[w1, w2])'
    """

    takes: ClassVar[str] = SEVERAL
    kind: Literal["multi_membership"] = "multi_membership"
    by: tuple[str, ...]
    weights: tuple[str, ...] = ()
    scale: bool = True

    @field_validator("by", "weights", mode="before")
    @classmethod
    def _names(cls, names: Any) -> Any:
        names = (names,) if isinstance(names, str) else names
        return tuple(_column(str(name)) for name in names) if isinstance(names, list | tuple) else names

    @model_validator(mode="after")
    def _fits(self) -> "MultiMembership":
        if not self.by:
            raise SpecError("mm() needs the columns that name the levels: mm(g1, g2).")
        twice = [name for name in self.by if self.by.count(name) > 1]
        if twice:
            raise SpecError(f"'{self}' names the column '{twice[0]}' twice. Name each member once.")
        if self.weights and len(self.weights) != len(self.by):
            raise SpecError(
                f"'{self}' has {len(self.weights)} columns of weights for {len(self.by)} members. Give one for each, "
                "mm(g1, g2, weights=[w1, w2])."
            )
        if not self.scale and not self.weights:
            raise SpecError(
                f"'{self}': scale=False leaves weights as they are, but none are given. Give weights=[...]."
            )
        return self

    @field_validator("covariance")
    @classmethod
    def _plain_covariance(cls, covariance: str) -> str:
        if find_covariance(covariance).structured:
            raise SpecError(
                f"Covariance '{covariance}' is not for members, mm(...). Write '|' for correlated columns, '||' for independent "
                "ones."
            )
        return covariance

    def __str__(self) -> str:
        options = [f"weights=[{', '.join(map(quote_name, self.weights))}]"] if self.weights else []
        options += [] if self.scale else ["scale=False"]
        call = f"mm({', '.join([*map(quote_name, self.by), *options])})"
        plain = self.formula == "1" and self.covariance == "unstructured"
        return call if plain else self.write(call)

    @property
    def name(self) -> str:
        """Its name in results, "mm(school1+school2)"; no comma, which draws cannot hold."""
        return f"mm({'+'.join(self.by)})"

    @property
    def expressions(self) -> tuple[str, ...]:
        """The weights."""
        return tuple(map(quote_name, self.weights))

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The member columns."""
        return self.by

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads."""
        names = [str(name) for name in available]
        for name in (*self.by, *self.weights):
            if name not in names:
                raise SpecError(f"Column '{name}' in '{self}' is not in the data. {did_you_mean(name, names)}")
        return formula_columns(self.formula, names) | {*self.by, *self.weights}

    @classmethod
    def read(cls, piece: str) -> "tuple[MultiMembership, ...]":
        """Return the term that a summand of a formula is, mm(g1, g2) or (x | mm(g1, g2)), if it is one (SpecError)."""
        formula, call, covariance = "1", piece.strip(), "unstructured"
        if has_bar(piece) and re.search(r"\|\s*mm\s*\(", piece):
            if take_letter(piece)[1]:
                raise SpecError(
                    f"'{piece}': letters tie terms of one grouping column, (x |p| g), not of mm(). Leave it out."
                )
            formula, call, covariance = split_bars(piece)
        alone = "mm() is a term of its own, joined to others by '+', or as the group of a bar, (x | mm(g1, g2))."
        found = read_call(piece, call, "mm", ("weights", "scale"), alone)
        if found is None:
            return ()
        members, options = found
        scale = options.get("scale", "True").capitalize()
        if scale not in ("True", "False"):
            raise SpecError(f"'{piece}': scale is True or False.")
        weights = _listed(options["weights"], piece) if "weights" in options else ()
        return (cls(by=tuple(members), weights=weights, scale=scale == "True", formula=formula, covariance=covariance),)

    def build(self, table: Table, like: GroupBlock | None = None, *, part: int = 0, **_: bool) -> "MemberBlock":
        """Return the term's columns, and the levels and shares of each row; with `like`, unseen levels are put at the end.

        Raises
        ------
        DataError
            Weights are not numeric, negative, not finite, or add up to zero.
        """
        codes, levels = _shared_levels(table.data, self.by)
        # The plain term, one level per row, has the same columns and learns the same from them.
        plain = Group(by=quote_name(self.by[0]), formula=self.formula, covariance=self.covariance)
        known = len(levels) if like is None else like.known
        if like is not None:
            codes, levels = recode(codes, levels, like.levels)
        shares = self._shares(table)
        for later in range(1, codes.shape[1]):
            for earlier in range(later):
                same = codes[:, later] == codes[:, earlier]
                shares[same, earlier] += shares[same, later]
                shares[same, later] = 0.0
        block = plain.build(table, like, part=part)
        own = {field.name: getattr(block, field.name) for field in fields(block)}
        own |= {"name": self.name, "factors": (), "levels": levels, "known": known, "index": _NoLevel(self.name)}
        return MemberBlock(**own, members=codes, shares=shares)

    def _shares(self, table: Table) -> Array:
        """Return the share of each member in each row, (n, M)."""
        if not self.weights:
            return np.full((table.rows, len(self.by)), 1.0 / len(self.by))
        for name in self.weights:
            if not is_number(table.data[name]):
                raise DataError(f"{self}: weights '{name}' hold no numbers.")
        weights = table.data[list(self.weights)].to_numpy(dtype=float)
        for name, column in zip(self.weights, weights.T, strict=True):
            bad = np.flatnonzero(~np.isfinite(column) | (column < 0.0))
            if len(bad):
                raise DataError(
                    f"{self}: weights are finite numbers from 0 on; '{name}' is {column[bad[0]]:g} in row "
                    f"{table.data.index[bad[0]]} ({len(bad)} of {table.rows} rows)."
                )
        total = weights.sum(axis=1)
        nothing = np.flatnonzero(total <= 0.0)
        if len(nothing):
            raise DataError(
                f"{self}: the weights of row {table.data.index[nothing[0]]} add up to 0 ({len(nothing)} of {table.rows} "
                "rows), so it belongs to no level. Leave such rows out."
            )
        return np.asarray(weights / total[:, None] if self.scale else weights.copy())


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberBlock(GroupBlock):
    """The effects of levels of which each row has several.

    Attributes
    ----------
    members : (n, M) integer array
        Levels of each row.
    shares : (n, M) array
        The share of each; 0 where an earlier member is the same level.
    """

    takes: ClassVar[str] = SEVERAL
    members: NDArray[np.intp]
    shares: Array

    def join(self, other: GroupBlock) -> "MemberBlock":
        """Return the block of two terms of the same members (SpecError where their shares differ)."""
        if not isinstance(other, MemberBlock) or not np.allclose(self.shares, other.shares):
            raise SpecError(f"Two terms have the name '{self.name}' and different weights. Give both the same.")
        joined = GroupBlock.join(self, other)
        return replace(self, **{field.name: getattr(joined, field.name) for field in fields(GroupBlock)})

    def take(self, rows: NDArray[np.intp]) -> "MemberBlock":
        """Return the block of some of its rows, with all levels."""
        copies = None if self.copies is None else self.copies[rows]
        matrix, columns = self.matrix[rows], self.columns[rows]
        return replace(
            self, matrix=matrix, columns=columns, copies=copies, members=self.members[rows], shares=self.shares[rows]
        )

    def pick(self, values: Any) -> Any:
        """Return the values, (..., J), of the levels of each row, times their shares, (..., n)."""
        picked = [values[..., places] * shares for places, shares in zip(self.members.T, self.shares.T, strict=True)]
        return sum(picked[1:], picked[0])

    def sums(self, values: Array, rows: Any = slice(None)) -> Array:
        """Return sums of values, (m,), times shares over the rows of each level, or some of them, (J,)."""
        weights = (np.asarray(values)[:, None] * self.shares[rows]).ravel()
        return np.bincount(self.members[rows].ravel(), weights, minlength=len(self.levels))

    def read_rows(self, rows: Any = slice(None)) -> tuple[NDArray[np.intp], Array]:
        """Return which effects some rows take, and what multiplies them."""
        return self.loadings(rows)

    def pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
        """Return every row with every level that it takes: rows, levels and shares, (P,) each."""
        rows, places = np.nonzero(self.shares)
        return rows, self.members[rows, places], self.shares[rows, places]

    @property
    def spread_matrix(self) -> Array:
        """(n, K) columns at the centre times the root of the sum of the squared shares."""
        return self.centred_matrix * np.sqrt(np.sum(self.shares**2, axis=1))[:, None]

    def loadings(self, rows: Any = slice(None)) -> tuple[NDArray[np.intp], Array]:
        """Return which of the J K effects some rows take, (m, M K), and what multiplies each, at the centre."""
        members, shares = self.members[rows], self.shares[rows]
        places = members[:, :, None] * self.width + np.arange(self.width)
        values = shares[:, :, None] * self.centred_rows(rows)[:, None, :]
        return places.reshape(len(members), -1), values.reshape(len(members), -1)

    @property
    def row_columns(self) -> tuple[NDArray[Any], ...]:
        """Columns, (n,) each, that distinguish rows with different z'b."""
        return (*self.members.T, *self.shares.T, *self.matrix.T)

    def without_empty_levels(self) -> "MemberBlock":
        """Return the block with the levels that rows have shares in."""
        present = np.flatnonzero(self.occurs)
        place = np.zeros(len(self.levels), dtype=np.intp)
        place[present] = np.arange(len(present))
        levels = tuple(self.levels[k] for k in present)
        return replace(self, members=place[self.members], levels=levels, known=len(levels))

    def alone(self, levels: NDArray[np.bool_]) -> tuple[NDArray[np.intp], Array]:
        """Return the effects of levels of single rows, (J,), as the sets of these rows: their sum is normal.

        Raises
        ------
        SpecError
            One of the levels has several rows.
        """
        rows, places, shares = self.pairs()
        several = np.flatnonzero(levels & (self.sizes > 1))
        if len(several):
            raise SpecError(
                f"Level '{self.levels[several[0]]}' of '{self.name}' occurs in one unit only, whose rows also have shares in "
                "other levels, so leaving that unit out is not defined. bm.kfold refits without it."
            )
        own = levels[places]
        squares = np.bincount(rows[own], shares[own] ** 2, minlength=len(self.matrix))
        sets = np.where(squares > 0.0, np.arange(len(squares)), -1)
        return sets, self.centred_matrix * np.sqrt(squares)[:, None]

    def parents(self, outer: NormalBlock) -> NDArray[np.intp] | None:
        """Return None: rows do not determine an outer factor of its levels."""
        return None


class _NoLevel:
    """Placeholder for the level of each row where rows have several; any use of it is refused (SpecError)."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getitem__(self, _: Any) -> Any:
        raise SpecError(
            f"This needs a single level for each row, but rows have several levels of '{self._name}'. Name "
            "another grouping factor, or a column."
        )

    def __array__(self, *_: Any, **__: Any) -> Any:
        return self[0]


def _column(text: str) -> str:
    names = split_factors(text)
    if len(names) != 1:
        raise SpecError(f"'{text}' in mm(): name one column for each member; join columns beforehand.")
    return names[0]


def _listed(text: str, piece: str) -> tuple[str, ...]:
    """Return the columns that [a, b] or c(a, b) lists."""
    listed = f"c({text[1:-1]})" if text.startswith("[") and text.endswith("]") else text
    inside = call_arguments(listed, "c")
    if not inside:
        raise SpecError(f"'{piece}': weights are a list of columns, one for each member: weights=[w1, w2].")
    return tuple(inside)


def _shared_levels(data: pd.DataFrame, names: tuple[str, ...]) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return the level of each row in each member column, (n, M), and the labels of all together, in natural order."""
    encoded = [encode(data[name]) for name in names]
    _, levels = encode(pd.Series([label for _, labels in encoded for label in labels], dtype=object))
    return np.column_stack([recode(own, labels, levels)[0] for own, labels in encoded]), levels
