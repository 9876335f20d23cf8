"""The picture of a prior comparison: estimates of every prior set beside each other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmixed.display.palette import SERIES
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.parameter_keys import INTERCEPT, ParameterKey, VariableNames
from bayesmixed.plots.figures import as_written, new_figure, quiet_grid
from bayesmixed.summaries.priors.comparison import LABELS, PriorComparison, middles_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = ("o", "s", "^", "D", "v", "P")
_SHOWN = ("asked", "population effect", "sd", "correlation", "parameter", "ICC", "shrinkage factor")
_WIDEST = 3


def plot_prior_comparison(
    comparison: PriorComparison,
    quantities: Sequence[str] | None = None,
    *,
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return posterior means with 95 % intervals of every prior set, a panel for each quantity, as a matplotlib figure.

    For SDs and other single parameters a thin grey line above each estimate is the middle 95 % of its prior, as far as
    it lies in the panel: where the posterior follows it from set to set, the data say little.

    Parameters
    ----------
    comparison : PriorComparison
        From `compare_priors` or `sweep_priors`.
    quantities : list of str, optional
        Which quantities of the table, "sd", "ICC", "group effect", ...; by default all but those of each group.
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
    >>> sets = ["HalfNormal(5)", "HalfNormal(50)"]
    >>> comparison = bm.sweep_priors("sleepstudy_intercept", data, "sd_Subject", sets, draws=50, seed=1, progress=False)
    >>> figure = bm.plot_prior_comparison(comparison)
    >>> len(figure.axes)
    6
    """
    known = list(dict.fromkeys(comparison.table["quantity"]))
    for name in quantities or ():
        if name not in known:
            raise SpecError(f"'{name}' is not a quantity of the comparison. {did_you_mean(name, known)}")
    table = comparison.table[comparison.table["quantity"].isin(quantities or _SHOWN)]
    panels = list(table.groupby(LABELS, sort=False))
    columns = min(_WIDEST, len(panels))
    rows = -(-len(panels) // columns)
    height = 0.28 * len(comparison.fits) + 0.85
    figure = new_figure(3.6 * columns + 1.6, height * rows + 0.5, ax=ax, figsize=figsize)
    for place, (labels, rows_of_panel) in enumerate(panels):
        axes = figure.add_subplot(rows, columns, place + 1)
        _draw_panel(axes, comparison, rows_of_panel)
        axes.set_title(_title(*map(str, labels)), fontsize=9, loc="left")
        axes.set_yticks(range(len(comparison.fits)), list(comparison.labels.values()) if place % columns == 0 else [])
    medians = " (medians of what has none)" if "median" in table and table["median"].notna().any() else ""
    figure.supxlabel(
        f"posterior means{medians} and 95 % intervals; thin grey lines: the middle 95 % of the priors", fontsize=8
    )
    return as_written(figure)


def _draw_panel(axes: Any, comparison: PriorComparison, rows: pd.DataFrame) -> None:
    low, high = float(rows["lower"].min()), float(rows["upper"].max())
    margin = 0.08 * (high - low) or 1.0
    middles = middles_of(rows)
    for middle, (_, row) in zip(middles, rows.iterrows(), strict=True):
        name = str(row["set"])
        place = list(comparison.fits).index(name)
        colour, marker = SERIES[place % len(SERIES)], MARKERS[place % len(MARKERS)]
        axes.hlines(place, row["lower"], row["upper"], color=colour, linewidth=1.6)
        axes.plot(middle, place, marker=marker, color=colour, markersize=5)
        prior = _prior_range(comparison, name, row)
        if prior is not None:
            axes.hlines(place - 0.25, *np.clip(prior, low - margin, high + margin), color="0.55", linewidth=1.0)
    axes.axvline(middles.iloc[0], color="0.75", linewidth=0.8, linestyle="--", zorder=0)
    axes.set_xlim(low - margin, high + margin)
    axes.set_ylim(len(comparison.fits) - 0.5, -0.5)
    axes.tick_params(labelsize=8)
    quiet_grid(axes, "x")


def _prior_range(comparison: PriorComparison, name: str, row: pd.Series) -> tuple[float, float] | None:
    """Return the middle 95 % of the prior of a quantity that is a parameter in the coordinate of its prior."""
    from bayesmixed.design.prior_draws import prior_quantile

    design = comparison.fits[name].design
    tails = np.array([0.025, 0.975])
    term, effect = str(row["term"]), str(row["effect"])
    scalar = effect if row["quantity"] == "sd" else term
    if row["quantity"] in ("sd", "parameter") and scalar in design.numbers:
        function, _ = design.scalar_prior(scalar)
        low, high = sorted(function.inverse(prior_quantile(design, function.key(scalar), tails)))
        return float(low), float(high)
    keys = {"sd": [ParameterKey(VariableNames("").sd(term), effect)]}
    keys["population effect"] = [
        ParameterKey(p.beta, effect) for p in design.predictors.values() if p.parameter == term
    ]
    for key in keys.get(str(row["quantity"]), []):
        moved = any(group.centred and key == ParameterKey(p.sd(group), INTERCEPT) for p, group in design.group_blocks())
        if key in design.priors and not moved:
            low, high = prior_quantile(design, key, tails)
            return float(low), float(high)
    return None


def _title(quantity: str, *names: str) -> str:
    text = " ".join(name for name in names if name)
    return text if quantity in ("asked", "population effect") else f"{quantity}: {text}"
