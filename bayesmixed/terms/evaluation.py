"""Formulas evaluated on a table: columns, their labels, and the steps that default priors speak of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.errors import DataError, SpecError, enumerate_words, shorten
from bayesmixed.links import Array
from bayesmixed.terms.expressions import parse_expression
from bayesmixed.terms.interpreter import Evaluation, Factor
from bayesmixed.terms.learned import Basis
from bayesmixed.terms.names import whole_column
from bayesmixed.terms.pieces import EvaluatedFormula, learn_formula, levels_mask
from bayesmixed.terms.tables import Table
from bayesmixed.terms.written import read_formula


@dataclass(frozen=True, slots=True)
class Columns:
    """A formula evaluated on a table: matrix, labels and what was learned on the way."""

    labels: tuple[str, ...]
    matrix: Array
    scales: Array
    levels_mask: NDArray[np.bool_]
    interactions: tuple[str, ...]
    state: EvaluatedFormula


def evaluate(formula: str, table: Table, state: EvaluatedFormula | None = None) -> Columns:
    """Return the columns of a population formula; with `state` what it learned is replayed.

    Raises
    ------
    SpecError
        The formula cannot be read or computed.
    DataError
        A column is not finite, or a factor holds an unknown level.
    """
    if state is not None:
        values = _finite(formula, state.labels, np.asarray(state.matrix(table), dtype=float))
        nothing = np.zeros(len(state.labels))
        return Columns(state.labels, values, nothing, nothing.astype(bool), (), state)
    learned, matrix, pieces = learn_formula(read_formula(formula), table)
    values = _finite(formula, learned.labels, matrix.reshape(table.rows, len(learned.labels)))
    scales, interactions = _scales(learned, values, table, pieces)
    return Columns(learned.labels, values, scales, levels_mask(learned.terms, values), interactions, learned)


def _finite(formula: str, labels: tuple[str, ...], values: Array) -> Array:
    if not np.all(np.isfinite(values)):
        bad = [label for label, column in zip(labels, values.T, strict=True) if not np.all(np.isfinite(column))]
        raise DataError(
            f"Formula '{shorten(formula)}' gives values that are not finite in {enumerate_words(bad)}. "
            "Look for logarithms of zero, divisions by zero and overflow."
        )
    return values


def evaluate_expression(expression: str, table: Table) -> pd.Series:
    """Return the value of one expression, such as the left-hand side of a formula, for each row.

    Raises
    ------
    SpecError
        It cannot be read or computed.
    """
    column = whole_column(expression, table.data.columns)
    if column is not None:
        return table.data[column]
    value = Evaluation(parse_expression(expression), table).value()
    if isinstance(value, Basis | str):
        raise SpecError(f"'{shorten(expression)}' is not one number for each row.")
    if isinstance(value, Factor):
        labels = pd.Index(value.levels, dtype=object)
        return pd.Series(pd.Categorical.from_codes(value.codes, categories=labels), index=table.data.index)
    return pd.Series(np.broadcast_to(np.asarray(value), (table.rows,)), index=table.data.index)


def interacting(state: EvaluatedFormula) -> tuple[str, ...]:
    """Return the pieces that interactions of an evaluated formula are made of."""
    return tuple(dict.fromkeys(text for term in state.terms if len(term.pieces) > 1 for text in term.pieces))


def interaction_steps(state: EvaluatedFormula, own: Array, steps: Mapping[str, float]) -> Array:
    """Return the steps of columns: their own, of interactions the product of those of the parts of their labels."""
    scales = own.copy()
    for term in state.terms:
        for position in term.positions if len(term.pieces) > 1 else ():
            parts = state.parts[position]
            if all(part in steps for part in parts):
                scales[position] = np.prod([steps[part] for part in parts])
    return scales


def column_step(column: Array) -> float:
    """Return what a default slope prior calls one step: 2 sd, or the range of a two-valued column."""
    unique = np.unique(column)
    if len(unique) <= 2:
        return float(np.ptp(unique)) or 1.0
    return float(2.0 * np.std(column, ddof=1))


def _scales(
    state: EvaluatedFormula, values: Array, table: Table, found: Mapping[str, Any]
) -> tuple[Array, tuple[str, ...]]:
    own = np.array([column_step(column) for column in values.T])
    crossed = interacting(state)
    steps = _piece_steps(crossed, found)
    powers = [piece.power[0] for piece in state.pieces.values() if piece.power is not None]
    named = sorted({*crossed, *powers})
    numeric = [n for n in named if n in table.data.columns and n not in table.levels]
    away = [n for n in numeric if table.data[n].min() > 0 or table.data[n].max() < 0]
    return interaction_steps(state, own, steps), tuple(away)


def _piece_steps(crossed: Iterable[str], found: Mapping[str, Any]) -> dict[str, float]:
    """Return the steps of pieces: the indicator of a level has step 1."""
    steps: dict[str, float] = {}
    for text in crossed:
        value = found[text]
        if isinstance(value, Factor):
            steps |= {f"{text}[{level}]": 1.0 for level in value.levels}
        elif isinstance(value, Basis):
            parts = zip(value.names, value.columns, strict=True)
            steps |= {f"{text}[{name}]": column_step(column) for name, column in parts}
        else:
            steps[text] = column_step(value)
    return steps
