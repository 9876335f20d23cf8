"""What is missing in a table: by column, in which columns together, and in which groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesmixed.display.pages import Section
from bayesmixed.formulas.notation import join_factors

MOST_PATTERNS, MOST_GROUPS = 8, 6
UNNAMED = "(missing)"
"""Label of rows whose group is missing."""


@dataclass(frozen=True, slots=True)
class MissingValues:
    """Where values are missing.

    Attributes
    ----------
    rows : int
        Rows of the table.
    columns : pandas.DataFrame
        Columns column, missing, share; those with missing values, most first.
    patterns : pandas.DataFrame
        Columns missing (columns that are missing together, "" for complete rows) and rows, most frequent first.
    groups : mapping of str to pandas.DataFrame
        By grouping factor: its groups, most affected first, with columns group, rows, incomplete, and the number of missing
        values of each column.
    """

    rows: int
    columns: pd.DataFrame
    patterns: pd.DataFrame
    groups: dict[str, pd.DataFrame]

    def sections(self, text: str) -> list[Section]:
        """Return the sections of a page that show the tables, after a text."""
        by_column = self.columns.assign(share=[_percent(share) for share in self.columns["share"]])
        found = [Section("Missing values", (text,), by_column)]
        if len(self.columns) > 1:
            shown = self.patterns.head(MOST_PATTERNS).assign(missing=lambda d: d["missing"].replace("", "nothing"))
            rest = len(self.patterns) - len(shown)
            after = (f"{rest} rarer combinations are not shown.",) if rest > 0 else ()
            found.append(Section("Missing together", (), shown, after=after))
        for name, table in self.groups.items():
            affected = table[table["incomplete"] > 0]
            whole = int(np.sum(affected["incomplete"] == affected["rows"]))
            said = f"{len(affected):,} of {len(table):,} groups have incomplete rows, {whole:,} have no complete row."
            shown = affected.head(MOST_GROUPS)
            after = (
                (f"{len(affected) - len(shown):,} more groups are not shown.",) if len(affected) > len(shown) else ()
            )
            found.append(Section(f"Missing by {name}", (said,), shown, after=after))
        return found


def find_missing(frame: pd.DataFrame, factors: Sequence[Sequence[str]]) -> MissingValues | None:
    """Return where values of a table are missing, None where they are not.

    Parameters
    ----------
    frame : pandas.DataFrame
        The columns of a model.
    factors : sequence of sequences of str
        The columns of each grouping factor.
    """
    absent = frame.isna()
    counts = absent.sum()
    names = [str(name) for name in counts[counts > 0].sort_values(ascending=False, kind="stable").index]
    if not names:
        return None
    columns = pd.DataFrame({"column": names, "missing": [int(counts[name]) for name in names]})
    columns["share"] = columns["missing"] / len(frame)
    together = absent[names].groupby(names, sort=False).size().sort_values(ascending=False, kind="stable")
    texts = [
        ", ".join(name for name, gone in zip(names, np.atleast_1d(key), strict=True) if gone) for key in together.index
    ]
    patterns = pd.DataFrame({"missing": texts, "rows": together.to_numpy()})
    groups = {join_factors(list(by)): _by_group(frame, absent[names], by) for by in dict.fromkeys(map(tuple, factors))}
    return MissingValues(len(frame), columns, patterns, groups)


def _by_group(frame: pd.DataFrame, absent: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    codes = frame.groupby(list(by), sort=False, dropna=False, observed=True).ngroup().to_numpy()
    first = frame[list(by)].iloc[np.unique(codes, return_index=True)[1]]
    labels = [":".join(map(_label, values)) for values in first.itertuples(index=False, name=None)]
    table = pd.DataFrame({"group": labels, "rows": np.bincount(codes)})
    table["incomplete"] = np.bincount(codes, absent.any(axis="columns")).astype(int)
    for name in absent.columns:
        table[f"missing {name}" if name in table else name] = np.bincount(codes, absent[name]).astype(int)
    order = np.lexsort((np.arange(len(table)), -(table["incomplete"] / table["rows"]), -table["incomplete"]))
    return table.iloc[order].reset_index(drop=True)


def _label(value: object) -> str:
    if pd.isna(value):  # type: ignore[call-overload]
        return UNNAMED
    return f"{value:g}" if isinstance(value, float) else str(value)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.001 else "< 0.1 %"
