"""Ordered categories: the labels and numbers of an ordinal response."""

from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.errors import DataError, enumerate_words
from bayesmixed.families.links import Array


def read_categories(name: str, column: pd.Series, known: tuple[str, ...] = ()) -> tuple[Array, tuple[str, ...]]:
    """Return the number of the category of each row, 1 the lowest, and the labels of the categories.

    Parameters
    ----------
    name : str
        The response, for messages.
    column : pandas.Series
        An ordered Categorical, whose order is kept, or whole numbers, of which those that occur are categories.
    known : tuple of str, optional
        The categories of the fit that rows are added to.

    Raises
    ------
    DataError
        The categories have no order, there are fewer than two, or one is not among the known ones.
    """
    labels = _labels(name, column)
    if len(labels) < 2:
        raise DataError(f"Response '{name}' has one category ('{labels[0]}'); thresholds need two or more.")
    unseen = [label for label in labels if known and label not in known]
    if unseen:
        raise DataError(
            f"Response '{name}' has the categories {enumerate_words(unseen)}, which the model was not fitted to. "
            f"Known categories: {enumerate_words(known, 12)}."
        )
    numbers = {label: number for number, label in enumerate(known or labels, 1)}
    codes = np.array([numbers[_as_text(value)] for value in column], dtype=float)
    return codes, known or labels


def as_categories(numbers: Array, labels: tuple[str, ...]) -> Any:
    """Return the responses for numbers of categories: whole numbers where all labels are, else a Categorical."""
    codes = np.asarray(numbers).astype(np.int64) - 1
    if all(label.lstrip("-").isdigit() for label in labels):
        return np.array([int(label) for label in labels])[codes]
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(labels)), ordered=True)


def _labels(name: str, column: pd.Series) -> tuple[str, ...]:
    if isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.ordered:
        return tuple(_as_text(value) for value in column.cat.categories)
    values = np.asarray(column.unique(), dtype=object)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers = np.asarray(values, dtype=float)
        broken = numbers[numbers != np.floor(numbers)]
        if len(broken):
            raise DataError(
                f"The family needs ordered categories in '{name}': whole numbers, or an ordered Categorical; "
                f"found {broken[0]:g}. For measurements take another family, or cut them into classes with pd.cut."
            )
        return tuple(_as_text(value) for value in sorted(numbers))
    found = sorted(_as_text(value) for value in values)
    order = ", ".join(f'"{label}"' for label in found[:12])
    raise DataError(
        f"Response '{name}' has categories without an order ({enumerate_words(found)}). Put them in order, lowest first: "
        f'data["{name}"] = pd.Categorical(data["{name}"], [{order}], ordered=True); or number them 1, 2, ...'
    )


def _as_text(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, int | float | np.number) and not isinstance(value, bool) else str(value)
