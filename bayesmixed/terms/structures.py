"""Structured covariances of the columns of one term: a member of the catalogue at the places of its columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.terms.covariances import (
    ANY,
    COVARIANCES,
    ORDER,
    ROUNDING,
    Covariance,
    CovarianceParameter,
    partial_correlation,
)

BETWEEN = ", "
"""Between the coordinates in the name of a place, "1, 2.5"."""


@dataclass(frozen=True, slots=True)
class Structure:
    """A structured covariance of the columns of a part of a block.

    Attributes
    ----------
    name : str
        Key of `COVARIANCES`.
    inside : str
        What its columns are made from: "Days", or the terms of a formula, "1 + x".
    places : tuple of tuple of float
        Place of each of its K columns: its number, its time in steps, or its coordinates.
    names : tuple of str
        What the values at the places are called; empty where columns are those of any formula.
    step : float
        The distance of two numbers with places one apart, 1 of coordinates; 0 where values are levels.
    title : str
        What its columns are called together where that is not their call, "s(x)".
    """

    name: str
    inside: str
    places: tuple[tuple[float, ...], ...]
    names: tuple[str, ...] = ()
    step: float = 0.0
    title: str = ""

    @property
    def covariance(self) -> Covariance:
        """The record of the catalogue."""
        return COVARIANCES[self.name]

    @property
    def label(self) -> str:
        """What all its columns are called together, "ar1(Days)": the label of their SD where they have one."""
        return self.title or f"{self.covariance.call}({self.inside})"

    @property
    def extends(self) -> bool:
        """Whether it has places between and beyond those of the fit: numbers, whose effects have one SD."""
        return self.step > 0.0 and self.covariance.equal and not self.covariance.lags

    @property
    def of_places(self) -> bool:
        """Whether its columns are those of the values of one column, of which a row takes one."""
        return self.covariance.columns != ANY

    @property
    def width(self) -> int:
        """Number K of columns."""
        return len(self.places)

    @property
    def correlated(self) -> bool:
        """Whether its columns have correlations."""
        return self.covariance.root is not None and self.width > 1

    @property
    def parameters(self) -> tuple[CovarianceParameter, ...]:
        """Its parameters besides the SDs; none of a single column."""
        if not self.correlated:
            return ()
        return (
            tuple(map(partial_correlation, range(1, self.lags + 1)))
            if self.covariance.lags
            else self.covariance.parameters
        )

    @property
    def lags(self) -> int:
        """The largest distance of its places in steps."""
        return round(max(place[0] for place in self.places) - min(place[0] for place in self.places))

    def root(self, values: Mapping[str, Any], module: Any) -> Any:
        """Return the Cholesky factor of the correlations, (..., K, K), for parameters (..., 1, 1) by name."""
        root = self.covariance.root
        return (
            np.eye(self.width) if root is None or not self.correlated else root(values, np.array(self.places), module)
        )

    def correlations(self, values: Mapping[str, Array]) -> Array:
        """Return the correlations of the columns, (..., K, K), for parameters (...) by name."""
        correlation = self.covariance.correlation
        if correlation is None or not self.correlated:
            return np.eye(self.width)
        return correlation({name: np.asarray(v)[..., None, None] for name, v in values.items()}, np.array(self.places))

    def place_of(self, name: str) -> tuple[float, ...]:
        """Return the place of a value by its name; of a time in steps near a whole step the step."""
        if self.covariance.columns != ORDER:
            return tuple(map(float, name.split(BETWEEN)))
        place = (float(name) - float(self.names[0])) / self.step + self.places[0][0]
        return (float(np.round(place)) if abs(place - np.round(place)) < ROUNDING * max(1.0, abs(place)) else place,)
