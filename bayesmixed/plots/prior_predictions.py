"""The picture of what the priors expect, beside the data."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.families.records import refuse_counts
from bayesmixed.plots.check_panels import REPLICATED
from bayesmixed.plots.figures import as_written, ink, new_figure, shade
from bayesmixed.summaries.priors.predictions import PriorPredictive

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CURVES = 60
_WIDE = 20.0


def plot_prior_predictive(
    prior: PriorPredictive, *, ax: Any = None, figsize: tuple[float, float] | None = None
) -> "Figure":
    """Return data sets drawn from the priors beside the data, as a matplotlib figure.

    One panel has the ECDF of the response, one for each grouping factor the means (proportions) of its levels. Axes are
    logarithmic away from the data where the priors reach more than 20 times as far as the data.

    Parameters
    ----------
    prior : PriorPredictive
        From `prior_predictive`.
    ax, figsize
        As in `plot_forest`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> expected = bm.prior_predictive("herd", data, draws=100, seed=1)
    >>> bm.plot_prior_predictive(expected).axes[0].get_xlabel()
    'proportion of incidence'
    """
    refuse_counts(prior.design.family, "A picture of data sets from the priors")
    design, made = prior.design, prior.replicates
    response, y = design.spec.response, np.asarray(design.response, dtype=float)
    factors = [group for group in design.mu.groups if group.one_each and not group.residual]
    columns = 1 + len(factors)
    figure = new_figure(4.2 * columns + 1.0, 4.4, ax=ax, figsize=figsize)
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), y.shape)
    share = y / trials
    _draw_ecdfs(figure.add_subplot(1, columns, 1), share, made / trials, "data sets from the prior")
    word = f"proportion of {response}" if design.family.has_trials else response
    figure.axes[0].set_xlabel(word)
    figure.axes[0].set_ylabel("share of rows up to here")
    for place, group in enumerate(factors):
        axes = figure.add_subplot(1, columns, place + 2)
        total = group.sums(trials)
        means = np.stack([group.sums(one) / total for one in made])
        _draw_ecdfs(axes, group.sums(y) / total, means, None)
        axes.set_xlabel(f"{word}, mean of each {group.name}")
        axes.set_ylabel(f"share of {group.name} up to here")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(f"{response} before and in the data", fontsize=10, x=0.01, ha="left")
    return as_written(figure)


def _draw_ecdfs(axes: Any, observed: Array, made: Array, label: str | None) -> None:
    """Draw the ECDF of the data as a thick line and those of 60 data sets from the prior as thin ones."""
    heights = np.arange(1, observed.size + 1) / observed.size
    for number, one in enumerate(made[:_CURVES]):
        axes.step(
            np.sort(one),
            heights,
            where="post",
            color=REPLICATED,
            alpha=shade(),
            linewidth=0.8,
            label=label if number == 0 else None,
        )
    axes.step(np.sort(observed), heights, where="post", color=ink(), linewidth=2.2, label="data")
    low, high = np.quantile(made, [0.01, 0.99])
    low, high = min(low, observed.min()), max(high, observed.max())
    sizes = np.abs(observed[observed != 0])
    if high - low > _WIDE * (np.ptp(observed) or 1.0):
        axes.set_xscale("symlog", linthresh=float(np.quantile(sizes, 0.1)) if sizes.size else 1.0)
        axes.xaxis.get_major_locator().set_params(numticks=6)
    else:
        margin = 0.03 * (high - low)
        axes.set_xlim(low - margin, high + margin)
    axes.set_ylim(-0.02, 1.02)
