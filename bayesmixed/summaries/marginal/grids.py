"""Reference grids: rows at which a model is asked what it expects."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.design.structures import fixed_places
from bayesmixed.draws.kept import with_effects
from bayesmixed.errors import SpecError, did_you_mean, enumerate_words
from bayesmixed.fits.fitting import Fit
from bayesmixed.formulas.group_means import ANY
from bayesmixed.formulas.names import expression_columns, formula_columns, group_mean_expressions
from bayesmixed.formulas.notation import split_top
from bayesmixed.integration.averages import parameters_of_mean
from bayesmixed.prediction.predictions import predict_rows, ratio_has_mean
from bayesmixed.preparation.preparing import replay
from bayesmixed.summaries.marginal.ratios import GEOMETRIC, logarithm_of
from bayesmixed.tables.factors import as_label, encode, is_number

_LARGEST, _FEWEST_DRAWS = 4e6, 100
"""Draws are thinned to that many numbers in a grid, but to no fewer draws."""
_MOST_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells that are asked for, and the rows over which each is averaged.

    Attributes
    ----------
    cells : pandas.DataFrame
        One row per cell: the values of the asked columns.
    rows : Design
        Rows to predict, those of one cell together.
    starts : integer array
        First row of each cell.
    notes : tuple of str
        What is averaged over, and where numbers are held.
    """

    cells: pd.DataFrame
    rows: Design
    starts: NDArray[np.intp]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Roles:
    """The columns of a model: factors and numbers of its formulas, and columns that only name groups."""

    factors: tuple[str, ...]
    numbers: tuple[str, ...]
    units: tuple[str, ...]


def split_effect(effect: str, design: Design) -> tuple[str, ...]:
    """Return the columns of "A:B", or the column of that name."""
    if effect in design.table.data.columns:
        return (effect,)
    return tuple(name.strip().strip("`") for name in split_top(effect, ":"))


def split_by(by: str | Iterable[str] | None, design: Design) -> tuple[str, ...]:
    """Return the columns of a `by` argument: "B", "B:C" or ["B", "C"]."""
    texts = [] if by is None else [by] if isinstance(by, str) else list(by)
    return tuple(dict.fromkeys(name for text in texts for name in split_effect(text, design)))


def column_roles(design: Design) -> Roles:
    """Return what the columns of a model are for."""
    names = [str(name) for name in design.table.data.columns]
    terms = [term for predictor in design.spec.predictors.values() for term in predictor]
    used = {name for term in terms for name in term.columns(names)}
    read: set[str] = set()
    for term in terms:
        for formula in term.formulas:
            read |= formula_columns(formula, names, grouping=False)
        for expression in term.expressions:
            read |= expression_columns(expression, names)
        read |= {*term.split_columns}
    factors = tuple(name for name in names if name in used and name in design.table.levels)
    numbers = tuple(name for name in names if name in read and is_number(design.table.data[name]))
    units = tuple(name for name in names if name in used and name not in {*factors, *numbers})
    return Roles(factors, numbers, units)


def asked_values(fit: Fit, names: Iterable[str], at: Mapping[str, Any] | None, points: int = 3) -> dict[str, list[Any]]:
    """Return the values of each asked column: levels of factors, and of numbers those in `at`, else `points` of them.

    Three points are the values of the data if there are no more, else mean - sd, mean, mean + sd; more points are the
    values of the data if there are two, else spread evenly over their range. Where effects are those of the values of
    the data only, all of these are the points.

    Raises
    ------
    SpecError
        A column that the model does not use.
    """
    table, roles = fit.design.table, column_roles(fit.design)
    found: dict[str, list[Any]] = {}
    for name in names:
        check_column(name, roles)
        if at is not None and name in at:
            found[name] = as_values(at[name])
        elif name in roles.factors:
            found[name] = list(table.levels[name])
        elif name in roles.units:
            found[name] = list(encode(table.data[name])[1])
        else:
            found[name] = _points(fit.design, name, points)
    return found


def mean_of_rows(design: Design, name: str) -> float:
    """Return the mean of a numeric column over the rows of the fit, each counted as often as its frequency says."""
    values = design.table.data[name].to_numpy(dtype=float)
    mean = float(design.observed.row_shares @ values)
    return mean if abs(mean) > 1e-14 * np.mean(np.abs(values)) else 0.0  # a centred column: what rounding leaves


def usual_value(design: Design, name: str) -> float:
    """Return the value at which a numeric column is held: its mean, or the value of the data nearest to it where effects
    are those of these values only."""
    mean = mean_of_rows(design, name)
    if name not in fixed_places(design):
        return mean
    values = np.unique(design.table.data[name].to_numpy(dtype=float))
    return float(values[np.abs(values - mean).argmin()])


def sd_of_rows(design: Design, name: str) -> float:
    """Return the SD of a numeric column over the rows of the fit, each counted as often as its frequency says."""
    values, counts = design.table.data[name].to_numpy(dtype=float), design.observed.row_counts
    squares = np.sum(counts * (values - mean_of_rows(design, name)) ** 2)
    return float(np.sqrt(squares / (np.sum(counts) - 1.0)))


def make_grid(fit: Fit, asked: Mapping[str, list[Any]], at: Mapping[str, Any] | None, existing: Iterable[str]) -> Grid:
    """Return the grid of `lay_out`, its rows ready to predict."""
    cells, rows, starts, notes = lay_out(fit, asked, at, existing)
    return Grid(cells, replay(fit.design.spec, rows, fit.design), starts, notes)


def lay_out(
    fit: Fit,
    asked: Mapping[str, list[Any]],
    at: Mapping[str, Any] | None,
    existing: Iterable[str],
    moving: Collection[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame, NDArray[np.intp], tuple[str, ...]]:
    """Return cells, rows, starts and notes of the grid of the asked values.

    Factors that are not asked for are averaged over with equal weights.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    asked : mapping
        Values of each asked column; cells are their combinations, the last column fastest.
    at : mapping or None
        Values at which other columns are held (averaged over if there are several).
    existing : iterable of str
        Grouping factors whose own effects enter: cells are averaged over their groups in the data.
    moving : collection of str
        Columns whose values will be replaced in all rows: notes do not speak of them, and a factor has any one level.

    Raises
    ------
    SpecError
        A column that the model does not use, or a grouping column is asked for whose effects do not enter.
    """
    roles, table = column_roles(fit.design), fit.design.table
    for name in at or {}:
        check_column(name, roles)
    blocks = {group.name: group for _, group in fit.design.group_blocks()}
    types = {name for by in existing for name in blocks[by].splits}
    labelled = types | {name for by in existing for name in blocks[by].factors}
    wrong = [name for name in asked if name in roles.units and name not in labelled]
    if wrong:
        raise SpecError(f"'{wrong[0]}' names groups whose effects do not enter here; say groups='existing'.")
    held = {name: as_values(value) for name, value in (at or {}).items() if name not in asked}
    others: dict[str, list[Any]] = {name: list(table.levels[name]) for name in roles.factors}
    others |= {name: [usual_value(fit.design, name)] for name in roles.numbers}
    others |= {name: [ANY] for name in roles.units}
    others |= {name: others[name][:1] for name in moving if name in roles.factors}
    others = {name: held.get(name, values) for name, values in others.items() if name not in asked}
    observed = [name for name in others if name in labelled and name not in held]
    cells = cross(asked) if asked else pd.DataFrame(index=[0])
    rows = cells.assign(_cell=np.arange(len(cells)))
    rest = {name: values for name, values in others.items() if name not in observed}
    rows = rows.merge(cross(rest), how="cross") if rest else rows
    given = [name for name in (*asked, *held) if name in (labelled if name in asked else types)]
    rows = _add_groups(rows, table.data, observed, given)
    rows = rows.assign(**{name: pd.to_numeric(rows[name]) for name in roles.numbers if name in {*observed, *given}})
    rows = rows.sort_values("_cell", kind="stable", ignore_index=True)
    _, starts = np.unique(rows["_cell"], return_index=True)
    if len(starts) < len(cells):
        raise SpecError("Some combinations of the asked columns do not occur among the groups of the data.")
    rows, weighted = _weigh(fit.design, rows.drop(columns="_cell"))
    if len(rows) > _MOST_ROWS:
        raise SpecError(
            f"This takes the mean over {len(rows)} combinations of columns and groups, which is too many "
            f"(at most {_MOST_ROWS}). Use groups='average', or hold columns with at={{...}}."
        )
    rest = {name: values for name, values in rest.items() if name not in moving}
    notes = (*_notes(fit, roles, rest, held, observed), *weighted)
    return cells, rows, starts, notes


def grid_draws(fit: Fit, grid: Grid, kind: str, groups: str | Mapping[str, str], seed: int | None) -> xr.DataArray:
    """Return the draws of the mean over each cell, dims chain, draw, row, from fewer draws where the grid is large.

    For kind "probability" there is a dim category before row. Attribute `estimand` says what they are.
    """
    predicted = draws_of_rows(fit, grid.rows, kind, groups, seed)
    counts = np.diff([*grid.starts, grid.rows.rows])
    means = np.add.reduceat(predicted.values, grid.starts, axis=-1) / counts
    return as_asked(fit, predicted.isel(row=grid.starts).drop_vars("row").copy(data=means), grid.rows, kind, groups)


def draws_of_rows(fit: Fit, rows: Design, kind: str, groups: str | Mapping[str, str], seed: int | None) -> xr.DataArray:
    """Return draws of what can be averaged over rows, dims chain, draw, (category,) row, fewer of them for many rows.

    Raises
    ------
    SpecError
        No such kind or mode, or one that cannot be averaged.
    """
    if kind == "response":
        raise SpecError("kind='response' cannot be averaged; bm.predict(fit, data, kind='response') draws responses.")
    if kind == "probability" and not fit.design.categories:
        raise SpecError("kind='probability' is that of the categories of an ordered response; here take kind='mean'.")
    averaged = "linear" if kind == GEOMETRIC else kind
    if kind == GEOMETRIC:
        logarithm_of(fit.design)
    entering = existing_groups(fit.design, groups)
    kept = with_effects(fit.draws, [p.b(group) for p, group in fit.design.group_blocks() if group.name in entering])
    fitting = max(int(_LARGEST // rows.rows), _FEWEST_DRAWS)
    draws = None if kept.sizes["chain"] * kept.sizes["draw"] <= fitting else fitting
    predicted = predict_rows(fit, rows, groups=groups, kind=averaged, draws=draws, seed=seed)
    found = predicted[averaged].assign_attrs(predicted.attrs)
    return found.transpose("chain", "draw", *(["category"] if "category" in found.dims else []), "row")


def as_asked(fit: Fit, means: xr.DataArray, rows: Design, kind: str, groups: str | Mapping[str, str]) -> xr.DataArray:
    """Return means over rows on the scale that was asked for: means of logarithms become geometric means."""
    if kind != GEOMETRIC:
        return means
    what, unit = logarithm_of(fit.design)
    where = str(means.attrs["estimand"]).partition("; ")[2]
    said = f"geometric mean of {what}, the median where its logarithm is normal" + (f"; {where}" if where else "")
    mean = int(ratio_has_mean(fit, rows, groups, of_link=True))
    return means.copy(data=np.exp(unit * means.values)).assign_attrs(estimand=said, has_mean=mean)


def existing_groups(design: Design, groups: str | Mapping[str, str]) -> tuple[str, ...]:
    """Return the grouping factors whose own effects enter under a `groups` argument of `predict`."""
    wish = dict.fromkeys(design.factors, groups) if isinstance(groups, str) else groups
    return tuple(name for name in design.factors if wish.get(name, "existing") in ("existing", "any"))


def _points(design: Design, name: str, points: int) -> list[float]:
    values, mean = design.table.data[name].to_numpy(dtype=float), mean_of_rows(design, name)
    distinct = np.unique(values)
    if len(distinct) <= (3 if points == 3 else 2) or name in fixed_places(design):
        return [float(value) for value in distinct]
    if points > 3:
        return [float(value) for value in np.linspace(distinct[0], distinct[-1], points)]
    sd = sd_of_rows(design, name)
    return [mean - sd, mean, mean + sd]


def check_column(name: str, roles: Roles) -> None:
    known = [*roles.factors, *roles.numbers, *roles.units]
    if name not in known:
        raise SpecError(f"'{name}' is not a column of the model. {did_you_mean(name, known)}")


def as_values(value: Any) -> list[Any]:
    values = [value] if isinstance(value, str) or not np.iterable(value) else list(value)
    if not values:
        raise SpecError("at: a list of values is empty.")
    return values


def cross(values: Mapping[str, list[Any]]) -> pd.DataFrame:
    index = pd.MultiIndex.from_product(list(values.values()), names=list(values))
    return index.to_frame(index=False)


def _add_groups(rows: pd.DataFrame, data: pd.DataFrame, observed: list[str], asked: list[str]) -> pd.DataFrame:
    """Join the combinations of grouping columns that occur in the data."""
    if not observed:
        return rows
    labels = data[[*observed, *asked]].map(as_label).drop_duplicates()
    if not asked:
        return rows.merge(labels, how="cross")
    return rows.assign(**{name: rows[name].map(as_label) for name in asked}).merge(labels, on=asked)


def _notes(
    fit: Fit, roles: Roles, rest: Mapping[str, list[Any]], held: Mapping[str, list[Any]], observed: list[str]
) -> tuple[str, ...]:
    """Say what the cells are averaged over, and where numbers are held."""
    averaged = [f"{name} ({len(v)} levels, equal weights)" for name, v in rest.items() if len(v) > 1]
    averaged += [f"the groups of {enumerate_words(observed)} in the data"] if observed else []
    places = fixed_places(fit.design)
    fixed = [
        f"{name} = {_number(rest[name][0])} ({'value nearest to the mean' if name in places else 'mean'})"
        for name in roles.numbers
        if name in rest and name not in held
    ]
    fixed += [f"{name} = {_number(v[0])}" for name, v in held.items() if len(v) == 1]
    notes = [f"Averaged over {', '.join(averaged)}."] if averaged else []
    notes += [f"At {', '.join(fixed)}."] if fixed else []
    terms = [term for predictor in fit.design.spec.predictors.values() for term in predictor]
    formulas = [formula for term in terms for formula in term.formulas]
    centred = dict.fromkeys(column for formula in formulas for column in group_mean_expressions(formula))
    if centred and any(values == [ANY] for values in rest.values()):
        notes.append(f"The mean of {enumerate_words(centred)} in a group is that of all rows of the data.")
    return tuple(notes)


def _weigh(design: Design, rows: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows with the weight or error whose residual variance is that of the data on average, and a note of it."""
    weight = design.observed.mean_variance_column
    if weight is None or design.spec.weights is None or design.spec.weights.column in rows:
        return rows, ()
    name = design.spec.weights.column
    said = design.family.scale in parameters_of_mean(design.family)
    return rows.assign(**{name: weight}), (f"At {name} = {_number(weight)} (mean residual variance).",) if said else ()


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float | np.number) else str(value)
