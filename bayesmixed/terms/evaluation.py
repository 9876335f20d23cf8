"""Formulas evaluated on a table: columns, their labels, and the steps that default priors speak of."""

import keyword
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.errors import BayesMixedError, DataError, SpecError, enumerate_words
from bayesmixed.links import Array
from bayesmixed.terms.names import WORDS, context, odd_names, quote_names
from bayesmixed.terms.notation import split_top
from bayesmixed.terms.pieces import EvaluatedFormula, read_pieces
from bayesmixed.terms.tables import Table


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
    """Return the columns of a population formula; with `state` the learned coding is replayed.

    Raises
    ------
    SpecError
        The formula cannot be read or evaluated.
    """
    from formulaic import model_matrix
    from formulaic.errors import DataMismatchWarning

    quoted = quote_names(formula, table.data.columns)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", DataMismatchWarning)
            if state is None:
                matrix = model_matrix(quoted, table.data, context=context(), na_action="raise")
            else:
                matrix = state.matrix(table)
    except DataMismatchWarning as error:
        raise DataError(f"A factor in '{formula}' holds a level that the model was not fitted to. {error}") from error
    except Exception as error:  # formulaic raises many kinds; all but our own mean the same to the user
        if isinstance(error.__cause__, BayesMixedError):
            raise error.__cause__ from None
        raise SpecError(f"Formula '{formula}' cannot be evaluated: {_explain(error, formula)}") from error
    labels = tuple(str(name) for name in matrix.columns)
    values = np.asarray(matrix, dtype=float).reshape(table.rows, len(labels))
    if not np.all(np.isfinite(values)):
        bad = [label for label, column in zip(labels, values.T, strict=True) if not np.all(np.isfinite(column))]
        raise DataError(
            f"Formula '{formula}' gives values that are not finite in {enumerate_words(bad)}. "
            "Look for logarithms of zero, divisions by zero and overflow."
        )
    if state is not None:
        nothing = np.zeros(len(labels))
        return Columns(labels, values, nothing, nothing.astype(bool), (), state)
    spec = matrix.model_spec
    scales, interactions = _scales(spec, labels, values, table)
    return Columns(labels, values, scales, _levels_mask(spec, values), interactions, read_pieces(spec, table))


def evaluate_expression(expression: str, table: Table) -> pd.Series:
    """Return the value of one expression, such as the left-hand side of a formula, for each row."""
    from formulaic.transforms import TRANSFORMS
    from formulaic.utils.stateful_transforms import stateful_eval

    name = expression.strip("`")
    if name in table.data.columns:
        return table.data[name]
    quoted, aliases = expression, {}
    for i, column in enumerate(odd_names(expression, table.data.columns)):
        aliases[f"_column_{i}"] = table.data[column]
        quoted = re.sub(rf"`{re.escape(column)}`|(?<![\w.`]){re.escape(column)}(?![\w.(])", f"_column_{i}", quoted)
    scope = {**TRANSFORMS, **context(), **{str(c): table.data[c] for c in table.data.columns}, **aliases}
    try:
        with np.errstate(all="ignore"):
            value = stateful_eval(quoted.replace("^", "**"), scope, {}, {}, None)
    except Exception as error:
        raise SpecError(f"Expression '{expression}' cannot be evaluated: {_explain(error, expression)}") from error
    return pd.Series(np.broadcast_to(np.asarray(value), (table.rows,)), index=table.data.index)


def interacting(spec: Any) -> tuple[str, ...]:
    """Return the expressions that interactions of an evaluated formula are made of."""
    return tuple(dict.fromkeys(f.expr for term in spec.term_indices if len(term.factors) > 1 for f in term.factors))


def interaction_steps(spec: Any, labels: tuple[str, ...], own: Array, steps: Mapping[str, float]) -> Array:
    """Return the steps of columns: their own, of interactions the product of those of the pieces of their labels."""
    scales = own.copy()
    for term, positions in spec.term_indices.items():
        for position in positions if len(term.factors) > 1 else []:
            pieces = [_without_coding(piece) for piece in split_top(labels[position], ":")]
            if all(piece in steps for piece in pieces):
                scales[position] = np.prod([steps[piece] for piece in pieces])
    return scales


def column_step(column: Array) -> float:
    """Return what a default slope prior calls one step: 2 sd, or the range of a two-valued column."""
    unique = np.unique(column)
    if len(unique) <= 2:
        return float(np.ptp(unique)) or 1.0
    return float(2.0 * np.std(column, ddof=1))


def _levels_mask(spec: Any, values: Array) -> NDArray[np.bool_]:
    """Mark the first term whose columns add up to one constant other than zero."""
    mask = np.zeros(values.shape[1], dtype=bool)
    for positions in spec.term_indices.values():
        total = values[:, positions].sum(axis=1)
        if positions and np.ptp(total) < 1e-12 and abs(total[0]) > 1e-12:
            mask[list(positions)] = True
            return mask
    return mask


def _scales(spec: Any, labels: tuple[str, ...], values: Array, table: Table) -> tuple[Array, tuple[str, ...]]:
    steps: dict[str, float] = {}
    crossed = interacting(spec)
    for expression in crossed:
        steps |= _factor_steps(expression, table)
    scales = interaction_steps(spec, labels, np.array([column_step(column) for column in values.T]), steps)
    powers = [re.fullmatch(r"I\((\w+) ?\*\* ?\d+\)", str(term)) for term in spec.term_indices]
    named = {*crossed, *(power[1] for power in powers if power)}
    numeric = [n for n in sorted(named) if n in table.data.columns and n not in table.levels]
    away = [n for n in numeric if table.data[n].min() > 0 or table.data[n].max() < 0]
    return scales, tuple(away)


def _factor_steps(expression: str, table: Table) -> dict[str, float]:
    from formulaic import model_matrix

    quoted = f"`{expression}`" if expression in table.data.columns else expression
    matrix = model_matrix(f"0 + {quoted}", table.data, context=context(), na_action="raise")
    values = np.asarray(matrix, dtype=float)
    return {_without_coding(str(n)): column_step(c) for n, c in zip(matrix.columns, values.T, strict=True)}


def _without_coding(label: str) -> str:
    return re.sub(r"\[T\.", "[", label)


def _explain(error: Exception, text: str) -> str:
    if isinstance(error, SyntaxError):
        words = [word for word in re.findall(r"\w+", text) if keyword.iskeyword(word) and word not in WORDS]
        if words:
            return f"'{words[0]}' is a word of Python, which cannot stand inside of a function. Rename the column."
        return "it is not written as Python reads it. Put columns with unusual names in backticks."
    return (str(error).strip() or type(error).__name__).splitlines()[0]
