"""Forest plots: what is expected in each group, or its slope, beside the population."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.palette import GREY, SERIES
from bayesmixed.draws.kept import with_effects
from bayesmixed.draws.linear_predictors import effects_of, population_part
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import find_factor, find_slope
from bayesmixed.parameter_keys import INTERCEPT
from bayesmixed.plots.figures import as_written, new_figure, quiet_grid, shade
from bayesmixed.preparation.preparing import replay
from bayesmixed.summaries.marginal.grids import draws_of_rows, grid_draws, lay_out, make_grid
from bayesmixed.summaries.variance.study_differences import heterogeneity, known_errors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMED = 80
_SHARES = (0.025, 0.25, 0.5, 0.75, 0.975)


@takes_drawn_values(tables="rows")
def plot_forest(
    fit: Fit,
    group: str | None = None,
    *,
    effect: str | None = None,
    at: Mapping[str, Any] | None = None,
    kind: str = "mean",
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return a forest plot of groups as a figure: a point and its intervals for each, beside that of the population.

    Thin lines hold 95 %, thick ones 50 %; the shaded band holds 95 % of the population's. Groups within those of another
    factor have the colour of the one that they lie in, and stand together.

    Of a meta-analysis, `y | se(s) ~ 1 + (1 | study)`, a second point under each group is its own estimate, with 1.96
    standard errors to both sides (of several rows the mean, weighted by 1 / s^2), and below stand the overall mean and the
    true effect of a new group, whose thin line is its prediction interval.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    group : str, optional
        Grouping factor; the last one if not given, of nested ones the innermost.
    effect : str, optional
        A slope, as in `group_ranks`: the coefficient of each group beside that of the population, on the link scale. If
        not given, what is expected in each group, its own effects and those of groups around it included, other groups
        averaged over.
    at, kind
        As in `marginal_means`.
    ax : matplotlib Axes or SubFigure, optional
        Where to draw, in a figure of your own: axes for a picture of one panel, one of `figure.subfigures()` for any.
    figsize : (float, float), optional
        Width and height in inches, in place of those that suit the content.

    Raises
    ------
    SpecError
        No such factor or slope.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.plot_forest(fit).axes[0].get_xlabel()
    'expected incidence / size'
    """
    names = [block.name for _, block in fit.design.group_blocks() if block.one_each and block.compared]
    name = find_factor(fit, group if group is not None or not names else names[-1])
    if name not in names:
        raise SpecError(f"'{name}' has no groups of rows of its own. {did_you_mean(name, names)}")
    values, labels, population, what = _expected(fit, name, at, kind) if effect is None else _slopes(fit, name, effect)
    quantiles = _quantiles(values)
    outer = list(labels.columns[:-1])
    around = labels[outer].agg(":".join, axis=1) if outer else pd.Series("", index=labels.index)
    centre = pd.Series(quantiles[2]).groupby(around.to_numpy()).transform("mean").to_numpy()
    order = np.lexsort((quantiles[2], around.to_numpy(), centre))
    many = len(order) > _NAMED
    figure = new_figure(
        7.5, 5.5 if many else float(np.clip(0.23 * len(order) + 1.6, 3.0, 18.0)), ax=ax, figsize=figsize
    )
    axes = figure.add_subplot()
    low, middle, high = np.quantile(population, [0.025, 0.5, 0.975])
    axes.axvspan(low, high, color=GREY, alpha=shade(), linewidth=0, label="population, 95 %")
    axes.axvline(middle, color=GREY, linestyle="--", linewidth=1.1, label="population")
    colors = dict(zip(dict.fromkeys(around.to_numpy()[order]), np.resize(SERIES, len(order)), strict=False))
    own = [colors[around.iloc[one]] for one in order]
    place = np.arange(len(order))
    lower, first, median, third, upper = quantiles[:, order]
    axes.hlines(place, lower, upper, color=own, linewidth=0.6 if many else 1.0)
    axes.hlines(place, first, third, color=own, linewidth=1.2 if many else 3.0)
    axes.scatter(median, place, color=own, s=6 if many else 22, zorder=3)
    if many:
        axes.set_yticks([])
        axes.set_ylabel(f"{name} ({len(order):,} groups)")
    else:
        axes.set_yticks(place, labels.iloc[order].agg(" : ".join, axis=1), fontsize=8)
        axes.set_ylabel(name)
    axes.set_ylim(-0.8, len(order) - 0.2)
    alone = _own_estimates(fit, name, labels) if effect is None and kind in ("mean", "linear") else None
    if alone is not None:
        _add_own(axes, alone[:, order], many)
        _add_summary(axes, fit, name, population, many)
    what, _, where = what.partition("; ")
    axes.set_xlabel(what)
    axes.set_title(where, fontsize=9, loc="left", wrap=True)
    quiet_grid(axes, "x")
    return as_written(figure, legend=2)


def _quantiles(values: Array) -> Array:
    return np.quantile(values.reshape(-1, values.shape[-1]), _SHARES, axis=0)


def _own_estimates(fit: Fit, name: str, labels: pd.DataFrame) -> Array | None:
    """Return the estimate of each group and its known standard error, (2, J); None where there are none, or where they are
    of different rows of columns."""
    design, errors = fit.design, known_errors(fit.design)
    alone = design.mu.population.labels == (INTERCEPT,) and not design.mu.curves and not np.any(design.mu.offset)
    if errors is None or np.any(errors == 0) or design.mu.link.name != "identity" or not alone:
        return None
    weights = errors**-2.0
    columns = [design.table.data[column].map(str).to_numpy() for column in labels.columns]
    rows = pd.DataFrame({"y": weights * np.asarray(design.response), "w": weights}).groupby(columns).sum()
    found = rows.loc[[one if len(one) > 1 else one[0] for one in labels.itertuples(index=False, name=None)]]
    return np.stack([found["y"] / found["w"], found["w"] ** -0.5])


def _add_own(axes: "Axes", own: Array, many: bool) -> None:
    middle, error = own
    place = np.arange(len(middle)) - 0.28
    width = 0.4 if many else 0.8
    axes.hlines(place, middle - 1.96 * error, middle + 1.96 * error, color=GREY, linewidth=width)
    size = 2 if many else 6 + 20 * (np.min(error) / error) ** 2
    axes.scatter(middle, place, color=GREY, marker="s", s=size, zorder=2, label="own estimate, 95 %")


def _add_summary(axes: "Axes", fit: Fit, name: str, population: Array, many: bool) -> None:
    """Add the overall mean and the true effect of a new group below all others."""
    table = heterogeneity(fit).draws.values if fit.design.family.is_normal_under(fit.design.mu.link) else None
    rows = {"overall": population.reshape(-1, 1)} | ({} if table is None else {f"new {name}": table[..., -1:]})
    for place, values in enumerate(rows.values(), 1):
        lower, first, median, third, upper = _quantiles(values)[:, 0]
        axes.hlines([-place - 0.2] * 2, [lower, first], [upper, third], color="black", linewidths=[1.0, 3.0])
        axes.scatter([median], [-place - 0.2], color="black", marker="D", s=26, zorder=4)
    ticks = [] if many else list(axes.get_yticks())
    texts = [] if many else [label.get_text() for label in axes.get_yticklabels()]
    places = [-place - 0.2 for place in range(1, len(rows) + 1)]
    axes.set_yticks([*ticks, *places], [*texts, *rows], fontsize=8)
    axes.set_ylim(-len(rows) - 0.9, axes.get_ylim()[1])


def _expected(fit: Fit, name: str, at: Mapping[str, Any] | None, kind: str) -> tuple[Array, pd.DataFrame, Array, str]:
    """Return draws for each group, the labels of groups around it and its own, those of the population, and what they are."""
    blocks = {block.name: block for _, block in fit.design.group_blocks()}
    block = blocks[name].without_empty_levels()
    outer = [
        other
        for other, one in blocks.items()
        if other != name and one.one_each and block.parents(one.without_empty_levels()) is not None
    ]
    modes = dict.fromkeys(blocks, "average") | dict.fromkeys([name, *outer], "existing")
    columns = list(dict.fromkeys([column for one in (*outer, name) for column in blocks[one].factors]))
    _, rows, _, _ = lay_out(fit, {}, at, [name, *outer])
    rows = rows.sort_values(columns, kind="stable", ignore_index=True)
    labels = rows[columns].map(str)
    starts = np.flatnonzero(np.concatenate([[True], np.any(labels.to_numpy()[1:] != labels.to_numpy()[:-1], axis=1)]))
    design = replay(fit.design.spec, rows, fit.design)
    draws = draws_of_rows(fit, design, kind, modes, None)
    _refuse_categories(draws)
    means = np.add.reduceat(draws.values, starts, axis=-1) / np.diff([*starts, len(rows)])
    population = grid_draws(fit, make_grid(fit, {}, at, ()), kind, "average", None)
    what = str(draws.attrs["estimand"])
    return means, labels.iloc[starts].reset_index(drop=True), population.values, what


def _slopes(fit: Fit, name: str, effect: str) -> tuple[Array, pd.DataFrame, Array, str]:
    predictor, block, place = find_slope(fit, name, effect)
    kept = with_effects(fit.draws, [predictor.b(block)])
    population = population_part(kept, predictor, block).values[..., place]
    own = np.flatnonzero(block.has[:, place])
    values = effects_of(predictor, block, kept)[..., own, place] + population[..., None]
    return values, pd.DataFrame({name: [str(block.levels[k]) for k in own]}), population, f"coefficient of {effect}"


def _refuse_categories(draws: xr.DataArray) -> None:
    if "category" in draws.dims:
        raise SpecError("A forest plot has one number for each group: kind='mean' or 'linear' here, not 'probability'.")
