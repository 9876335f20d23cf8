"""Pictures of posterior predictive checks: the data beside replicates of the model."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.palette import GREEN, LIGHT, ORANGE, PURPLE, SKY, VERMILION
from bayesmixed.errors import SpecError, check_choice
from bayesmixed.families.links import Array
from bayesmixed.families.records import refuse_counts
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import refuse_tables
from bayesmixed.plots.check_panels import (
    REPLICATED,
    Panel,
    draw_density,
    draw_ecdf,
    draw_pit,
    draw_pit_in_sample,
    draw_rootogram,
)
from bayesmixed.plots.figures import Where, as_written, ink, new_figure, with_legend
from bayesmixed.prediction.replicates import choose_groups, describe, observed_replicates, strangers
from bayesmixed.summaries.checks.check_statistics import is_binary
from bayesmixed.summaries.checks.left_out import DRAWS
from bayesmixed.summaries.checks.mean_variance import DATA, MODEL, mean_variance
from bayesmixed.summaries.checks.predictive_checks import FITS, compare_statistics, format_probability, level_rows
from bayesmixed.summaries.checks.quantile_residuals import SEED, residuals
from bayesmixed.summaries.checks.transforms import pit_values
from bayesmixed.summaries.false_alarms import expect_by_chance

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_OTHERS = (VERMILION, GREEN, PURPLE, ORANGE, SKY)
"""Colours of Okabe & Ito; line styles and markers differ too."""
_MOST_PANELS = 12
_LABELLED = 60
_COLUMNS = 3


@takes_drawn_values(tables="rows")
def plot_posterior_checks(
    fit: Fit,
    kind: str | None = None,
    *,
    by: str | Sequence[object] | None = None,
    groups: str | Mapping[str, str] = "existing",
    draws: int = 400,
    seed: int | None = 0,
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return the data beside replicates of the model, as a matplotlib figure.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    kind : str, optional
        "density" (smoothed, continuous responses), "rootogram" (counts: root of the frequency of each value),
        "ecdf" (any response), "pit" (where each response lies in its distribution as predicted from the other rows:
        ECDF minus uniform, with a band that right models leave in 5 % of data sets), "pit_in_sample" (predicted from all
        rows, itself included, or for new groups: nearer to 0.5 or dependent, so without a band), "groups" (means of
        groups), "statistics" (those of `posterior_checks`), "mean_variance" (counts: variance over mean, with the
        models that can be tried). By default the density,
        the rootogram, for single 0 and 1 the groups (without groups: pit), for counts of several categories the statistics.
    by : str or sequence, optional
        A column of the data, a grouping factor, or a value for each row: a panel for each level; for kind "groups" the
        groups (by default the first grouping factor).
    groups, draws, seed
        Of the replicates, as in `posterior_checks`.
    ax, figsize
        As in `plot_forest`.

    Raises
    ------
    SpecError, DataError
        The kind does not suit the family, or `by` is unknown or has too many levels for panels.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.plot_posterior_checks(fit, seed=1).axes[0].get_xlabel()
    'incidence'
    """
    kind = kind or _default_kind(fit)
    makers: dict[str, Callable[..., Any]] = {
        **dict.fromkeys(_PANELS, _plot_panels),
        "groups": _plot_groups,
        "statistics": _plot_statistics,
        "mean_variance": _plot_mean_variance,
    }
    check_choice("kind={}", kind, makers)
    if by is not None and kind in ("statistics", "mean_variance"):
        raise SpecError(
            f"kind='{kind}' shows all rows at once: leave out by=, or see bm.posterior_checks(fit, by=...)."
        )
    if kind != "statistics":
        refuse_counts(fit.design.family, f"kind='{kind}'")
    figure = makers[kind](fit, kind=kind, by=by, groups=groups, draws=draws, seed=seed, where=(ax, figsize))
    figure.suptitle(describe(fit.design, choose_groups(fit.design, groups)), fontsize=10, x=0.01, ha="left")
    return as_written(figure)


def _default_kind(fit: Fit) -> str:
    if fit.design.family.counted:
        return "statistics"
    if is_binary(fit.design):
        return "groups" if fit.design.mu.groups else "pit"
    return "rootogram" if fit.design.family.discrete else "density"


_MOST_BINS = 300
_PANELS = {
    "density": draw_density,
    "ecdf": draw_ecdf,
    "rootogram": draw_rootogram,
    "pit": draw_pit,
    "pit_in_sample": draw_pit_in_sample,
}


def _plot_panels(fit: Fit, kind: str, by: Any, groups: Any, draws: int, seed: int | None, where: Where) -> Any:
    family = fit.design.family
    if kind == "density" and family.discrete:
        raise SpecError("kind='density' is for continuous responses. Use kind='rootogram', 'ecdf' or 'pit'.")
    if kind == "rootogram" and not family.discrete:
        raise SpecError("kind='rootogram' is for counts. Use kind='density', 'ecdf' or 'pit'.")
    y = np.asarray(fit.design.response, dtype=float)
    levels = [("", np.arange(fit.design.rows))] if by is None else level_rows(fit.design, by)
    if len(levels) > _MOST_PANELS:
        raise SpecError(f"by= has {len(levels)} levels; {_MOST_PANELS} panels are the maximum. Use kind='groups'.")
    if kind in ("pit", "pit_in_sample"):
        pit = _transforms(fit, kind, groups, draws, seed)
        panels = [Panel(level, pit[rows], pit[None, rows]) for level, rows in levels]
    else:
        made = observed_replicates(fit, groups, draws, seed)
        panels = [Panel(level, y[rows], made[:, rows]) for level, rows in levels]
    figure, axes = _grid(len(panels), 7.5, 4.8, where)
    for place, (panel, one) in enumerate(zip(panels, axes, strict=True)):
        _PANELS[kind](one, panel, fit.design.spec.response)
        if panel.level:
            one.set_title(f"{panel.level} ({panel.observed.size} rows)", fontsize=9)
        if place % _COLUMNS:
            one.set_ylabel("")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def _transforms(fit: Fit, kind: str, groups: Any, draws: int, seed: int | None) -> Array:
    if kind == "pit_in_sample":
        return pit_values(fit, groups=groups, draws=draws, seed=seed)
    refuse_tables(fit, "kind='pit'", "Take kind='pit_in_sample'.", tables="no")
    if strangers(fit.design, groups):
        raise SpecError(
            "kind='pit' predicts each row from the other rows of its groups, which says nothing about new groups. Leave out "
            "groups=, or use kind='pit_in_sample'."
        )
    # Weights that leave a row out need many draws.
    return residuals(fit, draws=max(draws, DRAWS), seed=SEED if seed is None else seed)["pit"].to_numpy()


def _plot_groups(fit: Fit, kind: str, by: Any, groups: Any, draws: int, seed: int | None, where: Where) -> Any:
    design = fit.design
    if by is None and not design.mu.groups:
        raise SpecError("kind='groups' needs by=: the model has no grouping factor.")
    by = design.mu.groups[0].name if by is None else by
    levels = level_rows(design, by)
    made = observed_replicates(fit, groups, draws, seed)
    y = np.asarray(design.response, dtype=float)
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), y.shape)
    observed = np.array([y[rows].sum() / trials[rows].sum() for _, rows in levels])
    means = np.stack([made[:, rows].sum(axis=1) / trials[rows].sum() for _, rows in levels])
    lower, upper = np.quantile(means, [0.025, 0.975], axis=1)
    order = np.argsort(observed, kind="stable")
    outside = int(np.sum((observed < lower) | (observed > upper)))
    figure, (axes,) = _grid(1, 7.5, float(np.clip(0.24 * len(levels) + 1.8, 3.5, 11)), where)
    place, many = np.arange(len(levels)), len(levels) > _LABELLED
    width = 1.0 if many else 3.0
    axes.hlines(
        place, lower[order], upper[order], color=REPLICATED, alpha=0.5, linewidth=width, label="replicates, 95 %"
    )
    axes.scatter(observed[order], place, s=8 if many else 26, color=ink(), label="data", zorder=3)
    labels = [f"{levels[i][0]} (n={len(levels[i][1])})" for i in order]
    axes.set_yticks([] if many else place, [] if many else labels)
    name = by if isinstance(by, str) else "level"
    axes.set_ylabel(f"{name} ({len(levels)} levels, ordered)" if many else name)
    axes.set_xlabel(
        f"proportion of {design.spec.response}" if design.family.has_trials else f"mean of {design.spec.response}"
    )
    axes.set_title(
        f"{outside} of {len(levels)} outside their interval ({expect_by_chance('plot_posterior_checks, groups')})",
        fontsize=10,
    )
    return with_legend(figure, 2)


def _plot_statistics(fit: Fit, kind: str, by: Any, groups: Any, draws: int, seed: int | None, where: Where) -> Any:
    compared = compare_statistics(fit, groups=groups, draws=draws, seed=seed)
    figure, axes = _grid(len(compared), 7.5, 3.4, where)
    for one, panel in zip(compared, axes, strict=True):
        replicated, observed = one.replicated, float(np.median(one.observed))
        panel.hist(replicated, bins=_edges(replicated), color=REPLICATED, alpha=0.45, label="replicates")
        panel.axvline(observed, color=ink(), linewidth=2, label="data")
        panel.set_yticks([])
        words = one.statistic.name.partition(" (")[0]
        fits = one.verdict == FITS
        panel.set_title(
            f"{words}\np {_signed(one.p)}{'' if fits else ', ' + one.verdict.partition(':')[0]}", fontsize=9
        )
        if not fits:
            panel.title.set_color(_OTHERS[0])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def _plot_mean_variance(fit: Fit, kind: str, by: Any, groups: Any, draws: int, seed: int | None, where: Where) -> Any:
    table = mean_variance(fit, groups=groups, draws=draws, seed=seed)
    figure, (axes,) = _grid(1, 7.5, 5.0, where)
    data = table[table["model"] == DATA].sort_values("expected")
    label = "where the data lie in 95 % of replicates"
    axes.fill_between(data["expected"], data["lower"], data["upper"], color=LIGHT, alpha=0.3, linewidth=0, label=label)
    bars = [np.minimum(1.96 * data["error"], 0.95 * data["variance"]), 1.96 * data["error"]]
    shown: dict[str, Any] = {"color": ink(), "fmt": "o", "capsize": 2, "elinewidth": 0.8, "zorder": 4}
    label = "data: squared leave-one-out residuals, 95 %"
    axes.errorbar(data["expected"], data["variance"], bars, label=label, **shown)
    outside = int(np.sum((data["variance"] < data["lower"]) | (data["variance"] > data["upper"])))
    axes.set_title(
        f"{outside} of {len(data)} bins outside the grey band "
        f"({expect_by_chance('plot_posterior_checks, mean_variance')})",
        fontsize=9,
    )
    styles: dict[str, tuple[str, Any, float]] = {MODEL: (REPLICATED, "-", 2.4)}
    others = [model for model in table["model"].unique() if model not in (DATA, MODEL)]
    for model, color, dash in zip(others, _OTHERS, ("--", "-.", ":", (0, (5, 1)), (0, (1, 1))), strict=False):
        styles[model] = (color, dash, 1.6)
    for model, (color, dash, width) in styles.items():
        rows = table[table["model"] == model].sort_values("expected")
        axes.plot(rows["expected"], rows["variance"], color=color, linestyle=dash, linewidth=width, label=model)
    trials = fit.design.family.has_trials
    if not trials:
        axes.set_xscale("log")
        axes.set_yscale("log")
    response = fit.design.spec.response
    axes.set_xlabel(f"expected proportion of {response}" if trials else f"expected {response}")
    axes.set_ylabel(f"variance of {response} / trials" if trials else f"variance of {response}")
    return with_legend(figure, 2)


def _grid(count: int, width: float, height: float, where: Where) -> tuple[Any, list[Any]]:
    """Return a figure with that many panels, three to a row; `height` is that of a single one."""
    columns = min(count, _COLUMNS)
    rows = -(-count // columns)
    size = (width, height) if count == 1 else (3.2 * columns + 0.6, 2.3 * rows + 1.0)
    figure = new_figure(*size, *where)
    return figure, [figure.add_subplot(rows, columns, place + 1) for place in range(count)]


def _edges(values: Array) -> Any:
    """Return edges of bins, one for each value where there are few."""
    distinct = np.unique(values)
    if len(distinct) > 30:
        return 30
    step = np.min(np.diff(distinct)) if len(distinct) > 1 else 1.0
    if np.ptp(distinct) > _MOST_BINS * step:  # values that rounding errors keep apart
        return 30
    return np.arange(distinct[0] - 0.5 * step, distinct[-1] + step, step)


def _signed(p: float) -> str:
    text = format_probability(p)
    return text if text[0] in "<>" else f"= {text}"
