"""Estimates: a table of derived quantities with their draws, and what they are in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import describe, format_table
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array

Range = tuple[float, float]
NO_MEAN = "Medians: the posterior mean is infinite or depends on a few draws, so none is shown."
SHOWN = 40
"""Rows above which the printed table of a curve leaves values out."""


@dataclass(frozen=True, slots=True, repr=False)
class Estimates(Page):
    """Quantities derived from a fit; `str()` for terminals, HTML in notebooks.

    Attributes
    ----------
    title : str
        What was asked.
    quantity : str
        What is estimated, the estimand.
    notes : tuple of str
        What was averaged over, where covariates were held, on which scale.
    labels : tuple of str
        The columns of the table that name its rows.
    table : pandas.DataFrame
        One row per quantity: labels, then mean, sd, lower, upper (95 %, equal tails), mcse, and probabilities. Where a
        quantity has no posterior mean (`bayesmixed.integration.posterior_means` says which), median instead of mean and sd.
    draws : xarray.DataArray
        The draws behind the table, dims chain, draw, row; the labels are coordinates of row.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> means = bm.marginal_means(fit, "period")
    >>> means.table["period"].tolist(), means.draws.shape
    (['1', '2', '3', '4'], (4, 400, 4))
    >>> means.title
    'Marginal means of period'
    """

    title: str
    quantity: str
    notes: tuple[str, ...]
    labels: tuple[str, ...]
    table: pd.DataFrame
    draws: xr.DataArray

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        kept, left_out = _thin(self.table, self.labels[0])
        shown = format_table(kept)
        for name in shown.columns.difference([*self.labels, "mean", "median", "sd", "lower", "upper"]):
            shown[name] = [say_probability(value) for value in shown[name]]
        for name in self.labels:
            shown[name] = [f"{v:.4g}" if isinstance(v, float) else str(v) for v in shown[name]]
        return [Section(self.title, (f"Estimand: {self.quantity}.",), shown, after=(*left_out, *self.notes))]


def say_probability(value: float) -> str:
    """Return a probability with three decimals, never as certain; nothing for NaN."""
    if np.isnan(value):
        return ""
    return "< 0.001" if value < 0.001 else "> 0.999" if value > 0.999 else f"{value:.3f}"


def with_directions(values: Array, table: pd.DataFrame, null: float, rope: Range | None) -> pd.DataFrame:
    """Return the table with the probability of direction `pd`, and the share `in_rope` if a range is given.

    pd is the larger of the probabilities that the quantity lies above and below `null`, draws equal to it counted half:
    1/2 says nothing, 1 that the sign is certain (Makowski, Ben-Shachar & Lüdecke 2019, J Open Source Softw 4:1541).

    Raises
    ------
    SpecError
        The range is empty.
    """
    flat = values.reshape(-1, values.shape[-1])
    above, below = np.mean(flat > null, axis=0), np.mean(flat < null, axis=0)
    table = table.assign(pd=np.maximum(above, below) + 0.5 * (1.0 - above - below))
    if rope is None:
        return table
    low, high = rope
    if not low < high:
        raise SpecError(f"rope=({low:g}, {high:g}) is empty; give the smaller number first.")
    return table.assign(in_rope=np.mean((flat >= low) & (flat <= high), axis=0))


def say_null(null: float, rope: Range | None) -> str:
    """Return in words what `with_directions` adds."""
    text = f"pd: probability that it lies on its side of {null:g} (0.5: undecided; 1: certain)."
    return text if rope is None else f"{text} in_rope: probability of {rope[0]:g} to {rope[1]:g}."


def as_estimates(
    title: str, quantity: str, notes: Iterable[str], labels: pd.DataFrame, values: xr.DataArray, *, mean: bool = True
) -> Estimates:
    """Return estimates of draws (chain, draw, row) whose rows are named by a frame of labels; `mean` says that they have
    one. Of draws (chain, draw, category, row) each row of the table becomes one for each category."""
    labels = labels.reset_index(drop=True)
    if "category" in values.dims:
        categories = values["category"].values
        labels = labels.loc[labels.index.repeat(len(categories))].reset_index(drop=True)
        labels = labels.assign(category=np.tile(categories, len(labels) // len(categories)))
        flat = values.transpose("chain", "draw", "row", "category").values.reshape(*values.values.shape[:2], -1)
        coords = {name: values[name] for name in ("chain", "draw")}
        values = xr.DataArray(flat, dims=("chain", "draw", "row"), coords=coords)
    names = [name for name in labels.columns if name not in ("chain", "draw")]
    values = values.assign_coords({name: ("row", labels[name].to_numpy()) for name in names})
    table = pd.concat([labels, describe(values, mean=mean)], axis="columns")
    notes = (*notes, *(() if mean else (NO_MEAN,)))
    return Estimates(title, quantity, notes, tuple(labels.columns), table, values)


def as_comparisons(
    title: str,
    quantity: str,
    notes: Iterable[str],
    parts: Sequence[tuple[pd.DataFrame, xr.DataArray]],
    *,
    null: float,
    rope: Range | None,
    mean: bool,
) -> Estimates:
    """Return the estimates of several tables of labels, each with its draws, one below the other, with the probability of
    the side of `null` that each lies on."""
    labels = pd.concat([front for front, _ in parts], ignore_index=True)
    draws = xr.concat([one for _, one in parts], "row")
    found = as_estimates(title, quantity, (*notes, say_null(null, rope)), labels, draws, mean=mean)
    return replace(found, table=with_directions(found.draws.values, found.table, null, rope))


def _thin(table: pd.DataFrame, label: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows of a table that are printed, and in words which ones: of a long curve, some values of its number."""
    values = table[label].unique()
    if len(table) <= SHOWN or not pd.api.types.is_float_dtype(values):
        return table, ()
    places = np.linspace(0, len(values) - 1, max(2, SHOWN * len(values) // len(table) // 2)).round().astype(int)
    kept = table[table[label].isin(values[places])]
    return kept, (f"{len(places)} of {len(values)} values of {label} are shown; `.table` has all.",)
