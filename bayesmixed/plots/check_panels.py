"""Panels that show a response beside its replicates."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesmixed.display.palette import BLUE, LIGHT
from bayesmixed.families.links import Array
from bayesmixed.plots.figures import ink, shade
from bayesmixed.summaries.checks.transforms import EcdfDifference, ecdf_difference

REPLICATED = BLUE
_CURVES = 50
_MOST_BARS = 40


@dataclass(frozen=True, slots=True)
class Panel:
    """What one panel shows.

    Attributes
    ----------
    level : str
        Its heading.
    observed : (n,) array
        Responses, or PIT values.
    replicated : (S, n) array
        Replicates of them.
    """

    level: str
    observed: Array
    replicated: Array


def draw_density(axes: Any, panel: Panel, response: str) -> None:
    """Draw smoothed densities: the data as a thick line, 50 replicates as thin ones."""
    from arviz_stats.base import array_stats

    window = _window(panel)
    for number, made in enumerate(panel.replicated[_some(len(panel.replicated))]):
        inside = made[(made >= window[0]) & (made <= window[1])]
        grid, density, _ = array_stats.kde(inside, custom_lims=window)
        label = "replicates" if number == 0 else None
        axes.plot(grid, density, color=REPLICATED, alpha=shade(), linewidth=0.8, label=label)
    grid, density, _ = array_stats.kde(panel.observed, custom_lims=window)
    axes.plot(grid, density, color=ink(), linewidth=2.2, label="data")
    axes.set_xlim(*window)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.set_ylabel("density")
    axes.set_xlabel(response)


def draw_ecdf(axes: Any, panel: Panel, response: str) -> None:
    """Draw the ECDF of the data over the pointwise 95 % band of the replicates."""
    grid = np.linspace(*_window(panel), 300)
    curves = np.stack([_ecdf(made, grid) for made in panel.replicated])
    lower, upper = np.quantile(curves, [0.025, 0.975], axis=0)
    axes.fill_between(
        grid, lower, upper, color=REPLICATED, alpha=0.3, linewidth=0, step="post", label="replicates, 95 %"
    )
    axes.step(grid, _ecdf(panel.observed, grid), where="post", color=ink(), linewidth=1.6, label="data")
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("share of rows up to here")
    axes.set_xlabel(response)


def draw_rootogram(axes: Any, panel: Panel, response: str) -> None:
    """Draw the frequency of each value, root scale: bars for the data, points with 95 % intervals for replicates.

    Tukey's rootogram (Kleiber & Zeileis 2016, Am Stat 70:296), standing; many values are put into bins of equal width.
    """
    from matplotlib.ticker import MaxNLocator

    low, high = panel.observed.min(), max(panel.observed.max(), np.quantile(panel.replicated, 0.999))
    width = int(np.ceil((high - low + 1) / _MOST_BARS))
    edges = np.arange(low - 0.5, high + width + 0.5, width)
    middle = 0.5 * (edges[1:] + edges[:-1])
    observed = np.histogram(panel.observed, edges)[0]
    made = np.stack([np.histogram(one, edges)[0] for one in panel.replicated])
    lower, median, upper = np.quantile(made, [0.025, 0.5, 0.975], axis=0)
    axes.bar(middle, np.sqrt(observed), width=0.85 * width, color="0.75", edgecolor="0.5", linewidth=0.5, label="data")
    axes.vlines(middle, np.sqrt(lower), np.sqrt(upper), color=REPLICATED, linewidth=2.0, alpha=0.6)
    axes.plot(middle, np.sqrt(median), "o", color=REPLICATED, markersize=3.5, label="replicates: median, 95 %")
    top = float(np.sqrt(max(observed.max(), upper.max())))
    ticks = np.unique(np.round(np.linspace(0.0, top, 6) ** 2, -1 if top > 15 else 0))
    axes.set_yticks(np.sqrt(ticks), [f"{tick:g}" for tick in ticks])
    axes.set_ylim(-0.04 * top, 1.06 * top)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("rows (root scale)")
    axes.set_xlabel(response if width == 1 else f"{response} (bins of {width})")


def draw_pit(axes: Any, panel: Panel, response: str) -> None:
    """Draw the ECDF of leave-one-out PIT values minus the diagonal, with its 95 % simultaneous band."""
    curve = ecdf_difference(panel.observed)
    label = "uniform, 95 % simultaneous"
    axes.fill_between(curve.points, curve.lower, curve.upper, color=LIGHT, alpha=0.3, linewidth=0, label=label)
    outside = 100 * len(curve.outside) / len(curve.points)
    verdict = "inside the band" if not len(curve.outside) else f"{outside:.0f} % of the curve outside the band"
    _draw_difference(axes, curve, "leave-one-out PIT", response, verdict)


def draw_pit_in_sample(axes: Any, panel: Panel, response: str) -> None:
    """Draw the ECDF of PIT values minus the diagonal, without a band: those of rows that the fit has seen are not uniform."""
    curve = ecdf_difference(panel.observed)
    _draw_difference(axes, curve, "in-sample PIT", response, "no verdict: not uniform even if the model is right")


def _draw_difference(axes: Any, curve: EcdfDifference, label: str, response: str, verdict: str) -> None:
    axes.axhline(0.0, color="0.5", linewidth=0.8)
    axes.plot(curve.points, curve.difference, color=REPLICATED, linewidth=1.6, label=label)
    axes.set_xlabel(f"PIT of {response}")
    axes.set_ylabel("ECDF minus uniform")
    axes.text(0.02, 0.96, verdict, transform=axes.transAxes, va="top", fontsize=8)


def _some(count: int) -> Any:
    return np.unique(np.linspace(0, count - 1, min(count, _CURVES)).round().astype(int))


def _window(panel: Panel) -> tuple[float, float]:
    """Return limits that hold the data and most of the replicates."""
    low, high = np.quantile(panel.replicated, [0.001, 0.999])
    low, high = min(low, panel.observed.min()), max(high, panel.observed.max())
    margin = 0.03 * (high - low) or 1.0
    return float(low - margin), float(high + margin)


def _ecdf(values: Array, grid: Array) -> Array:
    return np.searchsorted(np.sort(values), grid, side="right") / len(values)
