"""Pictures of residuals: against the mean, a column or a group, and whether predictions are calibrated."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special

from bayesmixed.arguments import alone, takes_drawn_values
from bayesmixed.cross_validation.units import find_units
from bayesmixed.display.palette import BLUE, GREY, LIGHT, VERMILION
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.families.records import refuse_counts
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import at_posterior_means
from bayesmixed.plots.figures import Where, as_written, new_figure, quiet_grid, shade
from bayesmixed.summaries.checks.bands import uniform_band
from bayesmixed.summaries.checks.left_out import predict_left_out
from bayesmixed.summaries.checks.quantile_residuals import SEED, residuals
from bayesmixed.terms.relations import Factor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINT, TREND, BAND = BLUE, VERMILION, LIGHT
"""Colours of Okabe & Ito, and grey."""
MEAN, NORMAL = "mean", "normal"
_LABELLED = 40
_CROWDED = 2_000


@takes_drawn_values(tables="no")
def plot_residuals(
    fit: Fit, against: str = MEAN, *, seed: int = SEED, ax: Any = None, figsize: tuple[float, float] | None = None
) -> "Figure":
    """Return the quantile residuals against something, as a matplotlib figure.

    If the model is right they are standard normal wherever one looks: about 95 % between the dashed lines, and a trend
    (means of bins, with 95 % of the mean's error) that stays at 0; at most 5 % of the bars
    of a right model miss it.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    against : str
        "normal" (a quantile-quantile plot: ordered residuals against what is expected of a standard normal, with a
        simultaneous 95 % band), "mean" (the expected response, predicted from the other rows as the residual is: a mean
        that the row contributed to would rise with it), a column of the data, or a grouping factor.
    seed : int
        For the random part of discrete responses.
    ax, figsize
        As in `plot_forest`.

    Raises
    ------
    SpecError
        There is no such column or factor.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.plot_residuals(fit).axes[0].get_xlabel()
    'expected incidence'
    """
    refuse_counts(fit.design.family, "A picture of residuals")
    if against == MEAN:  # what is expected of each row comes with the residuals
        predict_left_out(fit, moments=True)
    residual = residuals(fit, seed=seed)["residual"].to_numpy()
    if against == NORMAL:
        return _show_quantiles(np.sort(residual), (ax, figsize))
    figure = new_figure(7.5, 4.6, ax=ax, figsize=figsize)
    axes = figure.add_subplot()
    for level, style in ((0.0, "-"), (-1.96, "--"), (1.96, "--")):
        axes.axhline(level, color=GREY, linestyle=style, linewidth=0.9)
    place = _horizontal(fit, against)
    if isinstance(place, Factor):
        _show_levels(axes, place, residual)
    else:
        _show_numbers(axes, place, residual)
        axes.set_xlabel(f"expected {fit.design.spec.response}" if against == MEAN else against)
    axes.set_ylabel("quantile residual")
    limit = max(3.2, 1.05 * float(np.max(np.abs(residual))))
    axes.set_ylim(-limit, limit)
    quiet_grid(axes)
    handles, _ = axes.get_legend_handles_labels()
    scale = 1.0 if len(residual) <= _CROWDED else 2.0
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9, markerscale=scale)
    return as_written(figure)


@alone("Fit it by itself for that.")
@takes_drawn_values(tables="no")
def plot_loo_pit(fit: Fit, *, seed: int = SEED, ax: Any = None, figsize: tuple[float, float] | None = None) -> "Figure":
    """Return how far the leave-one-out predictions are from calibrated, as a matplotlib figure.

    The ordered probability integral transforms u, subtracted from the values expected of calibrated ones; inside
    the 95 % band (simultaneous, by simulation, as in Säilynoja, Bürkner & Vehtari 2022, Stat Comput 32:32) if the model
    is right. Above 0 on the left and below on the right: predictions are too narrow; the reverse: too wide.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    seed : int
        For the random part of discrete responses.
    ax, figsize
        As in `plot_forest`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.plot_loo_pit(fit).axes[0].get_ylabel()
    'this share minus the transform'
    """
    pit = np.sort(residuals(fit, seed=seed)["pit"].to_numpy())
    n = len(pit)
    place = np.arange(1, n + 1) / (n + 1)
    lower, upper = uniform_band(n)
    figure = new_figure(7.5, 4.4, ax=ax, figsize=figsize)
    axes = figure.add_subplot()
    label = "95 % band, simultaneous"
    axes.fill_between(place, place - upper, place - lower, color=BAND, alpha=0.3, linewidth=0, label=label)
    axes.axhline(0.0, color=GREY, linewidth=0.9)
    axes.plot(place, place - pit, color=POINT, linewidth=1.5, label="leave-one-out PIT")
    axes.set_xlabel("share of observations with a smaller probability integral transform")
    axes.set_ylabel("this share minus the transform")
    axes.set_xlim(0, 1)
    quiet_grid(axes)
    return as_written(figure, legend=2)


def _show_quantiles(residual: Array, where: Where) -> "Figure":
    """Return the quantile-quantile plot of ordered residuals."""
    n = len(residual)
    expected = special.ndtri((np.arange(1, n + 1) - 0.5) / n)
    lower, upper = (special.ndtri(np.clip(end, 1e-12, 1.0 - 1e-12)) for end in uniform_band(n))
    limit = max(3.2, 1.05 * float(np.max(np.abs(residual))))
    figure = new_figure(5.6, 5.0, *where)
    axes = figure.add_subplot()
    band = "95 % band, simultaneous"
    lower, upper = np.clip(lower, -2 * limit, 2 * limit), np.clip(upper, -2 * limit, 2 * limit)
    axes.fill_between(expected, lower, upper, color=BAND, alpha=0.3, linewidth=0, label=band)
    axes.plot(expected, expected, color=GREY, linewidth=0.9)
    size, alpha = (14, 0.55) if n <= _CROWDED else (5, 0.25)
    axes.scatter(expected, residual, s=size, color=POINT, alpha=alpha, linewidths=0, label="observation")
    axes.set_ylim(-limit, limit)
    axes.set_xlabel("quantile of the standard normal")
    axes.set_ylabel("quantile residual")
    quiet_grid(axes)
    return as_written(figure, legend=2)


def _horizontal(fit: Fit, against: str) -> Factor | Array:
    design = fit.design
    if against == MEAN:
        return predict_left_out(fit, moments=True).place
    names = [group.name for _, group in design.group_blocks() if group.one_each and group.compared]
    data = at_posterior_means(fit).table.data
    if against in data and against not in names and pd.api.types.is_numeric_dtype(data[against]):
        return data[against].to_numpy(dtype=float)
    accepted = [MEAN, NORMAL, *dict.fromkeys([*names, *map(str, data.columns)])]
    if against not in accepted:
        raise SpecError(f"against='{against}' is not known. {did_you_mean(against, accepted)}")
    return find_units(design, against)


def _show_numbers(axes: Any, x: Array, residual: Array) -> None:
    _show_points(axes, x, residual)
    bins = min(12, len(np.unique(x)), max(2, len(x) // 8))
    groups = np.array_split(np.argsort(x, kind="stable"), bins)
    centre = [x[rows].mean() for rows in groups]
    mean = np.array([residual[rows].mean() for rows in groups])
    error = np.array([1.96 / np.sqrt(len(rows)) for rows in groups])
    axes.errorbar(
        centre, mean, error, color=TREND, marker="s", markersize=4, linewidth=1.2, label="mean of a bin, 95 %"
    )


def _show_levels(axes: Any, factor: Factor, residual: Array) -> None:
    sizes = factor.sizes
    mean = np.bincount(factor.index, weights=residual) / sizes
    order = np.argsort(mean, kind="stable")
    place = np.empty(len(order))
    place[order] = np.arange(len(order))
    _show_points(axes, place[factor.index], residual)
    error, label = 1.96 / np.sqrt(sizes), "mean of a level, 95 %"
    if len(order) <= _LABELLED:
        marks: dict[str, Any] = {"marker": "s", "markersize": 4, "linestyle": "", "linewidth": 1.2}
        axes.errorbar(place, mean, error, color=TREND, **marks, label=label)
        axes.set_xticks(np.arange(len(order)), [factor.labels[i] for i in order], rotation=90 if len(order) > 12 else 0)
        axes.set_xlabel(f"{factor.name}, ordered by mean residual")
    else:
        low, high = (mean - error)[order], (mean + error)[order]
        axes.fill_between(np.arange(len(order)), low, high, color=TREND, alpha=shade(), linewidth=0)
        axes.plot(np.arange(len(order)), mean[order], color=TREND, linewidth=1.6, label=label)
        axes.set_xlabel(f"{factor.name} ({len(order):,} levels, ordered by mean residual)")


def _show_points(axes: Any, x: Array, residual: Array) -> None:
    size, alpha = (14, 0.55) if len(x) <= _CROWDED else (5, 0.25)
    axes.scatter(x, residual, s=size, color=POINT, alpha=alpha, linewidths=0, label="observation")
