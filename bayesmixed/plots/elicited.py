"""The picture of elicited priors: what they imply, over the interval that was asked for."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmixed.display.palette import BLUE, GREY, VERMILION
from bayesmixed.plots.figures import as_written, new_figure
from bayesmixed.summaries.priors.elicitation import Elicited

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BINS = 60


def plot_elicited(elicited: Elicited, *, ax: Any = None, figsize: tuple[float, float] | None = None) -> "Figure":
    """Return the prior distribution of each quantity, the interval asked for and the one implied, as a matplotlib figure.

    Parameters
    ----------
    elicited : Elicited
        What `elicit` returned.
    ax, figsize
        As in `plot_forest`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> found = bm.elicit("Reaction ~ Days + (1 | Subject)", bm.datasets.load("sleepstudy"), icc=(0.1, 0.6))
    >>> [axes.get_title(loc="left") for axes in bm.plot_elicited(found).axes]
    ['intraclass correlation, same Subject']
    """
    rows = elicited.table.to_dict("records")
    figure = new_figure(5.4, 0.7 + 2.1 * len(rows), ax=ax, figsize=figsize)
    for place, row in enumerate(rows):
        axes = figure.add_subplot(len(rows), 1, place + 1)
        draws = elicited.draws[row["quantity"]]
        low, high = np.quantile(draws, [0.002, 0.995])
        # A ratio between groups is read on a scale of ratios.
        ratio = "ratio" in row["quantity"]
        edges = np.geomspace(max(low, 1e-3), high, _BINS + 1) if ratio else np.linspace(low, high, _BINS + 1)
        counts = np.histogram(draws, edges)[0] / len(draws)
        axes.stairs(counts, edges, color=BLUE, fill=True, alpha=0.55, label="prior draws")
        top = float(counts.max())
        axes.plot(
            [row["lower"], row["upper"]],
            [1.08 * top] * 2,
            color=GREY,
            linewidth=3,
            label=f"implied, {100 * elicited.coverage:g} %",
        )
        if not np.isnan(row["asked_lower"]):
            asked = [row["asked_lower"], row["asked_upper"]]
            axes.plot(asked, [1.2 * top] * 2, color=VERMILION, linewidth=3, linestyle="--", label="asked for")
        axes.set_xscale("log" if ratio else "linear")
        if ratio:
            for formatter in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
                formatter("{x:g}")
        axes.set_yticks([])
        axes.set_ylim(0, 1.3 * top)
        axes.set_title(row["quantity"], fontsize=10, loc="left")
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9
    )
    return as_written(figure)
