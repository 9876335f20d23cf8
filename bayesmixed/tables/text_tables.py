"""Tables in text files: separator, encoding and the marks of numbers are found from the whole file, or given."""

import bz2
import codecs
import csv
import gzip
import io
import lzma
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.errors import DataError, enumerate_words, shorten
from bayesmixed.tables.columns import mark_missing
from bayesmixed.tables.number_texts import COMMA, POINT, parse_numbers, possible_readings

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "NULL", "null")
"""Texts that mean a missing value in every column; "None" does so only among numbers."""
_MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_COMPRESSED: dict[str, tuple[re.Pattern[bytes], Any]] = {
    "gzip": (re.compile(rb"\x1f\x8b"), gzip.open),
    "bz2": (re.compile(rb"BZh[1-9]1AY&SY"), bz2.open),
    "xz": (re.compile(rb"\xfd7zXZ\0"), lzma.open),
}
_OTHERS = (
    (re.compile(rb"PK\x03\x04"), "an archive or a workbook, not text. Unpack it, or save the sheet as CSV."),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "an old workbook, not text. Save the sheet as CSV."),
    (re.compile(rb"\x28\xb5\x2f\xfd"), "compressed by Zstandard. Unpack it."),
    (re.compile(rb"PAR1"), "a Parquet file. Give it a name that ends in .parquet."),
    (re.compile(rb"ARROW1|\xff{4}|\x89HDF|CDF[\x01\x02\x05]"), "not text. Load it with the library that wrote it."),
    (re.compile(rb"\s*<(?:!doctype|html|\?xml)", re.IGNORECASE), "a web page or XML, not a table. Download the table."),
    (re.compile(rb'\s*(?:\[\s*)?\{\s*"'), "JSON, not a table of lines. Load it first, and give the data frame."),
)
_HEAD = 200


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How a text file is written; what is None is detected.

    Attributes
    ----------
    separator, decimal, thousands, encoding : str or None
        Marks between columns, before decimals, between thousands; name of the encoding (UTF-8 if not given).
    codes : frozenset of str
        Codes of missing values.
    """

    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    codes: frozenset[str] = frozenset()

    def check(self) -> None:
        """Refuse impossible marks and encodings (DataError)."""
        for name, mark in (("separator", self.separator), ("decimal", self.decimal), ("thousands", self.thousands)):
            if mark is not None and (not isinstance(mark, str) or len(mark) != 1 or mark.isalnum()):
                raise DataError(
                    f"{name}={shorten(repr(mark), 40)} is not possible; it must be a single symbol, such as ',' or ';'."
                )
        if self.decimal is not None and self.decimal in (self.thousands, self.separator) and self.decimal != COMMA:
            raise DataError(f"decimal='{self.decimal}' is also given as another mark.")
        if self.decimal is not None and self.decimal == self.thousands:
            raise DataError(f"decimal and thousands are both '{self.decimal}'; a number needs two different marks.")
        try:
            if self.encoding is not None and not codecs.lookup(self.encoding)._is_text_encoding:
                raise LookupError
        except (LookupError, TypeError, ValueError) as error:
            name = shorten(str(self.encoding), 40)
            raise DataError(
                f"encoding='{name}' is not known. Examples: 'utf-8', 'utf-16', 'latin-1', 'cp1252'."
            ) from error


@dataclass(frozen=True, slots=True)
class _Layout:
    """Lines before the header, separator, names of the columns, which of them the header does not name, and number
    of fields of the first row."""

    skipped: int
    separator: str
    header: tuple[str, ...]
    unnamed: tuple[str, ...]
    fields: int


def read_text_table(path: Path, text: Collection[str], form: TextFormat) -> pd.DataFrame:
    """Return the table of a text file; the columns `text` stay as they are written.

    Raises
    ------
    DataError
        It is written in another encoding, a name occurs twice in its header, rows are longer than the header, or a
        column of numbers can be read in two ways.
    """
    form.check()
    try:
        lines = _read_head(path, form)
        if not any(line.strip() for line in lines):
            raise DataError(f"'{path}' is empty: it has no header and no rows.")
        layout = _find_layout(lines, form)
        data = _read(path, layout, form, {name: str for name in layout.header if name in text})
    except UnicodeError as error:
        raise DataError(_explain_encoding(path, form)) from error
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"'{path}' is damaged: its compressed content cannot be unpacked completely.") from error
    except (csv.Error, pd.errors.ParserError) as error:
        raise DataError(f"'{path}' cannot be split into columns: {_explain_rows(error)}") from error
    written = [name for name in data.columns if name not in text]
    empty = [name for name in layout.unnamed if data[name].isna().all()]
    return _with_numbers(data, written, path, layout, form).drop(columns=empty)


def _read(path: Path, layout: _Layout, form: TextFormat, dtype: Any) -> pd.DataFrame:
    options: dict[str, Any] = {
        "sep": r"\s+" if layout.separator == " " else layout.separator,
        "skiprows": layout.skipped,
        "header": 0,
        "names": list(layout.header),
        "encoding": _encoding(form),
        "compression": _compression(path),
        "keep_default_na": False,
        "na_values": [*MISSING, *form.codes],
        "low_memory": False,
        "dtype": dtype,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.ParserWarning)
        data = pd.read_csv(path, **options)
        if layout.fields > len(layout.header):
            # Rows are one field longer than the header: a separator at their end, or names of rows as R writes them.
            if data.iloc[:, -1].isna().all():
                return pd.read_csv(path, index_col=False, **options)
            if data.index.nlevels > 1 or not data.index.is_unique:
                raise DataError(
                    f"The rows of '{path}' are longer than its header ({layout.fields} fields, {len(layout.header)} names). "
                    f"The separator is taken to be '{layout.separator}'; decimal commas in a table separated by commas must "
                    "be in quotes."
                )
    return data.assign(**{name: mark_missing(data[name], form.codes) for name in data.columns}) if form.codes else data


def _read_head(path: Path, form: TextFormat) -> list[str]:
    with _open_unpacked(path) as opened:
        start = opened.read(64)
    other = next((what for pattern, what in _OTHERS if pattern.match(start)), "")
    if other:
        raise DataError(f"'{path}' is {other}")
    if form.encoding is None and any(start.startswith(known) for known in _MARKS):
        raise UnicodeError
    with _open_unpacked(path) as opened, io.TextIOWrapper(opened, encoding=_encoding(form), newline=None) as lines:
        return [line.removeprefix("\ufeff") for line in islice(lines, _HEAD)]


def _compression(path: Path) -> str | None:
    """Return how a file is compressed, judged by its first bytes, whatever its name."""
    with path.open("rb") as opened:
        start = opened.read(16)
    return next((name for name, (pattern, _) in _COMPRESSED.items() if pattern.match(start)), None)


def _open_unpacked(path: Path) -> Any:
    kind = _compression(path)
    return path.open("rb") if kind is None else _COMPRESSED[kind][1](path, "rb")


def _encoding(form: TextFormat) -> str:
    plain = form.encoding is None or codecs.lookup(form.encoding).name == "utf-8"
    return "utf-8-sig" if plain else str(form.encoding)


def _find_layout(lines: list[str], form: TextFormat) -> _Layout:
    """Return the position of the header, and the separator that splits both it and the rows."""
    skipped, separator = 0, form.separator
    told = re.fullmatch(r'"?sep=(.)"?\s*', lines[0]) if lines else None
    if told:
        skipped, separator = 1, separator or told[1]
    while skipped < len(lines) - 1 and (not lines[skipped].strip() or _is_comment(lines, skipped)):
        skipped += 1
    rest = lines[skipped:]
    separator = separator or _find_separator(rest)
    records = _cut(rest, separator)
    names = [name.strip() for name in records[0]] if records else []
    twice = sorted(name for name, count in Counter(names).items() if count > 1 and name)
    if twice:
        raise DataError(f"The header has more than one column named {enumerate_words(twice)}. Rename or drop one.")
    unnamed = []
    for place in (k for k, name in enumerate(names) if not name):
        names[place] = f"column_{place + 1}"
        while names.count(names[place]) > 1:
            names[place] += "_"
        unnamed.append(names[place])
    return _Layout(
        skipped, separator, tuple(names), tuple(unnamed), len(records[1]) if len(records) > 1 else len(names)
    )


def _is_comment(lines: list[str], place: int) -> bool:
    """Return whether a line that begins with # has other columns than the first that does not."""
    line, after = lines[place], next((line for line in lines[place:] if not line.startswith("#")), "")
    return line.startswith("#") and any(line.count(mark) != after.count(mark) for mark in ",;\t|")


def _find_separator(lines: list[str]) -> str:
    header = re.sub(r'"[^"]*"', "", lines[0]) if lines else ""
    even = []
    for mark in "\t;|,":
        widths = {len(record) for record in _cut(lines, mark)[:-1] or _cut(lines, mark)}
        if min(widths, default=0) > 1 and max(widths) - min(widths) <= 1:
            even.append((len(_cut(lines[:1], mark)[0]), mark))
    if even:
        return max(even, key=lambda found: found[0])[1]
    if not any(mark in header for mark in "\t;|,") and _in_blanks(lines):
        return " "
    return max(",;\t|", key=header.count)


def _in_blanks(lines: list[str]) -> bool:
    """Return whether blanks split all lines into the same number of fields, apart from R's row names."""
    widths = [len(re.sub(r'"[^"]*"', "x", line).split()) for line in lines if line.strip()]
    rows = set(widths[1:])
    return len(rows) == 1 and min(rows) > 1 and min(rows) - widths[0] in (0, 1)


def _cut(lines: Sequence[str], separator: str) -> list[list[str]]:
    if separator == " ":
        return [[f.strip('"') for f in re.findall(r'"[^"]*"|\S+', line)] for line in lines if line.strip()]
    return [record for record in csv.reader(io.StringIO("".join(lines)), delimiter=separator) if record]


def _with_numbers(
    data: pd.DataFrame, written: list[str], path: Path, layout: _Layout, form: TextFormat
) -> pd.DataFrame:
    """Return the table with columns of numbers that have other marks than a decimal point as numbers."""
    given = form.decimal is not None or form.thousands is not None
    if given:
        decimal = form.decimal or (COMMA if form.thousands == POINT else POINT)
        marks = dict.fromkeys(written, (decimal, form.thousands or ""))
        columns = [name for name in written if data[name].dtype != bool]
    else:
        texts = {name: _texts(data[name]) for name in written if _is_text(data[name])}
        columns = [name for name, found in texts.items() if found and possible_readings(found)]
        if not columns:
            return data
    raw = _read(path, layout, form, str)
    if not given:
        numbers = [name for name in written if pd.api.types.is_float_dtype(data[name])]
        marks = _find_marks({name: _texts(raw[name]) for name in (*columns, *numbers)}, layout.separator)
    for name in marks:
        if name in columns:
            read = _parse(raw[name], *marks[name])
            data[name] = raw[name] if read is None else read
    return data


def _find_marks(columns: dict[str, list[str]], separator: str) -> dict[str, tuple[str, str]]:
    """Return the marks of decimals and thousands of each column; other columns decide where one can be read in two ways."""
    readings = {name: possible_readings(texts) for name, texts in columns.items()}
    values = {name: [parse_numbers(columns[name], *marks) for marks in possible] for name, possible in readings.items()}
    open_ones = [n for n, found in values.items() if any(not np.array_equal(found[0], other) for other in found[1:])]  # type: ignore[arg-type]
    clear = {n: readings[n] for n in columns if n not in open_ones and readings[n]}
    decimals = {
        marks[0][0]
        for name, marks in clear.items()
        if any(marks[0][0] in text or (marks[0][1] in (POINT, COMMA) and marks[0][1] in text) for text in columns[name])
    }
    if not decimals and separator == ";" and any("," in text for name in open_ones for text in columns[name]):
        decimals = {COMMA}
    found = {name: possible[0] for name, possible in clear.items()}
    for name in open_ones:
        fitting = [marks for marks in readings[name] if marks[0] in decimals]
        points_only = not any("," in text for text in columns[name])
        if len(decimals) != 1 or not fitting or (points_only and decimals == {COMMA}):
            if points_only and COMMA not in decimals:
                found[name] = (POINT, "")
                continue
            example = next(text for text in columns[name] if "," in text or "." in text)
            raise DataError(
                f"Column '{name}' can be read in two ways: '{shorten(example, 40)}' may have decimals or thousands. Say which, "
                'e.g. bm.read_table(path, decimal=",") or thousands="," (in a shell: --decimal ",").'
            )
        found[name] = fitting[0]
    return found


def _parse(column: pd.Series, decimal: str, thousands: str) -> pd.Series | None:
    codes, uniques = pd.factorize(column)
    texts = [str(text) for text in uniques]
    absent = np.array([text.strip() == "None" for text in texts], dtype=bool)
    values = parse_numbers([text for text, none in zip(texts, absent, strict=True) if not none], decimal, thousands)
    if values is None:
        return None
    numbers = np.full(len(texts) + 1, np.nan)
    numbers[np.flatnonzero(~absent)] = values
    return pd.Series(numbers[codes], index=column.index)


def _texts(column: pd.Series) -> list[str]:
    return [text for text in map(str, column.dropna().unique()) if text.strip() != "None"]


def _is_text(column: pd.Series) -> bool:
    return column.dtype == object or isinstance(column.dtype, pd.StringDtype)


def _explain_rows(error: Exception) -> str:
    """Return why a text is not a table, given the error of a reader."""
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
    if found:
        return (
            f"line {found[2]} has {found[3]} fields, lines before it have {found[1]}. Look for separators inside cells, "
            'which must be in quotes; another separator: bm.read_table(path, separator=";") (in a shell: --separator ";").'
        )
    if "EOF inside string" in str(error) or "field limit" in str(error):
        return "a quotation mark is opened and not closed, or a cell has more than 131,072 characters."
    return "its lines are inconsistent."


def _explain_encoding(path: Path, form: TextFormat) -> str:
    """Return what a file is likely to be encoded in, and how to read it."""
    if form.encoding is not None:
        return f"'{path}' is not written in {form.encoding}. Name another encoding, or leave it out for UTF-8."
    with _open_unpacked(path) as opened:
        start = opened.read(4096)
        mark = next((name for known, name in _MARKS.items() if start.startswith(known)), "")
        if not mark and b"\0" in start:
            mark = "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
        opened.seek(0)
        lines = enumerate(opened, 1)
        line = next((number for number, content in lines if content.decode("utf-8", "ignore").encode() != content), 1)
    if mark:
        shell = f"(in a shell: --encoding {mark})"
        call = f'bm.read_table(path, encoding="{mark}")'
        return f"'{path}' is written in {mark.upper()}, not in UTF-8. Read it with {call} {shell}."
    return (
        f"'{path}' is not written in UTF-8 (line {line}), probably in Latin-1 or Windows-1252. Read it with "
        'bm.read_table(path, encoding="latin-1"), or "cp1252" (in a shell: --encoding latin-1), and check its special characters.'
    )
