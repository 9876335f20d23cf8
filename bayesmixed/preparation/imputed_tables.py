"""Imputed tables: the same rows several times, with other values where some were missing."""

import warnings
from collections.abc import Sequence
from typing import Any

from bayesmixed.design.design import Design
from bayesmixed.design.frozen_priors import freeze, with_frozen_priors
from bayesmixed.design.latent_columns import refuse_latent
from bayesmixed.errors import BayesMixedError, DataError, SpecError, StatisticsWarning, enumerate_words, warn
from bayesmixed.preparation.preparing import prepare
from bayesmixed.spec.model_spec import ModelSpec


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
        A table does not suit the model, or has other rows, columns or levels than the first one.
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
            design = with_frozen_priors(design, freeze(designs[0]))
        designs.append(design)
    first = designs[0].table.data
    if all(design.table.data.reset_index(drop=True).equals(first.reset_index(drop=True)) for design in designs[1:]):
        warn("All tables hold the same values in the columns of the model: nothing was imputed in these.")
    return designs


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
