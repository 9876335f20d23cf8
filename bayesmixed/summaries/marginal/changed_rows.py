"""Predictions of rows in which one column is changed, averaged over cells of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from bayesmixed.design.design import Design
from bayesmixed.errors import DataError, SpecError, check_choice, enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import refuse_tables
from bayesmixed.preparation.imputed_tables import with_table_values
from bayesmixed.preparation.latent_values import with_drawn_values
from bayesmixed.preparation.new_rows import replay_rows
from bayesmixed.summaries.marginal.estimable import find_estimable, name_cell
from bayesmixed.summaries.marginal.grids import draws_of_rows, split_by
from bayesmixed.summaries.marginal.row_cells import RowCells, grid_cells, observed_cells

_ROWS, _GRID = "rows", "grid"
_MOST_ROWS = 400_000


@dataclass(frozen=True, slots=True)
class Where:
    """The rows in which something is changed, and what is predicted there: arguments of `comparisons`."""

    by: str | Sequence[str] | None
    average: bool
    over: str
    data: Any
    at: Mapping[str, Any] | None
    kind: str
    groups: str | Mapping[str, str]
    seed: int | None

    def cells(self, fit: Fit, changing: Mapping[str, bool]) -> RowCells:
        """Return the rows in cells; of each column that changes it is said whether it is given other values, whatever it was.

        Raises
        ------
        SpecError, DataError
            Arguments that contradict each other; rows without the columns.
        """
        check_choice("over={}", self.over, (_ROWS, _GRID))
        by, replaced = split_by(self.by, fit.design), [name for name, anew in changing.items() if anew]
        for name in replaced:
            if name in (self.at or {}):
                raise SpecError(f"at: '{name}' is what changes here, and cannot be held as well.")
            if name in by:
                raise SpecError(f"by: '{name}' is what changes here; averages by its values make no sense.")
        if self.over == _GRID and (self.data is not None or not self.average):
            raise SpecError(
                "over='grid' makes rows of its own and averages over them: leave out data and average=False."
            )
        if self.over == _ROWS:
            if self.data is None:
                refuse_tables(
                    fit, "An average over the rows of the fit", "Give data=, or over='grid'.", tables="columns"
                )
            cells = observed_cells(fit, self.data, by, self.at, self.groups, average=self.average, replaced=replaced)
        else:
            cells = grid_cells(fit, by, self.at, self.groups, replaced)
        for name in changing.keys() - set(replaced):
            if name not in cells.rows:
                raise DataError(f"The table has no column '{name}', which changes here.")
            if pd.to_numeric(cells.rows[name], errors="coerce").isna().any():
                raise DataError(f"'{name}' changes here and has to be a number in every row.")
        return cells


@dataclass(frozen=True, slots=True)
class ChangedRows:
    """Draws for the rows of some cells in several states, one after the other.

    Attributes
    ----------
    cells : RowCells
        The rows in one state.
    design : Design
        Of all rows: those of the first state, then those of the second, ...
    draws : xarray.DataArray
        Dims chain, draw, (category,) row.
    """

    cells: RowCells
    design: Design
    draws: xr.DataArray

    def average(self, values: Array, place: int = 0) -> xr.DataArray:
        """Return the averages over cells of numbers (..., rows), those of one state if all are there."""
        count = len(self.cells.rows)
        own = values[..., place * count : (place + 1) * count] * self.cells.shares
        means = np.add.reduceat(own, self.cells.starts, axis=-1)
        return self.draws.isel(row=self.cells.starts).drop_vars("row").copy(data=means)

    def find_told(
        self, low: int, high: int, kind: str, *, curved: bool, shares: Array | None = None
    ) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
        """Return in which cells the change from one state to another is estimable, and a note of the others; `curved`
        says that more is compared than their difference. With `shares` other weights than those of the cells."""
        cells, count = self.cells, len(self.cells.rows)
        states = self.design.rows // count
        starts = np.concatenate([cells.starts + state * count for state in range(states)])
        signs = [[(state == high) * 1.0 - (state == low) * 1.0 for state in range(states)]]
        weights = sparse.kron(signs, sparse.eye_array(len(cells.starts)), format="csr")
        every = np.tile(cells.shares if shares is None else shares, states)

        def say(place: int) -> str:
            return name_cell(cells.labels, place) or "the comparison"

        return find_estimable(self.design, starts, weights, kind, say, product=curved, shares=every)


def change_rows(fit: Fit, where: Where, cells: RowCells, states: Sequence[Mapping[str, Any]]) -> ChangedRows:
    """Return the predictions of the rows in states: the values that columns take, by name.

    Raises
    ------
    SpecError, DataError
        Too many rows, or rows that cannot be predicted.
    """
    if len(cells.rows) * len(states) > _MOST_ROWS:
        raise SpecError(
            f"{len(cells.rows):,} different rows, each predicted for {len(states)} values of {enumerate_words(states[0])}, "
            f"are too many (at most {_MOST_ROWS:,}). Take over='grid', or give a sample of the rows as data=."
        )
    frame = pd.concat([cells.rows.assign(**state) for state in states], ignore_index=True)
    design = replay_rows(fit.design, frame, where.groups)
    if fit.design.imputed is not None and cells.drawn:
        others = [_rows_of_table(cells, table, states) for table in fit.design.imputed.tables[1:]]
        design = with_table_values(design, [replay_rows(fit.design, rows, where.groups) for rows in others])
    elif cells.drawn:
        design = with_drawn_values(fit.design, design, np.tile(cells.numbers, len(states)), cells.drawn)
    return ChangedRows(cells, design, draws_of_rows(fit, design, where.kind, where.groups, where.seed))


def _rows_of_table(cells: RowCells, table: pd.DataFrame, states: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the rows of cells in states, with the values of another imputed table in the columns that differ: where these are
    changed, by as much."""
    own = {name: table[name].array[cells.numbers] for name in cells.drawn}
    parts = []
    for state in states:
        moved = {name: own[name] + (state[name] - cells.rows[name].to_numpy()) for name in own if name in state}
        parts.append(cells.rows.assign(**{**own, **state, **moved}))
    return pd.concat(parts, ignore_index=True)
