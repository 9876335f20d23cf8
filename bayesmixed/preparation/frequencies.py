"""Rows with frequency weights: expanded for all that is learned from the data, then merged again."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.design.design import Design
from bayesmixed.errors import DataError
from bayesmixed.families.links import Array
from bayesmixed.tables.columns import mark_missing, read_codes
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.weights import Weights, read_weights

LARGEST = 50_000_000


def write_out(weights: Weights, data: pd.DataFrame, na: Any = ()) -> pd.DataFrame:
    """Return the table with every row repeated by its frequency; rows without a frequency once.

    Raises
    ------
    DataError
        A frequency is not a whole number from 1, or there would be more than 50 million rows.
    """
    counts = np.ones(len(data), dtype=np.int64)
    data = data.assign(**{weights.column: mark_missing(data[weights.column], read_codes(na))})
    known = data[weights.column].notna().to_numpy()
    counts[known] = read_weights(weights, data[known])
    if counts.sum() > LARGEST:
        raise DataError(
            f"The frequencies in '{weights.column}' add up to {counts.sum():,} rows; at most {LARGEST:,} can be expanded "
            'for the default priors. Write weights(..., "likelihood") and give priors of your own.'
        )
    return data.iloc[np.repeat(np.arange(len(data)), counts)]


def merge_copies(design: Design, weights: Array) -> Design:
    """Return the design of expanded rows with one copy of each kept; learned columns and priors stay as they are.

    Parameters
    ----------
    design : Design
        Of the expanded rows, copies one after the other.
    weights : (n,) array
        How many copies there are of each of these rows.
    """
    first, row = [], 0
    while row < len(weights):
        first.append(row)
        row += int(weights[row])
    rows = np.array(first)
    return replace(
        design,
        table=replace(design.table, data=design.table.data.iloc[rows]),
        observed=replace(design.observed, weights=weights).take(rows),
        predictors={name: _merge(predictor, rows, weights[rows]) for name, predictor in design.predictors.items()},
    )


def _merge(predictor: Predictor, rows: Any, copies: Array) -> Predictor:
    taken = predictor.take(rows)
    return replace(taken, groups=tuple(replace(group, copies=copies) for group in taken.groups))
