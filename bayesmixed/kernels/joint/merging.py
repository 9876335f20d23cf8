"""Rows that share all predictors, merged where one row can stand for them with exactly the same likelihood."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.families.links import Array

WORTHWHILE = 0.9
"""Rows are merged if no larger share of them is left."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a compiled density, m of them.

    Attributes
    ----------
    kept : (m,) integer array
        For each the first row of the design that it stands for.
    response, trials, constants : (m,) arrays
        Response, trials, and what of the log-likelihood depends on no parameter.
    weights : (m,) array or None
        What multiplies the log-likelihood of each; None: nothing.
    """

    kept: NDArray[np.int64]
    response: Array
    trials: Array
    constants: Array
    weights: Array | None


def merge_rows(design: Design, worthwhile: float = WORTHWHILE) -> Rows:
    """Return the rows of a design, merged if at most a share `worthwhile` of them is left.

    Where successes or counts can be added up (`Family.summable`), all rows with the same predictors become one;
    in other families only those with the same response. Censored and truncated rows stay as they are.
    """
    y = np.asarray(design.response, dtype=float)
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), y.shape)
    constants = np.where(design.observed.censored, 0.0, design.spec.family_record.constant(y, trials))
    summable = design.family.summable
    single = Rows(np.arange(len(y), dtype=np.int64), y, trials, constants, design.observed.multiplicity)
    if design.family.limited:
        return single
    cell = _number_cells(design, () if summable else (y, trials))
    kept = np.unique(cell, return_index=True)[1].astype(np.int64)
    if len(kept) > worthwhile * len(y):
        return single
    counts = np.ones(len(y)) if design.observed.multiplicity is None else design.observed.multiplicity
    total = np.bincount(cell, counts)
    responses, tried, known = (np.bincount(cell, counts * values) for values in (y, trials, constants))
    if summable == "successes":
        return Rows(kept, responses, tried, known, None)
    return Rows(kept, responses / total, trials[kept], known / total, total)


def _number_cells(design: Design, further: tuple[Array, ...]) -> NDArray[np.int64]:
    """Return for each row the number of its cell: rows with the same values in every predictor."""
    columns: list[NDArray[Any]] = list(further)
    if design.observed.scale_factor is not None:
        columns.append(design.observed.scale_factor)
    for predictor in design.predictors.values():
        columns += [predictor.offset, *predictor.population.matrix.T]
        for block in predictor.normal_blocks:
            columns += block.row_columns
    varying = [column for column in columns if np.ptp(column) > 0]
    if not varying:
        return np.zeros(design.rows, dtype=np.int64)
    cells = pd.DataFrame(dict(enumerate(varying))).groupby(list(range(len(varying))), sort=False).ngroup()
    return np.asarray(cells, dtype=np.int64)
