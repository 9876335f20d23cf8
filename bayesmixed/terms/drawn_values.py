"""What values that differ between draws add to a predictor, beside those that stand in its columns."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array

TABLE = "imputed_table"
"""Name of the variable that says of which imputed table a draw is: 1 for that table, 0 for others."""


@dataclass(frozen=True, slots=True)
class TableValues:
    """Values that differ between imputed tables.

    Attributes
    ----------
    places : (n,) integer array
        Which of the rows that differ each row is; -1 for one that is the same in all tables.
    changes : tuple of (r, p) arrays
        By table: how far its columns as written are from those of the predictor, in the rows that differ.
    """

    places: NDArray[np.intp]
    changes: tuple[Array, ...]
    name: str = TABLE

    def take(self, rows: NDArray[np.intp]) -> "TableValues":
        """Return those of some rows."""
        return replace(self, places=self.places[rows])

    def added(self, values: Array, beta: Array) -> Array:
        """Return what the values of tables, of shares (..., m), add to the predictor of each row, (..., n)."""
        own = np.flatnonzero(self.places >= 0)
        total = np.zeros((*values.shape[:-1], len(self.places)))
        for table, change in enumerate(self.changes):
            draws = values[..., table] != 0.0
            part = total[draws]
            part[:, own] += values[draws][:, table, None] * (beta[draws] @ change.T)[:, self.places[own]]
            total[draws] = part
        return total

    @property
    def row_columns(self) -> tuple[NDArray[Any], ...]:
        """Numbers that tell rows with different values apart."""
        return (self.places,)


@dataclass(frozen=True, slots=True)
class DrawnValues:
    """Values of a column of which a predictor is a linear function.

    Attributes
    ----------
    name : str
        Of the draws.
    places : (n,) integer array
        Which of the drawn values is that of each row; -1 where the value is known.
    guess : (n,) array
        Values in the columns of the predictor.
    slopes : (n, p) array
        How much its columns as written change per unit.
    """

    name: str
    places: NDArray[np.intp]
    guess: Array
    slopes: Array

    def take(self, rows: NDArray[np.intp]) -> "DrawnValues":
        """Return those of some rows."""
        return replace(self, places=self.places[rows], guess=self.guess[rows], slopes=self.slopes[rows])

    def rates(self, beta: Array) -> Array:
        """Return how much the predictor changes per unit of the column, (..., n), for coefficients (..., p)."""
        return np.asarray(beta @ self.slopes.T)

    def added(self, values: Array, beta: Array) -> Array:
        """Return what drawn values (..., m) add to the predictor of each row, (..., n)."""
        drawn = self.places >= 0
        return self.rates(beta) * np.where(drawn, values[..., self.places] - self.guess, 0.0)

    @property
    def row_columns(self) -> tuple[NDArray[Any], ...]:
        """Numbers that tell rows with different values apart."""
        return (self.places,)
