"""The picture of shrinkage over group size, with what the intraclass correlation says about it."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.palette import BLUE, VERMILION
from bayesmixed.display.tables import format_range
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import find_group
from bayesmixed.plots.figures import as_written, new_figure, quiet_grid, shade
from bayesmixed.summaries.pooling.shrinkage_factors import factor_draws
from bayesmixed.summaries.variance.pooling_curves import group_sizes, pooling_curve, pooling_factor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURVE, OWN = BLUE, VERMILION
"""Colours of Okabe & Ito."""


@takes_drawn_values(tables="columns")
def plot_pooling_curve(
    fit: Fit | float, group: str | None = None, *, ax: Any = None, figsize: tuple[float, float] | None = None
) -> "Figure":
    """Return the shrinkage factor over group size, implied by the intraclass correlation, as a matplotlib figure.

    The curve is `pooling_curve`, with its 95 % band; a disc marks each group size of the data, its area the number of
    groups. Where the curve is only a guide (not Gaussian), crosses show the factors of `shrinkage`.

    Parameters
    ----------
    fit : Fit or float
        A fitted model, or an intraclass correlation from 0 to 1.
    group : str, optional
        Grouping factor with an intercept; the first one if not given.
    ax, figsize
        As in `plot_forest`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.plot_pooling_curve(fit).axes[0].get_xlabel()
    'trials of a herd'
    """
    table = pooling_curve(fit, group)
    name, unit = table.attrs["group"], table.attrs["unit"]
    figure = new_figure(7.5, 5.0, ax=ax, figsize=figsize)
    axes = figure.add_subplot()
    axes.fill_between(table["size"], table["lower"], table["upper"], color=CURVE, alpha=shade(), linewidth=0)
    axes.plot(table["size"], table["median"], color=CURVE, linewidth=1.8, label="implied by the ICC, 95 %")
    present = table[table["groups"] > 0]
    if len(present):
        area = 25.0 + 250.0 * present["groups"] / present["groups"].max()
        label = "group sizes of the data (area: how many)"
        axes.scatter(
            present["size"], present["median"], s=area, color=CURVE, alpha=0.55, edgecolors="white", label=label
        )
    factors = None
    if isinstance(fit, Fit) and not table.attrs["exact"]:
        factors = _mark_factors(axes, fit, group)
    _scale_sizes(axes, table)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel(f"{unit} of a {name}")
    axes.set_ylabel("shrinkage factor (1 = none, 0 = complete)")
    axes.set_title(say_shrinkage(table, factors), fontsize=10, loc="left", wrap=True)
    quiet_grid(axes)
    return as_written(figure, legend=2)


def say_shrinkage(table: pd.DataFrame, factors: Array | None = None) -> str:
    """Return what the intraclass correlation of a `pooling_curve` says about shrinkage, in two or three lines.

    Parameters
    ----------
    table : pandas.DataFrame
        From `pooling_curve`.
    factors : (J,) array, optional
        Shrinkage factors of the groups, where the curve is only a guide.
    """
    rho, lower, upper = table.attrs["icc"]
    name, unit, scale, slopes = (table.attrs[key] for key in ("group", "unit", "scale", "slopes"))
    between = "between 0 (more shrinkage) and 1 (less)"
    word = "near 1: less shrinkage" if rho > 0.75 else "near 0: more shrinkage" if rho < 0.1 else between
    low, middle, high = format_range((lower, rho, upper), 2)
    interval = f" ({low} to {high})" if lower < upper else ""
    where = f" on the {scale}" if scale else f" at the mean of {slopes}" if slopes else ""
    first = f"ICC{where} {middle}{interval}, {word}."
    if factors is not None:
        low, high = format_range((100 * factors.min(), 100 * factors.max()), 2)
        return (
            f"{first}\nEach {name} keeps {low} to {high} % of its own deviation (crosses);\n"
            f"the curve is a guide: it assumes that every {unit.removesuffix('s')} is equally informative."
        )
    sizes = np.repeat(table["size"], table["groups"])
    typical = int(np.median(sizes)) if len(sizes) else 1
    kept = 100 * float(pooling_factor(typical, rho))
    units = unit if typical != 1 else unit.removesuffix("s")
    return f"{first}\nA {name} with {typical} {units} keeps {kept:.0f} % of its own deviation."


def _mark_factors(axes: Any, fit: Fit, group: str | None) -> Array:
    predictor, block = find_group(fit, group)
    factors = factor_draws(fit, predictor, block).mean(("chain", "draw")).values[:, block.intercept]
    size = 12 if len(block.levels) > 60 else 30
    label = "factors of shrinkage()"
    axes.scatter(group_sizes(fit, block), factors, s=size, marker="x", color=OWN, linewidth=1, label=label)
    return np.asarray(factors)


def _scale_sizes(axes: Any, table: pd.DataFrame) -> None:
    largest = int(table["size"].max())
    if largest <= 30:
        axes.set_xlim(0, largest + 1)
        axes.set_xticks(range(1, largest + 1, max(1, largest // 12)))
        return
    ticks = [n for n in (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if n <= largest]
    axes.set_xscale("log")
    axes.set_xticks(ticks, [str(n) for n in ticks], minor=False)
    axes.minorticks_off()
