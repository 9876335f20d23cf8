"""Which cells of a reference grid the data determine: not those that take in an empty combination of levels."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.assembly import assemble
from bayesmixed.data_checks import find_open_rows, name_open_cell
from bayesmixed.design import Design
from bayesmixed.errors import SpecError, shorten

_SHOWN = 6


def find_estimable(
    design: Design, cells: pd.DataFrame, rows: pd.DataFrame, starts: NDArray[np.intp]
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Return which cells are estimable, and a note of the others.

    A mean over several rows is estimable where each of them is, as a function of the predictor other than a sum needs.

    Parameters
    ----------
    design : Design
        That of the fit.
    cells, rows, starts
        Of a grid: see `Grid`.

    Raises
    ------
    SpecError
        None of the cells is estimable.
    """
    if not any(predictor.population.reduction.drops for predictor in design.predictors.values()):
        return np.ones(len(cells), dtype=bool), ()
    asked = assemble(design.spec, rows, "error", design, optional=True)
    found = find_open_rows(asked)
    bad = np.add.reduceat(found, starts, dtype=int) > 0
    if not bad.any():
        return ~bad, ()
    cell_of_row = np.searchsorted(starts, np.arange(len(rows)), side="right") - 1
    told = []
    for place in np.flatnonzero(bad)[:_SHOWN]:
        row = int(np.flatnonzero(found & (cell_of_row == place))[0])
        named = " and ".join(f"{name} = {_text(value)}" for name, value in cells.iloc[place].items())
        told.append(f"{named or 'the mean'} (the fit has no rows with {name_open_cell(asked, row)})")
    more = int(bad.sum()) - len(told)
    note = f"Not estimable: {', '.join(told)}" + (f" and {more} more." if more else ".")
    if bad.all():
        raise SpecError(
            f"{note} Hold a column at a value, as in at={{...}}, so that all that is averaged over has rows in the fit."
        )
    return ~bad, (note,)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else shorten(str(value))
