"""Results as data frames that print as a reader needs them, and keep all their digits."""

from collections.abc import Iterator
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.display.columns_of_text import squeeze
from bayesmixed.display.pages import align, wrap, write_table
from bayesmixed.display.tables import drop_empty, format_number, format_table

_CELL = 60
_MOST_LABELS = 4
_DIGITS = 3
_LABELS = ("term", "level", "effect", "group", "quantity", "scale", "check")
_BROOM = {"estimate": "mean", "std.error": "sd", "conf.low": "lower", "conf.high": "upper"}
"""Columns of the tables of R's package broom, and what they are called elsewhere."""


class ResultTable(pd.DataFrame):
    """A data frame of results.

    It prints within 80 columns, with the digits that the Monte Carlo errors support, and three significant digits where
    there is no such error. What is computed from it, a selection of rows for example, is a plain data frame.
    """

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def __repr__(self) -> str:
        shown, left_out = _shorten(to_texts(self))
        labels = [name for name in shown.columns[:_MOST_LABELS] if name in _LABELS or name not in self.columns]
        return "\n".join([*align(shown, labels=labels), *wrap(left_out + notes_of(self))])

    def _repr_html_(self) -> str:
        shown, left_out = _shorten(to_texts(self))
        below = "".join(f"<p>{escape(line)}</p>" for line in left_out + notes_of(self))
        return f'<div style="overflow-x: auto">{write_table(shown)}{below}</div>'


def as_result(table: pd.DataFrame) -> ResultTable:
    """Return a table of results, with its attributes, as one that prints well."""
    found = ResultTable(table)
    found.attrs = dict(table.attrs)
    return found


def notes_of(table: pd.DataFrame) -> list[str]:
    """Return what the function that made a table says about it."""
    return [f"Note: {table.attrs['note']}"] if "note" in table.attrs else []


def to_texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of results as text, columns that are empty and rows' running numbers left out."""
    plain = drop_empty(pd.DataFrame(table)) if len(table) else pd.DataFrame(table)
    shown = plain.copy()
    for names in _estimates(plain):
        part = plain[list(names)].rename(columns=names)
        if "mcse" not in part:
            part["mcse"] = part["sd"] / np.sqrt(plain["ess"])
            part.loc[part["sd"] == 0, "mcse"] = 0.0
        texts = format_table(part, hide=())
        back = {there: here for here, there in names.items()}
        for name in back.keys() - {"mcse"}:
            shown[back[name]] = texts[name]
    for name in shown.columns:
        shown[name] = _squeeze([_to_text(str(name), value) for value in shown[name]])
    if not isinstance(table.index, pd.RangeIndex) or table.index.name is not None:
        shown.insert(0, table.index.name or "row", _squeeze([*map(str, table.index)]))
    return shown.reset_index(drop=True)


def _estimates(table: pd.DataFrame) -> Iterator[dict[str, str]]:
    """Yield for each quantity the columns with its estimates, and what `format_table` calls them."""
    if {*_BROOM, "ess"} <= {*table.columns}:
        yield _BROOM
    for column in table.columns:
        prefix, found, _ = str(column).partition("mcse")
        if found and str(column) == f"{prefix}mcse":
            names = {f"{prefix}{name}": name for name in ("mean", "median", "sd", "lower", "upper", "mcse")}
            names |= {prefix.rstrip("_"): "mean"} if prefix else {}
            yield {here: there for here, there in names.items() if here in table.columns}


def _to_text(name: str, value: Any) -> str:
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return ""
        written = {"ess": f"{value:.0f}", "rhat": f"{value:.3f}", "mcse": f"{value:.2g}"}
        return written.get(name.rpartition("_")[2], format_number(float(value), _DIGITS))
    return "" if value is None or value is pd.NaT else str(value)


def _shorten(shown: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows that pandas would print, and what was left out."""
    most, few = pd.get_option("display.max_rows"), pd.get_option("display.min_rows")
    if not most or len(shown) <= most:
        return shown, []
    half = max(1, min(few or most, most) // 2)
    return pd.concat([shown.head(half), shown.tail(half)]), [
        f"The first and the last {half} of {len(shown):,} rows; .to_string() of the frame prints all."
    ]


def _squeeze(texts: list[str]) -> list[str]:
    """Return texts with the middle of long ones left out, unless that makes two of them one."""
    short = [squeeze(text, _CELL) for text in texts]
    return short if len({*short}) == len({*texts}) else texts
