"""The values of the covariates of a smooth and of what splits it, and whether two covariates have the same unit."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.errors import DataError, SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.formulas.evaluation import evaluate_expression
from bayesmixed.formulas.names import expression_columns, refuse_stateful, strip_factor_calls
from bayesmixed.tables.factors import Table, is_number, refuse_identifier
from bayesmixed.terms.directions import spans
from bayesmixed.terms.population_block import PopulationBlock

_UNLIKE = 20.0
"""Ratio of the ranges of two covariates from which on they are hardly coordinates in the same unit."""


def note_units(term: object, names: Sequence[str], ranges: Array) -> Iterator[str]:
    """Yield a note where two covariates of a surface that is as stiff in all directions have very different ranges, (2,)."""
    first, second = ranges
    if first and second and not 1.0 / _UNLIKE < first / second < _UNLIKE:
        x, z = names
        yield (
            f"{term}: {x} has range {first:.3g} and {z} {second:.3g}. It bends as easily in both directions, so that "
            f"they are to have the same unit; if not, make columns of comparable ones first, such as {x} / {first:.2g} and "
            f"{z} / {second:.2g}, or write te({x}, {z})."
        )


def name_covariate(text: str, call: str) -> str:
    """Return the text of a covariate without blanks around it, where it can be part of the name of a result.

    Raises
    ------
    SpecError
        It learns from the data, or holds a sign that names in the draws cannot.
    """
    refuse_stateful(text, call)
    if any(sign in text for sign in "/[]"):
        raise SpecError(f"{call}: the name of a result cannot hold this. Compute it as a column first.")
    return text.strip()


def covariate_columns(expressions: Iterable[str], available: Iterable[str]) -> set[str]:
    """Return the columns, of those available, that covariates read."""
    names = [str(name) for name in available]
    return {column for text in expressions for column in expression_columns(text, names)}


def read_covariate(term: object, expression: str, table: Table, instead: str) -> Array:
    """Return the values of an expression that a term reads, (n,).

    Raises
    ------
    DataError
        They are no numbers (`instead` says what to write for factors), or not finite.
    """
    column = evaluate_expression(expression, table)
    if not is_number(column):
        raise DataError(f"{term}: '{expression}' holds no numbers. {instead}")
    x = column.to_numpy(dtype=float)
    bad = np.flatnonzero(~np.isfinite(x))
    if len(bad):
        raise DataError(
            f"{term}: '{expression}' is not finite in {len(bad)} of {len(x)} rows (first: row {table.data.index[bad[0]]})."
        )
    return np.asarray(x)


def one_column(by: str) -> str:
    """Return the text of by=, if it names one column, or a factor (SpecError)."""
    name = strip_factor_calls(by)[0].strip().strip("`")
    if any(sign in name for sign in "(),|+*:"):
        raise SpecError(f"by={by}: give one column. Compute a combination or an expression as a column first.")
    return by.strip()


def known_by(term: object, column: str, available: Collection[str]) -> set[str]:
    """Return the column of by=, none for "" (SpecError if it is not in the data)."""
    if column and column not in available:
        raise SpecError(f"Column '{column}' in '{term}' is not in the data. {did_you_mean(column, available)}")
    return {column} if column else set()


def read_by(column: str, table: Table, *, first: bool) -> tuple[NDArray[np.intp], tuple[str, ...], Array | None]:
    """Return the curve of each row, the labels of curves where a factor has one for each level, and numbers that multiply a
    curve, given the column of by=, "" for none; `first` for the rows of a fit.

    Raises
    ------
    DataError
        The factor has hardly more than a row for each level.
    """
    if not column:
        return np.zeros(table.rows, dtype=np.intp), (), None
    by, levels = table.data[column], table.levels.get(column)
    if levels is None:
        return np.zeros(table.rows, dtype=np.intp), (), by.to_numpy(dtype=float)
    if first:
        refuse_identifier(column, len(levels), table.rows)
    return np.asarray(by.cat.codes, dtype=np.intp), levels, None


def ranges_of(x: Array, index: NDArray[np.intp], curves: int) -> Array:
    """Return the lowest and highest x of the rows of each curve, (K, 2) or (K, 2, d)."""
    own = [x[index == curve] for curve in range(curves)]
    return np.array([(rows.min(axis=0), rows.max(axis=0)) for rows in own])


def share_mean(block: Any, population: PopulationBlock) -> bool:
    """Return whether curves of levels have one mean, as the population part has no coefficient for each level."""
    lines = [label not in block.line_labels for label in population.labels]
    return bool(block.labels) and not spans(population.matrix[:, lines], np.eye(len(block.labels))[block.index])


def times(columns: Array, multiplier: Array | None) -> Array:
    """Return columns, each row times a number."""
    return columns if multiplier is None else columns * multiplier[:, None]
