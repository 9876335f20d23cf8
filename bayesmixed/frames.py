"""Data frames at the border: any frame in, a checked pandas frame out."""

import gzip
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.errors import DataError, enumerate_words


def as_frame(data: Any) -> pd.DataFrame:
    """Return data as a pandas frame; accepts pandas, a mapping of columns, and any frame that narwhals knows.

    Raises
    ------
    DataError
        The object is no table, has no rows, or a column name stands twice.
    """
    if isinstance(data, Mapping):
        data = pd.DataFrame(dict(data))
    if not isinstance(data, pd.DataFrame):
        data = _from_other(data)
    names = [str(name) for name in data.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"The data have more than one column named {enumerate_words(twice)}. Rename or drop one.")
    if len(data) == 0:
        raise DataError("The data have no rows.")
    if isinstance(data.index, pd.MultiIndex):
        data = data.set_axis([" ".join(map(str, label)) for label in data.index], axis="index")
    return data.set_axis(names, axis="columns")


def read_table(path: str | Path, text: Iterable[str] = ()) -> pd.DataFrame:
    """Return the table of a CSV or Parquet file.

    Byte-order marks are skipped, columns without a name and a value are dropped.

    Parameters
    ----------
    path : str or Path
        File ending in .csv, .tsv, .txt or .parquet; compressed text (.gz) too.
    text : iterable of str
        Columns to read as text, so that ids such as 1.10 or 007 stay what they are.

    Raises
    ------
    DataError
        The file is missing, is of another kind, or cannot be read.

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
    path = Path(path)
    kinds = {suffix.lower() for suffix in path.suffixes}
    if not path.is_file():
        raise DataError(f"Data file '{path}' does not exist (looked in {path.absolute().parent}).")
    try:
        if ".parquet" in kinds:
            data = pd.read_parquet(path)
        elif kinds & {".csv", ".tsv", ".txt"}:
            separator, decimal = _separators(path)
            options: Any = {"sep": separator, "decimal": decimal, "encoding": "utf-8-sig", "compression": "infer"}
            data = pd.read_csv(path, dtype=dict.fromkeys(text, str), **options)
        else:
            raise DataError(f"Data file '{path}' is of an unknown kind. Accepted: .csv, .tsv, .txt, .parquet.")
    except DataError:
        raise
    except Exception as error:  # every reader has errors of its own
        raise DataError(f"Data file '{path}' cannot be read: {str(error).strip()}") from error
    data.columns = [str(name).strip() for name in data.columns]
    empty = [name for name in data.columns if (not name or name.startswith("Unnamed:")) and data[name].isna().all()]
    return data.drop(columns=empty)


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
    """Counts of missing and infinite values in rows that come some at a time.

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

    def check(self, missing: str) -> None:
        """Refuse what was counted (DataError)."""
        if missing not in ("error", "drop"):
            raise DataError(f"missing='{missing}' is not known. Accepted: 'error', 'drop'.")
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


def _separators(path: Path) -> tuple[str, str]:
    """Return the separator that the header has most of (comma, semicolon, tab), and the decimal mark.

    A decimal comma is taken only where columns are not separated by commas and numbers such as 1,5 occur.
    """
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig") as lines:
        head = [line for line, _ in zip(lines, range(50), strict=False)]
    header = re.sub(r'"[^"]*"', "", head[0]) if head else ""
    separator = max(",;\t", key=header.count)
    body = "".join(head[1:])
    comma = separator != "," and re.search(r"\d,\d", body) and not re.search(r"\d\.\d", body)
    return separator, "," if comma else "."


def _from_other(data: Any) -> pd.DataFrame:
    import narwhals as nw

    try:
        frame = nw.from_native(data)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        return frame.to_pandas()
    except (TypeError, AttributeError) as error:
        raise DataError(
            f"The data are a {type(data).__name__}; give a data frame (pandas, polars, pyarrow) or a mapping of columns."
        ) from error
