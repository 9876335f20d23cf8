"""The picture of a conditional effect: what is expected over one column, by another one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.estimates import Estimates
from bayesmixed.display.tables import middle_of
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.plots.effect_panels import MOST_DISTINCT, draw_observed, draw_panel, write_value
from bayesmixed.plots.figures import as_written, new_figure
from bayesmixed.plots.observed_points import PARTIAL, ObservedPoints, observed_points, partial_residuals
from bayesmixed.summaries.marginal.grids import split_effect
from bayesmixed.summaries.marginal.means import conditional_effects
from bayesmixed.tables.factors import is_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ACROSS, _MOST_PANELS = 3, 12


@takes_drawn_values(tables="rows")
def plot_conditional_effects(
    fit: Fit,
    effect: str,
    *,
    by: str | Sequence[str] | None = None,
    at: Mapping[str, Any] | None = None,
    kind: str = "mean",
    groups: str | Mapping[str, str] = "average",
    seed: int | None = None,
    data: bool | str = True,
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return a conditional effect as a figure: lines with 95 % bands over a number, points with intervals over a factor.

    More than seven curves, as one for each group of the data, are drawn as thin lines without bands.

    Parameters
    ----------
    fit, effect, at, kind, groups, seed
        As in `conditional_effects`. Kind "probability" draws a curve for each category of an ordered response.
    by : str or list, optional
        Further columns: a panel for each combination of their values.
    data : bool or "partial"
        Show the observed responses behind the curves (for kind "mean", proportions for binomial families), brought to
        the exposure of the curves where there is an offset, and coloured by level; "partial": partial residuals, the
        curve plus what the response is above its expectation (under a log link, times the ratio of the two).
    ax, figsize
        As in `plot_forest`.

    Raises
    ------
    SpecError
        As `conditional_effects`; partial residuals of something other than the mean.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.plot_conditional_effects(fit, "period").axes[0].get_ylabel()
    'expected incidence / size'
    """
    estimates = conditional_effects(fit, effect, by=by, at=at, kind=kind, groups=groups, seed=seed)
    x, series, panels = _roles(fit, effect, estimates.labels, kind)
    points = points_for(fit, estimates, x, at, kind, data)
    table = estimates.table
    values = [()] if not panels else list(table[panels].drop_duplicates().itertuples(index=False, name=None))
    if len(values) > _MOST_PANELS:
        raise SpecError(
            f"{len(values)} panels are too many (at most {_MOST_PANELS}); say which values with at={{...}}."
        )
    across = 2 if len(values) == 4 else min(len(values), _ACROSS)
    down = -(-len(values) // across)
    figure = new_figure(
        *((7.5, 4.8) if len(values) == 1 else (4.0 * across + 1.5, 3.3 * down + 0.8)), ax=ax, figsize=figsize
    )
    axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    for panel, value in zip(axes, values, strict=False):
        held = dict(zip(panels, value, strict=True))
        keep = np.all([table[name] == one for name, one in held.items()], axis=0) if held else slice(None)
        draw_effect(panel, table[keep], x, series, None if points is None else points.within(held))
        panel.tick_params(labelbottom=True)
        panel.set_title(", ".join(f"{name} {write_value(one)}" for name, one in held.items()), fontsize=10, loc="left")
    for panel in axes[len(values) :]:
        panel.set_visible(False)
    what, _, where = estimates.quantity.partition("; ")
    notes = (where, *estimates.notes, points.note if points else "")
    title = "\n".join(part for part in notes if part)
    if panels:
        figure.supxlabel(x, fontsize=10)
        figure.supylabel(what, fontsize=10)
        figure.suptitle(title, fontsize=9, x=0.01, ha="left", wrap=True)
    else:
        axes[0].set_xlabel(x)
        axes[0].set_ylabel(what)
        axes[0].set_title(title, fontsize=9, loc="left", wrap=True)
    if series is not None and table[series].nunique() <= MOST_DISTINCT:
        handles = axes[0].get_legend_handles_labels()
        figure.legend(*handles, title=series, loc="outside right upper", frameon=False, fontsize=9)
    return as_written(figure)


def draw_effect(axes: Any, table: pd.DataFrame, x: str, series: str | None, points: ObservedPoints | None) -> None:
    """Draw the estimates of an effect, and observed points behind them."""
    levels = None if is_number(table[x]) else list(dict.fromkeys(table[x]))
    if points is not None:
        values = [] if series is None else list(dict.fromkeys(table[series]))
        draw_observed(axes, points, x, levels, series, values)
    draw_panel(axes, table, x, series, levels or [])


def points_for(
    fit: Fit, estimates: Estimates, x: str, at: Mapping[str, Any] | None, kind: str, data: bool | str
) -> ObservedPoints | None:
    """Return the points of a picture, None for none: they are those of the mean (SpecError for other residuals)."""
    if isinstance(data, str) and data != PARTIAL:
        raise SpecError(f"data='{data}' is not known; take True, False or '{PARTIAL}'.")
    if data == PARTIAL and (kind != "mean" or fit.design.response is None):
        raise SpecError("Partial residuals are those of the mean, kind='mean', of a fit with its rows in memory.")
    if data == PARTIAL and fit.design.family.limited:
        raise SpecError(
            "Partial residuals need responses that are known; these are censored or truncated. Take data=True."
        )
    if not data or kind != "mean" or fit.design.response is None:
        return None

    def expected(rows: pd.DataFrame) -> Array:
        return _on_curve(estimates, x, rows)

    if data is True:
        points = observed_points(fit, at)
    else:
        points = partial_residuals(fit, expected, ratio=fit.design.mu.link.ratio == "ratio of means")
    return points.windowed(estimates.table["lower"].min(), estimates.table["upper"].max())


def _on_curve(estimates: Estimates, x: str, rows: pd.DataFrame) -> Array:
    """Return what the curves of an effect are in each row: those of its levels, the nearest one where by is a number."""
    table, middle = estimates.table, middle_of(estimates.table)
    found = np.full(len(rows), np.nan)
    further = [name for name in estimates.labels if name != x]
    parts = [((), table)] if not further else list(table.groupby(further, sort=False, observed=True))
    nearest = {name: _nearest(rows[name], table[name].unique()) for name in further}
    for key, part in parts:
        own = np.all([nearest[name] == str(one) for name, one in zip(further, key, strict=True)], axis=0)
        here = np.broadcast_to(own, len(rows))
        if is_number(part[x]):
            order = part.sort_values(x)
            curve = np.interp(rows[x].to_numpy(dtype=float), order[x], order[middle], left=np.nan, right=np.nan)
        else:
            of_level = dict(zip(part[x].map(str), part[middle], strict=True))
            curve = np.array([of_level.get(str(level), np.nan) for level in rows[x]])
        found = np.where(here, curve, found)
    return found


def _nearest(column: pd.Series, values: Any) -> NDArray[np.object_]:
    """Return for each row the value of the curves that it belongs to, as text."""
    if is_number(column):
        places = np.argmin(np.abs(column.to_numpy(dtype=float)[:, None] - values.astype(float)), axis=1)
        return np.array([str(values[place]) for place in places], dtype=object)
    return np.array(column.map(str), dtype=object)


def _roles(fit: Fit, effect: str, labels: Sequence[str], kind: str) -> tuple[str, str | None, list[str]]:
    """Return which labels of an effect are the axis, the curves and the panels."""
    x, *second = split_effect(effect, fit.design)
    series = "category" if kind == "probability" else second[0] if second else None
    return x, series, [name for name in labels if name not in (x, series)]
