"""The picture of where the variance comes from."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.palette import GREY, LIGHT, SERIES
from bayesmixed.fits.fitting import Fit
from bayesmixed.plots.figures import as_written, new_figure, quiet_grid
from bayesmixed.summaries.variance.intraclass import icc

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESIDUAL, CORRELATION = GREY, LIGHT


@takes_drawn_values(tables="columns")
def plot_variance_shares(
    fit: Fit, *, trials: float = 1.0, ax: Any = None, figsize: tuple[float, float] | None = None
) -> "Figure":
    """Return the shares of the variance and the intraclass correlations as a matplotlib figure.

    The bar splits the variance at posterior means; below it are the shares with their 95 % intervals, and the
    intraclass correlations on each scale that the model has.

    Parameters
    ----------
    fit, trials
        As in `icc`.
    ax, figsize
        As in `plot_forest`.

    Raises
    ------
    SpecError
        The model has no group effects.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> figure = bm.plot_variance_shares(fit)
    >>> [label.get_text() for label in figure.axes[1].get_yticklabels()][:2]
    ['herd', 'Residual']
    """
    table = icc(fit, trials=trials)
    shares, correlations = (table[table["effect"] == effect] for effect in ("share", "icc"))
    count = len(shares) + len(correlations)
    figure = new_figure(7.5, 0.34 * count + 2.2, ax=ax, figsize=figsize)
    if len(shares):
        bar, axes = figure.subplots(2, 1, sharex=True, height_ratios=[1.0, 0.45 * count + 0.6])
        _draw_bar(bar, shares)
    else:
        axes = figure.add_subplot()
    _draw_intervals(axes, shares, correlations)
    axes.set_xlim(0, 1)
    axes.set_xlabel("posterior means, 95 % intervals")
    return as_written(figure)


def _colours(shares: pd.DataFrame) -> list[str]:
    return [RESIDUAL if term == "Residual" else SERIES[i % len(SERIES)] for i, term in enumerate(shares["term"])]


def _draw_bar(axes: Any, shares: pd.DataFrame) -> None:
    place = 0.0
    for share, colour in zip(shares["mean"], _colours(shares), strict=True):
        axes.barh(0, share, left=place, color=colour, height=1.0)
        if share > 0.08:
            axes.text(place + share / 2, 0, f"{100 * share:.0f} %", ha="center", va="center", color="white", fontsize=9)
        place += share
    axes.set_ylim(-0.5, 0.5)
    axes.set_axis_off()
    axes.set_title(f"Where the variance comes from, {shares['scale'].iloc[0]} scale", fontsize=11, loc="left")


def _draw_intervals(axes: Any, shares: pd.DataFrame, correlations: pd.DataFrame) -> None:
    names, rows = [], []
    for (_, row), colour in zip(shares.iterrows(), _colours(shares), strict=True):
        names.append(str(row["term"]))
        rows.append((row, colour, "s"))
    for _, row in correlations.iterrows():
        names.append(f"ICC, {row['term']}, {row['scale']} scale")
        rows.append((row, CORRELATION, "D"))
    for place, (row, colour, marker) in enumerate(rows):
        axes.hlines(place, row["lower"], row["upper"], color=colour, linewidth=2.0)
        axes.plot(row["mean"], place, marker=marker, color=colour, markersize=6)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.set_ylim(len(names) - 0.5, -0.5)
    quiet_grid(axes, "x")
