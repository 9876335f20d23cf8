"""The picture of what is missing in a table: the share of missing values of each column in each group."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmixed.display.palette import BLUE
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.plots.figures import as_written, new_figure
from bayesmixed.survey.structure_report import StructureReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMED = 60


def plot_missing(
    report: StructureReport, group: str | None = None, *, ax: Any = None, figsize: tuple[float, float] | None = None
) -> "Figure":
    """Return a map of missing values as a figure: groups down, columns across, darker where more is missing.

    Above each column stands the share that is missing in all rows. Groups of which much is missing, or nothing, show where
    missing depends on the group.

    Parameters
    ----------
    report : StructureReport
        From `check_data`.
    group : str, optional
        Grouping factor; the first one of the formula if not given. Without any, all rows are one group.
    ax, figsize
        As in `plot_forest`.

    Raises
    ------
    SpecError
        Nothing is missing, or there is no such factor.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> data.loc[3:7, "Reaction"] = None
    >>> figure = bm.plot_missing(bm.check_data("sleepstudy", data))
    >>> figure.axes[0].get_ylabel()
    'Subject'
    """
    found = report.absent
    if found is None:
        raise SpecError("No value of the columns of the model is missing, so there is nothing to draw.")
    names = list(found.groups)
    name = group if group is not None else next(iter(names), "")
    if name and name not in names:
        raise SpecError(f"'{name}' is not a grouping factor. {did_you_mean(name, names)}")
    columns = found.columns["column"].tolist()
    if name:
        table = found.groups[name]
        shares = table.iloc[:, 3:].to_numpy(dtype=float) / table["rows"].to_numpy(dtype=float)[:, None]
        labels = table["group"].tolist()
    else:
        shares, labels = found.columns["share"].to_numpy()[None, :], ["all rows"]
    few = len(labels) <= _NAMED
    height = float(np.clip(0.2 * len(labels) + 1.8, 2.4, 14.0)) if few else 6.0
    figure = new_figure(max(4.5, 1.6 + 0.9 * len(columns)), height, ax=ax, figsize=figsize)
    axes = figure.add_subplot()
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("missing", ["white", BLUE])
    image = axes.imshow(shares, aspect="auto", cmap=colours, vmin=0.0, vmax=1.0, interpolation="nearest")
    total = [f"{column}\n{100 * share:.2g} %" for column, share in zip(columns, found.columns["share"], strict=True)]
    axes.set_xticks(range(len(columns)), total)
    axes.xaxis.tick_top()
    if few:
        axes.set_yticks(range(len(labels)), labels, fontsize=8)
        axes.set_ylabel(name)
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{name} ({len(labels):,} groups)")
    axes.tick_params(length=0)
    figure.colorbar(image, ax=axes, label="share missing")
    return as_written(figure)
