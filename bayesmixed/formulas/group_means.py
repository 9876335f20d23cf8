"""Columns of formulas that depend on groups: within(x, g), between(x, g) and level(x, g)."""

from collections.abc import MutableMapping
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.errors import DataError, SpecError, enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.tables.factors import encode

ANY = "\ue000any"
"""Label in a reference grid that is no group of the data: its group mean is the mean of all rows of the fit."""
_BETWEEN = "\0"
"""Separates the labels of several columns; no label contains it."""


def within(column: Any, *groups: Any, state: MutableMapping[str, Any]) -> Array:
    """Return the deviation of each row from the mean of its group; see `between` for the mean.

    Its coefficient compares rows of one group (Mundlak 1978, Econometrica 46:69).
    """
    return _numbers(column, "within") - between(column, *groups, state=state)


def between(column: Any, *groups: Any, state: MutableMapping[str, Any]) -> Array:
    """Return the mean of each row's group.

    A group of the fit keeps the mean that it had there, whatever rows are predicted; a new group has the mean of its
    new rows; the cells of a reference grid that belong to no group have the mean of all rows of the fit. Several
    grouping columns name a group together: between(x, school, class).
    """
    values = _numbers(column, "between")
    labels = _labels(groups)
    here = pd.Series(values).groupby(labels).mean()
    known, overall = state.setdefault("means", (here, float(np.mean(values))))
    means = known.combine_first(here)
    nowhere = np.any([np.asarray(group).astype(str) == ANY for group in groups], axis=0)
    means[means.index.isin(labels[nowhere])] = overall
    return np.asarray(means.loc[labels], dtype=float)


def level(column: Any, *groups: Any, state: MutableMapping[str, Any]) -> Any:
    """Return the column as it is, after a check that it is constant within every group of the fit.

    Rows to predict are not checked: they may be counterfactual.

    Raises
    ------
    DataError
        The column varies within a group.
    """
    if state.setdefault("checked", False):
        return column
    labels = _labels(groups)
    distinct = pd.Series(np.asarray(column)).groupby(labels).nunique()
    varying = distinct[distinct > 1]
    if len(varying):
        shown = [str(label).replace(_BETWEEN, ":") for label in varying.index]
        name, by = getattr(column, "name", "the column"), ", ".join(str(getattr(g, "name", "g")) for g in groups)
        raise DataError(
            f"level({name}, {by}): '{name}' is not constant within {len(varying)} of {len(distinct)} levels of '{by}': "
            f"{enumerate_words(shown)} (the first holds {varying.iloc[0]} values). "
            f"Correct the data, or write between({name}, {by}) for group means."
        )
    state["checked"] = True
    return column


def _numbers(column: Any, name: str) -> Array:
    try:
        return np.asarray(column, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}(x, g) needs a column of numbers; x holds text. Write it as (x == 'a').") from error


def _labels(groups: tuple[Any, ...]) -> Array:
    if not groups:
        raise SpecError("within(x, g), between(x, g) and level(x, g) need a grouping column g after the comma.")
    coded = [encode(pd.Series(np.asarray(group))) for group in groups]
    texts = [np.asarray(labels, dtype=object)[codes] for codes, labels in coded]
    return np.array([_BETWEEN.join(parts) for parts in zip(*texts, strict=True)], dtype=object)
