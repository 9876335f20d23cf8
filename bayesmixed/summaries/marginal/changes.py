"""Changes of a column whose effect is asked for: which values it takes, and which of them are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.design.design import Design
from bayesmixed.design.structures import fixed_places
from bayesmixed.errors import SpecError, check_choice, did_you_mean
from bayesmixed.fits.fitting import Fit
from bayesmixed.formulas.names import formula_columns
from bayesmixed.summaries.marginal.contrast_weights import value_texts
from bayesmixed.summaries.marginal.grids import Roles, column_roles, mean_of_rows, sd_of_rows
from bayesmixed.terms.contract import CURVES, STEPS

PAIRS = ("reference", "pairwise", "consecutive")
SPANS = ("sd", "2sd", "iqr", "range")


@dataclass(frozen=True, slots=True)
class Changes:
    """Values of one column, and the pairs of them that are compared.

    Attributes
    ----------
    name : str
        The column.
    values : list
        Values that all rows take, or with `added` what is added to those that they have.
    pairs : list of (str, int, int)
        What the comparison is called, and the places of the low and the high value.
    added : bool
        Whether values are added.
    """

    name: str
    values: list[Any]
    pairs: list[tuple[str, int, int]]
    added: bool = False

    def of(self, place: int, rows: pd.DataFrame) -> Any:
        """Return what the column of some rows becomes with the value of that place."""
        return rows[self.name].to_numpy(dtype=float) + self.values[place] if self.added else self.values[place]


def read_variables(
    fit: Fit, variables: str | Sequence[str] | Mapping[str, Any] | None, *, numbers: bool = False
) -> dict[str, Any]:
    """Return the columns whose effects are asked for, each with its change (None: the default).

    All columns of the model if none is given: of its formulas, not offsets, weights and columns that only name groups.

    Raises
    ------
    SpecError
        No such column, or it is not a number where only `numbers` have what is asked for.
    """
    roles, every = column_roles(fit.design), explaining_columns(fit.design)
    fixed = fixed_places(fit.design) if numbers else set()
    every = [c for c in every if c in roles.numbers and c not in {*roles.factors, *fixed}] if numbers else every
    if variables is None:
        asked: dict[str, Any] = dict.fromkeys(every)
    elif isinstance(variables, str):
        asked = {variables: None}
    else:
        asked = dict(variables) if isinstance(variables, Mapping) else dict.fromkeys(variables)
    if not asked:
        if numbers:
            raise SpecError("The model has no number that has a slope. bm.comparisons(fit) compares values and levels.")
        raise SpecError("The model has no column whose effect could be shown.")
    for name in asked:
        _check(name, roles, numbers=numbers)
        if name in fixed:
            raise SpecError(
                f"Effects are those of the values of '{name}' in the data only, so that it has no slope here; "
                f'bm.comparisons(fit, "{name}") compares its values.'
            )
    return asked


def changes_of(fit: Fit, name: str, how: Any, sign: str) -> Changes:
    """Return the changes of a column: of a factor "reference", "pairwise", "consecutive" or two levels; of a number what is
    added to it, "sd", "2sd", "iqr", "range" (about the mean or over the data) or two values.

    Raises
    ------
    SpecError
        No such change, or no such level.
    """
    if isinstance(how, list | tuple | np.ndarray):
        ends = list(how)
        if len(ends) != 2 or str(ends[0]) == str(ends[1]):
            raise SpecError(f"variables: '{name}' changes from one of two values to the other: [low, high].")
        how = ends
    elif not (how is None or isinstance(how, str) or (isinstance(how, Real) and not isinstance(how, bool))):
        raise SpecError(f"variables: the change of '{name}' is a word, a number, or a list of two values.")
    if name in column_roles(fit.design).factors:
        return _levels(name, list(fit.design.table.levels[name]), how, sign)
    distinct = np.unique(fit.design.table.data[name].to_numpy(dtype=float))
    if how is None and (len(distinct) == 2 or name in fixed_places(fit.design)):
        how = [distinct[0], distinct[-1]]
    if isinstance(how, str):
        check_choice(f"The change {{}} of '{name}'", how, SPANS)
        low, high = _span(fit.design, name, how)
        return Changes(name, [low, high], [(f"{_pair([low, high], sign)} ({how})", 0, 1)])
    if isinstance(how, list):
        if not all(isinstance(value, Real) and isfinite(float(value)) for value in how):
            raise SpecError(
                f"variables: '{name}' is a number, and changes from one of two numbers to the other: [0, 10]."
            )
        return Changes(name, [float(value) for value in how], [(_pair(how, sign), 0, 1)])
    step = 1.0 if how is None else float(how)
    if not np.isfinite(step) or step == 0.0:
        raise SpecError(f"variables: '{name}' cannot change by {step:g}.")
    return Changes(name, [0.0, step], [(f"{step:+.10g}", 0, 1)], added=True)


def cross_changes(changes: Sequence[Changes]) -> tuple[list[tuple[int, ...]], list[tuple[str, int, int]]]:
    """Return the combinations of values of columns that change together, by their places, and the pairs that are compared:
    all columns at their low values with all at their high ones, for each combination of their pairs."""
    states = list(product(*(range(len(one.values)) for one in changes)))
    pairs = [
        (", ".join(labels), states.index(low), states.index(high))
        for labels, low, high in (zip(*each, strict=True) for each in product(*(one.pairs for one in changes)))
    ]
    return states, pairs


def telling_change(design: Design, name: str) -> Any:
    """Return a change of a column that means something to a reader: of a number that counts whole units 1, of another one
    its SD; None, the default of `comparisons`, for the first, for factors, and where only values of the data have effects."""
    if name in column_roles(design).factors or name in fixed_places(design):
        return None
    values = design.table.data[name].to_numpy(dtype=float)
    return None if len(np.unique(values)) == 2 or np.all(values == np.round(values)) else "sd"


def _levels(name: str, levels: list[Any], how: Any, sign: str) -> Changes:
    texts, words = value_texts(levels), list(map(str, levels))
    if isinstance(how, list):
        for value in how:
            if str(value) not in words:
                raise SpecError(f"'{value}' is not a level of '{name}'. {did_you_mean(str(value), words)}")
        pairs = [(words.index(str(how[0])), words.index(str(how[1])))]
    elif how is None or isinstance(how, str):
        how = how or "reference"
        check_choice(f"The change {{}} of '{name}'", how, PAIRS)
        pairs = list(combinations(range(len(levels)), 2))
        if how != "pairwise":
            pairs = [(i, j) for i, j in pairs if (i == 0 if how == "reference" else j == i + 1)]
    else:
        raise SpecError(f"variables: '{name}' is a factor; take {', '.join(PAIRS)}, or two of its levels.")
    return Changes(name, levels, [(f"{texts[j]} {sign} {texts[i]}", i, j) for i, j in pairs])


def _span(design: Design, name: str, how: str) -> tuple[float, float]:
    values, mean = design.table.data[name].to_numpy(dtype=float), mean_of_rows(design, name)
    if how == "range":
        return float(values.min()), float(values.max())
    if how == "iqr":
        low, high = np.quantile(np.repeat(values, design.observed.row_counts.round().astype(int)), [0.25, 0.75])
        if low == high:
            raise SpecError(f"The quartiles of '{name}' are equal; take 'sd', 'range' or two values.")
        return float(low), float(high)
    half = sd_of_rows(design, name) * (0.5 if how == "sd" else 1.0)
    return mean - half, mean + half


def _pair(values: Sequence[Any], sign: str) -> str:
    low, high = value_texts([float(value) for value in values])
    return f"{high} {sign} {f'({low})' if low.startswith('-') else low}"


def explaining_columns(design: Design) -> list[str]:
    """Return the columns that formulas and curves read, factors first; not offsets, weights, errors of measurement in me(x, sd)
    and names of groups."""
    names = [str(name) for name in design.table.data.columns]
    terms = [term for predictor in design.spec.predictors.values() for term in predictor]
    read = {name for term in terms for one in term.formulas for name in formula_columns(one, names, grouping=False)}
    read |= {name for term in terms if term.part in (CURVES, STEPS) for name in term.columns(names)}
    measured = [{one.column, one.error} for one in design.spec.inexact if one.error is not None]
    pieces = [piece for one in design.predictors.values() for piece in one.population.state.written.pieces.values()]
    alone = {name for piece in pieces if not any(one <= {*piece.columns} for one in measured) for name in piece.columns}
    errors, roles = {one.error for one in design.spec.inexact}, column_roles(design)
    return [name for name in (*roles.factors, *roles.numbers) if name in read - (errors - alone)]


def _check(name: str, roles: Roles, *, numbers: bool) -> None:
    known = [*roles.factors, *roles.numbers]
    if name in roles.units:
        raise SpecError(
            f"'{name}' names groups. bm.group_effects(fit) has their effects, "
            f"bm.contrasts(fit, \"{name}\", groups='existing') their differences."
        )
    if name not in known:
        raise SpecError(f"'{name}' is not a column of the model. {did_you_mean(str(name), known)}")
    if numbers and name in roles.factors:
        raise SpecError(f"'{name}' is a factor and has no slope; bm.comparisons(fit, \"{name}\") compares its levels.")
