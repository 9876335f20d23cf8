"""Texts of numbers: what reads as a number, and which marks separate decimals and thousands."""

import re
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

from bayesmixed.links import Array

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
_DATE = r"\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
_LOOKS = re.compile(
    rf"([<>≤≥~]=?\s*)?[+-]?(\d+([.,' ]\d+)*|[.,]\d+)([eE][+-]?\d+)?\s*[%‰°µ€$£]?([A-Za-z/]{{0,6}}\d?)|({_DATE})([ T][\d:.]+)?"
)
_BLANKS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'", "\u2212": "-"})


def reads_as_number(text: str) -> bool:
    """Return whether a text is a number with a decimal point, such as "-1.5e3"."""
    return _pattern(POINT, "").fullmatch(text.strip()) is not None


def reads_with_marks(text: str) -> bool:
    """Return whether a text is a number in any of the `READINGS`, such as "1,5" or "1 234.5"."""
    plain = text.translate(_BLANKS).strip()
    return any(_pattern(*reading).fullmatch(plain) for reading in READINGS)


def looks_numeric(text: str) -> bool:
    """Return whether a text looks like a number that no program reads ("<0.1", "4 mg", "12 %"), or like a date."""
    return _LOOKS.fullmatch(text.strip()) is not None


def possible_readings(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Return the marks of decimals and thousands under which all texts are numbers."""
    plain = [text.translate(_BLANKS).strip() for text in texts]
    return [marks for marks in READINGS if all(map(_pattern(*marks).fullmatch, plain))]


def parse_numbers(texts: Sequence[str], decimal: str, thousands: str) -> Array | None:
    """Return the numbers that texts are under these marks; None where one is no number."""
    plain = [text.translate(_BLANKS).strip() for text in texts]
    if not all(map(_pattern(decimal, thousands).fullmatch, plain)):
        return None
    return np.array([float(text.replace(thousands or " ", "").replace(decimal, ".")) for text in plain], dtype=float)


@cache
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    point, group = re.escape(decimal), re.escape(thousands)
    whole = rf"(?:[0-9]+|[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+)" if thousands else "[0-9]+"
    tail = "*" if decimal == POINT else "+"
    number = rf"(?:{whole}(?:{point}[0-9]{tail})?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    return re.compile(rf"[+-]?(?:{number}|[iI]nf(?:inity)?)")
