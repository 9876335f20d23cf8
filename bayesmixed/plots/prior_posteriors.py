"""The picture of each parameter before and after the data."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.palette import BLUE, GREY
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.plots.figures import as_written, new_figure
from bayesmixed.prediction.prior_samples import sample_prior

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRIOR, POSTERIOR = GREY, BLUE
MOST_PANELS = 24
_DRAWS, _BINS, _COLUMNS = 40_000, 60, 4


@takes_drawn_values(tables="columns")
def plot_prior_posterior(
    fit: Fit,
    parameters: Sequence[str] | None = None,
    *,
    seed: int = 0,
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return the prior and the posterior of each parameter as a matplotlib figure.

    Where the two look alike the data said little. A panel shows three times the width of the posterior, or less where
    the prior ends before: a wide prior is the low grey line. Coefficients and SDs are those as written.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    parameters : sequence of str, optional
        Such as "beta[Days]", "sd_herd[Intercept]", "sigma"; else all, which may be 24 at most.
    seed : int
        For the draws from the priors.
    ax, figsize
        As in `plot_forest`.

    Raises
    ------
    SpecError
        No such parameter, or more than 24.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> figure = bm.plot_prior_posterior(fit, ["beta[period[T.2]]", "sd_herd[Intercept]"])
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['beta[period[T.2]]', 'sd_herd[Intercept]']
    """
    before = dict(_name_numbers(sample_prior(fit.design, draws=_DRAWS, seed=seed).posterior))
    after = {name: draws for name, draws in _name_numbers(fit.posterior) if name in before and np.ptp(draws) > 0}
    unknown = [name for name in parameters or () if name not in after]
    if unknown:
        raise SpecError(
            f"Parameter '{unknown[0]}' has no prior and posterior to draw. {did_you_mean(unknown[0], after)}"
        )
    chosen = list(after if parameters is None else parameters)
    if not chosen:
        raise SpecError(
            "There is no parameter to draw: " + ("every one is fixed by a number." if not after else "name one.")
        )
    if len(chosen) > MOST_PANELS:
        raise SpecError(
            f"{len(chosen)} parameters are more than {MOST_PANELS} panels. Name some: parameters=['{chosen[0]}']."
        )
    columns = min(_COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    figure = new_figure(2.9 * columns + 0.4, 2.2 * rows + 0.6, ax=ax, figsize=figsize)
    for place, name in enumerate(chosen):
        axes = figure.add_subplot(rows, columns, place + 1)
        _draw_panel(axes, before[name], after[name])
        axes.set_title(name, fontsize=9, loc="left")
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return as_written(figure)


def _name_numbers(draws: xr.Dataset) -> Iterator[tuple[str, Array]]:
    """Yield each number of the posterior but effects, under its name, with its draws."""
    for name, variable in draws.data_vars.items():
        dims = [dim for dim in variable.dims if dim not in ("chain", "draw")]
        values = np.asarray(variable.transpose("chain", "draw", *dims)).reshape(-1, *(variable.sizes[d] for d in dims))
        labels = [list(map(str, variable[dim].values)) for dim in dims]
        if ParameterKey.read(str(name)).of_effects:
            continue
        if not dims:
            yield str(name), values
        elif len(dims) == 1:
            yield from ((f"{name}[{label}]", values[:, i]) for i, label in enumerate(labels[0]))
        else:
            pairs = combinations(range(len(labels[0])), 2)
            yield from ((f"{name}[{labels[0][i]}, {labels[0][j]}]", values[:, i, j]) for i, j in pairs)


def _draw_panel(axes: Any, before: Array, after: Array) -> None:
    low, high = np.quantile(after, [0.001, 0.999])
    first, last = np.quantile(before, [0.001, 0.999])
    width = high - low
    edges = np.linspace(max(low - width, min(first, low)), min(high + width, max(last, high)), _BINS + 1)
    for draws, colour, label in ((before, PRIOR, "prior"), (after, POSTERIOR, "posterior")):
        # Of all draws, so that what lies outside the panel is not squeezed into it.
        density = np.histogram(draws, edges)[0] / (len(draws) * np.diff(edges))
        filled = label == "posterior"
        axes.stairs(
            density, edges, color=colour, fill=filled, alpha=0.55 if filled else 1.0, linewidth=1.4, label=label
        )
    axes.set_yticks([])
    axes.set_xlim(edges[0], edges[-1])
    axes.tick_params(labelsize=8)
