"""The group term: normal effects of the levels of a grouping factor on some columns."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from pydantic import field_validator, model_validator

from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.formulas.evaluation import evaluate
from bayesmixed.formulas.groupings import read_groupings
from bayesmixed.formulas.names import formula_columns
from bayesmixed.formulas.notation import (
    call_arguments,
    has_bar,
    inside_brackets,
    is_balanced,
    join_factors,
    split_factors,
    split_signed,
)
from bayesmixed.tables.column_names import quote_name
from bayesmixed.tables.factors import Table, group_levels, recode
from bayesmixed.terms.basis import Basis, learn_basis, map_to_written, units_as_written
from bayesmixed.terms.block_parts import Part, basis_coordinates
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.covariances import ANY, CALLS, COORDINATES, COVARIANCES, SMOOTHNESS, VARIANTS
from bayesmixed.terms.covariates import note_units
from bayesmixed.terms.levels import VaryingTerm
from bayesmixed.terms.places import place_columns, read_places
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.structures import Structure

_LETTER = r"[\w.]+"
"""What can stand between the bars of (x |p| g)."""


class Group(VaryingTerm):
    """Normal group effects: `Group(by="herd")` is `(1 | herd)`.

    Attributes
    ----------
    by : str
        A column, or several joined by colons (each observed combination is a group); names with special characters go in
        backticks.
    letter : str
        In brms's notation `(x |p| g)`: terms of one factor with the same letter, in the formulas of several parameters, have
        one covariance matrix.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> terms = [bm.Fixed(formula="1"), bm.Group(by="herd", formula="1 + x")]
    >>> bm.ModelSpec(response="y", predictors={"mu": terms}).formula
    'y ~ 1 + (1 + x | herd)'
    """

    kind: Literal["group"] = "group"
    by: str
    letter: str = ""

    @field_validator("letter")
    @classmethod
    def _name_of_letter(cls, letter: str) -> str:
        if letter and not re.fullmatch(_LETTER, letter):
            raise SpecError(f"'{letter}' is not a letter, a word or a number, as in (1 |p| g).")
        return letter

    @model_validator(mode="after")
    def _free_covariance(self) -> Self:
        if self.letter and self.covariance != "unstructured":
            raise SpecError(
                f"Letter '{self.letter}' ties all columns of a group by free correlations, and covariance '{self.covariance}' "
                f"is another one. Write ({self.formula} |{self.letter}| {self.by}), or leave the letter out."
            )
        return self

    @field_validator("by")
    @classmethod
    def _plain_names(cls, by: str) -> str:
        return join_factors(split_factors(by))

    def __str__(self) -> str:
        return self.write(":".join(map(quote_name, self.factor_columns)), self.letter)

    @property
    def tied_by(self) -> str:
        """Letter that ties its effects to those of the same levels in other predictors, "" without."""
        return self.letter

    @property
    def streams(self) -> bool:
        """Whether rows can be read some at a time: not where all times must be known."""
        return self.structure(1) is None

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads, grouping columns included."""
        names = [str(name) for name in available]
        for name in self.factor_columns:
            if name not in names:
                meant = [one for one in names if one.replace(" ", "") == self.name.replace(" ", "")]
                if meant:
                    raise SpecError(
                        f"Grouping factor '{self.name}' is read as columns joined by colons. If the column '{meant[0]}' is "
                        f"meant, write it in backticks: (1 | `{meant[0]}`)."
                    )
                raise SpecError(f"Grouping factor '{name}' is not in the data. {did_you_mean(name, names)}")
        return formula_columns(self.formula, names) | set(self.factor_columns)

    @property
    def factor_columns(self) -> tuple[str, ...]:
        """The columns whose combinations are the groups."""
        return split_factors(self.by)

    @property
    def name(self) -> str:
        """The factor's name in results: its columns joined by colons, without backticks."""
        return ":".join(self.factor_columns)

    @classmethod
    def read(cls, piece: str) -> "tuple[Group, ...]":
        """Return the terms that a summand of a formula denotes, (x | g), (x | a/b), (x | a + b) or ar1(0 + x | g), none if it
        has no bar.

        Raises
        ------
        SpecError
            A bar is not alone in brackets between columns and a group.
        """
        called = read_structure(piece)
        if called is None and not has_bar(piece):
            return ()
        piece, letter = (piece, "") if called else take_letter(piece)
        formula, by, covariance = called or split_bars(piece)
        return tuple(cls(by=one, formula=formula, covariance=covariance, letter=letter) for one in read_groupings(by))

    @classmethod
    def expand(cls, fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the tables for a and a:b to which one for a/b expands; those of a + b and a*b."""
        by = fields.get("by")
        return [{**fields, "by": one} for one in read_groupings(by)] if isinstance(by, str) else [fields]

    def build(self, table: Table, like: GroupBlock | None = None, *, part: int = 0, **_: bool) -> GroupBlock:
        """Return the term's columns, levels and index; with `like`, unseen levels are put at the end."""
        codes, levels = group_levels(table.data, self.factor_columns)
        known = len(levels) if like is None else like.known
        if like is not None:
            codes, levels = recode(codes, levels, like.levels)
        found = self._columns(table, like, part)
        width = len(found.labels)
        return GroupBlock(
            name=self.name,
            factors=self.factor_columns,
            labels=found.labels,
            matrix=found.matrix,
            index=codes,
            levels=levels,
            known=known,
            parts=(Part(tuple(range(width)), self.correlated(width), found.structure, self.letter),),
            bases=(found.basis,),
            columns=found.columns,
            written=found.written,
            units=found.as_written if found.basis is None else found.basis.units,
            units_as_written=found.as_written,
            means=found.columns.mean(axis=0),
            coordinates=basis_coordinates(found.labels, found.as_written, as_written=True),
            states=(found.state,),
        )

    def advise(self, block: GroupBlock, population: PopulationBlock) -> Iterator[str]:
        """Yield a note where two coordinates of places hardly have the same unit."""
        for part in block.structured:
            structure = part.structure
            if structure is not None and structure.name == self.covariance and self._record.columns == COORDINATES:
                names, _ = read_places(self.formula, self.covariance)
                if len(names) == 2:
                    yield from note_units(self, names, np.ptp(np.array(structure.places), axis=0))

    def _columns(self, table: Table, like: GroupBlock | None, part: int) -> "_Columns":
        """Return the term's columns on a table; with `like`, what the fit learned of that part of it is replayed."""
        state = None if like is None else like.states[part]
        if self._record.columns != ANY:
            structure = None if like is None else like.parts[part].structure
            places = place_columns(self.formula, self._record, table, structure)
            width, state = len(places.labels), state or evaluate(self.formula, table).state
            return _Columns(
                places.labels,
                places.matrix,
                state,
                None,
                places.matrix,
                np.eye(width),
                np.ones(width),
                places.structure,
            )
        columns = evaluate(self.formula, table, state)
        labels, state = columns.labels, columns.state
        structure, values = self.structure(len(labels)), state.piece_values(table)
        if like is None:
            learned = learn_basis(state, values)
            basis: Basis | None = learned
            written, as_written = map_to_written(state, learned, table), units_as_written(state, learned, table)
            if structure is not None and structure.covariance.equal:
                as_written = np.full(len(labels), as_written.max(initial=0.0))
            if structure is not None or written.shape[0] != written.shape[1]:
                # Columns with a structure, or that depend on each other: their effects are as written.
                basis, written = None, np.eye(len(labels))
        else:
            basis, (written, as_written) = like.bases[part], _of_part(like, part)
        own = columns.matrix if basis is None else basis.columns(values, table.rows)
        return _Columns(labels, columns.matrix, state, basis, own, written, as_written, structure)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns of a group term: as written, (n, K), and on a basis of which `written` makes effects as written."""

    labels: tuple[str, ...]
    matrix: Array
    state: Any
    basis: Basis | None
    columns: Array
    written: Array
    as_written: Array
    structure: Structure | None


def read_structure(piece: str) -> tuple[str, str, str] | None:
    """Return the formula, the grouping and the covariance of a summand such as ar1(0 + x | g), None if it is none.

    As in lme4, hom=True and hom=False after the group ask for one SD, and for one of each column; nu=2.5 in mat() is the
    smoothness of a Matérn covariance.

    Raises
    ------
    SpecError
        The call holds something else.
    """
    for call, name in CALLS.items():
        arguments = call_arguments(piece, call) or [""]
        bars = split_signed(arguments[0], ("|", "||"))
        if len(bars) < 2:
            continue
        formula, by, bar = split_bars(f"({arguments[0]})")
        if bar == "independent" and call not in ("diag", "homdiag"):
            raise SpecError(f"'{piece}': write one bar, {call}({formula} | {by}).")
        for argument in arguments[1:]:
            option, _, value = (text.strip() for text in argument.partition("="))
            name = _with_option(piece, call, name, option, value)
        return formula, by, name
    return None


def _with_option(piece: str, call: str, name: str, option: str, value: str) -> str:
    """Return the covariance that an option in a call asks for in place of that of the call alone (SpecError)."""
    if option == "nu" and call == COVARIANCES["matern32"].call:
        found = {str(nu): one for nu, one in SMOOTHNESS.items()}.get(value.strip())
        if found is None:
            raise SpecError(f"'{piece}': nu is the smoothness, 0.5 (exponential), 1.5 or 2.5, not {value or 'empty'}.")
        return found
    if option != "hom" or value.upper() not in ("TRUE", "FALSE"):
        raise SpecError(
            f"'{piece}': '{option}{'=' * bool(value)}{value}' is not known here. Write {call}(columns | group), or hom=True."
        )
    homogeneous = value.upper() == "TRUE"
    twins = next((pair for pair in VARIANTS.items() if name in pair), None)
    if twins is None:
        raise SpecError(f"'{piece}': '{call}' has no variant with hom={homogeneous}.")
    return twins[0] if homogeneous else twins[1]


def take_letter(piece: str) -> tuple[str, str]:
    """Return a summand without its letter, and the letter: "(x | g)" and "p" of (x |p| g); "" where it has none."""
    bars = split_signed(inside_brackets(piece), ("|", "||"))
    if [bar for bar, _ in bars] != ["", "|", "|"] or not re.fullmatch(_LETTER, bars[1][1].strip()):
        return piece, ""
    return f"({bars[0][1]} | {bars[2][1]})", bars[1][1].strip()


def split_bars(piece: str) -> tuple[str, str, str]:
    """Return the formula, the grouping and the covariance of a summand with a bar, (x | g) or (x || g).

    Raises
    ------
    SpecError
        The bar is not alone in brackets between the two.
    """
    inside = piece[1:-1] if piece.startswith("(") and piece.endswith(")") else ""
    if not inside or not is_balanced(inside):
        raise SpecError(
            f"'{piece}': a group term stands alone in brackets, (columns | group), joined to others by '+'."
        )
    bars = split_signed(inside, ("|", "||"))
    if len(bars) != 2:
        raise SpecError(
            f"'{piece}': a group term has one '|' or '||' between columns and group, or a letter between two '|' that "
            "ties terms of several formulas, (x |p| g), where g is made of columns."
        )
    (_, formula), (bar, by) = bars
    if not formula.strip() or not by.strip():
        raise SpecError(f"'{piece}': a group term needs columns and a group: (1 | group), (x | group).")
    return formula.strip(), by.strip(), "independent" if bar == "||" else "unstructured"


def _of_part(block: GroupBlock, part: int) -> tuple[Array, Array]:
    """Return what a block of several terms knows of one of them: its map to effects as written, and their units."""
    columns = list(block.parts[part].columns)
    return block.written[np.ix_(columns, columns)], block.units_as_written[columns]
