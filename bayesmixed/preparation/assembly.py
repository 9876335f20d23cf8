"""The design of a spec on a table: terms put together, before checks and priors."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.design.design import Design, resolve_family
from bayesmixed.design.responses import Response
from bayesmixed.design.stated_coordinates import place_terms
from bayesmixed.errors import DataError, SpecError, did_you_mean, enumerate_words, shorten
from bayesmixed.families import Family
from bayesmixed.families.links import Array
from bayesmixed.formulas.evaluation import evaluate_expression
from bayesmixed.formulas.names import check_functions, expression_columns, formula_columns, whole_column
from bayesmixed.formulas.written import read_formula
from bayesmixed.parameter_keys import names_of
from bayesmixed.preparation.categories import read_categories, with_own_categories
from bayesmixed.preparation.checks import check_columns, check_names, check_response, check_trials
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.columns import read_cells, settle
from bayesmixed.tables.factors import Table, as_table, is_number
from bayesmixed.tables.frames import as_frame, complete_rows
from bayesmixed.terms.block_parts import block_diagonal
from bayesmixed.terms.contract import ADDITION, CURVES, LEVELS, POPULATION
from bayesmixed.terms.curve_block import CurveBlock
from bayesmixed.terms.empty_cells import DROP
from bayesmixed.terms.limits import check_bounds, fill_upper_ends, read_bounds, read_limits
from bayesmixed.terms.piece_bases import column_step
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
    response_columns = _response_columns(spec, frame, optional=optional)
    frame = read_rows(spec, frame[used], None if like is None else like.table, na=na)
    frame, dropped = complete_rows(fill_upper_ends(spec.censoring, frame), missing)
    groups, factors = grouping_columns(spec), declared_factors(spec)
    table = as_table(
        settle(frame), factors, _formula_columns(spec, frame.columns), None if like is None else like.table
    )
    table = replace(table, functions=spec.functions, known=spec.known)
    _check_factors(spec, groups, table)
    categories = categories if like is None else like.categories
    response: Array | None
    if family.has_categories and response_columns:
        column, ordered = evaluate_expression(spec.response, table), not family.template
        response, categories = read_categories(
            spec.response, column, categories, ordered=ordered, reference=spec.reference
        )
        trials: Any = 1.0
    else:
        response, trials = _response(spec, family, table, response_columns)
    bounds = _bounds(spec, family, table, trials, used)
    limits = None if response is None else _limits(spec, family, table, response, trials, bounds)
    family = resolve_family(spec, categories)
    if family.template and categories:
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


def read_rows(
    spec: ModelSpec,
    frame: pd.DataFrame,
    like: Table | None = None,
    *,
    na: Any = (),
    text: Collection[str] = (),
    texts_of_numbers: Collection[str] | None = None,
) -> pd.DataFrame:
    """Return the used columns as numbers, truth values and labels; see `read_cells`.

    Columns that only name groups, declared factors, and the factors of `like` are labels whatever their type.

    Raises
    ------
    DataError
        A column holds neither, or a number column with stray text.
    """
    formulas, numbers = set(_formula_columns(spec, frame.columns)), _number_columns(spec, frame.columns)
    labels = {name for name in frame.columns if name not in formulas | numbers}
    labels |= declared_factors(spec) | set(() if like is None else like.levels)
    read = read_cells(frame, labels, na=na, factors=formulas - numbers, text=text, numbers=texts_of_numbers)
    for name in grouping_columns(spec):
        if name in read and is_number(read[name]) and frame[name].nunique() > read[name].nunique():
            raise DataError(
                f"Column '{name}' names groups by numbers beyond 2^53, which a formula cannot distinguish. Give the formula a "
                "separate column."
            )
    return read


def grouping_columns(spec: ModelSpec) -> set[str]:
    """Return the columns whose levels are groups."""
    own = {*spec.correlated.factor_columns} if spec.correlated else set()
    return own | {name for term in spec.terms for name in term.label_columns}


def declared_factors(spec: ModelSpec) -> set[str]:
    """Return the columns that the spec or a formula declares to be factors."""
    return {*spec.factors, *(name for t in spec.terms for name in t.factors())}


def used_columns(spec: ModelSpec, frame: pd.DataFrame, *, optional: bool = False) -> list[str]:
    """Return the columns of a table that a spec reads, those of the response first.

    Raises
    ------
    SpecError
        One is missing; with `optional` the response may be absent.
    """
    check_calls(spec, [str(name) for name in frame.columns])
    found = [
        *_response_columns(spec, frame, optional=optional),
        *_weights_columns(spec, frame, optional=optional),
        *_limit_columns(spec, frame, optional=optional),
        *_residual_columns(spec, frame, optional=optional),
        *_term_columns(spec, frame.columns),
        *([] if optional else _imputation_columns(spec, frame)),
    ]
    used = list(dict.fromkeys(found))
    check_columns(used)
    _check_own_predictor(spec, frame.columns)
    return used


def _imputation_columns(spec: ModelSpec, frame: pd.DataFrame) -> list[str]:
    """Return the columns that the models of columns in mi() and me() read."""
    found: list[str] = []
    for one in spec.inexact:
        try:
            found += used_columns(spec.model_of(one.column), frame)
        except SpecError as error:
            raise error.after(f"The model of '{one.column}' (impute):") from error
    return found


def check_calls(spec: ModelSpec, columns: list[str]) -> None:
    """Refuse calls of functions that are missing (SpecError)."""
    absent = [name for name, function in spec.functions.items() if function is None]
    if absent:
        raise SpecError(
            f"Function '{absent[0]}' is user-defined, and a file stores only its name. Supply it again: "
            f'load_fit(path, functions={{"{absent[0]}": f}}) or spec.replace(functions={{"{absent[0]}": f}}).'
        )
    _check_letters(spec, columns)
    if whole_column(spec.response, columns) is None:
        check_functions(spec.response, columns, spec.functions, formula=False)
    for term in spec.terms:
        for formula in term.formulas:
            check_functions(formula, columns, spec.functions, formula=True)
        for text in term.expressions:
            if whole_column(text, columns) is None:
                check_functions(text, columns, spec.functions, formula=False)


def _check_letters(spec: ModelSpec, columns: list[str]) -> None:
    """Refuse a column between the bars of (1 | a | b), where it would be a letter that ties nothing (SpecError)."""
    letters = [term.tied_by for term in spec.terms if term.tied_by]
    alone = [letter for letter in letters if letters.count(letter) == 1 and letter in columns]
    if alone and not spec.family_record.template:
        term = next(term for term in spec.terms if term.tied_by == alone[0])
        raise SpecError(
            f"'{term}': '{alone[0]}' is a column of the data, and stands where a letter ties terms of several formulas. Write "
            f"{alone[0]}/{term.name} or {alone[0]} + {term.name} after one bar, or take another letter."
        )


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


def has_response(spec: ModelSpec, frame: pd.DataFrame) -> bool:
    """Return whether the rows have a response with no value missing."""
    try:
        columns = expression_columns(spec.response, frame.columns)
    except SpecError:
        return False
    trials = not isinstance(spec.trials, str) or spec.trials in frame.columns
    return trials and not frame[list(columns)].isna().any(axis=None)


def _response_columns(spec: ModelSpec, frame: pd.DataFrame, optional: bool) -> list[str]:
    names = [str(name) for name in frame.columns]
    if optional and not has_response(spec, frame):
        return [spec.trials] if isinstance(spec.trials, str) and spec.trials in names else []
    columns = sorted(expression_columns(spec.response, names), key=names.index)
    if not columns:
        raise SpecError(f"Response '{shorten(spec.response)}' reads no column of the data.")
    if isinstance(spec.trials, str):
        if spec.trials not in names:
            raise SpecError(f"Trials column '{spec.trials}' is not in the data. {did_you_mean(spec.trials, names)}")
        columns.append(spec.trials)
    return columns


def _weights_columns(spec: ModelSpec, frame: pd.DataFrame, optional: bool) -> list[str]:
    if spec.weights is None or (optional and spec.weights.column not in frame.columns):
        return []
    check_weights_column(spec, frame.columns)
    return [spec.weights.column]


def check_weights_column(spec: ModelSpec, available: Iterable[str]) -> None:
    """Refuse a spec whose column of weights is not in the data (SpecError)."""
    names = [str(name) for name in available]
    if spec.weights is not None and spec.weights.column not in names:
        column = spec.weights.column
        raise SpecError(f"Weights column '{column}' is not in the data. {did_you_mean(column, names)}")


def _limit_columns(spec: ModelSpec, frame: pd.DataFrame, optional: bool) -> list[str]:
    """Return the columns of censoring and truncation (SpecError); rows without a response need no statuses."""
    names = [str(name) for name in frame.columns]
    known = not optional or has_response(spec, frame)
    found = [
        *((spec.censoring, name) for name in (spec.censoring.columns if spec.censoring and known else ())),
        *((spec.truncation, name) for name in (spec.truncation.columns if spec.truncation else ())),
    ]
    if optional and not {name for _, name in found} <= {*names}:
        return []
    for addition, name in found:
        if name not in names:
            raise SpecError(f"Column '{name}' of {addition} is not in the data. {did_you_mean(name, names)}")
    return [name for _, name in found]


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


def _residual_columns(spec: ModelSpec, frame: pd.DataFrame, optional: bool) -> list[str]:
    """Return the columns of correlated residuals (SpecError); rows to predict without them have none."""
    names, residual = [str(name) for name in frame.columns], spec.correlated
    absent = [name for name in residual.columns if name not in names] if residual else []
    if residual is None or (absent and optional and not has_response(spec, frame)):
        return []
    if absent:
        raise SpecError(
            f"Column '{absent[0]}' of residual '{residual}' is not in the data. {did_you_mean(absent[0], names)}"
        )
    return [*residual.columns]


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


def _term_columns(spec: ModelSpec, available: Iterable[str]) -> list[str]:
    names = [str(name) for name in available]
    found = {column for term in spec.terms for column in term.columns(names)}
    absent = [name for name in spec.factors if name not in names]
    if absent:
        raise SpecError(f"Factor '{absent[0]}' is not in the data. {did_you_mean(absent[0], names)}")
    return [name for name in names if name in found]


def _check_own_predictor(spec: ModelSpec, available: Iterable[str]) -> None:
    """Refuse a response all of whose columns are on the right side; `y - base ~ base`, with one of two there, is allowed."""
    names = [str(name) for name in available]
    try:
        response = expression_columns(spec.response, names)
    except SpecError:
        return
    if response and response <= set(_term_columns(spec, names)):
        raise DataError(
            f"Response '{spec.response}' is on the right side of its own formula (column "
            f"{enumerate_words(sorted(response))}). Leave it out."
        )


def _number_columns(spec: ModelSpec, available: Iterable[str]) -> set[str]:
    """Return the columns of response, trials, weights and expressions of terms, which are read as numbers."""
    names = [str(name) for name in available]
    found = {column for term in spec.terms for text in term.expressions for column in expression_columns(text, names)}
    found |= {*spec.addition_columns} - ({spec.censoring.column} if spec.censoring else set())
    try:
        return found | expression_columns(spec.response, names)
    except SpecError:
        return found


def _formula_columns(spec: ModelSpec, available: Iterable[str]) -> list[str]:
    """Return the columns that formulas read or that split terms, not those that only name groups."""
    names = [str(name) for name in available]
    formulas = [formula for term in spec.terms for formula in term.formulas]
    found = {column for formula in formulas for column in formula_columns(formula, names, grouping=False)}
    found |= {column for term in spec.terms for column in term.split_columns}
    found |= {*spec.correlated.columns} - {*spec.correlated.factor_columns} if spec.correlated else set()
    for one in spec.inexact:
        own = spec.model_of(one.column)
        if set(_names_of_model(own)) <= set(names):
            found.update(_formula_columns(own, names))
    return [name for name in names if name in found]


def _names_of_model(spec: ModelSpec) -> Iterable[str]:
    """Return the columns that the formulas of a model read, whether a table has them or not."""
    return (name for term in spec.terms for formula in term.formulas for name in read_formula(formula).columns)


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
    cut = bool(family.cuts) and not suffix
    found: dict[str, dict[str, Any]] = {part: {} for part in (POPULATION, LEVELS, CURVES, ADDITION)}
    for term in spec.terms_of(parameter) or ():
        blocks, learned = found[term.part], None
        if known is not None:
            learned = known.population if term.part == POPULATION else known.block(term.name)
        earlier = blocks.get(term.name)
        joined = 0 if earlier is None else len(earlier.parts)
        block = term.build(table, learned, part=joined, constant=not cut, drop=spec.empty_cells == DROP)
        blocks[term.name] = block if earlier is None else earlier.join(block)
    (population,) = found[POPULATION].values() or (None,)
    curves = tuple(found[CURVES].values())
    offset = sum((block.values for block in found[ADDITION].values()), np.zeros(table.rows))
    if population is None:
        raise SpecError(f'The predictor of \'{parameter}\' has no population term; give at least "1" or "0".')
    population = _with_lines(population, curves, None if known is None else known.population)
    if known is not None:
        pairs = zip(found[LEVELS].values(), known.groups, strict=True)
        groups = tuple(block.with_fit(fitted) for block, fitted in pairs)
        return Predictor(parameter, suffix, known.link, population, known.centre, groups, curves, offset, cut)
    groups, centre = tuple(found[LEVELS].values()), np.zeros(len(population.labels))
    predictor = Predictor(parameter, suffix, spec.link(parameter), population, centre, groups, curves, offset, cut)
    return place_terms(spec, family, predictor)


def _with_lines(
    population: PopulationBlock, curves: tuple[CurveBlock, ...], known: PopulationBlock | None
) -> PopulationBlock:
    """Add the columns that curves contribute to the population part."""
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
        units=np.append(population.units, [1.0 / column_step(column) for column in added.T]),
        means=np.append(population.means, added.mean(axis=0)),
        written_means=np.append(population.written_means, added.mean(axis=0)),
    )
