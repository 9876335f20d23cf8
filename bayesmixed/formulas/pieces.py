"""Evaluated formulas: their written terms, and the pieces of which the columns of terms are products."""

import ast
import math
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.errors import DataError, SpecError, enumerate_words, shorten
from bayesmixed.families.links import Array
from bayesmixed.formulas.expressions import Expression
from bayesmixed.formulas.functions import CODINGS
from bayesmixed.formulas.interpreter import Evaluation, Factor, Value
from bayesmixed.formulas.learned import Basis
from bayesmixed.formulas.written import WrittenFormula, piece_text
from bayesmixed.tables.factors import Table, as_label, encode, refuse_identifier

Memory = dict[str, dict[str, Any]]
"""What calls and factors learned at the fit, by their text."""


@dataclass(frozen=True, slots=True)
class WrittenTerm:
    """A term of a formula: the pieces that it multiplies (none: the intercept), and its columns in the matrix."""

    pieces: tuple[str, ...]
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A factor, or an expression that gives numbers.

    Attributes
    ----------
    text : str
        As labels show it: "period", "C(period, contr.sum)", "I(x ** 2)", "poly(x, 2)".
    levels : tuple of str or None
        All levels of a factor, whatever its coding.
    power : (str, int) or None
        Column and exponent of an integer power, read from the parsed expression: ("x", 2).
    """

    text: str
    levels: tuple[str, ...] | None
    power: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class EvaluatedFormula:
    """A formula with what it learned from a table: levels, knots and codings, replayed on other rows.

    Attributes
    ----------
    written : WrittenFormula
        The formula.
    spec : formulaic.ModelSpec
        Of the formula in aliases.
    memory : mapping
        What its calls and factors learned.
    labels : tuple of str
        Of the columns.
    parts : tuple of tuples of str
        What the label of each column joins, without marks of coding: ("x", "g[b]") for x:g[T.b].
    terms : tuple of WrittenTerm
        In the order of the columns.
    pieces : mapping of str to Piece
        By their text.
    """

    written: WrittenFormula
    spec: Any
    memory: Memory
    labels: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]
    terms: tuple[WrittenTerm, ...]
    pieces: Mapping[str, Piece]

    def matrix(self, table: Table) -> Array:
        """Return the columns of the formula on a table."""
        return _matrix(self.written, self.spec, values_of_pieces(self.written, table, self.memory), table)

    def piece_values(self, table: Table) -> dict[str, Array]:
        """Return for each factor the (n, K) indicators of all its levels, for other pieces their (n, w) numbers."""
        values = values_of_pieces(self.written, table, self.memory)
        return {piece_text(piece): _columns(values[alias]) for alias, piece in self.written.pieces.items()}


def learn_formula(written: WrittenFormula, table: Table) -> tuple[EvaluatedFormula, Array]:
    """Return a formula evaluated on the rows of a fit, and its columns.

    Raises
    ------
    SpecError, DataError
        It cannot be read or computed.
    """
    written.check_size()
    memory: Memory = {}
    values = values_of_pieces(written, table, memory)
    _check_size(written, values, table.rows)
    matrix = _matrix(written, None, values, table)
    spec = matrix.model_spec
    names = {alias: piece_text(piece) for alias, piece in written.pieces.items()}
    levels = {alias: value.levels for alias, value in values.items() if isinstance(value, Factor)}
    parts = [_parts(str(name), names, levels) for name in spec.column_names]
    plain = tuple(tuple(_parts(str(name), names, levels, mark="")) for name in spec.column_names)
    labels = tuple(":".join(texts) for texts in parts)
    twice = [label for label in labels if labels.count(label) > 1]
    if twice:
        raise SpecError(
            f"Formula '{shorten(written.text)}' gives two columns of the name '{shorten(twice[0])}'. Rename a column of the "
            "data, or leave one out."
        )
    terms = tuple(
        WrittenTerm(tuple(names[f.expr] for f in term.factors if f.expr in names), tuple(positions))
        for term, positions in spec.term_indices.items()
    )
    pieces = {
        names[alias]: Piece(names[alias], levels.get(alias), read_power(piece))
        for alias, piece in written.pieces.items()
    }
    state = EvaluatedFormula(written, spec, memory, labels, plain, terms, pieces)
    return state, np.asarray(matrix, dtype=float)


def _check_size(written: WrittenFormula, values: Mapping[str, Value], rows: int) -> None:
    """Refuse identifiers among the factors, and more columns than the memory of the machine holds (DataError)."""
    widths = dict.fromkeys(values, 1)
    for alias, value in values.items():
        if isinstance(value, Factor):
            widths[alias] = len(value.levels)
            refuse_identifier(piece_text(written.pieces[alias]), widths[alias], rows)
        elif isinstance(value, Basis):
            widths[alias] = len(value.columns)
    columns = sum(math.prod(widths[alias] for alias in product) for product in written.products())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else math.inf
    if 8 * rows * columns > memory:
        raise DataError(
            f"Formula '{shorten(written.text)}' has about {columns:,} columns of {rows:,} rows, more than this machine's "
            "memory holds. Factors with many levels belong into group terms, such as (1 | f)."
        )


def values_of_pieces(written: WrittenFormula, table: Table, memory: Memory) -> dict[str, Value]:
    """Return each piece's numbers, Factor or Basis by its alias; what is absent from memory is learned."""
    found = {}
    for alias, piece in written.pieces.items():
        name = piece.plain_factor
        value = table.data[name] if name in table.levels else Evaluation(piece, table, memory).value()
        if isinstance(value, str):
            raise SpecError(f"'{shorten(piece.text)}' in '{shorten(written.text)}' is a text, not a column.")
        if isinstance(value, pd.Series | Factor):
            value = _with_learned_levels(value, piece_text(piece), memory)
        elif not isinstance(value, Basis):
            value = np.broadcast_to(np.asarray(value, dtype=float), (table.rows,))
        found[alias] = value
    return found


def _with_learned_levels(value: Any, text: str, memory: Memory) -> Factor:
    """Return a factor with the levels that it had at the fit."""
    coding = value.coding if isinstance(value, Factor) else None
    codes, labels = (value.codes, value.levels) if isinstance(value, Factor) else encode(value)
    levels = memory.setdefault(f"levels of {text}", {"levels": labels})["levels"]
    unseen = [label for label in labels if label not in levels]
    if unseen:
        raise DataError(
            f"Factor '{shorten(text)}' holds {enumerate_words(unseen)}, a level that the model was not fitted to. Known "
            f"levels: {enumerate_words(levels, 12)}."
        )
    if labels != levels:
        place = {level: k for k, level in enumerate(levels)}
        codes = np.array([place[label] for label in labels], dtype=np.intp)[codes]
    return Factor(codes, levels, coding)


def _columns(value: Value) -> Array:
    if isinstance(value, Factor):
        return (value.codes[:, None] == np.arange(len(value.levels))).astype(float)
    return np.column_stack(value.columns) if isinstance(value, Basis) else np.asarray(value)[:, None]


def _matrix(written: WrittenFormula, spec: Any, values: Mapping[str, Value], table: Table) -> Any:
    """Return formulaic's matrix of ready columns; factors have the numbers of their levels in place of labels."""
    from formulaic import model_matrix

    context = {alias: ready for alias, value in values.items() if (ready := _ready(value)) is not None}
    plain = {alias: _plain(value) for alias, value in values.items() if alias not in context}
    frame = pd.DataFrame(plain, index=pd.RangeIndex(table.rows), copy=False)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            if spec is None:
                return model_matrix(written.algebra, frame, context=context, na_action="ignore")
            return spec.get_model_matrix(frame, context=context)
    except Exception as error:  # formulaic raises many kinds of errors; all mean the same to the user
        raise written.unreadable() from error


def _plain(value: Value) -> Any:
    if isinstance(value, Factor):
        return pd.Categorical.from_codes(value.codes, categories=pd.RangeIndex(len(value.levels)))
    return value


def _ready(value: Value) -> Any:
    """Return what formulaic takes from its context: bases and factors with a coding of their own; None for others."""
    from formulaic.materializers.types import FactorValues
    from formulaic.transforms import C

    if isinstance(value, Basis):
        return FactorValues(
            dict(zip(value.names, value.columns, strict=True)),
            kind="numerical",
            spans_intercept=value.spans,
            drop_field=value.names[0] if value.spans else None,
            format="{name}[{field}]",
        )
    if isinstance(value, Factor) and value.coding is not None:
        return C(pd.Series(_plain(value)), _contrasts(value), levels=list(range(len(value.levels))))
    return None


def _contrasts(factor: Factor) -> Any:
    from formulaic.transforms import contrasts

    name, options = factor.coding or ("", {})
    chosen = dict(options)
    for word in ("base", "reference"):
        if word in chosen:
            wanted = as_label(chosen.pop(word))
            if wanted not in factor.levels:
                raise SpecError(f"{name}('{wanted}'): no such level. Levels: {enumerate_words(factor.levels, 12)}.")
            chosen["base"] = factor.levels.index(wanted)
    if chosen.get("scores") is not None:
        scores = chosen["scores"]
        if not isinstance(scores, list) or len(scores) != len(factor.levels):
            raise SpecError(f"{name}(scores=): give a list of {len(factor.levels)} numbers, one for each level.")
    return getattr(contrasts, CODINGS[name][0])(**chosen)


def _parts(name: str, texts: Mapping[str, str], levels: Mapping[str, tuple[str, ...]], mark: str = "T.") -> list[str]:
    """Return what the label of a column joins, given formulaic's name of it in aliases and numbers of levels; `mark`
    precedes levels with the default coding."""
    pieces = []
    for part in name.split(":"):
        match = re.fullmatch(r"(_c\d+)(.*)", part)
        if match is None:
            pieces.append(part)
            continue
        alias, rest = match[1], match[2]
        place = re.fullmatch(r"\[(\w\.)?(\d+)\]", rest) if alias in levels else None
        coded = "" if place is None else mark if place[1] == "T." else place[1] or ""
        field = f"[{coded}{levels[alias][int(place[2])]}]" if place else rest
        pieces.append(texts[alias] + field)
    return pieces


def read_power(expression: Expression) -> tuple[str, int] | None:
    """Return column and exponent if an expression is a whole power from 2 of a column, `I(x ** 2)`, else None."""
    node = expression.tree
    if isinstance(node, ast.Call) and expression.called(node) == "I":
        node = node.args[0]
    match node:
        case ast.BinOp(ast.Name() as base, ast.Pow(), ast.Constant(int() | float() as exponent)):
            name = Expression("", base, expression.words, (), ()).only_column
            power = 0 if isinstance(exponent, bool) or exponent != int(exponent) else int(exponent)
            return (name, power) if name is not None and power >= 2 else None
    return None
