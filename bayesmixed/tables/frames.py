"""Data frames on entry: any frame in, a checked pandas frame out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.atomic_files import as_path
from bayesmixed.errors import DataError, enumerate_words, shorten
from bayesmixed.tables.columns import clean_index, mark_missing, read_codes
from bayesmixed.tables.text_tables import TextFormat, read_text_table


def as_frame(data: Any) -> pd.DataFrame:
    """Return data as a pandas frame; accepts pandas, a mapping of columns, and any frame that narwhals knows.

    Column names become text, labels of rows numbers or text. Single values in a mapping are repeated in all rows.

    Raises
    ------
    DataError
        The object is not a table, has no rows, a column name occurs twice, or columns have unequal lengths.
    """
    if isinstance(data, Mapping):
        data = _from_mapping(data)
    elif not isinstance(data, pd.DataFrame):
        data = _from_other(data)
    names = [str(name) for name in data.columns]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(f"The data have more than one column named {enumerate_words(twice)}. Rename or drop one.")
    if len(data) == 0:
        raise DataError("The data have no rows.")
    index = clean_index(data.index)
    return (data if index is data.index else data.set_axis(index, axis="index")).set_axis(names, axis="columns")


def read_table(
    path: str | Path,
    text: str | Iterable[str] = (),
    *,
    separator: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    na: str | float | Iterable[str | float] = (),
) -> pd.DataFrame:
    """Return the table of a CSV or Parquet file.

    Separator and marks of numbers are found, those of numbers for each column from all of its values. Byte-order marks
    are skipped, columns without a name and a value and empty rows at the end are dropped; a column with values but
    without a name is named by its position: column_1.

    Parameters
    ----------
    path : str or Path
        File ending in .csv, .tsv, .txt (also compressed by gzip, bzip2 or xz, .csv.gz) or .parquet.
    text : iterable of str
        Columns to read as text, so that ids such as 1.10 or 007 stay what they are.
    separator, decimal, thousands : str, optional
        Column separator, decimal mark and thousands mark of a text file; found if not given.
    encoding : str, optional
        Of a text file, such as "latin-1" or "utf-16"; UTF-8 if not given.
    na : str, number or list of these
        Codes that mean a missing value, besides empty cells and NA.

    Raises
    ------
    DataError
        The file is missing, of an unknown kind, or in another encoding, has a name twice in its header, has
        numbers that can be read in two ways, or cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import bayesmixed as bm
    >>> path = pathlib.Path(tempfile.mkdtemp(), "pens.csv")
    >>> bm.datasets.load("cbpp").to_csv(path, index=False)
    >>> bm.read_table(path, text=["herd"]).head(2)
      herd  incidence  size  period
    0    1          2    14       1
    1    1          3    12       2
    """
    path, codes = as_path(path, "A table"), read_codes(na)
    kinds = {suffix.lower() for suffix in path.suffixes}
    form = TextFormat(separator, decimal, thousands, encoding, codes)
    if not path.is_file():
        raise DataError(f"Data file '{path}' does not exist (looked in {path.absolute().parent}).")
    try:
        if ".parquet" in kinds:
            data = pd.read_parquet(path)
            data = data.assign(**{name: mark_missing(data[name], codes) for name in data.columns})
        elif kinds & {".csv", ".tsv", ".txt"}:
            data = read_text_table(path, [text] if isinstance(text, str) else list(text), form)
        else:
            raise DataError(f"Data file '{path}' is of an unknown kind. Accepted: .csv, .tsv, .txt, .parquet.")
    except DataError:
        raise
    except Exception as error:  # every reader has its own errors
        raise unreadable_file(path, error) from error
    data.columns = [str(name).strip() for name in data.columns]
    return _without_empty_end(data)


def unreadable_file(path: Path, error: Exception) -> DataError:
    """Return our error for an error of a file reader."""
    system = getattr(error, "strerror", None)
    if system is not None or path.suffix.lower() != ".parquet":
        return DataError(f"Data file '{path}' cannot be read: {system or 'it is damaged or of an unknown kind'}.")
    return DataError(f"Data file '{path}' cannot be read: it is not a Parquet file, or it is damaged.")


def _without_empty_end(data: pd.DataFrame) -> pd.DataFrame:
    """Return the rows up to the last that holds a value: spreadsheets write lines of separators at the end."""
    if data.shape[1] < 2 or len(data) == 0 or data.iloc[-1].notna().any():
        return data
    filled = np.flatnonzero(data.notna().any(axis=1))
    return data.iloc[: filled[-1] + 1 if len(filled) else 0]


def complete_rows(data: pd.DataFrame, missing: str) -> tuple[pd.DataFrame, int]:
    """Return the rows without missing values, and how many were left out.

    Raises
    ------
    DataError
        A value is missing and `missing` is "error", nothing is left, or a value is infinite.
    """
    gaps = Gaps()
    kept = gaps.take(data)
    gaps.check(missing)
    return kept, gaps.incomplete


@dataclass(slots=True)
class Gaps:
    """Counts of missing and infinite values in rows that arrive in batches.

    Attributes
    ----------
    rows, incomplete : int
        Rows seen, and those with a missing value.
    first : object
        Label of the first of these.
    missing : dict
        Number of missing values by column.
    infinite : dict
        By column, number of infinite values and label of the row of the first.
    """

    rows: int = 0
    incomplete: int = 0
    first: Any = None
    missing: dict[str, int] = field(default_factory=dict)
    infinite: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def take(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return the rows without missing values, after counting."""
        absent = data.isna()
        gaps = absent.any(axis=1).to_numpy()
        if gaps.any() and self.incomplete == 0:
            self.first = data.index[int(gaps.argmax())]
        self.rows, self.incomplete = self.rows + len(data), self.incomplete + int(gaps.sum())
        for name, count in absent.sum().items():
            self.missing[str(name)] = self.missing.get(str(name), 0) + int(count)
        kept = data[~gaps] if gaps.any() else data
        for name in kept.columns:
            if pd.api.types.is_float_dtype(kept[name]):
                self._count_infinite(kept[name])
        return kept

    def join(self, more: "Gaps") -> None:
        """Add the counts of rows that come after these, whose labels count from 0."""
        start = self.rows
        if more.incomplete and self.incomplete == 0:
            self.first = more.first + start
        for name, count in more.missing.items():
            self.missing[name] = self.missing.get(name, 0) + count
        for name, (count, row) in more.infinite.items():
            before, first = self.infinite.get(name, (0, row + start))
            self.infinite[name] = (before + count, first)
        self.rows, self.incomplete = start + more.rows, self.incomplete + more.incomplete

    def check(self, missing: str) -> None:
        """Refuse what was counted (DataError)."""
        if missing not in ("error", "drop"):
            raise DataError(f"missing='{missing}' is not known. Accepted: 'error', 'drop', 'impute'.")
        if self.incomplete and missing == "error":
            columns = ", ".join(f"'{name}' ({count})" for name, count in self.missing.items() if count)
            have = "has" if self.incomplete == 1 else "have"
            raise DataError(
                f"{self.incomplete} of {self.rows} rows {have} missing values (first: row {self.first}), "
                f'by column: {columns}. Fill them in, or leave the rows out with missing="drop" (in a shell: --missing drop).'
            )
        if self.incomplete == self.rows:
            raise DataError(
                f"No row is complete: all {self.rows} rows have a missing value in {enumerate_words(self.missing)}."
            )
        for name, (count, row) in self.infinite.items():
            complete = self.rows - self.incomplete
            raise DataError(f"Column '{name}' is infinite in {count} of {complete} rows (first: row {row}).")

    def _count_infinite(self, column: pd.Series) -> None:
        infinite = np.isinf(column.to_numpy(dtype=float))
        if infinite.any():
            count, row = self.infinite.get(str(column.name), (0, column.index[int(infinite.argmax())]))
            self.infinite[str(column.name)] = (count + int(infinite.sum()), row)


def _from_mapping(columns: Mapping[Any, Any]) -> pd.DataFrame:
    read = {name: _one_dimension(str(name), column) for name, column in columns.items()}
    lengths = {str(name): len(column) for name, column in read.items() if isinstance(column, pd.Series)}
    if len(set(lengths.values())) > 1:
        name, *_ = lengths
        other = next(key for key in lengths if lengths[key] != lengths[name])
        raise DataError(
            f"The columns have unequal lengths: '{name}' has {lengths[name]} values, '{other}' has {lengths[other]}."
        )
    rows = next(iter(lengths.values()), 1 if read else 0)
    indexes = [columns[name].index for name in columns if isinstance(columns[name], pd.Series)]
    if any(not index.equals(indexes[0]) for index in indexes):
        raise DataError("The columns are Series whose rows have different labels. Put them in one data frame first.")
    index = indexes[0] if indexes else pd.RangeIndex(rows)
    full = {
        name: column.set_axis(index) if isinstance(column, pd.Series) else pd.Series([column] * rows, index=index)
        for name, column in read.items()
    }
    return pd.DataFrame(dict(enumerate(full.values())), index=index).set_axis(list(full), axis="columns")


def _one_dimension(name: str, column: Any) -> Any:
    """Return a column as a Series, or the single value of all rows (DataError where it has two dimensions)."""
    if isinstance(column, pd.Series):
        return column
    if column is None or np.isscalar(column) or isinstance(column, bytes | Decimal | date | Fraction):
        return column
    if isinstance(column, dict | set | frozenset) or not (hasattr(column, "__iter__") or hasattr(column, "__array__")):
        raise DataError(
            f"Column '{shorten(name)}' is a {type(column).__name__}; give a list or an array of its values."
        )
    try:
        if isinstance(column, list | tuple):
            return pd.Series(list(column))
        if not isinstance(column, np.ndarray | pd.Index | pd.api.extensions.ExtensionArray):
            column = np.asarray(list(column) if not hasattr(column, "__array__") else column)
        if column.ndim == 0:
            return column.item()
        if column.ndim == 2 and column.shape[1] == 1:
            column = column.reshape(-1) if isinstance(column, np.ma.MaskedArray) else np.asarray(column).reshape(-1)
        if column.ndim != 1:
            shape = " x ".join(map(str, column.shape))
            raise DataError(f"Column '{shorten(name)}' has {column.ndim} dimensions ({shape}); a column has one.")
        return pd.Series(column)
    except DataError:
        raise
    except Exception as error:  # any object can be given, each with its own errors
        raise DataError(
            f"Column '{shorten(name)}' is a {type(column).__name__} that cannot be read as a column; give a list of its values."
        ) from error


def _from_other(data: Any) -> pd.DataFrame:
    import narwhals as nw

    try:
        frame = nw.from_native(data)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        columns = {name: frame[name] for name in frame.columns}
    except Exception as error:  # each library has its own errors
        raise DataError(
            f"The data are a {type(data).__name__}; give a data frame (pandas, polars, pyarrow) or a mapping of columns."
        ) from error
    try:
        return frame.to_pandas()
    except Exception as error:  # as above
        wrong = next(
            (f"Column '{shorten(n)}' is of type {c.dtype}" for n, c in columns.items() if _fails(c)),
            "A column is of a type",
        )
        raise DataError(f"{wrong}, which cannot be read. Convert it to numbers or text.") from error


def _fails(column: Any) -> bool:
    try:
        column.to_pandas()
    except Exception:  # as above
        return True
    return False
