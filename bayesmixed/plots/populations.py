"""The picture of the population of groups: all possible groups, those of the data, and a future one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.palette import BLUE, GREY, VERMILION
from bayesmixed.draws.kept import with_effects
from bayesmixed.draws.linear_predictors import thin
from bayesmixed.families.links import Array
from bayesmixed.families.records import refuse_categories
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import find_factor
from bayesmixed.plots.figures import as_written, new_figure
from bayesmixed.prediction.predictions import needed_predictors
from bayesmixed.summaries.marginal.estimable import refuse_open_mean
from bayesmixed.summaries.marginal.grids import make_grid
from bayesmixed.summaries.marginal.populations import (
    factors_within,
    group_deviations,
    group_populations,
    group_responses,
    known_deviations,
    response_name,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POPULATION, GROUPS, TYPICAL = BLUE, VERMILION, GREY
"""Colours of Okabe & Ito, told apart by colour-blind readers; line styles and markers differ too."""
_DRAWS, _PER_DRAW = 400, 100
_MOST = 400


@takes_drawn_values(tables="columns")
def plot_future_group(
    fit: Fit,
    group: str | None = None,
    *,
    at: Mapping[str, Any] | None = None,
    seed: int = 0,
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return the distribution over all possible groups as a figure, on the scale of the link and of the response.

    The area is the distribution of one future group, with all uncertainty; its bar holds 95 %. Dots are the groups of
    the data at their posterior medians, the line is the typical group. Where both scales are the same there is one panel.

    Parameters
    ----------
    fit, group, at, seed
        As in `future_group`.
    ax, figsize
        As in `plot_forest`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> figure = bm.plot_future_group(fit, at={"period": "1"})
    >>> [axes.get_xlabel() for axes in figure.axes]
    ['expected incidence / size', 'logit(probability)']
    """
    refuse_categories(fit.design.family, "The population of groups")
    name = find_factor(fit, group)
    b_names = [p.b(block) for p, block in fit.design.group_blocks() if block.name == name]
    posterior = thin(with_effects(fit.draws, b_names), _DRAWS)
    rows = make_grid(fit, {}, at, ()).rows
    known = known_deviations(rows, name, posterior)
    refuse_open_mean(rows, {*known, *needed_predictors(rows, "mean")})
    populations = group_populations(rows, name, factors_within(fit, name), posterior)
    generator = np.random.default_rng(seed)
    shape = (*posterior["chain"].shape, *posterior["draw"].shape, _PER_DRAW)
    future = group_deviations(populations, {name: generator.standard_normal(shape) for name in known})
    panels = {}
    for parameter, deviations in known.items():
        population = populations[parameter]
        label = population.link.text.format(fit.design.family.parameter(parameter).meaning)
        mean = population.mean[..., None]
        panels[label] = (mean + future[parameter], mean + deviations, population.mean)
    responses, of_known = (_responses(fit, posterior, populations, d) for d in (future, known))
    first = next(iter(panels))
    if np.allclose(responses, panels[first][0], atol=1e-8 * float(np.max(np.abs(responses)))):
        del panels[first]
    panels = {response_name(fit): (responses, of_known, group_responses(fit, posterior, populations, {})), **panels}
    figure = new_figure(5.6 * len(panels) + 0.6, 4.4, ax=ax, figsize=figsize)
    for place, (label, (values, groups, centre)) in enumerate(panels.items()):
        axes = figure.add_subplot(1, len(panels), place + 1)
        _draw_panel(axes, values.ravel(), np.median(groups, axis=(0, 1)), float(np.median(centre)), name)
        axes.set_xlabel(label)
    figure.suptitle(f"All possible groups: {name}", fontsize=12)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return as_written(figure)


def _responses(fit: Fit, posterior: Any, populations: Mapping[str, Any], deviations: Mapping[str, Array]) -> Array:
    """Return the expected response of several groups in each draw, (chain, draw, groups)."""
    count = next(iter(deviations.values())).shape[-1]
    columns = [
        group_responses(fit, posterior, populations, {name: values[..., j] for name, values in deviations.items()})
        for j in range(count)
    ]
    return np.stack(columns, axis=-1)


def _draw_panel(axes: Any, future: Array, groups: Array, typical: float, name: str) -> None:
    low, lower, upper, high = np.quantile(future, [0.003, 0.025, 0.975, 0.997])
    low, high = min(low, groups.min()), max(high, groups.max())
    counts, edges = np.histogram(future, bins=70, range=(low, high), density=True)
    top = counts.max()
    axes.stairs(counts, edges, fill=True, color=POPULATION, alpha=0.3, label=f"a future {name}")
    axes.hlines(-0.05 * top, lower, upper, color=POPULATION, linewidth=4, label="95 % of future groups")
    shown = groups[:: max(1, len(groups) // _MOST)]
    heights = np.full(len(shown), -0.14 * top)
    axes.scatter(
        shown,
        heights,
        s=26,
        color=GROUPS,
        marker="o",
        alpha=0.75,
        edgecolors="white",
        linewidths=0.5,
        label=f"the {len(groups)} of the data",
        zorder=3,
    )
    axes.axvline(typical, color=TYPICAL, linestyle="--", linewidth=1.2, label=f"the typical {name}")
    axes.set_xlim(low, high)
    axes.set_ylim(-0.22 * top, 1.05 * top)
    axes.set_yticks([])
    axes.set_ylabel("density")
