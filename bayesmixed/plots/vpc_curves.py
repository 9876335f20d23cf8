"""The picture of the share of the variance between groups over a covariate."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.palette import SERIES
from bayesmixed.fits.fitting import Fit
from bayesmixed.plots.figures import as_written, new_figure, quiet_grid, shade
from bayesmixed.summaries.variance.vpc_curves import vpc_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))


@takes_drawn_values(tables="columns")
def plot_vpc_curve(
    fit: Fit,
    column: str | None = None,
    *,
    scale: str = "latent",
    data: Any = None,
    na: str | float | Iterable[str | float] = (),
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return the curves of `vpc_curve`, one for each grouping factor, with 95 % bands, as a matplotlib figure.

    Parameters
    ----------
    fit, column, scale, data, na
        As in `vpc_curve`.
    ax, figsize
        As in `plot_forest`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> fit = bm.fit("sleepstudy", data, draws=100, seed=1, progress=False)
    >>> bm.plot_vpc_curve(fit, "Days").axes[0].get_xlabel()
    'Days'
    """
    table = vpc_curve(fit, column, scale=scale, data=data, na=na)
    figure = new_figure(7.0, 4.4, ax=ax, figsize=figsize)
    axes = figure.add_subplot()
    for place, (term, rows) in enumerate(table.groupby("term", sort=False)):
        colour, style = SERIES[place % len(SERIES)], STYLES[place % len(STYLES)]
        axes.fill_between(rows["value"], rows["lower"], rows["upper"], color=colour, alpha=shade(), linewidth=0)
        axes.plot(rows["value"], rows["mean"], color=colour, linestyle=style, linewidth=1.8, label=f"{term}, 95 %")
    axes.set_ylim(0, 1)
    axes.set_xlabel(table["effect"].iloc[0])
    name = table["scale"].iloc[0]
    axes.set_ylabel("share of the variance between groups")
    axes.set_title(f"Variance partition ({name if name == 'response' else f'{name} scale'})", fontsize=11, loc="left")
    quiet_grid(axes)
    return as_written(figure, legend=3)
