"""The ranks of simulation-based calibration with their bands."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmixed.calibration.ranks import Calibration
from bayesmixed.display.palette import BLUE, GREY, LIGHT, VERMILION
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.plots.figures import as_written, new_figure, quiet_grid
from bayesmixed.summaries.checks.transforms import ecdf_difference

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INSIDE, OUTSIDE, BAND = BLUE, VERMILION, LIGHT
"""Colours of Okabe & Ito, and grey; lines differ too."""
_COLUMNS = 3


def plot_calibration(
    calibration: Calibration,
    quantities: Sequence[str] | None = None,
    *,
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return the distribution of the ranks of each quantity, as a matplotlib figure.

    The ECDF of the ranks minus that of a uniform distribution, with its simultaneous 95 % band (Säilynoja, Bürkner & Vehtari
    2022, Stat Comput 32:32). Above 0 throughout: posteriors are too high; below: too low. Above on the left and below
    on the right: too narrow; the reverse: too wide.

    Parameters
    ----------
    calibration : Calibration
        What `calibrate` returned.
    quantities : sequence of str, optional
        Which of them; all if not given.
    ax, figsize
        As in `plot_forest`.

    Raises
    ------
    SpecError
        No such quantity, or no fit that succeeded.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> calibration = bm.calibrate("sleepstudy_intercept", n=3, seed=1, progress=False)
    >>> figure = bm.plot_calibration(calibration, ["sigma"])
    >>> len(figure.axes)
    1
    """
    ranks = {str(name): own for name, own in calibration.ranks.groupby("quantity", sort=False)["pit"]}
    unknown = [name for name in quantities or () if name not in ranks]
    if unknown:
        raise SpecError(f"Quantity '{unknown[0]}' has no ranks. {did_you_mean(unknown[0], ranks)}")
    names = list(quantities or ranks)
    if not names:
        raise SpecError("There are no ranks to show: no fit has succeeded.")
    columns = min(_COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure(1.0 + 3.2 * columns, 1.3 + 2.3 * rows, ax=ax, figsize=figsize)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(grid.flat, names, strict=False):
        found = ecdf_difference(np.asarray(ranks[name]))
        inside = len(found.outside) == 0
        axes.fill_between(found.points, found.lower, found.upper, color=BAND, alpha=0.3, linewidth=0, step="mid")
        axes.axhline(0.0, color=GREY, linewidth=0.9)
        axes.step(
            found.points,
            found.difference,
            where="mid",
            color=INSIDE if inside else OUTSIDE,
            linestyle="-" if inside else "--",
            linewidth=1.5,
        )
        axes.set_title(name if inside else f"{name}: outside", fontsize=10, loc="left")
        quiet_grid(axes)
    for place, axes in enumerate(grid.flat):
        axes.set_visible(place < len(names))
        # The lowest panel of each column bears the labels.
        axes.tick_params(labelbottom=place + columns >= len(names))
    grid[0, 0].set_xlim(0, 1)
    figure.supxlabel("rank of the true value among posterior draws (0 to 1)", fontsize=10)
    figure.supylabel("share of smaller ranks minus rank", fontsize=10)
    count = calibration.ranks["number"].nunique()
    figure.suptitle(f"{count} data sets from the priors; grey: 95 % band, simultaneous", fontsize=10, x=0.01, ha="left")
    return as_written(figure)
