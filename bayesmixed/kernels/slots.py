"""Where the numbers of a variable stand among the coordinates of a sampler, and the map between the two."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array, Link


@dataclass(frozen=True, slots=True)
class CoordinateMap:
    """A map between coordinates on all real numbers and the values of a variable, numbers on the last axis.

    Attributes
    ----------
    to_values, to_coordinates : callable
        The map and its inverse.
    highest : float
        The logarithm of the number below which values stay; infinite where there is none.
    """

    to_values: Callable[[Array], Array]
    to_coordinates: Callable[[Array], Array]
    highest: float = np.inf


def _ordered(coordinates: Array) -> Array:
    return np.cumsum(np.concatenate([coordinates[..., :1], np.exp(coordinates[..., 1:])], axis=-1), axis=-1)


def _steps(values: Array) -> Array:
    return np.concatenate([values[..., :1], np.log(np.diff(values, axis=-1))], axis=-1)


REAL = CoordinateMap(np.asarray, np.asarray)
LOG = CoordinateMap(np.exp, np.log)
PARTIAL = CoordinateMap(lambda x: np.tanh(0.5 * x), lambda r: 2.0 * np.arctanh(r))
"""Partial correlations."""
ORDERED = CoordinateMap(_ordered, _steps)
"""Thresholds: the first one, then the logarithms of the distances."""
STEPS = CoordinateMap(lambda x: np.cumsum(x, axis=-1), lambda v: np.concatenate([v[..., :1], np.diff(v)], axis=-1))
"""Thresholds in any order: the first one, then the distances."""


def on_link(link: Link) -> CoordinateMap:
    """Return the map of a parameter whose coordinate is its value on a link."""
    return CoordinateMap(link.inverse, link.forward)


def below(highest: float) -> CoordinateMap:
    """Return the map of a positive number below another one: the log-odds of its share in that."""
    from scipy import special

    return CoordinateMap(
        lambda x: highest * special.expit(x), lambda v: special.logit(v / highest), float(np.log(highest))
    )


@dataclass(frozen=True, slots=True)
class Slots:
    """Where the m numbers of a variable stand among the coordinates.

    Attributes
    ----------
    names : tuple of str
        Their prior keys, or the one key of all of them.
    places : (m,) integer array
        Their coordinates, -1 for numbers that are fixed.
    fixed : (m,) array
        The values of these.
    map : CoordinateMap
        From coordinates to values.
    """

    names: tuple[str, ...]
    places: NDArray[np.int64]
    fixed: Array
    map: CoordinateMap

    def __len__(self) -> int:
        return len(self.places)

    @property
    def free(self) -> NDArray[np.bool_]:
        """(m,) which numbers have a coordinate."""
        return self.places >= 0

    @property
    def own(self) -> NDArray[np.int64]:
        """The coordinates of those that have one."""
        return self.places[self.free]

    def read(self, points: Array) -> Array:
        """Return the values, (..., m), at points (..., dimension)."""
        if not len(self):
            return np.zeros((*points.shape[:-1], 0))
        with np.errstate(over="ignore"):
            values = self.map.to_values(points[..., np.maximum(self.places, 0)])
        return np.asarray(np.where(self.free, values, self.fixed))

    def write(self, points: Array, values: Array) -> None:
        """Write the coordinates of values, (..., m), into points."""
        points[..., self.own] = self.map.to_coordinates(values)[..., self.free]

    def moved(self, places: NDArray[np.int64]) -> "Slots":
        """Return them among other coordinates: the new place of each old one."""
        return replace(self, places=np.where(self.free, places[self.places], -1))


class Allocation:
    """Coordinates given out one after the other.

    Attributes
    ----------
    dimension : int
        How many there are so far.
    """

    def __init__(self) -> None:
        self.dimension = 0

    def take(self, size: int) -> slice:
        """Return the next coordinates."""
        self.dimension += size
        return slice(self.dimension - size, self.dimension)

    def place(self, names: tuple[str, ...], fixed: list[float | None], coordinates: CoordinateMap) -> Slots:
        """Return the slots of numbers, of which those that are not None are fixed."""
        places = np.full(len(fixed), -1)
        free = np.array([value is None for value in fixed], dtype=bool)
        own = self.take(int(free.sum()))
        places[free] = np.arange(own.start, own.stop)
        return Slots(names, places, np.array([0.0 if value is None else value for value in fixed]), coordinates)
