"""One picture of all effects of a model: a panel for each term, on the scale of the response."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.estimates import NO_MEAN
from bayesmixed.errors import SpecError
from bayesmixed.fits.fitting import Fit
from bayesmixed.formulas.written import piece_text
from bayesmixed.integration.averages import parameters_of
from bayesmixed.plots.effect_panels import MOST_DISTINCT, draw_groups
from bayesmixed.plots.effects import draw_effect, points_for
from bayesmixed.plots.figures import as_written, new_figure
from bayesmixed.summaries.marginal.changes import explaining_columns, read_variables
from bayesmixed.summaries.marginal.grids import asked_values, split_effect
from bayesmixed.summaries.marginal.means import conditional_effects
from bayesmixed.tables.factors import is_number
from bayesmixed.terms.contract import CURVES, STEPS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_GROUPS, _MOST_PANELS, _ACROSS, _POINTS = 60, 12, 2, 25
_FEW = 3
"""Values of a number up to which it is rather a series of curves than an axis."""


@takes_drawn_values(tables="rows")
def plot_effects(
    fit: Fit,
    effects: str | Sequence[str] | None = None,
    *,
    at: Mapping[str, Any] | None = None,
    kind: str | None = None,
    groups: str | Mapping[str, str] = "average",
    curves: bool = True,
    data: bool | str = True,
    seed: int | None = None,
    ax: Any = None,
    figsize: tuple[float, float] | None = None,
) -> "Figure":
    """Return all effects of a model as one figure, a panel for each of its terms, on the scale of the response.

    Lines with 95 % bands are those of the population; thin grey lines are the groups of the data, with their names where
    they are few; points are the observed responses, at the exposure of the curves and coloured by level.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    effects : str or list, optional
        Columns, "x", or pairs of them, "x:f"; if not given, those of the terms of the model, a product as the pair of its
        columns (of three or more columns, each pair).
    at, groups, seed
        As in `conditional_effects`: other numbers are at their means, other factors averaged over.
    kind : str, optional
        As in `conditional_effects`; if not given, "probability" for ordered responses, else "mean".
    curves : bool
        Show the groups of the first grouping factor, of at most 60 groups, in panels of one column.
    data : bool or "partial"
        As in `plot_conditional_effects`.
    ax, figsize
        As in `plot_forest`.

    Raises
    ------
    SpecError
        No such column or kind; the model has no column, or more than 12 panels are asked for.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> [axes.get_xlabel() for axes in bm.plot_effects(fit).axes]
    ['period']
    """
    kind = kind or ("probability" if fit.design.categories else "mean")
    asked = [effects] if isinstance(effects, str) else list(effects) if effects is not None else terms_of(fit, kind)
    if len(asked) > _MOST_PANELS:
        raise SpecError(f"{len(asked)} panels are too many (at most {_MOST_PANELS}); name some of: {', '.join(asked)}.")
    across, down = min(len(asked), _ACROSS), -(-len(asked) // _ACROSS)
    figure = new_figure(*((7.5, 4.8) if len(asked) == 1 else (4.8 * across, 3.6 * down + 0.8)), ax=ax, figsize=figsize)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    notes, explained = (
        {f"At {', '.join(f'{name} = {value}' for name, value in at.items())}.": None} if at else {},
        set(),
    )
    what = ""
    for axes, effect in zip(panels, asked, strict=False):
        estimates = conditional_effects(fit, effect, at=at, kind=kind, groups=groups, seed=seed)
        x, *second = (name for name in estimates.labels if name != "category")
        if kind == "probability" and second:
            raise SpecError(
                f"'{effect}': the curves are categories here. bm.plot_conditional_effects(fit, '{x}', by='{second[0]}', "
                f"kind='probability') has a panel for each value of '{second[0]}'."
            )
        series = "category" if kind == "probability" else second[0] if second else None
        table, points = estimates.table, points_for(fit, estimates, x, at, kind, data)
        draw_effect(axes, table, x, series, points)
        factor = _shown_factor(fit, x) if curves and series is None else None
        if factor is not None:
            _draw_curves(axes, fit, x, factor, at, kind, list(dict.fromkeys(table[x])))
        axes.set_xlabel(x)
        if series is not None and series not in explained and table[series].nunique() <= MOST_DISTINCT:
            explained.add(series)
            axes.legend(title=series, fontsize=8, title_fontsize=8, frameon=False)
        elif factor is not None:
            lines = [line for line in axes.get_lines() if line.get_label() == factor]
            axes.legend(handles=lines, loc="upper left", fontsize=8, frameon=False)
        what, _, where = estimates.quantity.partition("; ")
        medians = NO_MEAN if NO_MEAN in estimates.notes else ""
        notes |= dict.fromkeys(note for note in (where, medians, points.note if points else "") if note)
    for axes in panels[len(asked) :]:
        axes.set_visible(False)
    figure.supylabel(what, fontsize=10)
    explaining = set(explaining_columns(fit.design))
    others = any(explaining - {*split_effect(effect, fit.design), *(at or {})} for effect in asked)
    said = [*notes, *(["Other numbers are at their means, other factors averaged over."] if others else [])]
    figure.suptitle("\n".join(said), fontsize=9, x=0.01, ha="left", wrap=True)
    return as_written(figure)


def terms_of(fit: Fit, kind: str) -> list[str]:
    """Return the effects of the terms of a model on which a kind of prediction depends: a column, or a pair "x:f"."""
    explaining = list(read_variables(fit, None))
    names = [str(name) for name in fit.design.table.data.columns]
    sets: dict[tuple[str, ...], None] = {}
    for parameter, predictor in fit.design.predictors.items():
        if parameter not in parameters_of(fit.design.family, kind):
            continue
        state = predictor.population.state
        columns = {piece_text(piece): piece.columns for piece in state.written.pieces.values()}
        read = [{name for piece in term.pieces for name in columns[piece]} for term in state.terms]
        read += [
            one.columns(names) for one in (fit.design.spec.terms_of(parameter) or ()) if one.part in (CURVES, STEPS)
        ]
        sets |= dict.fromkeys(tuple(name for name in explaining if name in own) for own in read)
    pairs = {pair: None for own in sets for pair in _pairs(own, single=kind == "probability")}
    whole = [pair for pair in pairs if not any(set(pair) < set(other) for other in pairs)]
    return [":".join(_number_first(fit, pair)) for pair in whole]


def _pairs(columns: Sequence[str], *, single: bool) -> list[tuple[str, ...]]:
    return [(name,) for name in columns] if single or len(columns) < 2 else list(combinations(columns, 2))


def _number_first(fit: Fit, pair: Sequence[str]) -> list[str]:
    """Return columns with numbers of many values first: they are the axis."""
    return sorted(pair, key=lambda name: not _is_axis(fit, name))


def _is_axis(fit: Fit, name: str) -> bool:
    column: pd.Series = fit.design.table.data[name]
    return is_number(column) and column.nunique() > _FEW


def _shown_factor(fit: Fit, x: str) -> str | None:
    """Return the grouping factor whose groups have curves over a column: one with slopes of it, else the first."""
    design = fit.design
    blocks = [
        block for block in design.mu.groups if len(block.factors) == 1 and not block.single and x not in block.splits
    ]
    blocks = [block for block in blocks if block.factors[0] == block.name and len(block.levels) <= _MOST_GROUPS]
    blocks.sort(key=lambda block: not any(x in label for label in block.labels))
    return blocks[0].name if blocks else None


def _draw_curves(
    axes: Any, fit: Fit, x: str, factor: str, at: Mapping[str, Any] | None, kind: str, shown: Sequence[Any]
) -> None:
    """Draw the curves of the groups of one factor; other groups are averaged over."""
    held = dict(at or {})
    if is_number(fit.design.table.data[x]) and x not in held:
        held |= asked_values(fit, [x], None, points=_POINTS)
    modes = dict.fromkeys(fit.design.factors, "average") | {factor: "existing"}
    estimates = conditional_effects(fit, f"{x}:{factor}", at=held, kind=kind, groups=modes)
    draw_groups(axes, estimates.table, x, factor, shown)
