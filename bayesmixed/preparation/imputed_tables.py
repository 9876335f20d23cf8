"""Imputed tables: the same rows several times, with other values where some were missing."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.design.design import Design
from bayesmixed.design.frozen_priors import freeze, with_frozen_priors
from bayesmixed.design.latent_columns import ImputedTables, refuse_latent
from bayesmixed.errors import BayesMixedError, DataError, SpecError, StatisticsWarning, enumerate_words, warn
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import as_numbers
from bayesmixed.preparation.preparing import prepare
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.terms.drawn_values import TableValues


def are_tables(data: Any) -> bool:
    """Return whether data are several tables."""
    return isinstance(data, list | tuple)


def prepare_tables(spec: ModelSpec, tables: Sequence[Any], *, missing: str = "error", na: Any = ()) -> list[Design]:
    """Return the design of each table; all have the priors of the first one, and the coordinates in which they are stated.

    Raises
    ------
    SpecError
        There are fewer than two tables, or rows are to be dropped.
    DataError
        A table does not suit the model, or has other rows, columns or levels than the first one. Imputed values leave most
        cells of a column as they are; a column that agrees between tables no more often than by chance is one of other rows.
    """
    if len(tables) < 2:
        raise SpecError(f"A list of {len(tables)} tables: give two or more imputed tables, or one table by itself.")
    if missing != "error":
        raise SpecError(f"missing='{missing}' with imputed tables: in these nothing is missing. Leave it out.")
    refuse_latent(spec.inexact, "A list of imputed tables")
    designs: list[Design] = []
    for number, table in enumerate(tables, 1):
        with warnings.catch_warnings():
            if designs:  # notes of the other tables are those of the first
                warnings.simplefilter("ignore", StatisticsWarning)
            try:
                design = prepare(spec, table, stream=False, na=na)
            except BayesMixedError as error:
                raise error.after(f"Imputed table {number}:") from error
        if designs:
            _check_alike(designs[0], design, number)
            _check_rows(designs[0].table.data, design.table.data, number)
            design = with_frozen_priors(design, freeze(designs[0]))
        designs.append(design)
    first = designs[0].table.data
    if all(design.table.data.reset_index(drop=True).equals(first.reset_index(drop=True)) for design in designs[1:]):
        warn("All tables hold the same values in the columns of the model: nothing was imputed in these.")
    return designs


def with_tables(designs: Sequence[Design]) -> Design:
    """Return the first of the designs of tables, its population parts with the values of all."""
    first = designs[0]
    predictors = {}
    for name, predictor in first.predictors.items():
        values = _values_of_tables([design.predictors[name].population.matrix for design in designs])
        predictors[name] = replace(predictor, drawn=values)
    layout = dict.fromkeys(what for design in designs[1:] for what in _other_layout(first, design))
    responses = any(not _same(first.observed.values, design.observed.values) for design in designs)
    tables = tuple(design.table.data for design in designs)
    return replace(first, predictors=predictors, imputed=ImputedTables(tables, " and ".join(layout), responses))


def _values_of_tables(matrices: Sequence[Array]) -> tuple[TableValues, ...]:
    """Return what tables add to a predictor, given the columns of its population part in each."""
    first = matrices[0]
    rows = np.flatnonzero(np.any([matrix != first for matrix in matrices], axis=(0, 2)))
    places = np.full(len(first), -1)
    places[rows] = np.arange(len(rows))
    return (TableValues(places, tuple(matrix[rows] - first[rows] for matrix in matrices)),) if len(rows) else ()


def with_table_values(rows: Design, others: Sequence[Design]) -> Design:
    """Return rows to predict that are made of those of the first table, with the values of the table of each draw; `others` are
    made of those of the others."""
    predictors = {
        name: replace(
            one,
            drawn=_values_of_tables([design.predictors[name].population.matrix for design in (rows, *others)]),
        )
        for name, one in rows.predictors.items()
    }
    return replace(rows, predictors=predictors)


def _other_layout(first: Design, design: Design) -> Iterator[str]:
    """Yield in what the rows of two tables differ, beside columns of population parts and the response."""
    for name in ("trials", "weights", "limits", "bounds"):
        if not _same(getattr(first.observed, name), getattr(design.observed, name)):
            yield name if name in ("trials", "weights") else "limits of the response"
    for name, predictor in first.predictors.items():
        other = design.predictors[name]
        if not _same(predictor.offset, other.offset):
            yield "offsets"
        for block in predictor.normal_blocks:
            own = other.block(block.name)
            if own is None or not all(map(_same, block.row_columns, own.row_columns)):
                yield f"the columns of '{block.name}'"


def _same(first: Any, second: Any) -> bool:
    """Return whether two arrays, or numbers, or neither, are equal."""
    if first is None or second is None:
        return first is second
    first, second = (np.asarray(as_numbers(one), dtype=float) for one in (first, second))
    return np.array_equal(first, second, equal_nan=True)


def _check_alike(first: Design, design: Design, number: int) -> None:
    """Refuse a table whose parameters are not those of the first one (DataError)."""
    if design.rows != first.rows:
        raise DataError(
            f"Imputed table {number} has {design.rows} rows, table 1 {first.rows}: tables are the same rows with other imputed "
            "values."
        )
    if design.categories != first.categories:
        raise DataError(f"Imputed table {number} has other categories of '{first.spec.response}' than table 1.")
    for name, predictor in first.predictors.items():
        other = design.predictors[name]
        labels, found = predictor.population.labels, other.population.labels
        differing = [label for label in dict.fromkeys([*labels, *found]) if (label in labels) != (label in found)]
        if differing:
            raise DataError(
                f"Imputed table {number} has other columns of '{name}' than table 1: {enumerate_words(differing)}. A level that "
                "not all tables have cannot be estimated; give all of them the same levels."
            )
        for block in predictor.groups:
            own = other.block(block.name)
            if own is None or list(own.levels) != list(block.levels) or own.labels != block.labels:
                raise DataError(f"Imputed table {number} has other levels of '{block.name}' than table 1.")


_AGREEMENT, _DIFFERING = 0.2, 0.25
"""Cohen's kappa below which a column is that of other rows, where it differs in more than this share of them."""


def _check_rows(first: pd.DataFrame, data: pd.DataFrame, number: int) -> None:
    """Refuse a table with other rows than the first one, or the same in another order (DataError)."""
    labels = [[str(label) for label in table.index] for table in (first, data)]
    if labels[0] != labels[1] and sorted(labels[0]) == sorted(labels[1]):
        place, (here, there) = next(entry for entry in enumerate(zip(*labels, strict=True), 1) if len({*entry[1]}) > 1)
        raise DataError(
            f"Imputed table {number} has the rows of table 1 in another order: place {place} has row '{there}', in table 1 "
            f"'{here}'. Sort them alike."
        )
    for column in first:
        pair = [table[column].reset_index(drop=True) for table in (first, data)]
        codes = np.split(pd.factorize(pd.concat([one.astype(object) for one in pair]))[0], 2)
        equal = codes[0] == codes[1]
        if all(pd.api.types.is_numeric_dtype(one) for one in pair):
            numbers = [one.to_numpy(dtype=float) for one in pair]
            equal |= np.isclose(numbers[0], numbers[1], rtol=1e-9, atol=0.0)
        shares = [np.bincount(code, minlength=1 + int(np.max(codes))) / len(code) for code in codes]
        chance = float(shares[0] @ shares[1])
        if np.mean(~equal) <= _DIFFERING or np.mean(equal) - chance >= _AGREEMENT * (1.0 - chance):
            continue
        row = int(np.argmin(equal))
        moved = len(np.unique(codes[0])) > 10 and np.array_equal(np.sort(codes[0]), np.sort(codes[1]))
        raise DataError(
            f"Imputed table {number} differs from table 1 in {int(np.sum(~equal))} of {len(equal)} values of '{column}' (first: "
            f"row '{first.index[row]}', {pair[1][row]}, in table 1 {pair[0][row]}). "
            + (
                "They are the same values in another order: sort the rows of both alike."
                if moved
                else "Imputed tables are the same rows and differ where a value is missing; these agree no more often than by "
                "chance."
            )
        )
