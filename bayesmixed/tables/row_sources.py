"""Tables that stay where they are and are read in pieces, and those of Parquet files."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmixed.errors import BayesMixedError, DataError, first_line
from bayesmixed.tables.arrow_frames import Column, as_frame_of, join_tables, merge_orders, orders_in, unify_columns
from bayesmixed.tables.frames import unreadable_file

BATCH = 500_000
"""Rows that are in memory at once."""


@dataclass(frozen=True)
class RowSource(ABC):
    """A table of which some rows are read at a time.

    Attributes
    ----------
    name : str
        What messages call it, such as "'trials.parquet'".
    columns : mapping of str to Column
        What each column holds in all pieces.
    """

    name: str
    columns: Mapping[str, Column]

    @property
    def address(self) -> str:
        """Where another process finds it, "" where it cannot."""
        return ""

    @abstractmethod
    def count(self) -> int:
        """Return the number of rows."""

    def stamp(self) -> tuple[int, ...]:
        """Return numbers that change with the content, as far as that can be known without reading it."""
        return ()

    @abstractmethod
    def tables(self, columns: list[str]) -> Iterator[Any]:
        """Yield the rows as Arrow tables of any size."""

    def frames(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        """Yield the rows as data frames of `BATCH` rows or fewer, text as codes; the index of each counts from 0.

        Raises
        ------
        DataError
            The rows cannot be read, or a column is of different types in different places.
        """
        kinds = self.kinds(columns)
        for table in _in_batches(self._read(columns), kinds):
            yield as_frame_of(table, kinds)

    def map[R](self, work: Callable[[pd.DataFrame, int], R], columns: list[str]) -> Iterator[R]:
        """Yield the result of a function of some rows and the number of the piece, for all pieces in order."""
        for number, frame in enumerate(self.frames(columns)):
            yield work(frame, number)

    def whole(self, columns: list[str]) -> pd.DataFrame:
        """Return all rows, text as codes (DataError as `frames`)."""
        return _all_rows(list(self._read(columns)), self.kinds(columns))

    def kinds(self, columns: list[str]) -> dict[str, Column]:
        """Return what some columns hold (DataError where that differs between pieces)."""
        found = {name: self.columns[name] for name in columns}
        for name, column in found.items():
            if column.problem:
                raise DataError(f"Column '{name}' of {self.name} {column.problem}")
        return found

    def text(self) -> list[str]:
        """Return the columns that hold text, not codes of categories."""
        return [name for name, column in self.columns.items() if column.is_text]

    def ordered(self) -> list[str]:
        """Return the columns that hold codes of categories, whose order is kept."""
        return [name for name, column in self.columns.items() if column.is_categories]

    def _read(self, columns: list[str]) -> Iterator[Any]:
        try:
            yield from self.tables(columns)
        except BayesMixedError:
            raise
        except Exception as error:  # every library has its own
            raise DataError(f"{self.name} cannot be read: {first_line(error)}") from error


@dataclass(frozen=True)
class ParquetFiles(RowSource):
    """The rows of Parquet files, one after the other."""

    files: tuple[Path, ...]
    rows: int
    path: Path

    @property
    def address(self) -> str:
        return str(self.path)

    def count(self) -> int:
        return self.rows

    def stamp(self) -> tuple[int, ...]:
        found = []
        for path in self.files:
            try:
                state = path.stat()
            except OSError:
                return ()
            found += [state.st_size, state.st_mtime_ns]
        return tuple(found)

    def tables(self, columns: list[str]) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        text = [name for name in columns if self.columns[name].is_text]
        for path in self.files:
            try:
                for batch in pq.ParquetFile(path, read_dictionary=text, page_checksum_verification=True).iter_batches(
                    BATCH, columns=columns
                ):
                    yield pa.Table.from_batches([batch]).select(columns)
            except (pa.ArrowException, OSError) as error:
                raise unreadable_file(path, error) from error

    def whole(self, columns: list[str]) -> pd.DataFrame:
        """Return all rows; those of a single file have the labels that pandas wrote."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = self.kinds(columns)
        if len(self.files) > 1:
            return super().whole(columns)
        (path,), text = self.files, [name for name, column in kinds.items() if column.is_text]
        try:
            table = pq.read_table(
                path, columns=columns, read_dictionary=text, use_pandas_metadata=True, page_checksum_verification=True
            )
        except (pa.ArrowException, OSError) as error:
            raise unreadable_file(path, error) from error
        labels = table.select([name for name in table.column_names if name not in columns]).to_pandas().index
        return _all_rows([table], kinds).set_axis(labels)


def open_files(given: Path, paths: Iterable[Path]) -> ParquetFiles:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, types, files = 0, [], []
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                own, schema = int(file.metadata.num_rows), file.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise unreadable_file(path, error) from error
        rows += own
        files.append(path.absolute())
        types.append([(str(field.name), field.type, f"'{path.name}'") for field in schema])
    return ParquetFiles(f"'{given}'", unify_columns(types), tuple(files), rows, given.absolute())


def _all_rows(tables: list[Any], kinds: Mapping[str, Column]) -> pd.DataFrame:
    """Return tables as one data frame, categories in the order that agrees with those of all tables."""
    orders: dict[str, list[tuple[Any, ...]]] = {}
    for table in tables:
        for name, own in orders_in(table, kinds).items():
            known = orders.setdefault(name, [])
            known += [order for order in own if order not in known]
    frame = as_frame_of(join_tables(tables), kinds)
    merged = {name: merge_orders(name, own) for name, own in orders.items() if own}
    return frame.assign(**{name: frame[name].cat.set_categories(order) for name, order in merged.items()})


def _in_batches(tables: Iterable[Any], kinds: Mapping[str, Column]) -> Iterator[Any]:
    """Yield tables of `BATCH` rows or fewer from tables of any size, small ones joined whose categories have the same order."""
    held: list[Any] = []
    orders = None
    for table in tables:
        own = orders_in(table, kinds)
        for start in range(0, table.num_rows, BATCH):
            piece = table.slice(start, BATCH)
            if held and (sum(one.num_rows for one in held) + piece.num_rows > BATCH or own != orders):
                yield join_tables(held)
                held = []
            held.append(piece)
            orders = own
    if held:
        yield join_tables(held)
