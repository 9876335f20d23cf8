"""Rows to predict that combine factor levels as no row of the fit does, so their predictor is not determined."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.errors import DataError
from bayesmixed.terms.empty_cells import open_cell


def refuse_open_rows(design: Design, parameters: Collection[str]) -> None:
    """Refuse rows to predict with combinations of levels that no row of the fit has, where parameters need them (DataError)."""
    rows = find_open_rows(design, parameters)
    if rows.any():
        first = int(np.flatnonzero(rows)[0])
        raise DataError(
            f"The fit has no rows with {name_open_cell(design, parameters, first)}, so the prediction for {rows.sum()} of "
            f"{len(rows)} rows is not estimable (first: row {design.table.data.index[first]}). Leave these rows out."
        )


def find_open_rows(design: Design, parameters: Collection[str]) -> NDArray[np.bool_]:
    """Return the rows whose predictor, of any of some parameters, the rows of the fit do not determine, (n,)."""
    found = np.zeros(design.rows, dtype=bool)
    for name in parameters:
        found |= design.predictors[name].population.is_open
    return found


def name_open_cell(design: Design, parameters: Collection[str], row: int) -> str:
    """Return in words the combinations of levels of a row that no row of the fit has."""
    blocks = [design.predictors[name].population for name in parameters]
    told = [
        open_cell(block.reduction, block.state, block.state.piece_values(design.table), row)
        for block in blocks
        if block.is_open[row]
    ]
    return "; ".join(dict.fromkeys(filter(None, told))) or "enough values to determine all its coefficients"
