"""Plot of a ladder: every estimate, rung by rung."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmixed.display.palette import BLUE, VERMILION
from bayesmixed.errors import SpecError
from bayesmixed.plots.figures import as_written, new_figure
from bayesmixed.summaries.rungs import POSTERIOR, Ladder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAXIMUM, _POSTERIOR = BLUE, VERMILION
_MOST, _COLUMNS = 24, 4


def plot_ladder(ladder: Ladder, *, ax: Any = None, figsize: tuple[float, float] | None = None) -> "Figure":
    """Return the estimates of a ladder as a figure: a panel for each parameter, a row for each rung.

    Bars are one standard error, or posterior sd, to either side; the dashed line is the finest rung.

    Parameters
    ----------
    ladder : Ladder
        What `ladder` returned.
    ax, figsize
        As in `plot_forest`.

    Raises
    ------
    SpecError
        There are more than 24 parameters.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> figure = bm.plot_ladder(bm.ladder("herd", data, posterior=False))
    >>> [axes.get_title() for axes in figure.axes]
    ['beta[Intercept]', 'sd_herd[Intercept]']
    """
    names = list(dict.fromkeys(ladder.table["parameter"]))
    if len(names) > _MOST:
        raise SpecError(
            f"{len(names)} parameters are more than {_MOST} panels; read them from the table of the ladder."
        )
    rungs = list(ladder.rungs.index)
    columns = min(_COLUMNS, len(names))
    height = -(-len(names) // columns) * (0.28 * len(rungs) + 0.9)
    figure = new_figure(2.9 * columns + 0.8, height, ax=ax, figsize=figsize)
    finest = ladder.rungs.index[ladder.rungs["finest"]]
    for place, name in enumerate(names):
        axes = figure.add_subplot(-(-len(names) // columns), columns, place + 1)
        rows = ladder.table[ladder.table["parameter"] == name].set_index("rung").loc[rungs]
        colours = [_POSTERIOR if rung == POSTERIOR else _MAXIMUM for rung in rungs]
        error = np.nan_to_num(rows["error"].to_numpy())
        axes.hlines(range(len(rungs)), rows["estimate"] - error, rows["estimate"] + error, color=colours, linewidth=1.6)
        axes.scatter(rows["estimate"], range(len(rungs)), color=colours, s=24, zorder=3)
        axes.axvline(float(rows["estimate"][finest].iloc[0]), color="0.6", linewidth=0.8, linestyle="--", zorder=0)
        axes.set_yticks(range(len(rungs)), rungs if place % columns == 0 else [])
        axes.set_ylim(len(rungs) - 0.5, -0.5)
        axes.set_title(name, fontsize=9, loc="center")
        axes.tick_params(labelsize=8)
    return as_written(figure)
