"""The picture of two numbers together: what is expected over both, as a map with contour lines."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.palette import GREY
from bayesmixed.display.tables import middle_of
from bayesmixed.errors import SpecError
from bayesmixed.fits.fitting import Fit
from bayesmixed.plots.figures import as_written, new_figure
from bayesmixed.summaries.marginal.grids import asked_values, check_column, column_roles, split_effect
from bayesmixed.summaries.marginal.means import conditional_effects

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS, _LEVELS, _MOST = 40, 12, 3000


@takes_drawn_values(tables="rows")
def plot_surface(
    fit: Fit,
    effect: str,
    *,
    at: Mapping[str, Any] | None = None,
    kind: str = "mean",
    groups: str | Mapping[str, str] = "average",
    seed: int | None = None,
    data: bool = True,
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return what is expected over two numbers as a figure: a map of it, and one of the width of its 95 % interval.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    effect : str
        Two columns of numbers, "x:z"; they run over their ranges, unless `at` gives their values.
    at, kind, groups, seed
        As in `conditional_effects`.
    data : bool
        Show where the rows of the fit lie.
    ax, figsize
        As in `plot_forest`.

    Raises
    ------
    SpecError
        No such columns, or they are not two numbers.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> rows = {"y": [1.0, 2.5, 4.0, 4.5, 6.5, 6.0], "x": [0, 1, 2, 3, 4, 5], "z": [5, 1, 4, 2, 3, 0]}
    >>> fit = bm.fit("y ~ x * z", rows, chains=2, draws=50, seed=1, progress=False)
    >>> bm.plot_surface(fit, "x:z").axes[0].get_xlabel()
    'x'
    """
    names, roles = split_effect(effect, fit.design), column_roles(fit.design)
    for name in names:
        check_column(name, roles)
    if (
        len(set(names)) != 2
        or len(names) != 2
        or any(name not in roles.numbers or name in roles.factors for name in names)
    ):
        raise SpecError(f"'{effect}': a surface is that of two numbers, as 'x:z'.")
    if kind == "probability":
        raise SpecError("kind='probability' is several numbers for each place; take kind='mean' or 'linear'.")
    table = fit.design.table.data
    columns = [table[name].to_numpy(dtype=float) for name in names]
    held = asked_values(fit, names, at, points=_POINTS) | dict(at or {})
    estimates = conditional_effects(fit, effect, at=held, kind=kind, groups=groups, seed=seed)
    x, z = (np.asarray(held[name], dtype=float) for name in names)
    if min(x.size, z.size) < 2:
        raise SpecError(f"'{effect}': a surface needs two values or more of each number.")
    found = estimates.table
    middle = found[middle_of(found)].to_numpy().reshape(len(x), len(z)).T
    width = (found["upper"] - found["lower"]).to_numpy().reshape(len(x), len(z)).T
    what, _, where = estimates.quantity.partition("; ")
    figure = new_figure(10.5, 4.4, ax=ax, figsize=figsize)
    for place, (values, label) in enumerate([(middle, what), (width, "width of its 95 % interval")]):
        axes = figure.add_subplot(1, 2, place + 1)
        filled = axes.contourf(x, z, values, levels=_LEVELS, cmap="viridis" if place == 0 else "cividis")
        lines = axes.contour(x, z, values, levels=np.asarray(filled.levels)[::2], colors="white", linewidths=0.6)
        axes.clabel(lines, fontsize=7, fmt="%.4g")
        if data:
            step = max(1, len(table) // _MOST)
            axes.scatter(
                columns[0][::step], columns[1][::step], s=6, color=GREY, edgecolors="white", linewidths=0.2, alpha=0.6
            )
        axes.set_xlim(x.min(), x.max())
        axes.set_ylim(z.min(), z.max())
        axes.set_xlabel(names[0])
        axes.set_ylabel(names[1])
        figure.colorbar(filled, ax=axes, label=label)
    notes = [note for note in (where, *estimates.notes) if note]
    figure.suptitle("\n".join(notes), fontsize=9, x=0.01, ha="left", wrap=True)
    return as_written(figure)
