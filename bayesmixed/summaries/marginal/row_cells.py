"""Rows over which effects are averaged: those of the fit, of a table, or of a reference grid."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.errors import DataError, SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.formulas.group_means import ANY
from bayesmixed.formulas.names import group_mean_expressions
from bayesmixed.preparation.data_files import take_table
from bayesmixed.summaries.marginal.grids import (
    as_values,
    asked_values,
    check_column,
    column_roles,
    cross,
    existing_groups,
    lay_out,
)

_SHARE, _ROW, _APART = "\ue000share", "\ue000row", "\ue000apart"


@dataclass(frozen=True, slots=True)
class RowCells:
    """Rows in cells; a number is computed for each row, and averaged over the rows of each cell.

    Attributes
    ----------
    labels : pandas.DataFrame
        One row per cell: what it is called.
    rows : pandas.DataFrame
        Columns that the model reads, the rows of one cell together.
    starts : integer array
        First row of each cell.
    shares : array
        Weight of each row; those of a cell add up to 1.
    notes : tuple of str
        What is averaged over.
    numbers : integer array
        Of rows of a fit: which of its rows each is.
    drawn : tuple of str
        Of rows of a fit with mi() and me(), or of imputed tables: the columns that have the values of each draw.
    """

    labels: pd.DataFrame
    rows: pd.DataFrame
    starts: NDArray[np.intp]
    shares: Array
    notes: tuple[str, ...]
    numbers: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    drawn: tuple[str, ...] = ()


def grid_cells(
    fit: Fit, by: Sequence[str], at: Mapping[str, Any] | None, groups: str | Mapping[str, str], moving: Collection[str]
) -> RowCells:
    """Return the cells of a reference grid, one for each combination of the values of `by`; some columns will move."""
    asked = asked_values(fit, by, at)
    cells, rows, starts, notes = lay_out(fit, asked, at, existing_groups(fit.design, groups), moving)
    counts = np.diff([*starts, len(rows)])
    return RowCells(cells[list(by)], rows, starts, np.repeat(1.0 / counts, counts), notes)


def observed_cells(
    fit: Fit,
    data: Any,
    by: Sequence[str],
    at: Mapping[str, Any] | None,
    groups: str | Mapping[str, str],
    *,
    average: bool,
    replaced: Collection[str] = (),
) -> RowCells:
    """Return rows of the fit, or of a table, in cells: those with the same values of `by`, or each row by itself.

    Columns in `at` have its values in all rows; with several values, each row is there once for each combination. Those in
    `replaced` get other values, whatever they hold.

    Raises
    ------
    SpecError, DataError
        A column that is not in the rows; a table without rows.
    """
    design = fit.design
    for name in at or {}:
        check_column(name, column_roles(design))
    held = {name: as_values(value) for name, value in (at or {}).items()}
    given = design.table.data if data is None else take_table(design.spec, data)
    if not len(given):
        raise DataError("The table has no rows.")
    shares = design.observed.row_shares if data is None else np.full(len(given), 1.0 / len(given))
    rows = given[[name for name in given.columns if name not in held]].reset_index(drop=True)
    for name in by:
        if name not in rows and name not in held:
            raise SpecError(f"by: '{name}' is not a column of the rows. {did_you_mean(name, map(str, rows.columns))}")
    own = {} if data is not None else _unsettled(design)
    own = {name: gone for name, gone in own.items() if name not in {*held, *replaced}}
    split = [name for name in own if name in by]
    if split:
        raise SpecError(f"by: values of '{split[0]}' differ between draws, so that they do not split the rows.")
    unknown = np.any([np.zeros(len(rows), dtype=bool), *own.values()], axis=0)
    rows = rows.assign(
        **{_SHARE: shares, _ROW: np.arange(len(rows)), _APART: np.where(unknown, np.arange(len(rows)), -1)}
    )
    rows = rows.merge(cross(held), how="cross") if held else rows
    rows = _merge_equal(design, rows, by, groups) if average else rows
    keys = [*by] if average else [_ROW, *(name for name, values in held.items() if len(values) > 1)]
    codes = [_places(rows[name], held.get(name) or design.table.levels.get(name)) for name in keys]
    order = np.lexsort(codes[::-1]) if keys else np.arange(len(rows))
    rows = rows.iloc[order].reset_index(drop=True)
    differs = [np.diff(code[order]) != 0 for code in codes]
    starts = np.flatnonzero(np.concatenate([[True], np.any(differs, axis=0)])) if keys else np.array([0])
    labels = rows.iloc[starts][list(dict.fromkeys([*keys, *by]))].reset_index(drop=True)
    if not average:
        labels[_ROW] = given.index.to_numpy()[labels[_ROW]]
    weights = rows[_SHARE].to_numpy(dtype=float)
    weights = weights / np.repeat(np.add.reduceat(weights, starts), np.diff([*starts, len(rows)]))
    said = f"the {len(given):,} rows of the {'fit' if data is None else 'table'}"
    notes = [f"Averaged over {said}, each with its own values of all other columns."] if average else []
    notes += [f"In all rows {', '.join(f'{n} = {_say(v)}' for n, v in held.items())}."] if held else []
    return RowCells(
        labels.rename(columns={_ROW: "row"}),
        rows.drop(columns=[_SHARE, _ROW, _APART]),
        starts,
        weights,
        tuple(notes),
        rows[_ROW].to_numpy(dtype=np.intp),
        tuple(own),
    )


def _unsettled(design: Design) -> dict[str, NDArray[np.bool_]]:
    """Return the columns whose values differ between draws, and in which rows."""
    found = {one.column: one.missing for one in design.latent}
    if design.imputed is not None:
        first, *others = design.imputed.tables
        for name in first:
            differing = np.any([(table[name] != first[name]).to_numpy() for table in others], axis=0)
            found |= {str(name): differing} if differing.any() else {}
    return found


def _places(column: pd.Series, order: Sequence[Any] | None) -> NDArray[np.intp]:
    """Return the places of values in an order, that of their size or alphabet if there is none."""
    if order is None:
        return np.asarray(pd.factorize(column, sort=True)[0])
    places = {str(value): place for place, value in enumerate(order)}
    return np.array([places.get(str(value), len(places)) for value in column], dtype=np.intp)


def _merge_equal(
    design: Design, rows: pd.DataFrame, by: Sequence[str], groups: str | Mapping[str, str]
) -> pd.DataFrame:
    """Return rows of which no two are equal for the model, with the shares of equal ones added up.

    Labels of groups whose effects do not enter are one.
    """
    roles, terms = column_roles(design), [term for predictor in design.spec.predictors.values() for term in predictor]
    wish = dict.fromkeys(design.factors, groups) if isinstance(groups, str) else groups
    enters = {
        name
        for _, block in design.group_blocks()
        if wish.get(block.name) not in ("average", "typical")
        for name in block.factors
    }
    idle = [name for name in roles.units if name not in enters and name not in by]
    if not any(group_mean_expressions(formula) for term in terms for formula in term.formulas):
        rows = rows.assign(**dict.fromkeys(idle, ANY))
    weights = [design.spec.weights.column] if design.spec.weights is not None else []
    used = list(dict.fromkeys([*roles.factors, *roles.numbers, *roles.units, *weights, *by]))
    used = [name for name in used if name in rows]
    used += [_APART] if (rows[_APART] >= 0).any() else []
    if not used:
        return rows.iloc[:1].assign(**{_SHARE: 1.0})
    number = rows.groupby(used, sort=False, observed=True, dropna=False).ngroup().to_numpy()
    first = np.unique(number, return_index=True)[1]
    return rows.iloc[first].assign(**{_SHARE: np.bincount(number, rows[_SHARE])})


def _say(values: Sequence[Any]) -> str:
    return " and ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in values)
