"""Texts of numbers: what reads as a number, and which marks separate decimals and thousands."""

import itertools
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any
from unicodedata import decimal

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array

POINT, COMMA = ".", ","
READINGS = (
    (POINT, ""),
    (COMMA, ""),
    (POINT, COMMA),
    (COMMA, POINT),
    (POINT, " "),
    (COMMA, " "),
    (POINT, "'"),
    (COMMA, "'"),
)
"""Marks of decimals and of thousands that a column of numbers may have."""
_DATE = re.compile(r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3(\d{4}|\d\d))([ T][\d:.]+)?")
_MEASURE = re.compile(
    r"(?P<bound>[<>≤≥~±]=?\s*)?[€$£]?\s*(?P<number>[+-]?[\d.,' ]*\d(?:[eE][+-]?\d+)?)\s*(?P<unit>[^\d\s.,;:<>|-]{0,8}\d?)"
)
_CLASS = re.compile(
    r"(?P<above>>=?|≥)?\s*(?P<low>\d{1,9})(?:\s*[-–]\s*(?P<high>\d{1,9})|\s*(?P<open>\+|(?:or|and) more))?"
)
_CELL_OF_A_GRID = re.compile(r"([1-9]\d?)\.([1-9]\d?)")
_MARKS = str.maketrans(
    {"\u066b": ".", "\u066c": ",", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'", "\u2212": "-"}
)


def reads_as_number(text: str) -> bool:
    """Return whether a text is a number with a decimal point, such as "-1.5e3"."""
    return _pattern(POINT, "").fullmatch(text.strip()) is not None


def reads_with_marks(text: str) -> bool:
    """Return whether a text is a number in any of the `READINGS`, such as "1,5" or "1 234.5"."""
    plain = _in_ascii(text)
    return any(_pattern(*reading).fullmatch(plain) for reading in READINGS)


def are_classes(texts: Iterable[str]) -> bool:
    """Return whether texts are classes of consecutive whole numbers: 0, 1, 2, 3+ or 0, 1-2, >2."""
    found = [_CLASS.fullmatch(_in_ascii(text)) for text in texts]
    limits = []
    for match in found:
        if match is None:
            return False
        low = int(match["low"]) + (match["above"] == ">")
        high = float(low) if match["high"] is None else float(match["high"])
        limits.append((low, np.inf if match["open"] or match["above"] else high))
    limits.sort()
    return len(limits) > 1 and all(after[0] == before[1] + 1 for before, after in itertools.pairwise(limits))


def look_measured(texts: Sequence[str], rows: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return which texts of a column, each of so many rows, look like numbers that were measured, or like dates.

    These are numbers with decimals or with a bound ("<0.1"), and whole dates. Numbers followed by letters ("12A",
    "20C") count if the letters are the same everywhere and either most numbers have decimals, or most rows have distinct
    texts, or some numbers have no letters; else they are names. So are the cells of a grid, "1.1" to "5.4".
    """
    found = [_MEASURE.fullmatch(_in_ascii(text)) for text in texts]
    parts = [match if match is not None and reads_with_marks(match["number"]) else None for match in found]
    dates = np.array([_DATE.fullmatch(text.strip()) is not None for text in texts], dtype=bool)
    bare = np.array([match is not None and not match["unit"] for match in parts], dtype=bool)
    units = np.array([match is not None and bool(match["unit"]) for match in parts], dtype=bool)
    decimals = np.array(
        [match is not None and not match["number"].strip("+- ").isdecimal() for match in parts], dtype=bool
    )
    here = rows > 0
    if len({match["unit"].lower() for match in parts if match is not None} - {""}) == 1:
        mixed = bool(np.any(bare & here))
        distinct = 2 * int(np.sum(units & here)) > int(rows.sum())
        fractions = 2 * int(rows[units & decimals].sum()) > int(rows[units].sum())
        units &= mixed or distinct or fractions
    else:
        units[:] = False
    if all(map(str.isdecimal, (text.strip().lstrip("+-") for text in texts))) or _is_grid(texts):
        return np.zeros(len(texts), dtype=bool)
    return bare | units | dates


def _is_grid(texts: Sequence[str]) -> bool:
    """Return whether texts name nearly all cells of a grid, as plots within blocks are: "1.1", "1.2", ... "5.4"."""
    cells = [_CELL_OF_A_GRID.fullmatch(text) for text in texts]
    if not all(cells):
        return False
    first, second = ({int(cell[k]) for cell in cells if cell is not None} for k in (1, 2))
    counted = all(len(one) == max(one) > 1 for one in (first, second))
    return counted and 5 * len(texts) >= 4 * len(first) * len(second)


def possible_readings(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Return the marks of decimals and thousands under which all texts are numbers."""
    plain = [_in_ascii(text) for text in texts]
    return [marks for marks in READINGS if all(map(_pattern(*marks).fullmatch, plain))]


def parse_numbers(texts: Sequence[str], decimal: str, thousands: str) -> Array | None:
    """Return the numbers that texts are under these marks; None where one is not a number."""
    plain = [_in_ascii(text) for text in texts]
    if not all(map(_pattern(decimal, thousands).fullmatch, plain)):
        return None
    return np.array([float(text.replace(thousands or " ", "").replace(decimal, ".")) for text in plain], dtype=float)


def _in_ascii(text: str) -> str:
    """Return a text with the digits and marks of all scripts as those of ASCII, without blanks around it."""
    if not text.isascii():
        text = "".join(str(decimal(sign)) if sign.isdecimal() else sign for sign in text.translate(_MARKS))
    return text.strip()


@cache
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    point, group = re.escape(decimal), re.escape(thousands)
    tail = "*" if decimal == POINT else "+"
    number = rf"(?:[0-9]+(?:{point}[0-9]{tail})?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    if thousands:
        # Thousands are not marked before an exponent: 1,234e-2 has decimals.
        number = rf"(?:[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+(?:{point}[0-9]{tail})?|{number})"
    return re.compile(rf"[+-]?(?:{number}|[iI]nf(?:inity)?)")
