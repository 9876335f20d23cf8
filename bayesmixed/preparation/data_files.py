"""Data files, read as a spec needs them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmixed.atomic_files import as_path
from bayesmixed.errors import SpecError
from bayesmixed.formulas.names import expression_columns, read_columns
from bayesmixed.formulas.written import read_formula
from bayesmixed.spec.all_columns import has_dots, write_out_dots
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.columns import mark_missing, read_codes, refuse_stray_text, without_codes
from bayesmixed.tables.factors import is_number, natural_key
from bayesmixed.tables.frames import as_frame, read_table, unreadable_file

BATCH = 500_000
"""Rows of a Parquet file that are in memory at once when it is read in batches."""


def read_data(spec: ModelSpec, path: str | Path, **options: Any) -> pd.DataFrame:
    """Return what a spec needs from a data file; columns that only name groups are read as text, so that 007 stays 007.

    `options` are those of `read_table`. Of a Parquet file only the columns that the spec reads are loaded, text as codes,
    so that tables of many million rows fit into memory.

    Raises
    ------
    DataError
        The file is missing, is of another kind, or cannot be read.
    """
    path = as_path(path, "A table")
    if is_parquet(path):
        return _read_parquet(spec, path, options.get("na", ()))
    return read_table(path, text=label_columns(spec), **options)


def take_table(spec: ModelSpec, data: Any, na: Any = ()) -> pd.DataFrame:
    """Return the rows that a user gives: a frame, a mapping of columns, or the path of a file (DataError if none)."""
    return as_frame(read_data(spec, data, na=na) if isinstance(data, str | Path) else data)


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
    if isinstance(data, str | Path) and is_parquet(as_path(data, "A table")):
        return column_names(Path(data))
    return [str(name) for name in take_table(spec, data, na).columns]


def is_parquet(path: Path) -> bool:
    """Return whether a path names an existing Parquet file."""
    return path.suffix.lower() == ".parquet" and path.is_file()


def count_rows(path: Path) -> int:
    """Return the number of rows of a Parquet file."""
    return int(_open_parquet(path).metadata.num_rows)


def column_names(path: Path) -> list[str]:
    """Return the names of the columns of a Parquet file."""
    return list(_open_parquet(path).schema_arrow.names)


def read_batches(path: Path, columns: list[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows of a Parquet file in batches, text as codes; the index counts the rows from 0."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        text = [name for name in columns if _is_text(schema.field(name).type)]
        start = 0
        for batch in pq.ParquetFile(path, read_dictionary=text).iter_batches(BATCH, columns=columns):
            frame = pa.Table.from_batches([batch]).select(columns).to_pandas(ignore_metadata=True)
            yield frame.set_axis(pd.RangeIndex(start, start + len(frame)))
            start += len(frame)
    except (pa.ArrowException, OSError) as error:
        raise unreadable_file(path, error) from error


def text_columns(path: Path) -> list[str]:
    """Return the columns of a Parquet file that hold text, not codes of categories."""
    return [field.name for field in _open_parquet(path).schema_arrow if _is_text(field.type)]


def ordered_columns(path: Path) -> list[str]:
    """Return the columns of a Parquet file that hold codes of categories, whose order is kept."""
    import pyarrow as pa

    return [field.name for field in _open_parquet(path).schema_arrow if pa.types.is_dictionary(field.type)]


def in_natural_order(data: pd.DataFrame, text: Iterable[str]) -> pd.DataFrame:
    """Return the rows with the categories of columns that were text or numbers in natural order."""
    orders = {name: sorted(data[name].cat.categories, key=natural_key) for name in text}
    return data.assign(**{name: data[name].cat.reorder_categories(order) for name, order in orders.items()})


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


def _read_parquet(spec: ModelSpec, path: Path, na: Any = ()) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        used = _used_columns(spec, schema.names)
        text = [name for name in used if _is_text(schema.field(name).type)]
        data: pd.DataFrame = pq.read_table(
            path, columns=used, read_dictionary=text, use_pandas_metadata=True
        ).to_pandas(self_destruct=True)
    except (pa.ArrowException, OSError) as error:
        raise unreadable_file(path, error) from error
    codes, labels = read_codes(na), label_columns(spec)
    read = {n: mark_missing(data[n], codes) if n in labels else without_codes(data[n], codes) for n in data.columns}
    text = [name for name in text if isinstance(read[name].dtype, pd.CategoricalDtype)]
    data = in_natural_order(data.assign(**read), text)
    for name in text:
        if name not in labels:
            refuse_stray_text(data[name])
    return data


def number_texts(path: Path, columns: list[str], na: Any) -> list[str]:
    """Return the text columns of a Parquet file that hold numbers and codes of missing values."""
    codes = read_codes(na)
    text = [name for name in text_columns(path) if name in columns] if codes else []
    found: dict[str, set[str]] = {name: set() for name in text}
    for batch in read_batches(path, text) if text else ():
        for name in text:
            found[name] |= set(batch[name].cat.categories)
    values = {name: pd.Series(list(labels), name=name, dtype=object) for name, labels in found.items()}
    return [name for name in text if is_number(without_codes(values[name], codes))]


def _open_parquet(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise unreadable_file(path, error) from error


def _used_columns(spec: ModelSpec, names: list[str]) -> list[str]:
    """Return the columns that a spec reads; all of them where it names a missing one, which `prepare` refuses."""
    try:
        found = {*expression_columns(spec.response, names), *spec.addition_columns, *spec.factors}
        found |= {column for term in spec.terms for column in term.columns(names)}
    except SpecError:
        return list(names)
    return [name for name in names if name in found]


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
