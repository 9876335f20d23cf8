"""Formulas evaluated on a table: columns and their labels."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesmixed.errors import DataError, SpecError, enumerate_words, shorten
from bayesmixed.families.links import Array
from bayesmixed.formulas.expressions import parse_expression
from bayesmixed.formulas.interpreter import Evaluation, Factor
from bayesmixed.formulas.learned import Basis
from bayesmixed.formulas.names import whole_column
from bayesmixed.formulas.pieces import EvaluatedFormula, learn_formula
from bayesmixed.formulas.written import read_formula
from bayesmixed.tables.factors import Table


@dataclass(frozen=True, slots=True)
class Columns:
    """A formula evaluated on a table: matrix, labels and what was learned on the way."""

    labels: tuple[str, ...]
    matrix: Array
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
        return Columns(state.labels, values, state)
    learned, matrix = learn_formula(read_formula(formula), table)
    values = _finite(formula, learned.labels, matrix.reshape(table.rows, len(learned.labels)))
    return Columns(learned.labels, values, learned)


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
