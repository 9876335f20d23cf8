"""The data table that terms read: columns, and the levels of factors."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.errors import DataError, enumerate_words

_MANY = 500
"""Number of levels above which a factor with hardly more rows than levels is taken for an identifier."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a data frame, with its factors as categoricals.

    Attributes
    ----------
    data : pandas.DataFrame
        Factor columns are categorical with levels in natural order.
    levels : mapping
        Levels of each factor column, learned at the fit.
    functions : mapping
        User-defined functions that formulas call, by name.
    known : mapping
        Known relations between levels, by name.
    """

    data: pd.DataFrame
    levels: Mapping[str, tuple[str, ...]]
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.data)


def as_table(data: pd.DataFrame, factors: Iterable[str], columns: Iterable[str], like: Table | None = None) -> Table:
    """Return the table in which `columns` that hold text, truth values or `factors` are categorical.

    Raises
    ------
    DataError
        A factor holds a level that `like` does not know.
    """
    data = data.copy(deep=False)
    levels: dict[str, tuple[str, ...]] = {}
    chosen = set(factors)
    for name in columns:
        if like is not None:
            if name not in like.levels:
                if not is_number(data[name]):
                    raise DataError(f"Column '{name}' held numbers when the model was fitted, but does not here.")
                continue
            levels[name] = like.levels[name]
            codes, labels = encode(data[name])
            unseen = sorted(set(labels) - set(levels[name]))
            if unseen:
                raise DataError(
                    f"Factor '{name}' holds {enumerate_words(unseen)}, which the model was not fitted to. "
                    f"Known levels: {enumerate_words(levels[name], 12)}."
                )
            place = {label: i for i, label in enumerate(levels[name])}
            codes = np.array([place[label] for label in labels], dtype=np.intp)[codes]
        elif name in chosen or not is_number(data[name]):
            codes, levels[name] = encode(data[name])
        else:
            continue
        ordered = isinstance(data[name].dtype, pd.CategoricalDtype) and bool(data[name].cat.ordered)
        data[name] = pd.Categorical.from_codes(codes, pd.Index(levels[name], dtype=object), ordered=ordered)
    return Table(data, levels)


def refuse_identifier(name: str, levels: int, rows: int) -> None:
    """Refuse a factor whose levels have coefficients of their own, and hardly more than a row each (DataError)."""
    if levels > _MANY and 2 * levels > rows:
        raise DataError(
            f"Factor '{name}' has {levels:,} levels in {rows:,} rows, and each would have a coefficient of its own. Write "
            f"(1 | {name}), whose levels share one distribution, or leave it out."
        )


def is_number(column: pd.Series) -> bool:
    """Return whether a column holds numbers (truth values and categories are not numbers)."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def is_date(column: pd.Series) -> bool:
    """Return whether a column holds dates, times or durations."""
    return column.dtype.kind in "mM" or isinstance(column.dtype, pd.PeriodDtype)


def as_label(value: object) -> str:
    """Return the label of a level, a text that every file can store.

    Text stays as it is (what files cannot store, such as NUL, is written as "\\x00"); whole numbers have no decimal point;
    a date without a time of day is a date.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else _writable(value)
    if isinstance(value, float | np.floating):
        return str(int(value)) if float(value).is_integer() and abs(float(value)) < _WHOLE else str(value)
    if isinstance(value, Decimal) and value.is_finite():
        return str(int(value)) if value == value.to_integral_value() and abs(value) < _WHOLE else str(value.normalize())
    if isinstance(value, datetime | np.datetime64):
        time = pd.Timestamp(value)
        return str(time.date()) if time == time.normalize() and time.tz is None else str(time)
    return _writable(str(value))


def encode(column: pd.Series) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return the level of each row (-1 where it is missing) and the labels: a Categorical's order, else natural order."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _used_categories(column)
    # Values become labels once each, not row by row; two values, such as 1 and 1.0, may have one label.
    codes, values = pd.factorize(column)
    labels = [as_label(value) for value in values]
    ordered = sorted(set(labels), key=natural_key)
    rank = {label: place for place, label in enumerate(ordered)}
    return np.array([*(rank[label] for label in labels), -1], dtype=np.intp)[codes], tuple(ordered)


def natural_key(label: str) -> tuple[Any, ...]:
    """Return a sort key that orders numbers inside text by value: plot2 before plot10."""
    if _NUMBER.fullmatch(label):
        return (0, float(label), label)
    pieces = re.split(r"(\d+)", label)
    return (1, tuple((1, int(p[:_DIGITS]), "") if k % 2 else (0, 0, p) for k, p in enumerate(pieces)), label)


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WHOLE = 1e16
_DIGITS = 300
"""Digits that are compared as one number."""


def _used_categories(column: pd.Series) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    codes, categories = np.asarray(column.cat.codes, dtype=np.intp), column.cat.categories
    used = np.bincount(codes[codes >= 0], minlength=len(categories)) > 0
    labels = [as_label(value) for value in categories[used]]
    unique = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    if used.all() and len(unique) == len(categories):
        return codes, tuple(labels)
    place = np.full(len(categories) + 1, -1, dtype=np.intp)
    place[np.flatnonzero(used)] = [unique[label] for label in labels]
    return place[codes], tuple(unique)


def _writable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def group_levels(data: pd.DataFrame, names: tuple[str, ...]) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return the group of each row and the labels of the groups, "a1:b1" for combinations.

    Raises
    ------
    DataError
        Two different combinations give the same label.
    """
    parts = [encode(data[name]) for name in names]
    if len(parts) == 1:
        return parts[0]
    codes = np.column_stack([code for code, _ in parts])
    unique, inverse = np.unique(codes, axis=0, return_inverse=True)
    labels = tuple(":".join(parts[k][1][c] for k, c in enumerate(row)) for row in unique)
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise DataError(
            f"Grouping factor '{':'.join(names)}': two different combinations give the label '{twice}'. "
            "Remove the colons from the labels."
        )
    return inverse.reshape(-1).astype(np.intp), labels


def recode(
    codes: NDArray[np.intp], labels: Sequence[str], known: Sequence[str]
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return codes of labels among known labels, to which new ones are appended, and all labels."""
    levels = tuple(dict.fromkeys((*known, *labels)))
    places = {label: place for place, label in enumerate(levels)}
    return np.array([places[label] for label in labels], dtype=np.intp)[codes], levels
