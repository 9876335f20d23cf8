"""The picture of a conditional effect: what is expected over one column, by another one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmixed.display.palette import BLUE, DARK, GREEN, ORANGE, PURPLE, SKY, VERMILION
from bayesmixed.display.tables import middle_of
from bayesmixed.fits.fitting import Fit
from bayesmixed.plots.figures import as_written, new_figure
from bayesmixed.summaries.marginal.means import conditional_effects
from bayesmixed.tables.factors import is_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = (BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE, DARK)
"""Colours of Okabe & Ito, told apart by colour-blind readers; line styles and markers differ too."""
LINES, MARKERS = ("-", "--", "-.", ":"), ("o", "s", "^", "D", "v", "P", "X")
_MOST_DISTINCT, _MOST_ROWS = len(COLORS), 5000


def plot_conditional_effects(
    fit: Fit,
    effect: str,
    *,
    at: Mapping[str, Any] | None = None,
    kind: str = "mean",
    groups: str | Mapping[str, str] = "average",
    seed: int | None = None,
    data: bool = True,
) -> "Figure":
    """Return a conditional effect as a figure: lines with 95 % bands over a number, points with intervals over a factor.

    More than seven curves, as one for each group of the data, are drawn as thin lines without bands.

    Parameters
    ----------
    fit, effect, at, kind, groups, seed
        As in `conditional_effects`.
    data : bool
        Show the observed responses behind the curves (for kind "mean", proportions for binomial families).

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.plot_conditional_effects(fit, "period").axes[0].get_ylabel()
    'expected incidence / size'
    """
    estimates = conditional_effects(fit, effect, at=at, kind=kind, groups=groups, seed=seed)
    x, by = estimates.labels[0], estimates.labels[1] if len(estimates.labels) > 1 else None
    figure = new_figure(7.5, 4.8)
    axes = figure.add_subplot()
    if data and kind == "mean" and fit.design.response is not None:
        _draw_data(axes, fit, estimates.table[x])
    parts = [("", estimates.table)] if by is None else list(estimates.table.groupby(by, sort=False, observed=True))
    if is_number(estimates.table[x]):
        _draw_curves(axes, parts, x)
    else:
        _draw_points(axes, parts, x, list(dict.fromkeys(estimates.table[x])))
    axes.set_xlabel(x)
    what, _, where = estimates.quantity.partition("; ")
    axes.set_ylabel(what)
    axes.set_title("\n".join(part for part in (where, *estimates.notes) if part), fontsize=9, loc="left", wrap=True)
    if by is not None and len(parts) <= _MOST_DISTINCT:
        figure.legend(*axes.get_legend_handles_labels(), title=by, loc="outside right upper", frameon=False, fontsize=9)
    return as_written(figure)


def _draw_curves(axes: Any, parts: list[tuple[Any, pd.DataFrame]], x: str) -> None:
    many = len(parts) > _MOST_DISTINCT
    for place, (value, rows) in enumerate(parts):
        color = COLORS[0] if many else COLORS[place]
        if not many:
            axes.fill_between(rows[x], rows["lower"], rows["upper"], color=color, alpha=0.18, linewidth=0)
        style: dict[str, Any] = {"linewidth": 0.8, "alpha": 0.7} if many else {"linewidth": 1.8}
        axes.plot(
            rows[x],
            rows[middle_of(rows)],
            LINES[place % len(LINES)] if not many else "-",
            color=color,
            label=_text(value),
            **style,
        )


def _draw_points(axes: Any, parts: list[tuple[Any, pd.DataFrame]], x: str, levels: list[Any]) -> None:
    many = len(parts) > _MOST_DISTINCT
    step = 0.0 if many else 0.6 / len(parts)
    for place, (value, rows) in enumerate(parts):
        where = np.array([levels.index(level) for level in rows[x]]) + (place - (len(parts) - 1) / 2) * step
        if many:
            axes.plot(where, rows[middle_of(rows)], color=COLORS[0], linewidth=0.8, alpha=0.7, marker="o", markersize=3)
            continue
        axes.vlines(where, rows["lower"], rows["upper"], color=COLORS[place], linewidth=2)
        axes.scatter(
            where, rows[middle_of(rows)], color=COLORS[place], marker=MARKERS[place], s=45, zorder=3, label=_text(value)
        )
    axes.set_xticks(range(len(levels)), [str(level) for level in levels])
    axes.set_xlim(-0.6, len(levels) - 0.4)


def _draw_data(axes: Any, fit: Fit, shown: pd.Series) -> None:
    """Draw the observed responses, beside each other where x is a factor, of which some levels may not be shown."""
    design = fit.design
    y = np.asarray(design.response) / (np.asarray(design.trials) if design.family.has_trials else 1.0)
    column = design.table.data[str(shown.name)]
    if is_number(shown):
        place = column.to_numpy(dtype=float)
    else:
        levels = {str(level): i for i, level in enumerate(dict.fromkeys(shown))}
        jitter = np.random.default_rng(0).uniform(-0.28, 0.28, len(column))
        place = np.array([levels.get(str(value), np.nan) for value in column]) + jitter
    step = max(1, len(y) // _MOST_ROWS)
    axes.scatter(place[::step], y[::step], s=10, color="0.6", alpha=0.5, linewidths=0, zorder=0)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
