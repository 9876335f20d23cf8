"""The values of the covariates of a smooth, and whether two of them have the same unit."""

from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np

from bayesmixed.errors import DataError, SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.formulas.evaluation import evaluate_expression
from bayesmixed.formulas.names import expression_columns, refuse_stateful, strip_factor_calls
from bayesmixed.tables.factors import Table, is_number

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


def times(columns: Array, multiplier: Array | None) -> Array:
    """Return columns, each row times a number."""
    return columns if multiplier is None else columns * multiplier[:, None]
