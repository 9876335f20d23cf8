"""The design of a spec on a table: terms put together, before checks and priors."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.design.design import Design, resolve_family
from bayesmixed.design.responses import Response
from bayesmixed.design.stated_coordinates import place_terms
from bayesmixed.errors import DataError, SpecError, did_you_mean
from bayesmixed.families import Family
from bayesmixed.families.links import Array
from bayesmixed.formulas.evaluation import evaluate_expression
from bayesmixed.parameter_keys import names_of
from bayesmixed.preparation.categories import read_categories, read_counts, with_own_categories
from bayesmixed.preparation.checks import check_names, check_response, check_trials
from bayesmixed.preparation.used_columns import (
    columns_of_formulas,
    columns_of_response,
    declared_factors,
    grouping_columns,
    read_rows,
    used_columns,
)
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.columns import settle
from bayesmixed.tables.factors import Table, as_table, is_number
from bayesmixed.tables.frames import as_frame, complete_rows
from bayesmixed.terms.block_parts import block_diagonal
from bayesmixed.terms.contract import ADDITION, CURVES, LEVELS, POPULATION, STEPS
from bayesmixed.terms.curve_block import CurveBlock
from bayesmixed.terms.empty_cells import DROP
from bayesmixed.terms.limits import check_bounds, fill_upper_ends, read_bounds, read_limits
from bayesmixed.terms.monotonic import MonotonicBlock
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.residual_blocks import ResidualBlock, build_residual
from bayesmixed.terms.ties import tie_predictors
from bayesmixed.terms.weights import read_weights


def assemble(
    spec: ModelSpec,
    data: Any,
    missing: str,
    like: Design | None,
    *,
    optional: bool,
    na: Any = (),
    categories: tuple[str, ...] = (),
) -> Design:
    """Return the Design without priors and notes; with `optional` the response may be absent, and its categories be given."""
    family = spec.family_record
    check_names(spec, family)
    frame = as_frame(data)
    used = used_columns(spec, frame, optional=optional)
    response_columns = columns_of_response(spec, frame, optional=optional)
    frame = read_rows(spec, frame[used], None if like is None else like.table, na=na)
    frame, dropped = complete_rows(fill_upper_ends(spec.censoring, frame), missing)
    groups, factors = grouping_columns(spec), declared_factors(spec)
    table = as_table(
        settle(frame), factors, columns_of_formulas(spec, frame.columns), None if like is None else like.table
    )
    table = replace(table, functions=spec.functions, known=spec.known)
    _check_factors(spec, groups, table)
    categories = categories if like is None else like.categories
    response: Array | None
    trials: Any
    if family.counted:
        response, trials, categories = read_counts(spec, table.data[response_columns])
    elif family.has_categories and response_columns:
        column, ordered = evaluate_expression(spec.response, table), not family.template
        response, categories = read_categories(
            spec.response, column, categories, ordered=ordered, reference=spec.reference
        )
        trials = 1.0
    else:
        response, trials = _response(spec, family, table, response_columns)
    bounds = _bounds(spec, family, table, trials, used)
    limits = None if response is None else _limits(spec, family, table, response, trials, bounds)
    family = resolve_family(spec, categories)
    if family.shared and categories:
        spec = with_own_categories(spec, family, categories)
        check_names(spec, family)
    predictors = {
        parameter.name: _predictor(spec, family, parameter.name, table, like)
        for parameter in family.parameters
        if spec.terms_of(parameter.name) is not None
    }
    predictors = tie_predictors(predictors)
    weighted = spec.weights is not None and spec.weights.column in used
    weights = read_weights(spec.weights, table.data) if spec.weights and weighted else None
    weighting = "" if spec.weights is None else spec.weights.kind
    observed = Response(table.rows, response, trials, weights, weighting, categories, limits, bounds)
    residual, unplaced = _residual(spec, table, like, used, dropped, predicted=response is None)
    return Design(spec, family, table, observed, predictors, {}, (), dropped, residual=residual, unplaced=unplaced)


def read_response(spec: ModelSpec, family: Family, table: Table) -> Array:
    """Return the response of each row, as a number (DataError where it is text)."""
    series = evaluate_expression(spec.response, table)
    if not is_number(series) and not pd.api.types.is_bool_dtype(series):
        text = series.astype(str)
        raise DataError(
            f"Response '{spec.response}' holds text (such as '{text.iloc[0]}'); family '{family.name}' needs {family.support}. "
            f'For a two-level text response write the event: ({spec.response} == "{max(text)}") ~ ... with family "bernoulli".'
        )
    return series.to_numpy(dtype=float)


def check_values(spec: ModelSpec, family: Family, y: Array, trials: Array | float, rows: pd.Index) -> None:
    """Refuse a response that is not finite or outside the family's support (DataError)."""
    if not np.all(np.isfinite(y)):
        bad = np.flatnonzero(~np.isfinite(y))
        raise DataError(
            f"Response '{spec.response}' is not finite in {len(bad)} of {len(y)} rows (first: row {rows[bad[0]]})."
        )
    check_response(family, spec.response, y, trials, rows)


def _residual(
    spec: ModelSpec, table: Table, like: Design | None, used: list[str], dropped: int, predicted: bool
) -> tuple[ResidualBlock | None, str]:
    """Return the groups of correlated residuals; of rows to predict that have no place in them, why that is so."""
    if spec.correlated is None or not {*spec.correlated.columns} <= {*used}:
        return None, ""
    try:
        return build_residual(spec.correlated, table, None if like is None else like.residual, dropped), ""
    except DataError as error:
        if like is None or not predicted:
            raise
        return None, str(error)


def _bounds(spec: ModelSpec, family: Family, table: Table, trials: Any, used: list[str]) -> Array | None:
    """Return the bounds of truncated responses, (2, n); None where rows to predict have none."""
    if spec.truncation is None or trials is None or not {*spec.truncation.columns} <= {*used}:
        return None
    return read_bounds(spec.truncation, family, trials, table.data)


def _limits(spec: ModelSpec, family: Family, table: Table, y: Array, trials: Any, bounds: Array | None) -> Array | None:
    """Return the limits of censored rows, (2, n), inside of the bounds of truncation."""
    if spec.truncation is not None and bounds is not None:
        check_bounds(spec.truncation, spec.response, y, bounds, table.data)
    if spec.censoring is None:
        return None
    return read_limits(spec.censoring, family, spec.response, y, trials, table.data, bounds)


def _check_factors(spec: ModelSpec, groups: set[str], table: Table) -> None:
    absent = [name for name in spec.crossed if name not in groups]
    if absent:
        raise SpecError(
            f"crossed names '{absent[0]}', which is not a grouping factor. {did_you_mean(absent[0], sorted(groups))}"
        )


def _response(
    spec: ModelSpec, family: Family, table: Table, columns: list[str]
) -> tuple[Array | None, Array | float | None]:
    if not columns or (len(columns) == 1 and columns[0] == spec.trials):
        trials = _trials(spec.trials, table) if columns else None
        return None, trials if family.has_trials else 1.0
    y = read_response(spec, family, table)
    tried: Array | float = _trials(spec.trials, table) if family.has_trials else 1.0
    try:
        check_values(spec, family, y, tried, table.data.index)
    except DataError as error:
        if spec.censoring is None:
            raise
        hint = (
            "Limits of censored rows are possible responses too (an interval from 0 up to u is written as 'left' at u)."
        )
        raise error.after(hint) from error
    return y, tried


def _trials(name: str | int | None, table: Table) -> Array:
    if isinstance(name, int):
        check_trials(name, np.array([float(name)]), table.data.index[:1])
        return np.full(table.rows, float(name))
    if not is_number(table.data[name]):
        raise DataError(f"Trials '{name}' hold text; they must be whole numbers from 1.")
    trials = table.data[name].to_numpy(dtype=float)
    check_trials(str(name), trials, table.data.index)
    return np.asarray(trials)


def _predictor(spec: ModelSpec, family: Family, parameter: str, table: Table, like: Design | None) -> Predictor:
    known = None if like is None else like.predictors[parameter]
    suffix = names_of(parameter, family.first).suffix
    cut, relative = not family.takes_intercept(parameter), family.parameter(parameter).relative
    found: dict[str, dict[str, Any]] = {part: {} for part in (POPULATION, LEVELS, CURVES, STEPS, ADDITION)}
    for term in spec.terms_of(parameter) or ():
        blocks, learned = found[term.part], None
        if known is not None:
            learned = known.population if term.part == POPULATION else known.learned(term.name)
        earlier = blocks.get(term.name)
        joined = 0 if earlier is None else len(earlier.parts)
        block = term.build(table, learned, part=joined, constant=not cut, drop=spec.empty_cells == DROP)
        blocks[term.name] = block if earlier is None else earlier.join(block)
    (population,) = found[POPULATION].values() or (None,)
    curves, steps = tuple(found[CURVES].values()), tuple(found[STEPS].values())
    offset = sum((block.values for block in found[ADDITION].values()), np.zeros(table.rows))
    if population is None:
        raise SpecError(f'The predictor of \'{parameter}\' has no population term; give at least "1" or "0".')
    population = _with_lines(population, (*curves, *steps), None if known is None else known.population)
    if (relative or family.parameter(parameter).of_cut) and not (
        population.labels or curves or steps or found[LEVELS] or found[ADDITION]
    ):
        raise SpecError(f"The formula of '{parameter}' has no column, and its level is fixed. Leave the formula out.")
    if known is not None:
        pairs = zip(found[LEVELS].values(), known.groups, strict=True)
        groups = tuple(block.with_fit(fitted) for block, fitted in pairs)
        own = Predictor(parameter, suffix, known.link, population, known.centre, groups, curves, offset, cut)
        return replace(own, relative=relative, steps=steps)
    groups, centre = tuple(found[LEVELS].values()), np.zeros(len(population.labels))
    predictor = Predictor(parameter, suffix, spec.link(parameter), population, centre, groups, curves, offset, cut)
    return place_terms(spec, family, replace(predictor, relative=relative, steps=steps))


def _with_lines(
    population: PopulationBlock, curves: tuple[CurveBlock | MonotonicBlock, ...], known: PopulationBlock | None
) -> PopulationBlock:
    """Add the columns that curves and steps contribute to the population part."""
    lines = [population.matrix, *(curve.line_matrix for curve in curves)]
    matrix = np.hstack(lines)
    added = matrix[:, len(population.labels) :]
    columns = np.hstack([population.columns, added])
    if known is not None:
        return replace(known, matrix=matrix, columns=columns, open_part=population.open_part)
    return replace(
        population,
        labels=(*population.labels, *(label for curve in curves for label in curve.line_labels)),
        matrix=matrix,
        columns=columns,
        written=block_diagonal(population.written, np.eye(added.shape[1])),
        units=np.concatenate([population.units, *(curve.line_units for curve in curves)]),
        means=np.append(population.means, added.mean(axis=0)),
        written_means=np.append(population.written_means, added.mean(axis=0)),
    )
