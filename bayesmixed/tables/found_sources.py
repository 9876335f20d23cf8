"""Where rows can be: Parquet files, datasets of pyarrow, dask data frames, relations of DuckDB."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmixed.errors import BayesMixedError, DataError, enumerate_words, first_line
from bayesmixed.tables.arrow_frames import Column, as_frame_of, unify_columns
from bayesmixed.tables.factors import natural_key
from bayesmixed.tables.row_sources import BATCH, RowSource, open_files


@dataclass(frozen=True)
class Dataset(RowSource):
    """The rows of a dataset of pyarrow: files of any kind and place, also with columns in the names of folders."""

    dataset: Any

    def count(self) -> int:
        return int(self.dataset.count_rows())

    def tables(self, columns: list[str]) -> Iterator[Any]:
        import pyarrow as pa

        for batch in self.dataset.to_batches(
            columns=columns, batch_size=BATCH, batch_readahead=2, fragment_readahead=1
        ):
            yield pa.Table.from_batches([batch]).select(columns)


@dataclass(frozen=True)
class DuckRelation(RowSource):
    """The rows of a relation of DuckDB: a table, a query, or files that it reads."""

    relation: Any

    def count(self) -> int:
        try:
            return int(self.relation.aggregate("count(*)").fetchall()[0][0])
        except Exception as error:  # those of DuckDB, of files and of the network
            raise DataError(f"{self.name} cannot be read: {first_line(error)}") from error

    def tables(self, columns: list[str]) -> Iterator[Any]:
        import pyarrow as pa

        quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        for batch in self.relation.project(quoted).to_arrow_reader(BATCH):
            yield pa.Table.from_batches([batch])


@dataclass(frozen=True)
class DaskFrame(RowSource):
    """The rows of a dask data frame; its partitions are worked on where dask keeps them."""

    frame: Any

    def count(self) -> int:
        return int(sum(self._compute(_length, [str(self.frame.columns[0])])))

    def tables(self, columns: list[str]) -> Iterator[Any]:
        for partition in self.frame[columns].to_delayed():
            yield _arrow(partition.compute(), self.name)

    def map[R](self, work: Callable[[pd.DataFrame, int], R], columns: list[str]) -> Iterator[R]:
        yield from self._compute(_OnPartition(work, self.kinds(columns), self.name), columns)

    def _compute(self, work: Any, columns: list[str]) -> list[Any]:
        import dask

        parts = self.frame[columns].to_delayed()
        try:
            found = dask.compute(*(dask.delayed(work)(part, number) for number, part in enumerate(parts)))
        except BayesMixedError:
            raise
        except Exception as error:  # of readers, workers and the network
            raise DataError(f"{self.name} cannot be read: {first_line(error)}") from error
        return [one for several in found for one in several]


@dataclass(frozen=True)
class Gone(RowSource):
    """Rows that were in another process, whose fit was saved."""

    def count(self) -> int:
        raise self._refusal

    def tables(self, columns: list[str]) -> Iterator[Any]:
        raise self._refusal

    def kinds(self, columns: list[str]) -> dict[str, Column]:
        raise self._refusal

    @property
    def _refusal(self) -> DataError:
        return DataError(f"The rows of {self.name} are not in the file of a fit. Prepare the design again.")


@dataclass(frozen=True)
class _OnPartition:
    """A function of some rows, applied to a partition of a dask data frame."""

    work: Any
    kinds: Mapping[str, Column]
    name: str

    def __call__(self, partition: pd.DataFrame, number: int) -> list[Any]:
        if len(partition) == 0:
            return []
        return [self.work(as_frame_of(_arrow(partition, self.name), self.kinds), number)]


def _length(partition: pd.DataFrame, number: int) -> list[int]:
    return [len(partition)]


def as_source(data: Any) -> RowSource | None:
    """Return the table that some data name if it can be read in pieces, else None.

    Raises
    ------
    DataError
        Files cannot be opened, or a folder has no Parquet files.
    """
    if isinstance(data, str | Path):
        return _find_files(Path(data))
    library, kind = type(data).__module__.partition(".")[0], type(data).__name__
    if library == "pyarrow" and kind.endswith("Dataset"):
        types = [(str(field.name), field.type, "") for field in data.schema]
        return Dataset("The dataset", unify_columns([types]), data)
    if library in ("duckdb", "_duckdb") and kind == "DuckDBPyRelation":
        try:
            schema = data.limit(0).to_arrow_table().schema
        except Exception as error:  # as in `count`
            raise DataError(f"The DuckDB relation cannot be read: {first_line(error)}") from error
        return DuckRelation("The DuckDB relation", unify_columns([[(f.name, f.type, "") for f in schema]]), data)
    if library in ("dask", "dask_expr") and kind == "DataFrame":
        meta = data._meta
        twice = sorted({str(name) for name in meta.columns if list(map(str, meta.columns)).count(str(name)) > 1})
        if twice:
            raise DataError(f"The data have more than one column named {enumerate_words(twice)}. Rename or drop one.")
        return DaskFrame("The dask data frame", unify_columns([_types_of(meta)]), data.rename(columns=str))
    return None


def is_source(data: Any) -> bool:
    """Return whether data are no path, and a table that can be read in pieces."""
    return not isinstance(data, str | Path) and as_source(data) is not None


def _find_files(path: Path) -> RowSource | None:
    """Return the Parquet file, those of a folder, or those that a pattern names; None where there is another file or none."""
    if path.is_dir():
        inside = [one for one in path.rglob("*.parquet") if one.is_file() and one.name[0] not in "._"]
        if not inside:
            raise DataError(f"Folder '{path}' holds no Parquet files (names that end in .parquet).")
    elif path.suffix.lower() == ".parquet" and path.is_file():
        inside = [path]
    elif path.suffix.lower() == ".parquet" and any(mark in path.name for mark in "*?["):
        inside = [one for one in path.parent.glob(path.name) if one.is_file()]
        if not inside:
            raise DataError(f"No file agrees with the pattern '{path}'.")
    else:
        return None
    return open_files(path, sorted(inside, key=lambda one: natural_key(str(one))))


def find_again(name: str, address: str) -> RowSource:
    """Return the source that had an address, or one that refuses to be read where it is gone."""
    try:
        found = as_source(address) if address else None
    except DataError:
        found = None
    return Gone(name, {}) if found is None else found


def _types_of(meta: pd.DataFrame) -> list[tuple[str, Any, str]]:
    """Return the Arrow types of the columns of an empty data frame; objects are text."""
    import pyarrow as pa

    found = []
    for name in meta.columns:
        kind: Any = meta[name].dtype
        if isinstance(kind, pd.CategoricalDtype):
            arrow = pa.dictionary(pa.int32(), pa.string())
        elif kind.kind == "O" or isinstance(kind, pd.StringDtype):
            arrow = pa.string()
        else:
            arrow = pa.Schema.from_pandas(meta[[name]], preserve_index=False).field(0).type
        found.append((str(name), arrow, ""))
    return found


def _arrow(frame: pd.DataFrame, name: str) -> Any:
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowException as error:
        raise DataError(f"{name} cannot be read: {first_line(error)}") from error
