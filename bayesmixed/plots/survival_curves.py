"""The picture of survival curves, with the Kaplan-Meier estimates of the data behind them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.plots.effect_panels import COLORS, LINES, MOST_DISTINCT, draw_panel, write_value
from bayesmixed.plots.figures import as_written, new_figure
from bayesmixed.summaries.marginal.survival_times import survival
from bayesmixed.tables.factors import as_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CURVE = "curve"


@takes_drawn_values(tables="rows")
def plot_survival(
    fit: Fit,
    times: Sequence[float] | None = None,
    *,
    by: str | Sequence[str] | None = None,
    at: Mapping[str, Any] | None = None,
    groups: str | Mapping[str, str] = "average",
    data: bool = True,
    seed: int | None = None,
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return survival curves with 95 % bands as a matplotlib figure.

    Parameters
    ----------
    fit, times, by, at, groups, seed
        As in `survival`.
    data : bool
        Whether the Kaplan-Meier estimates of the rows of each curve are drawn as steps: where every row belongs to a curve,
        and is known or right-censored. They do not hold other columns constant, as the curves do.
    ax, figsize
        As in `plot_forest`.

    Raises
    ------
    SpecError
        As `survival`; more than seven curves.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> rows = {"time": [1.5, 2.5, 1, 4, 3, 4], "arm": list("aaabbb")}
    >>> fit = bm.fit("time ~ arm", rows, family="exponential", draws=100, seed=1, progress=False)
    >>> bm.plot_survival(fit, by="arm").axes[0].get_xlabel()
    'time'
    """
    found = survival(fit, times, by=by, at=at, groups=groups, seed=seed)
    *names, time = found.labels
    cells = found.table[names].drop_duplicates() if names else pd.DataFrame(index=[0])
    if len(cells) > MOST_DISTINCT:
        raise SpecError(
            f"{len(cells)} curves are too many (at most {MOST_DISTINCT}); say which values with at={{...}}."
        )
    figure = new_figure(7.5, 4.8, ax=ax, figsize=figsize)
    axes = figure.add_subplot()
    curves = found.table[names].map(write_value).agg(", ".join, axis="columns") if names else "all rows"
    draw_panel(axes, found.table.assign(**{_CURVE: curves}), time, _CURVE, [])
    if data:
        for place, (start, steps) in enumerate(_observed(fit, names, cells)):
            axes.step(
                start,
                steps,
                where="post",
                color=COLORS[place],
                linestyle=LINES[place % len(LINES)],
                linewidth=0.9,
                alpha=0.8,
            )
    axes.set_ylim(0.0, 1.0)
    axes.set_xlim(0.0, float(found.table[time].max()))
    axes.set_xlabel(fit.design.spec.response)
    what, _, where = found.quantity.partition("; ")
    axes.set_ylabel(what)
    axes.set_title("\n".join(text for text in (where, *found.notes) if text), fontsize=9, loc="left", wrap=True)
    if names:
        figure.legend(title=", ".join(names), loc="outside right upper", frameon=False, fontsize=9)
    return as_written(figure)


def _observed(fit: Fit, names: list[str], cells: pd.DataFrame) -> Iterator[tuple[Array, Array]]:
    """Yield the Kaplan-Meier estimate of the rows of each curve; none where rows lie between curves."""
    observed, table = fit.design.observed, fit.design.table
    sides = observed.censored_sides
    if observed.bounds is not None or any(np.any(sides[side]) for side in ("left", "interval") if sides):
        return
    censored = sides["right"] if sides else np.zeros(observed.rows, dtype=bool)
    own = table.data[names].map(as_label).agg(" ".join, axis="columns").to_numpy() if names else np.zeros(observed.rows)
    keys = cells.map(as_label).agg(" ".join, axis="columns").to_numpy() if names else np.zeros(1)
    if not {*own} <= {*keys}:
        return
    for key in keys:
        rows = own == key
        if rows.any():
            yield kaplan_meier(np.asarray(observed.values)[rows], censored[rows], observed.row_counts[rows])


def kaplan_meier(times: Array, censored: NDArray[np.bool_], counts: Array) -> tuple[Array, Array]:
    """Return times, from 0 on, and the estimate of the survival curve from each on (Kaplan & Meier 1958, J Am Stat Assoc
    53:457)."""
    events = np.unique(times[~censored])
    risk = np.array([counts[times >= time].sum() for time in events])
    died = np.array([counts[(times == time) & ~censored].sum() for time in events])
    curve = np.cumprod(1.0 - died / risk) if len(events) else np.ones(0)
    last = float(np.max(times, initial=0.0))
    return np.append(np.append(0.0, events), last), np.append(np.append(1.0, curve), curve[-1] if len(curve) else 1.0)
