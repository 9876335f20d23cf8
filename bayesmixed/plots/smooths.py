"""The picture of a smooth: its curves with their bands over the values of the covariate."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.palette import GREY
from bayesmixed.display.tables import format_table
from bayesmixed.fits.fitting import Fit
from bayesmixed.plots.effect_panels import COLORS
from bayesmixed.plots.figures import as_written, new_figure, quiet_grid, shade
from bayesmixed.summaries.parameters.smooths import find_smooth, refuse_surface, smooth_curves, smooth_effects

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ACROSS, _MOST_PANELS = 3, 12


@takes_drawn_values(tables="rows")
def plot_smooth(
    fit: Fit,
    smooth: str | None = None,
    *,
    points: int = 100,
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return the curves of a smooth with 95 % bands as a figure, a panel for each level of its factor.

    The scale is that of the link; a curve adds up to zero over the rows of the fit (as the coefficient of a number it
    does not). Ticks at the bottom are the values of the covariate. A factor with more than 12 levels shows the first 12.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    smooth : str, optional
        Its name, "s(x)", "s(x):sward"; the first one if not given.
    points : int
        Points at which each curve is evaluated.
    ax, figsize
        As in `plot_forest`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> fit = bm.fit("Reaction ~ s(Days, k=4) + (1 | Subject)", data, draws=100, seed=1, progress=False)
    >>> figure = bm.plot_smooth(fit)
    >>> len(figure.axes)
    1
    """
    predictor, block = find_smooth(fit, smooth)
    refuse_surface(block)
    table = smooth_curves(fit, smooth, points=points)
    levels = list(dict.fromkeys(table["level"]))[:_MOST_PANELS]
    across = 2 if len(levels) == 4 else min(len(levels), _ACROSS)
    down = -(-len(levels) // across)
    figure = new_figure(4.4 * across + 2.0 * (across == 1), 3.4 * down + 0.6 * (down == 1), ax=ax, figsize=figsize)
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    edf = _edf(fit, table["term"].iloc[0])
    for number, (axes, level) in enumerate(zip(panels, levels, strict=False)):
        _draw_curve(axes, table[table["level"] == level], np.unique(block.curve_values(number)))
        words = [part for part in (f"{block.by} {level}" if level else "", edf.get(level, "")) if part]
        axes.tick_params(labelbottom=True)
        axes.set_title(", ".join(words), fontsize=10, loc="left")
    for axes in panels[len(levels) :]:
        axes.set_visible(False)
    figure.supxlabel(block.covariate, fontsize=10)
    unit = f"{predictor.link.name} scale" if predictor.link.name != "identity" else "scale of " + predictor.parameter
    figure.supylabel(f"{table['term'].iloc[0]} ({unit})", fontsize=10)
    return as_written(figure)


def _edf(fit: Fit, term: str) -> dict[str, str]:
    table = smooth_effects(fit, draws=50)
    rows = table[(table["term"] == term) & (table["effect"] == "edf")]
    numbers = format_table(rows)
    shown = zip(rows["level"], numbers["mean"], numbers["lower"], numbers["upper"], strict=True)
    return {level: f"edf {mean} ({lower} to {upper})" for level, mean, lower, upper in shown}


def _draw_curve(axes: Any, table: pd.DataFrame, rug: Any) -> None:
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.fill_between(table["x"], table["lower"], table["upper"], color=COLORS[0], alpha=shade(), linewidth=0)
    axes.plot(table["x"], table["mean"], color=COLORS[0], linewidth=1.8)
    axes.plot(rug, np.zeros(len(rug)), "|", color=GREY, markersize=7, transform=axes.get_xaxis_transform())
    quiet_grid(axes)
