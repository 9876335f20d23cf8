"""Tables with mi(x) and me(x, sd): missing values are filled with guesses, and each column gets a model of its own."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.design.latent_columns import LatentColumn, with_own_names
from bayesmixed.errors import BayesMixedError, DataError, SpecError, did_you_mean
from bayesmixed.families import find_family
from bayesmixed.families.links import Array
from bayesmixed.formulas.names import expression_columns
from bayesmixed.preparation.assembly import assemble
from bayesmixed.preparation.used_columns import read_rows, used_columns
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.columns import as_numbers
from bayesmixed.tables.frames import as_frame
from bayesmixed.terms.drawn_values import DrawnValues

IMPUTE = "impute"
_LINEAR = 1e-8
_MOST_EVENTS = 6
"""Missing events of one row, which have 64 combinations."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A table whose inexact columns hold guesses where values are missing.

    Attributes
    ----------
    data : pandas.DataFrame
        The rows that enter the likelihood.
    missing : mapping of str to (n,) array of bool
        Which values of each inexact column were missing.
    withheld : pandas.DataFrame or None
        Rows without a response, to be predicted.
    unused : int
        Rows without a response that are not predicted either, because values of other columns are missing.
    dropped : int
        Rows left out for missing values.
    """

    data: pd.DataFrame
    missing: dict[str, NDArray[np.bool_]]
    withheld: pd.DataFrame | None
    unused: int
    dropped: int


def fill(spec: ModelSpec, data: Any, missing: str, na: Any) -> Filled:
    """Return the table with guesses in place of the missing values of inexact columns.

    Guesses are spread over the known values, so that means and SDs of columns, to which default priors are tied, stay.

    Raises
    ------
    DataError
        A column is text, has no two known values, or an error of measurement is not above zero.
    """
    if spec.weights is not None and not spec.weights.of_scale and (spec.inexact or missing == IMPUTE):
        raise SpecError(
            f"Rows with {spec.weights.kind} weights and missing values are not possible together: write rows out."
        )
    if spec.correlated:
        raise SpecError(
            f"residual '{spec.correlated}' is not possible with mi(), me() and missing=\"impute\": values would be drawn as if "
            'rows were independent. Groups need not have all visits: leave rows without a response out, missing="drop".'
        )
    if spec.limits:
        raise SpecError('Censored and truncated responses are not possible with mi(), me() and missing="impute".')
    if missing not in ("error", "drop", IMPUTE):
        raise DataError(f"missing='{missing}' is not known. Accepted: 'error', 'drop', '{IMPUTE}'.")
    frame = as_frame(data)
    names = [str(name) for name in frame.columns]
    for one in spec.inexact:
        for name in (one.column, *([one.error] if one.error else [])):
            if name not in names:
                raise SpecError(f"Column '{name}' is not in the data. {did_you_mean(name, names)}")
    used = used_columns(spec, frame)
    frame = read_rows(spec, frame[used], na=na)
    withheld, unused = None, 0
    if missing == IMPUTE:
        response = list(expression_columns(spec.response, names))
        empty = frame[response].isna().any(axis=1).to_numpy()
        whole = frame[[name for name in used if name not in response]].notna().all(axis=1).to_numpy()
        withheld, unused = frame[empty & whole], int(np.sum(empty & ~whole))
        if empty.all():
            raise DataError(f"Every response '{spec.response}' is missing, so there is nothing to learn from.")
        frame = frame[~empty]
    inexact = [one.column for one in spec.inexact]
    complete = frame[[name for name in used if name not in inexact]].notna().all(axis=1)
    for one in spec.inexact:
        if one.error is not None:
            complete &= frame[one.column].notna()
    dropped = int(np.sum(~complete)) if missing == "drop" else 0
    frame = frame[complete] if missing == "drop" else frame
    gaps: dict[str, NDArray[np.bool_]] = {}
    for one in spec.inexact:
        events = find_family(spec.model_of(one.column).family).discrete
        frame, gaps[one.column] = _fill_column(frame, one.column, one.error, events=events)
    _refuse_many(gaps, [one.column for one in spec.inexact if find_family(spec.model_of(one.column).family).discrete])
    return Filled(frame, gaps, withheld if withheld is not None and len(withheld) else None, unused, dropped)


def _refuse_many(gaps: Mapping[str, NDArray[np.bool_]], events: Sequence[str]) -> None:
    """Refuse rows that miss so many events that their combinations are too many to be summed (DataError)."""
    count = np.sum([gaps[name] for name in events], axis=0) if events else np.zeros(1)
    if np.max(count, initial=0) > _MOST_EVENTS:
        raise DataError(
            f"{int(np.sum(count > _MOST_EVENTS))} rows miss more than {_MOST_EVENTS} events of mi(), which have too many "
            "combinations to be summed over. Leave these rows out, or impute the table several times beforehand."
        )


def _fill_column(
    frame: pd.DataFrame, name: str, error: str | None, *, events: bool
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    held = frame[name].dropna()
    truths = bool(len(held)) and all(isinstance(value, bool | np.bool_) for value in held)
    column = frame[name].astype(float) if truths else as_numbers(frame[name])
    if column is None or (truths and not events):
        raise DataError(
            f"Column '{name}' does not hold numbers. mi() and me() are for numbers on a continuous scale, mi() also for events: "
            + (
                f'impute={{"{name}": {{"formula": "~ 1", "family": "bernoulli"}}}}.'
                if truths
                else "impute categories beforehand, several times, and fit the list of tables."
            )
        )
    values = column.to_numpy(dtype=float).copy()
    gone = np.isnan(values)
    known = np.unique(values[~gone])
    if len(known) < 2:
        raise DataError(
            f"Column '{name}' has {len(known)} different known values, too few to learn their distribution from."
        )
    if error is None and gone.any() and len(known) == 2 and not events:
        raise DataError(
            f"Column '{name}' has two different values. Say that they are events, 0 and 1, which are summed out: "
            f'impute={{"{name}": {{"formula": "~ 1", "family": "bernoulli"}}}}.'
        )
    if events and not set(known) <= {0.0, 1.0}:
        raise DataError(f"Column '{name}' is one of events (impute), and has values other than 0 and 1.")
    if error is not None:
        sd = as_numbers(frame[error])
        if sd is None or not np.all(sd.to_numpy(dtype=float)[~np.isnan(sd.to_numpy(dtype=float))] > 0):
            raise DataError(f"Column '{error}' of me({name}, {error}) must hold SDs above zero.")
        return frame, gone
    places = (np.arange(gone.sum()) + 0.5) / max(int(gone.sum()), 1)
    spread = np.quantile(values[~gone], places, method="inverted_cdf" if events else "linear")
    values[gone] = np.random.default_rng(0).permutation(spread)
    return frame.assign(**{name: values}), gone


def add_latent(design: Design, filled: Filled, prepare: Callable[..., Design]) -> Design:
    """Return a design of a filled table with the model of each inexact column; `prepare` makes the design of a spec.

    Raises
    ------
    SpecError
        The predictor is not linear in a column, or products of two inexact columns stand in it.
    DataError
        The data do not suit the model of a column.
    """
    rows = filled.data
    found: list[LatentColumn] = []
    notes: list[str] = []
    for one in design.spec.inexact:
        spec = design.spec.model_of(one.column)
        try:
            own = prepare(spec, rows)
        except BayesMixedError as refused:
            raise refused.after(f"The model of '{one.column}' (impute):") from refused
        gone = filled.missing[one.column]
        if own.rows != design.rows:
            raise DataError(
                f"The model of '{one.column}' (impute) has missing values in its own columns. Fill them in."
            )
        if one.error is None and not gone.any():
            notes.append(f"No value of '{one.column}' is missing, so mi({one.column}) is {one.column}.")
            continue
        error = None if one.error is None else rows[one.error].to_numpy(dtype=float)
        drawn = gone if error is None else np.ones(design.rows, dtype=bool)
        latent = LatentColumn(one.column, with_own_names(own, one.column), drawn, error)
        found.append(replace(latent, slopes=_slopes(design, latent)))
        what = (
            f"{int(drawn.sum()):,} values of '{one.column}' are drawn"
            if error is None
            else f"true '{one.column}' is drawn"
        )
        notes.append(f"{what} with the parameters, under {spec.formula} ({spec.family}).")
    if filled.unused:
        notes.append(
            f"Rows without a response and with other missing values are neither used nor predicted: {filled.unused:,}."
        )
    _refuse_products(design, found)
    predictors = {
        name: replace(one, drawn=_drawn_values(design, name, found)) for name, one in design.predictors.items()
    }
    changes: dict[str, Any] = {"predictors": predictors, "latent": tuple(found), "dropped": filled.dropped}
    design = replace(design, **changes, notes=(*design.notes, *notes))
    return with_withheld(design, filled.withheld)


def with_withheld(design: Design, rows: pd.DataFrame | None) -> Design:
    """Return the design with rows whose responses are to be predicted."""
    if rows is None:
        return design
    note = f"{len(rows):,} rows without a response are predicted: bm.imputations(fit)."
    return replace(design, withheld=rows, notes=(*design.notes, note))


def _drawn_values(design: Design, name: str, columns: Sequence[LatentColumn]) -> tuple[DrawnValues, ...]:
    """Return the columns of a predictor that are not known exactly."""
    found = []
    for one in (one for one in columns if name in one.slopes):
        step = float(np.std(one.guess)) or 1.0
        moved = shifted(design, {one.column: np.full(design.rows, step)}).predictors[name].population.matrix
        slopes = (moved - design.predictors[name].population.matrix) / step
        places = np.where(one.missing, np.cumsum(one.missing) - 1, -1)
        found.append(DrawnValues(one.imputed, places, one.guess, slopes))
    return tuple(found)


def shifted(design: Design, steps: Mapping[str, Array]) -> Design:
    """Return the rows with other values of some columns, laid out alike."""
    moved = {name: design.table.data[name].to_numpy(dtype=float) + step for name, step in steps.items()}
    return assemble(design.spec, design.table.data.assign(**moved), "error", design, optional=False)


def with_drawn_values(fitted: Design, rows: Design, numbers: NDArray[np.intp], columns: Collection[str]) -> Design:
    """Return rows that are made of those of a fit, by their numbers, with the values of each draw in some columns of mi() and
    me(): where these are changed, the drawn values are changed by as much."""
    found: dict[str, list[DrawnValues]] = {name: [] for name in rows.predictors}
    for one in (one for one in fitted.latent if one.column in columns):
        step = float(np.std(one.guess)) or 1.0
        values = rows.table.data[one.column].to_numpy(dtype=float) + step
        moved = assemble(fitted.spec, rows.table.data.assign(**{one.column: values}), "error", fitted, optional=True)
        places = np.where(one.missing, np.cumsum(one.missing) - 1, -1)[numbers]
        for name in one.slopes:
            slopes = (moved.predictors[name].population.matrix - rows.predictors[name].population.matrix) / step
            found[name].append(DrawnValues(one.imputed, places, one.guess[numbers], slopes))
    predictors = {name: replace(one, drawn=tuple(found[name])) for name, one in rows.predictors.items()}
    return replace(rows, predictors=predictors)


def _slopes(design: Design, latent: LatentColumn) -> dict[str, Array]:
    """Return how much the columns of each predictor change per unit of a column; SpecError if they are not linear in it."""
    step = float(np.std(latent.guess)) or 1.0
    once, twice = (shifted(design, {latent.column: np.full(design.rows, k * step)}) for k in (1.0, 2.0))
    found: dict[str, Array] = {}
    for name, predictor in design.predictors.items():
        change = once.predictors[name].centred_matrix - predictor.centred_matrix
        again = twice.predictors[name].centred_matrix - predictor.centred_matrix
        if np.max(np.abs(again - 2.0 * change), initial=0.0) > _rounding(latent) * np.max(
            np.abs(again), initial=1e-300
        ):
            raise SpecError(
                f"The predictor of '{name}' is not linear in '{latent.column}'. Inside of functions, powers and splines its true "
                "values cannot be drawn: transform the column beforehand (a column log_x, with mi(log_x))."
            )
        if np.any(change):
            found[name] = change / step
    return found


def _rounding(latent: LatentColumn) -> float:
    """Return up to which share of it a change of columns counts as linear: more where values lie far from 0 for their SD."""
    return _LINEAR + 32.0 * np.finfo(float).eps * float(np.max(np.abs(latent.guess)) / (np.std(latent.guess) or 1.0))


def _refuse_products(design: Design, found: list[LatentColumn]) -> None:
    for place, one in enumerate(found):
        for other in found[place + 1 :]:
            steps = {latent.column: np.full(design.rows, float(np.std(latent.guess))) for latent in (one, other)}
            both = shifted(design, steps)
            for name, predictor in design.predictors.items():
                change = both.predictors[name].centred_matrix - predictor.centred_matrix
                parts = sum(
                    latent.slopes[name] * steps[latent.column][:, None]
                    for latent in (one, other)
                    if name in latent.slopes
                )
                rounding = max(_rounding(one), _rounding(other))
                if np.max(np.abs(change - parts), initial=0.0) > rounding * np.max(np.abs(change), initial=1e-300):
                    raise SpecError(
                        f"The predictor of '{name}' has a product of '{one.column}' and '{other.column}', whose values are "
                        "drawn. Leave the product out, or impute the table several times beforehand."
                    )
