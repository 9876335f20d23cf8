"""The half-normal plot with its envelope."""

from textwrap import fill
from typing import TYPE_CHECKING, Any

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.palette import BLUE, LIGHT, VERMILION
from bayesmixed.fits.fitting import Fit
from bayesmixed.plots.figures import as_written, new_figure, quiet_grid
from bayesmixed.summaries.checks.half_normals import ROW, half_normal
from bayesmixed.summaries.checks.quantile_residuals import SEED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INSIDE, OUTSIDE, BAND = BLUE, VERMILION, LIGHT
"""Colours of Okabe & Ito, and grey; markers differ too."""


@takes_drawn_values(tables="no")
def plot_half_normal(
    fit: Fit,
    level: str = ROW,
    *,
    envelope: str = "exact",
    effect: str | None = None,
    groups: str = "new",
    seed: int = SEED,
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return the half-normal plot of rows or of group effects, as a matplotlib figure.

    Ordered absolute residuals over half-normal scores. If the model is right they lie inside the faint band (all at
    once), and about 95 % inside the strong one. Points that leave the band upwards: more extreme than the model expects.

    Parameters
    ----------
    fit, level, envelope, effect, groups, seed
        As in `half_normal`.
    ax, figsize
        As in `plot_forest`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.plot_half_normal(fit, "herd").axes[0].get_ylabel()
    'absolute standardised effect of herd'
    """
    found = half_normal(fit, level=level, envelope=envelope, effect=effect, groups=groups, seed=seed)
    table = found.table
    figure = new_figure(7.5, 5.2, ax=ax, figsize=figsize)
    axes = figure.add_subplot()
    for lower, upper, alpha, label in (
        ("lower_all", "upper_all", 0.22, "95 %, all at once"),
        ("lower", "upper", 0.35, "95 %, each"),
    ):
        axes.fill_between(table["score"], table[lower], table[upper], color=BAND, alpha=alpha, linewidth=0, label=label)
    beyond = (table["value"] < table["lower_all"]) | (table["value"] > table["upper_all"])
    for rows, color, marker, label in (
        (~beyond, INSIDE, "o", "residual"),
        (beyond, OUTSIDE, "D", "outside the band of all"),
    ):
        if rows.any():
            shown = table[rows]
            axes.scatter(shown["score"], shown["value"], s=14, color=color, marker=marker, label=label, zorder=3)
    axes.set_xlabel("half-normal score")
    axes.set_ylabel("absolute quantile residual" if level == ROW else f"absolute standardised effect of {level}")
    verdict = "inside" if found.adequate else "not inside"
    title = f"{verdict.capitalize()} the envelope; {100 * found.outside:.0f} % outside the pointwise band"
    axes.set_title(f"{title}\n{fill(found.envelope, 80)}", fontsize=10, loc="left")
    quiet_grid(axes)
    return as_written(figure, legend=4)
