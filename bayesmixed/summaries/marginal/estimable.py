"""Which sums of cells of a reference grid the data determine, where some combinations of levels have no rows."""

from collections.abc import Callable, Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from bayesmixed.design.design import Design
from bayesmixed.errors import SpecError, shorten
from bayesmixed.families.links import Array
from bayesmixed.integration.averages import is_linear
from bayesmixed.prediction.predictions import needed_predictors
from bayesmixed.preparation.open_rows import find_open_rows, name_open_cell
from bayesmixed.summaries.marginal.ratios import GEOMETRIC

_SHOWN = 6
_HOLD = "Hold a column at a value, as in at={...}, so that all that is averaged over has rows in the fit."
_ROUNDING = 1e-11
"""What rounding leaves of parts that cancel in a sum, as a share of their sizes."""


def find_estimable(
    rows: Design,
    starts: NDArray[np.intp],
    weights: Array | sparse.csr_array | None,
    kind: str,
    names: Callable[[int], str],
    *,
    product: bool = False,
    shares: Array | None = None,
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Return which weighted sums of cells are estimable, and a note of the others.

    Where what is asked for is linear in the coefficients, a sum is estimable if its row of the model matrix, the sum of
    those of the rows that it takes in, is a combination of the rows of the fit, as in R's emmeans: what the data leave
    open in single cells may cancel. Elsewhere each row must be estimable, since coefficients that cancel on the link
    scale do not cancel after a nonlinear transformation.

    Parameters
    ----------
    rows : Design
        Of the rows of the grid.
    starts : integer array
        First row of each cell.
    weights : (m, cells) array or None
        Of the cells in each sum, sparse where there may be many; None: each cell by itself.
    kind : str
        As in `predict`.
    names : function
        The sums in words, by their places.
    product : bool
        The logarithms of the cells are added up, or more is done to them than adding up.
    shares : (n,) array, optional
        Weight of each row in its cell; equal if not given.

    Raises
    ------
    SpecError
        None of the sums is estimable.
    """
    family, kind = rows.family, "linear" if kind == GEOMETRIC else kind
    needed = needed_predictors(rows, kind)
    weights = sparse.eye_array(len(starts), format="csr") if weights is None else sparse.csr_array(weights)
    opened = find_open_rows(rows, needed)
    if not opened.any():
        return np.ones(weights.shape[0], dtype=bool), ()
    linear = not product and is_linear(family, kind, {name: one.link for name, one in rows.predictors.items()})
    counts = np.diff([*starts, rows.rows])
    shares = np.repeat(1.0 / counts, counts) if shares is None else shares
    told = _are_determined(rows, starts, weights, needed, shares, linear=linear)
    if told.all():
        return told, ()
    cell_of_row = np.repeat(np.arange(len(starts)), counts)
    said = []
    for place in np.flatnonzero(~told)[:_SHOWN]:
        own: sparse.csr_array = weights[[place]]
        row = int(np.flatnonzero(opened & (own.toarray()[0, cell_of_row] != 0.0))[0])
        said.append(f"{names(place)} (the fit has no rows with {name_open_cell(rows, needed, row)})")
    more = int(np.sum(~told)) - len(said)
    note = f"Not estimable: {', '.join(said)}" + (f" and {more} more." if more else ".")
    first = [family.parameters[0].name]
    if not linear and _are_determined(rows, starts, weights, first, shares, linear=True)[~told].any():
        note += ' What the data leave open cancels in differences on the link scale: kind="linear".'
    if not told.any():
        raise SpecError(f"{note} {_HOLD}")
    return told, (note,)


def refuse_open_mean(rows: Design, parameters: Collection[str]) -> None:
    """Refuse rows in which the predictor of one of these parameters is not estimable (SpecError)."""
    start, shares = np.zeros(1, dtype=np.intp), np.full(rows.rows, 1.0 / rows.rows)
    if not _are_determined(rows, start, np.ones((1, 1)), parameters, shares, linear=True).all():
        row = int(np.flatnonzero(find_open_rows(rows, parameters))[0])
        raise SpecError(
            f"Not estimable: the mean (the fit has no rows with {name_open_cell(rows, parameters, row)}). {_HOLD}"
        )


def _are_determined(
    rows: Design,
    starts: NDArray[np.intp],
    weights: Array | sparse.csr_array,
    parameters: Collection[str],
    shares: Array,
    *,
    linear: bool,
) -> NDArray[np.bool_]:
    """Return which weighted sums of the means over cells the rows of the fit determine."""
    told = np.ones(weights.shape[0], dtype=bool)
    for name in parameters:
        rest = rows.predictors[name].population.open_part
        if rest.any():
            sizes = abs(weights) @ np.add.reduceat(np.abs(rest) * np.abs(shares)[:, None], starts)
            sums = weights @ np.add.reduceat(rest * shares[:, None], starts) if linear else sizes
            told &= np.all(np.abs(sums) <= _ROUNDING * sizes, axis=1)
    return told


def name_cell(cells: pd.DataFrame, place: int) -> str:
    """Return one cell of a grid in words."""
    values = cells.iloc[place].items()
    return " and ".join(f"{n} = {v:.4g}" if isinstance(v, float) else f"{n} = {shorten(str(v))}" for n, v in values)
