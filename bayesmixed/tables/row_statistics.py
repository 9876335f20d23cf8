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


def add_rows(before: RowStatistics | None, columns: Mapping[str, Array]) -> RowStatistics:
    """Return the statistics with some more rows, given as sets of columns, each (m, k)."""
    rows = np.hstack(list(columns.values()))
    widths = {name: values.shape[1] for name, values in columns.items()}
    with_ones = np.hstack([np.ones((len(rows), 1)), rows])
    size = with_ones.shape[1]
    if before is None:
        # Rows of zeros let fewer rows than columns have a square factor.
        before = RowStatistics(
            0, widths, np.zeros((size, size)), np.full((2, size - 1), np.nan), np.zeros(size - 1, dtype=bool)
        )
    triangle = np.linalg.qr(np.vstack([before.triangle, with_ones]), mode="r")
    values, many = before.values.copy(), before.many.copy()
    for k in np.flatnonzero(~many):
        column = rows[:, k]
        values[0, k] = column[0] if np.isnan(values[0, k]) else values[0, k]
        others = column[column != values[0, k]]
        if len(others):
            values[1, k] = others[0] if np.isnan(values[1, k]) else values[1, k]
            many[k] = bool(np.any(others != values[1, k]))
    return RowStatistics(before.count + len(rows), widths, triangle, values, many)
