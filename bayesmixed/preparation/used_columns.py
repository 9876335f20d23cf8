"""The columns that a spec reads of a table, and what each of them is: numbers, factors or names of groups."""

from collections.abc import Collection, Iterable
from typing import Any

import pandas as pd

from bayesmixed.errors import DataError, SpecError, did_you_mean, enumerate_words, shorten
from bayesmixed.formulas.names import check_functions, expression_columns, formula_columns, whole_column
from bayesmixed.formulas.written import read_formula
from bayesmixed.preparation.checks import check_columns
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.columns import as_numbers, read_cells
from bayesmixed.tables.factors import Table, is_number


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
    formulas, numbers = set(columns_of_formulas(spec, frame.columns)), _number_columns(spec, frame.columns)
    labels = {name for name in frame.columns if name not in formulas | numbers}
    labels |= declared_factors(spec) | set(() if like is None else like.levels)
    place = spec.residual.place if spec.residual and spec.residual.as_levels else ""
    if place in frame and as_numbers(frame[place]) is None:
        labels.add(place)
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
        *columns_of_response(spec, frame, optional=optional),
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
    if whole_column(spec.response, columns) is None and not spec.counted:
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


def has_response(spec: ModelSpec, frame: pd.DataFrame) -> bool:
    """Return whether the rows have a response with no value missing."""
    try:
        columns = expression_columns(spec.response, frame.columns)
    except SpecError:
        return False
    trials = not isinstance(spec.trials, str) or spec.trials in frame.columns
    return trials and not frame[list(columns)].isna().any(axis=None)


def columns_of_response(spec: ModelSpec, frame: pd.DataFrame, optional: bool) -> list[str]:
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
    read = set(_term_columns(spec, names))
    if response and (response & read if spec.counted else response <= read):
        raise DataError(
            f"Response '{spec.response}' is on the right side of its own formula (column "
            f"{enumerate_words(sorted(response & read))}). Leave it out."
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


def columns_of_formulas(spec: ModelSpec, available: Iterable[str]) -> list[str]:
    """Return the columns that formulas read or that split terms, not those that only name groups."""
    names = [str(name) for name in available]
    formulas = [formula for term in spec.terms for formula in term.formulas]
    found = {column for formula in formulas for column in formula_columns(formula, names, grouping=False)}
    found |= {column for term in spec.terms for column in term.split_columns}
    found |= {*spec.correlated.columns} - {*spec.correlated.factor_columns} if spec.correlated else set()
    for one in spec.inexact:
        own = spec.model_of(one.column)
        if set(_names_of_model(own)) <= set(names):
            found.update(columns_of_formulas(own, names))
    return [name for name in names if name in found]


def _names_of_model(spec: ModelSpec) -> Iterable[str]:
    """Return the columns that the formulas of a model read, whether a table has them or not."""
    return (name for term in spec.terms for formula in term.formulas for name in read_formula(formula).columns)
