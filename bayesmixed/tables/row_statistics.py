"""Statistics of columns over rows that arrive in batches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array


@dataclass(frozen=True, slots=True)
class RowStatistics:
    """Products, means and steps of columns.

    Attributes
    ----------
    count : int
        Number of rows.
    widths : mapping of str to int
        Names of sets of columns, and how many columns each has, in order.
    triangle : (1 + q, 1 + q) array
        Triangular factor of the rows with a leading column of ones: its cross-products are those of the rows.
    values : (2, q) array
        The first two different values of each column; NaN where there is no second one.
    many : (q,) bool array
        Whether a column has more than two different values.
    """

    count: int
    widths: Mapping[str, int]
    triangle: Array
    values: Array
    many: NDArray[np.bool_]

    def to_lists(self) -> dict[str, Any]:
        """Return the statistics as numbers, lists and mappings."""
        arrays = {"triangle": self.triangle.tolist(), "values": self.values.tolist(), "many": self.many.tolist()}
        return {"count": self.count, "widths": dict(self.widths), **arrays}

    @classmethod
    def from_lists(cls, found: Mapping[str, Any]) -> "RowStatistics":
        """Return the statistics that `to_lists` gave."""
        arrays = {"triangle": np.array(found["triangle"]), "values": np.array(found["values"], dtype=float)}
        return cls(found["count"], found["widths"], **arrays, many=np.array(found["many"], dtype=bool))

    def place(self, name: str) -> slice:
        """Return the positions of a set of columns among all."""
        start = 0
        for known, width in self.widths.items():
            if known == name:
                return slice(start, start + width)
            start += width
        raise KeyError(name)

    def factor(self, *names: str) -> Array:
        """Return rows that have the cross-products of all rows, for some sets of columns side by side."""
        return np.hstack([self.triangle[:, 1:][:, self.place(name)] for name in names])

    def means(self, name: str) -> Array:
        """Return the means of a set of columns."""
        return np.asarray(self.triangle[0, 1:][self.place(name)] / self.triangle[0, 0])

    def products(self, name: str) -> Array:
        """Return the mean over rows of the products of a set of columns with each other, (K, K)."""
        factor = self.factor(name)
        return np.asarray(factor.T @ factor / self.count)

    def steps(self, name: str) -> Array:
        """Return what `column_step` returns for the columns of a set."""
        place = self.place(name)
        first, second = self.values[:, place]
        two = np.where(np.isnan(second), 1.0, np.abs(second - first))
        deviations = np.linalg.norm(self.triangle[1:, 1:][:, place], axis=0) / np.sqrt(max(self.count - 1, 1))
        return np.where(self.many[place], 2.0 * deviations, two)


def sum_rows(columns: Mapping[str, Array]) -> RowStatistics:
    """Return the statistics of some rows, given as sets of columns, each (m, k)."""
    rows = np.hstack(list(columns.values()))
    widths = {name: values.shape[1] for name, values in columns.items()}
    values = np.full((2, rows.shape[1]), np.nan)
    many = np.zeros(rows.shape[1], dtype=bool)
    for k, column in enumerate(rows.T if len(rows) else ()):
        values[0, k] = column[0]
        others = column[column != column[0]]
        if len(others):
            values[1, k] = others[0]
            many[k] = bool(np.any(others != others[0]))
    return RowStatistics(len(rows), widths, _triangle(np.hstack([np.ones((len(rows), 1)), rows])), values, many)


def join_statistics(before: RowStatistics | None, more: RowStatistics) -> RowStatistics:
    """Return the statistics of the rows so far and some more."""
    if before is None:
        return more
    values, many = before.values.copy(), before.many | more.many
    for k in np.flatnonzero(~many):
        different = [*dict.fromkeys(float(one) for one in (*values[:, k], *more.values[:, k]) if not np.isnan(one))]
        values[: len(different[:2]), k], many[k] = different[:2], len(different) > 2
    triangle = _triangle(np.vstack([before.triangle, more.triangle]))
    return RowStatistics(before.count + more.count, before.widths, triangle, values, many)


def _triangle(rows: Array) -> Array:
    """Return a triangular square with the cross-products of rows."""
    size = rows.shape[1]
    # Rows of zeros let fewer rows than columns have a square factor.
    enough = rows if len(rows) >= size else np.vstack([rows, np.zeros((size - len(rows), size))])
    return np.asarray(np.linalg.qr(enough, mode="r"))
