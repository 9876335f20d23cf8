"""Data files, read as a spec needs them."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.atomic_files import as_path
from bayesmixed.errors import SpecError
from bayesmixed.formulas.names import expression_columns, read_columns
from bayesmixed.formulas.written import read_formula
from bayesmixed.spec.all_columns import has_dots, write_out_dots
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.arrow_frames import merge_orders
from bayesmixed.tables.columns import mark_missing, read_codes, refuse_stray_text, without_codes
from bayesmixed.tables.factors import is_number, natural_key
from bayesmixed.tables.found_sources import as_source, is_source
from bayesmixed.tables.frames import as_frame, read_table
from bayesmixed.tables.row_sources import RowSource


def read_data(spec: ModelSpec, data: Any, **options: Any) -> pd.DataFrame:
    """Return what a spec needs from a data file or another source; columns that only name groups are read as text, so that 007
    stays 007.

    `options` are those of `read_table`. Of Parquet files, datasets, dask data frames and relations of DuckDB only the columns
    that the spec reads are loaded, text as codes, so that tables of many million rows fit into memory.

    Raises
    ------
    DataError
        The file is missing, is of another kind, or cannot be read.
    """
    source = find_source(data)
    if source is not None:
        return _read_source(spec, source, options.get("na", ()))
    return read_table(as_path(data, "A table"), text=label_columns(spec), **options)


def find_source(data: Any) -> RowSource | None:
    """Return the table that some data are or name if it can be read in pieces, else None (DataError if it cannot be opened)."""
    return as_source(as_path(data, "A table") if isinstance(data, str | Path) else data)


def take_table(spec: ModelSpec, data: Any, na: Any = ()) -> pd.DataFrame:
    """Return the rows that a user gives: a frame, a mapping of columns, a file, or a source (DataError if none)."""
    return as_frame(read_data(spec, data, na=na) if isinstance(data, str | Path) or is_source(data) else data)


def with_columns(spec: ModelSpec, data: Any, na: Any = ()) -> ModelSpec:
    """Return the spec in which the dot of a formula is written out as columns of the data.

    Raises
    ------
    SpecError, DataError
        There are none, or the data cannot be read.
    """
    if not has_dots(spec):
        return spec
    return write_out_dots(spec, columns_of_table(spec, data, na))


def columns_of_table(spec: ModelSpec, data: Any, na: Any = ()) -> list[str]:
    """Return the names of all columns of the data (DataError if they cannot be read)."""
    source = find_source(data)
    if source is not None:
        return list(source.columns)
    return [str(name) for name in take_table(spec, data, na).columns]


def in_one_order(
    data: pd.DataFrame, free: Collection[str], orders: Mapping[str, Sequence[tuple[Any, ...]]]
) -> pd.DataFrame:
    """Return the rows with categories in natural order, in `free` columns, or in the one that agrees with all orders.

    Raises
    ------
    DataError
        Two pieces of the table have the same categories in another order.
    """
    changed = {}
    for name, own in orders.items():
        column = data[name].cat
        order = sorted(column.categories, key=natural_key) if name in free else merge_orders(name, own)
        changed[name] = column.set_categories([label for label in order if label in column.categories])
    return data.assign(**changed)


def label_columns(spec: ModelSpec) -> list[str]:
    """Return the columns that hold labels only, such as ids 007 or 1.10, which must not be read as numbers."""
    groups = [name for term in spec.terms for name in term.label_columns]
    read = {*spec.addition_columns} - ({spec.censoring.column} if spec.censoring else set())
    for text in (spec.response, *(expression for term in spec.terms for expression in term.expressions)):
        read |= _columns_in(text, formula=False)
    for formula in (formula for term in spec.terms for formula in term.formulas):
        read |= _columns_in(formula, formula=True)
    return [
        *(n for n in groups if n not in read),
        *spec.factors,
        *(name for term in spec.terms for name in term.factors()),
    ]


def _columns_in(text: str, *, formula: bool) -> set[str]:
    """Return the columns whose values a text reads, those that only name groups left out; none where it cannot be read."""
    try:
        if formula:
            written = read_formula(text)
            return {*written.columns} - {*written.grouping}
        return {*read_columns(text, (text,))} if text else set()
    except SpecError:
        return set()


def _read_source(spec: ModelSpec, source: RowSource, na: Any = ()) -> pd.DataFrame:
    return finish(spec, source, source.whole(_used_columns(spec, list(source.columns))), na)


def finish(
    spec: ModelSpec, source: RowSource, data: pd.DataFrame, na: Any, counts: NDArray[np.int_] | None = None
) -> pd.DataFrame:
    """Return rows of a source, read whole, with codes as missing values and categories in order; text that should be numbers
    is refused (DataError).

    Parameters
    ----------
    counts : (n,) array, optional
        How many rows each of them represents; one if not given.
    """
    codes, labels = read_codes(na), label_columns(spec)
    read: dict[Any, pd.Series] = {}
    for name in map(str, data.columns):
        read[name] = mark_missing(data[name], codes) if name in labels else without_codes(data[name], codes)
    data = data.assign(**read)
    text = [name for name in source.text() if name in read and isinstance(read[name].dtype, pd.CategoricalDtype)]
    data = in_one_order(data, text, dict.fromkeys(text, ()))
    for name in text:
        if name not in labels:
            known = data[name].cat.codes.to_numpy() >= 0
            weights = None if counts is None else pd.Series(counts[known]).groupby(data[name][known].to_numpy()).sum()
            refuse_stray_text(data[name], counts=weights)
    return data


def number_texts(source: RowSource, columns: list[str], na: Any) -> list[str]:
    """Return the text columns of a source that hold numbers and codes of missing values."""
    codes = read_codes(na)
    text = [name for name in source.text() if name in columns] if codes else []
    found: dict[str, set[str]] = {name: set() for name in text}
    for labels in source.map(_labels_in, text) if text else ():
        for name in text:
            found[name] |= labels[name]
    values = {name: pd.Series(list(labels), name=name, dtype=object) for name, labels in found.items()}
    return [name for name in text if is_number(without_codes(values[name], codes))]


def _labels_in(rows: pd.DataFrame, number: int) -> dict[str, set[str]]:
    """Return the different texts of each column of some rows."""
    return {str(name): set(rows[name].cat.categories) for name in rows}


def _used_columns(spec: ModelSpec, names: list[str]) -> list[str]:
    """Return the columns that a spec reads; all of them where it names a missing one, which `prepare` refuses."""
    try:
        found = {*expression_columns(spec.response, names), *spec.addition_columns, *spec.factors}
        found |= {column for term in spec.terms for column in term.columns(names)}
    except SpecError:
        return list(names)
    return [name for name in names if name in found]
