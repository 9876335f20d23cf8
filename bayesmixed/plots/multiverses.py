"""The picture of a multiverse: every quantity in all specifications, sorted, with predictions beside it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmixed.display.palette import GREY, SERIES
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.plots.figures import as_written, ink, new_figure, quiet_grid
from bayesmixed.plots.prior_comparison import MARKERS
from bayesmixed.summaries.priors.decisions import ICC, LABELS
from bayesmixed.summaries.priors.multiverse import Multiverse, say_signs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST = 8
"""Quantities in one picture."""
_NEAR = 3.0
"""How many times the width of what is drawn 0 may be away and still be shown."""


def plot_multiverse(
    multiverse: Multiverse,
    quantities: Sequence[str] | None = None,
    *,
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return a specification curve of every quantity as a figure: estimates with 95 % intervals in all specifications, sorted,
    and beside them how much worse each predicts than the best one.

    Colours are structures, markers prior sets, the dashed line is the first specification that converged.
    Fits that have not converged are grey.

    Parameters
    ----------
    multiverse : Multiverse
        From `compare_priors` with structures.
    quantities : list of str, optional
        Kinds ("asked", "effect", "ICC") or names of quantities; the first 8 of all if not given.
    ax, figsize
        As in `plot_forest`.

    Raises
    ------
    SpecError
        There is no such quantity.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> sets, other = {"default": {}, "tight": {"sigma": "HalfNormal(10)"}}, {"slopes": "~ Days + (Days | Subject)"}
    >>> found = bm.compare_priors("sleepstudy_intercept", data, sets, structures=other, draws=500, seed=1, progress=False)
    >>> [axes.get_title(loc="left").splitlines()[0] for axes in bm.plot_multiverse(found).axes[::2]]
    ['Days: +1', 'same Subject (response scale)']
    """
    table = multiverse.table
    known = [*dict.fromkeys(table["quantity"]), *dict.fromkeys(table["name"])]
    for name in quantities or ():
        if name not in known:
            raise SpecError(f"'{name}' is not a quantity of the multiverse. {did_you_mean(name, known)}")
    if quantities is not None:
        table = table[table["quantity"].isin(quantities) | table["name"].isin(quantities)]
    panels = list(table.groupby(["quantity", "name"], sort=False))
    shown = panels if quantities is not None else panels[:_MOST]
    heights = [0.19 * len(own) + 0.9 for _, own in shown]
    figure = new_figure(8.5, float(np.sum(heights)) + 0.4, ax=ax, figsize=figsize)
    predicted = bool(multiverse.specifications["elpd"].notna().any())
    grid = figure.add_gridspec(
        len(shown), 1 + predicted, height_ratios=heights, width_ratios=[3.2, 1.0][: 1 + predicted]
    )
    styles = _styles(multiverse.specifications)
    for place, (label, own) in enumerate(shown):
        quantity, name = map(str, label)
        rows = own.merge(multiverse.specifications, on=LABELS, suffixes=("", "_elpd"))
        reference = float((rows[rows["converged"]] if rows["converged"].any() else rows)["estimate"].iloc[0])
        rows = rows.sort_values("estimate")
        axes = figure.add_subplot(grid[place, 0])
        _draw_estimates(axes, rows, styles, reference, signed=quantity != ICC)
        signs = multiverse.signs[(multiverse.signs["quantity"] == quantity) & (multiverse.signs["name"] == name)]
        said = f"\n{say_signs(signs.iloc[0].to_dict())}" if len(signs) else ""
        axes.set_title(f"{name}{said}", fontsize=9, loc="left")
        if predicted:
            beside = figure.add_subplot(grid[place, 1], sharey=axes)
            _draw_predictions(beside, rows, styles)
            beside.set_title("elpd less the best" if place == 0 else "", fontsize=9, loc="left")
    left = f"; {len(panels) - len(shown)} more quantities by quantities=[...]" if len(shown) < len(panels) else ""
    elpd = (
        f"\nelpd: {multiverse.estimand}, with one standard error; hollow: some units are too influential"
        if predicted
        else ""
    )
    figure.supxlabel(
        f"estimates with 95 % intervals; dashed: the first specification that converged{left}{elpd}", fontsize=8
    )
    return as_written(figure)


def _styles(rows: pd.DataFrame) -> dict[tuple[str, str], tuple[str, str]]:
    """Return colour and marker of each specification; grey where it has not converged."""
    structures, sets = list(dict.fromkeys(rows["structure"])), list(dict.fromkeys(rows["set"]))
    return {
        (structure, name): (
            SERIES[structures.index(structure) % len(SERIES)] if converged else GREY,
            MARKERS[sets.index(name) % len(MARKERS)],
        )
        for structure, name, converged in zip(rows["structure"], rows["set"], rows["converged"], strict=True)
    }


def _draw_estimates(axes: Any, rows: pd.DataFrame, styles: Any, reference: float, *, signed: bool) -> None:
    for place, row in enumerate(rows.to_dict("records")):
        colour, marker = styles[row["structure"], row["set"]]
        axes.hlines(place, row["lower"], row["upper"], color=colour, linewidth=1.4)
        axes.plot(row["estimate"], place, marker=marker, color=colour, markersize=5)
    axes.axvline(reference, color=GREY, linewidth=0.9, linestyle="--", zorder=0)
    low, high = float(rows["lower"].min()), float(rows["upper"].max())
    if signed and max(low, -high) <= _NEAR * (high - low):
        axes.axvline(0.0, color=ink(), linewidth=0.9, zorder=0)
    labels = [
        f"{row['structure']} / {row['set']}" + ("" if row["converged"] else " (not converged)")
        for row in rows.to_dict("records")
    ]
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(labelsize=8)
    quiet_grid(axes, "x")


def _draw_predictions(axes: Any, rows: pd.DataFrame, styles: Any) -> None:
    for place, row in enumerate(rows.to_dict("records")):
        colour, marker = styles[row["structure"], row["set"]]
        value, error = row["elpd_diff"], row["dse"]
        axes.hlines(place, value - error, value + error, color=colour, linewidth=1.4)
        axes.plot(value, place, marker=marker, color=colour, markersize=4, fillstyle="none" if row["bad_k"] else "full")
    axes.axvline(0.0, color=GREY, linewidth=0.9, zorder=0)
    axes.tick_params(labelsize=8, labelleft=False)
    quiet_grid(axes, "x")
