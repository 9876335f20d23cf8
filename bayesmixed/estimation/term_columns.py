"""The columns that multiply the effects of a term, as functions of the root of their covariance."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array


class TermColumns:
    """What multiplies the standardised effects of a term in each row, and derivatives in the root of their covariance.

    Parameters
    ----------
    loadings : arrays
        Which of the J K effects each row takes, (m, E), and what multiplies them: see `NormalBlock.loadings`.
    width : int
        Number K of effects of a level.
    """

    def __init__(self, loadings: tuple[NDArray[np.intp], Array], width: int) -> None:
        self.places, self.raw = loadings
        self.width = width
        self._column = self.places % width
        entries = self.places.shape[1]
        whole = entries % width == 0
        self._levels = whole and bool(np.all(self._column == np.tile(np.arange(width), entries // width)))
        """Rows take all effects of a level; otherwise single ones, which are not correlated."""

    def values(self, root: Array) -> Array:
        """Return what multiplies the effects of unit variance, (m, E), for a root (K, K)."""
        if not self._levels:
            return np.asarray(self.raw * np.diagonal(root)[self._column])
        return np.asarray((self.raw.reshape(-1, self.width) @ root).reshape(self.raw.shape))

    def slopes(self, bar: Array) -> Array:
        """Return derivatives in the root, (K, K), of what has derivatives (m, E) in the values."""
        if not self._levels:
            return np.diag(np.bincount(self._column.ravel(), (self.raw * bar).ravel(), minlength=self.width))
        return np.asarray(self.raw.reshape(-1, self.width).T @ bar.reshape(-1, self.width))


def numerical_slopes(read: Any, point: Array, places: NDArray[np.int64]) -> Array:
    """Return the derivatives, (len(places), ...), of a cheap smooth function of points in some of their coordinates."""
    step, count = 1e-5, len(places)
    points = np.tile(point, (2 * count, 1))
    points[np.arange(count), places] += step
    points[count + np.arange(count), places] -= step
    found = read(points)
    return np.asarray((found[:count] - found[count:]) / (2.0 * step))
