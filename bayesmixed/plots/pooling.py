"""Pictures of pooling: what it does to each group, and what the alternatives would say."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.palette import BLUE, GREY, VERMILION
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import find_group
from bayesmixed.plots.figures import Where, as_written, new_figure, shade
from bayesmixed.summaries.pooling.group_levels import LEVEL, levels_at_means
from bayesmixed.summaries.pooling.shrinkage_factors import shrinkage
from bayesmixed.summaries.pooling.three_poolings import PoolingComparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RAW, PARTIAL, COMPLETE = VERMILION, BLUE, GREY
"""Colours of Okabe & Ito, told apart by colour-blind readers; markers differ too."""
_LABELLED = 60
_LEGEND = 36.0


@takes_drawn_values(tables="rows")
def plot_shrinkage(
    fit: Fit, group: str | None = None, *, ax: Any = None, figsize: tuple[float, float] | None = None
) -> "Figure":
    """Return the shrinkage picture of one grouping factor as a matplotlib figure.

    With one column: a row for each group with its no-pooling estimate, its partially pooled estimate with a 95 %
    interval, and the complete-pooling estimate as a line; intercepts where numbers are at their means and factors at their
    first level. With an intercept and a slope: an arrow for each group from
    its own estimate to the partially pooled one. Groups without an estimate of their own have no raw mark.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    group : str, optional
        Grouping factor; the first one if not given.
    ax, figsize
        As in `plot_forest`.

    Raises
    ------
    SpecError
        No such factor, or more than two columns.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.plot_shrinkage(fit).axes[0].get_title()
    'Shrinkage of herd: factor 0.51 to 0.79 (1 = none)'
    """
    _, block = find_group(fit, group)
    table, where = shrinkage(fit, block.name), (ax, figsize)
    if len(block.labels) == 1:
        found = levels_at_means(fit, block.name, table)
        label = _coefficient(str(block.labels[0]), fit)
        if found is None:
            return _one_column(fit, table, block.name, label, where)
        link = fit.design.mu.link.name
        said = fit.design.spec.response if link == "identity" else f"{link} of {fit.design.spec.response}"
        return _one_column(fit, found[0], block.name, f"{said}, where {found[1]}", where)
    if len(block.labels) == 2:
        return _two_columns(table, block.name, block.labels, where)
    raise SpecError(f"The picture shows one or two columns; ({' + '.join(block.labels)} | {block.name}) has more.")


def plot_poolings(
    comparison: PoolingComparison, *, ax: Any = None, figsize: tuple[float, float] | None = None
) -> "Figure":
    """Return the three poolings as a figure: a panel for each effect, a row for each level, 95 % intervals.

    Parameters
    ----------
    comparison : PoolingComparison
        What `compare_pooling` returned.
    ax, figsize
        As in `plot_forest`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> comparison = bm.compare_pooling("sleepstudy_intercept", data, draws=50, seed=1, progress=False)
    >>> figure = bm.plot_poolings(comparison)
    >>> len(figure.axes)
    1
    """
    table = comparison.table
    effects = list(dict.fromkeys(table["effect"]))
    partial = table[(table["pooling"] == "partial") & (table["effect"] == effects[0])].sort_values("mean")
    levels = list(partial["level"])
    height = float(np.clip(0.3 * len(levels) + 1.6, 3.5, 12))
    figure = new_figure(5.5 * len(effects) + 1.5, height, ax=ax, figsize=figsize)
    for panel, effect in enumerate(effects):
        axes = figure.add_subplot(1, len(effects), panel + 1)
        for name, (color, marker, shift) in _STYLES.items():
            rows = table[(table["pooling"] == name) & (table["effect"] == effect)].set_index("level").loc[levels]
            place = np.arange(len(levels)) + shift
            label = f"{name} pooling"
            if name == "complete":
                axes.axvspan(rows["lower"].iloc[0], rows["upper"].iloc[0], color=color, alpha=shade(), linewidth=0)
                axes.axvline(rows["mean"].iloc[0], color=color, linestyle="--", linewidth=1, label=label)
                continue
            axes.hlines(place, rows["lower"], rows["upper"], color=color, linewidth=1.2, alpha=0.6)
            axes.scatter(rows["mean"], place, color=color, marker=marker, s=22, label=label, zorder=3)
        shown = partial["rows"] if panel == 0 else None
        ticks = [f"{level} (n={n})" for level, n in zip(levels, shown, strict=True)] if shown is not None else []
        axes.set_yticks(np.arange(len(levels)) if ticks else [], ticks)
        axes.set_xlabel(_coefficient(effect, comparison.fits["partial"]))
        if panel == 0:
            axes.set_ylabel(comparison.group)
            figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return as_written(figure)


def _one_column(fit: Fit, table: pd.DataFrame, name: str, label: str, where: Where) -> "Figure":
    table = table.sort_values("mean", ignore_index=True)
    count = len(table)
    many = count > _LABELLED
    figure = new_figure(7.5, float(np.clip(0.28 * count + 1.6, 3.5, 11)), *where)
    axes = figure.add_subplot()
    place = np.arange(count)
    complete = table["complete_pooling"].iloc[0]
    axes.axvline(complete, color=COMPLETE, linestyle="--", linewidth=1, label="complete pooling")
    axes.hlines(place, table["lower"], table["upper"], color=PARTIAL, linewidth=0.5 if many else 1.5, alpha=0.5)
    for row, (raw, pooled) in enumerate(zip(table["no_pooling"], table["mean"], strict=True)):
        if np.isfinite(raw) and not many:
            axes.annotate(
                "", (pooled, row), (raw, row), arrowprops={"arrowstyle": "->", "color": "0.55", "linewidth": 0.8}
            )
    size = 6 if many else 30
    axes.scatter(
        table["no_pooling"], place, s=size, marker="D", facecolors="none", edgecolors=RAW, label="no pooling", zorder=3
    )
    axes.scatter(table["mean"], place, s=size, marker="o", color=PARTIAL, label="partial pooling, 95 %", zorder=4)
    axes.set_yticks(
        [] if many else place,
        [] if many else [f"{a} (n={n})" for a, n in zip(table["level"], table["rows"], strict=True)],
    )
    axes.set_ylabel(f"{name} ({count} levels, ordered)" if many else name)
    effect, link = table["effect"].iloc[0], fit.design.mu.link
    axes.set_xlabel(label)
    if link.name != "identity" and effect in ("Intercept", LEVEL):
        _response_axis(axes, fit)
    _window(axes, table)
    factors = dict.fromkeys(f"{value:.2f}" for value in (table["factor"].min(), table["factor"].max()))
    axes.set_title(f"Shrinkage of {name}: factor {' to '.join(factors)} (1 = none)", fontsize=11)
    return as_written(figure, legend=3)


def _coefficient(effect: str, fit: Fit) -> str:
    response, link = fit.design.spec.response, fit.design.mu.link.name
    what = f"intercept of {response}" if effect == "Intercept" else f"slope of {effect}"
    return what if link == "identity" else f"{what} ({link} scale)"


def _response_axis(axes: Any, fit: Fit) -> None:
    """Add an axis on top that reads the link scale as means or probabilities."""
    link, parameter = fit.design.mu.link, fit.design.family.parameters[0]
    top = axes.twiny()

    def update(moved: Any) -> None:
        low, high = moved.get_xlim()
        rounded = _round_apart(link.inverse(np.linspace(low, high, 6)[1:-1]))
        top.set_xlim(low, high)
        top.set_xticks(link.forward(rounded), [f"{v:g}" for v in rounded])

    axes.callbacks.connect("xlim_changed", update)
    top.set_xlabel(parameter.meaning)
    update(axes)


def _round_apart(values: Array) -> Array:
    """Return values to one significant digit, or to two where one does not tell them apart."""
    for digits in (1, 2):
        rounded = np.array([float(f"{value:.{digits}g}") for value in values])
        if len(set(rounded)) == len(rounded) and np.all((rounded < 1.0) | (values >= 1.0)):
            break
    return rounded


def _window(axes: Any, table: pd.DataFrame) -> None:
    """Show all intervals, and raw estimates as far as they are within reach."""
    low, high = table["lower"].min(), table["upper"].max()
    reach = high - low
    raw = table["no_pooling"].dropna()
    low, high = max(min(low, raw.min()), low - reach), min(max(high, raw.max()), high + reach)
    margin = 0.04 * (high - low)
    axes.set_xlim(low - margin, high + margin)


def _two_columns(table: pd.DataFrame, name: str, labels: tuple[str, ...], where: Where) -> "Figure":
    wide = {column: table.pivot(index="level", columns="effect", values=column) for column in ("no_pooling", "mean")}
    complete = table.groupby("effect")["complete_pooling"].first()
    first, second = labels
    figure = new_figure(7.5, 6.2, *where)
    axes = figure.add_subplot()
    raw, pooled = wide["no_pooling"], wide["mean"]
    many = len(pooled) > _LABELLED
    if many:
        ends = [raw[first], pooled[first]], [raw[second], pooled[second]]
        axes.plot(*map(np.asarray, ends), color="0.6", linewidth=0.4, alpha=0.5)
    else:
        _draw_arrows(axes, raw[[first, second]], pooled[[first, second]])
    size, alpha = (4, 0.6) if many else (26, 1.0)
    hollow: dict[str, Any] = {
        "marker": "D",
        "facecolors": "none",
        "edgecolors": RAW,
        "linewidths": 0.5 if many else 1.0,
    }
    axes.scatter(raw[first], raw[second], **hollow, s=size, alpha=alpha, label="no pooling", zorder=3)
    filled: dict[str, Any] = {"marker": "o", "color": PARTIAL, "linewidths": 0 if many else 1.0}
    axes.scatter(pooled[first], pooled[second], **filled, s=size, alpha=alpha, label="partial pooling", zorder=4)
    axes.scatter(
        complete[first], complete[second], marker="P", color=COMPLETE, s=90, label="complete pooling", zorder=5
    )
    axes.set_xlabel("intercept" if first == "Intercept" else f"slope of {first}")
    axes.set_ylabel("intercept" if second == "Intercept" else f"slope of {second}")
    line = f"line is one of {len(pooled):,} levels" if many else "arrow is one level"
    axes.set_title(f"Shrinkage of {name}: each {line}", fontsize=11)
    legend = figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    handles: list[Any] = [*legend.legend_handles]
    for handle in handles:
        handle.set_sizes([_LEGEND])  # points of many levels are too small to tell apart here
    return as_written(figure)


def _draw_arrows(axes: Any, raw: pd.DataFrame, pooled: pd.DataFrame) -> None:
    """Draw an arrow from the raw to the pooled pair of each level, with the level's name at its point."""
    for level, start, end in zip(pooled.index, raw.to_numpy(), pooled.to_numpy(), strict=True):
        if np.all(np.isfinite(start)):
            axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "0.6", "linewidth": 0.9})
        axes.annotate(str(level), end, xytext=(4, 4), textcoords="offset points", fontsize=7, color=GREY)


_STYLES = {
    "complete": (COMPLETE, "", 0.0),
    "no": (RAW, "D", 0.16),
    "partial": (PARTIAL, "o", -0.16),
}
