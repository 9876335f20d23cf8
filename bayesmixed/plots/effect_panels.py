"""What the panels of pictures of effects hold: curves with bands, points with intervals, and observed points."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.display.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION
from bayesmixed.display.tables import middle_of
from bayesmixed.families.links import Array
from bayesmixed.plots.figures import quiet_grid, shade
from bayesmixed.plots.observed_points import ObservedPoints
from bayesmixed.tables.factors import is_number

COLORS = (BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE, GREY)
"""Colours of Okabe & Ito, told apart by colour-blind readers; line styles and markers differ too."""
LINES, MARKERS = ("-", "--", "-.", ":"), ("o", "s", "^", "D", "v", "P", "X")
MOST_DISTINCT = len(COLORS)
MOST_NAMED = 20
"""Curves that have their names at their ends."""
_MOST_POINTS, _CLOSE, _SPREAD = 5000, 0.036, 0.15


def draw_panel(axes: Any, table: pd.DataFrame, x: str, series: str | None, levels: Sequence[Any]) -> None:
    """Draw the rows of a table of estimates over x, one curve or one row of points for each value of a series.

    `levels` are all values of x, where it is a factor.
    """
    parts = [("", table)] if series is None else list(table.groupby(series, sort=False, observed=True))
    if is_number(table[x]):
        _draw_curves(axes, parts, x)
    else:
        _draw_points(axes, parts, x, levels)
    quiet_grid(axes)


def draw_groups(axes: Any, table: pd.DataFrame, x: str, group: str, levels: Sequence[Any]) -> None:
    """Draw a thin line for each group, with its name at its right end where there are few of them."""
    parts, ends = list(table.groupby(group, sort=False, observed=True)), []
    number = is_number(table[x])
    for place, (name, rows) in enumerate(parts):
        where = rows[x].to_numpy(dtype=float) if number else np.array([levels.index(level) for level in rows[x]])
        middle = rows[middle_of(rows)].to_numpy(dtype=float)
        label = group if place == 0 else None
        axes.plot(where, middle, color=GREY, linewidth=0.8, alpha=0.7, label=label, zorder=1)
        ends.append((str(name), float(where[-1]), float(middle[-1])))
    if len(parts) <= MOST_NAMED:
        _name_ends(axes, ends)


def draw_observed(
    axes: Any, points: ObservedPoints, x: str, levels: Sequence[Any] | None, series: str | None, values: Sequence[Any]
) -> None:
    """Draw observed points over x, coloured by their level of the series; they lie beside each other where x is a factor."""
    column = points.rows[x]
    if levels is None:
        place = column.to_numpy(dtype=float)
    else:
        at = {str(level): i for i, level in enumerate(levels)}
        jitter = np.random.default_rng(0).uniform(-0.28, 0.28, len(column))
        place = np.array([at.get(str(value), np.nan) for value in column]) + jitter
    step = max(1, len(place) // _MOST_POINTS)
    own = points.rows[series].map(str).to_numpy() if series in points.rows and len(values) <= MOST_DISTINCT else None
    if series is None or own is None or not set(own) <= set(map(str, values)):
        axes.scatter(place[::step], points.y[::step], s=10, color=GREY, alpha=0.4, linewidths=0, zorder=0)
        return
    for number, value in enumerate(values):
        rows = np.flatnonzero(own == str(value))[::step]
        style: dict[str, Any] = {"color": COLORS[number], "marker": MARKERS[number]}
        axes.scatter(place[rows], points.y[rows], s=11, alpha=0.4, linewidths=0, zorder=0, **style)


def write_value(value: Any) -> str:
    """Return a value of a column as a legend shows it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _draw_curves(axes: Any, parts: list[tuple[Any, pd.DataFrame]], x: str) -> None:
    many = len(parts) > MOST_DISTINCT
    for place, (value, rows) in enumerate(parts):
        color = COLORS[0] if many else COLORS[place]
        if not many:
            axes.fill_between(rows[x], rows["lower"], rows["upper"], color=color, alpha=shade(), linewidth=0)
        style: dict[str, Any] = {"linewidth": 0.8, "alpha": 0.7} if many else {"linewidth": 1.8}
        line = "-" if many else LINES[place % len(LINES)]
        axes.plot(rows[x], rows[middle_of(rows)], line, color=color, label=write_value(value), **style)
    if MOST_DISTINCT < len(parts) <= MOST_NAMED:
        _name_ends(
            axes, [(write_value(value), rows[x].iloc[-1], rows[middle_of(rows)].iloc[-1]) for value, rows in parts]
        )


def _draw_points(axes: Any, parts: list[tuple[Any, pd.DataFrame]], x: str, levels: Sequence[Any]) -> None:
    many = len(parts) > MOST_DISTINCT
    step = 0.0 if many else 0.6 / len(parts)
    for place, (value, rows) in enumerate(parts):
        where = np.array([list(levels).index(level) for level in rows[x]]) + (place - (len(parts) - 1) / 2) * step
        middle = rows[middle_of(rows)]
        if many:
            axes.plot(where, middle, color=COLORS[0], linewidth=0.8, alpha=0.7, marker="o", markersize=3)
            continue
        axes.vlines(where, rows["lower"], rows["upper"], color=COLORS[place], linewidth=2)
        style: dict[str, Any] = {"color": COLORS[place], "marker": MARKERS[place]}
        axes.scatter(where, middle, s=45, zorder=3, label=write_value(value), **style)
    axes.set_xticks(range(len(levels)), [str(level) for level in levels])
    axes.set_xlim(-0.6, len(levels) - 0.4)


def _name_ends(axes: Any, ends: Sequence[tuple[str, float, float]]) -> None:
    """Write names in a margin to the right of curves, moved apart where they would lie upon each other.

    Curves that end so near to each other that names could not be told apart have none.
    """
    ends = sorted(ends, key=lambda end: end[2])
    heights = np.array([y for *_, y in ends])
    low, high = axes.get_ylim()
    if np.ptp(heights) < _SPREAD * (high - low):
        return
    step = _CLOSE * (high - low)
    places = spread_apart(heights, step, low + step, high - step)
    left, right = axes.get_xlim()
    axes.set_xlim(left, right + 0.09 * (right - left))
    for (name, x, y), place in zip(ends, places, strict=True):
        axes.plot([x, right], [y, place], color=GREY, linewidth=0.4, linestyle=":", zorder=0, label="_")
        axes.text(right, place, f" {name}", fontsize=7, color=GREY, va="center", ha="left")
    axes.set_ylim(low, high)


def spread_apart(heights: Array, step: float, low: float, high: float) -> Array:
    """Return rising numbers from low to high that are at least a step apart, and else as near as can be to rising ones."""
    order = step * np.arange(len(heights))
    blocks: list[tuple[float, int]] = []
    for height in heights - order:  # the nearest rising ones, by pooling neighbours
        mean, count = float(height), 1
        while blocks and blocks[-1][0] > mean:
            before, size = blocks.pop()
            mean, count = (mean * count + before * size) / (count + size), count + size
        blocks.append((mean, count))
    found = np.repeat([mean for mean, _ in blocks], [count for _, count in blocks])
    return np.asarray(np.maximum(np.minimum(found, high - order[-1]), low) + order)
