"""What values that are drawn with the parameters add to a predictor, beside those that stand in its columns."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array


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
