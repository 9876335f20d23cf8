"""Layers: sets of rows with normal effects of their own, each in units of independent standard normal numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bayesmixed.families.links import Array

Integers = NDArray[np.intp]

_FEW_SUMS = 8
"""Columns up to which sums are formed one by one."""


@dataclass(frozen=True, slots=True)
class Source:
    """Effects of one term, as K independent standard normal numbers for each set of a layer.

    Attributes
    ----------
    parameter : str
        The predictor that they enter.
    loadings : (S, n, K) array
        What each adds to the predictor of each row, by draw; zero in rows that other effects of the term enter.
    others : mapping of (S, n, K) arrays
        What the same numbers add to other predictors, whose effects are correlated with these.
    """

    parameter: str
    loadings: Array
    others: Mapping[str, Array] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Number K of numbers for each set."""
        return int(self.loadings.shape[-1])

    @property
    def by_parameter(self) -> dict[str, Array]:
        """What they add to each predictor."""
        return {self.parameter: self.loadings, **self.others}

    def take(self, rows: Any) -> "Source":
        """Return the same effects in some rows."""
        return Source(self.parameter, self.loadings[:, rows], {name: own[:, rows] for name, own in self.others.items()})

    def move(self, etas: dict[str, Array], z: Array, index: Integers) -> None:
        """Add standardised effects (S, J, K) to predictors, (S, n)."""
        for name, loadings in self.by_parameter.items():
            etas[name] = etas[name] + _contribution(loadings, z, index)

    def contribution(self, z: Array, index: Integers) -> Array:
        """Return what standardised effects (S, J, K) add to the predictor of each row, (S, n)."""
        return _contribution(self.loadings, z, index)


@dataclass(frozen=True, slots=True)
class Layer:
    """Sets of rows with effects of their own.

    Attributes
    ----------
    index : (n,) integer array
        Set of each row, none empty.
    sources : tuple of Source
        Effects of the sets.
    names : tuple of str
        The factors that they belong to.
    """

    index: Integers
    sources: tuple[Source, ...]
    names: tuple[str, ...]

    @property
    def width(self) -> int:
        """Number of effects of each set."""
        return sum(source.width for source in self.sources)

    @property
    def owned(self) -> NDArray[np.bool_]:
        """Rows that any effect enters, (n,)."""
        entered = [own for source in self.sources for own in source.by_parameter.values()]
        return np.any([np.any(own != 0, axis=(0, 2)) for own in entered], axis=0)


def _contribution(loadings: Array, z: Array, index: Integers) -> Array:
    # Fancy indices between others would give another order of the numbers in memory, on which all that follows is slow.
    total = loadings[..., 0] * np.take(z[..., 0], index, axis=1)
    for column in range(1, loadings.shape[-1]):
        total += loadings[..., column] * np.take(z[..., column], index, axis=1)
    return np.asarray(total)


def sum_rows(values: Array, index: Integers) -> Array:
    """Return sums over the rows of each set, (..., J), for values (..., n)."""
    n = len(index)
    if values.size <= _FEW_SUMS * n and np.isrealobj(values):  # the matrix takes longer than it saves
        few = [np.bincount(index, weights=one) for one in values.reshape(-1, n)]
        return np.asarray(few).reshape(*values.shape[:-1], -1)
    indicator = sparse.csr_array((np.ones(n), (index, np.arange(n))), shape=(int(index.max()) + 1, n))
    flat = values.reshape(-1, n)
    return np.asarray((indicator @ flat.T).T).reshape(*values.shape[:-1], -1)
