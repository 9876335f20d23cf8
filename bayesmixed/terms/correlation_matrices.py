"""Correlations between effects of a level: of the columns of one term, or of terms that a letter ties, (1 |p| g)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.block_parts import Part
from bayesmixed.terms.covariances import lkj_concentration


@dataclass(frozen=True, slots=True)
class CorrelationMatrix:
    """The correlations of all effects of a level of one factor that have one covariance matrix.

    Attributes
    ----------
    term : str
        The factor, as results name it.
    name : str
        The variable in draws, and the key of its prior: "corr_herd".
    dim : str
        The dimension of its rows; that of its columns ends in "_2".
    parameters : tuple of str
        The predictors that the effects enter, one or several.
    columns : tuple of tuples of str
        The columns of the factor in each of these.
    parts : tuple of Part
        Partition of all columns, one predictor after the other.
    """

    term: str
    name: str
    dim: str
    parameters: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    parts: tuple[Part, ...]

    @property
    def dims(self) -> tuple[str, str]:
        """The dimensions of the matrix."""
        return self.dim, f"{self.dim}_2"

    @property
    def tied(self) -> bool:
        """Whether the effects enter several predictors."""
        return len(self.parameters) > 1

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the W columns: "x"; of several predictors "mu[x]", "sigma[x]"."""
        if not self.tied:
            return self.columns[0]
        pairs = zip(self.parameters, self.columns, strict=True)
        return tuple(f"{parameter}[{label}]" for parameter, labels in pairs for label in labels)

    @property
    def width(self) -> int:
        """Number W of columns."""
        return sum(len(part.columns) for part in self.parts)

    @property
    def widest(self) -> int:
        """Number of columns of the largest part whose correlations are estimated one by one, 0 without any."""
        return max((len(part.columns) for part in self.parts if part.correlated), default=0)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The two columns of each correlation that is estimated."""
        return tuple(pair for part in self.parts if part.correlated for pair in combinations(part.columns, 2))

    @property
    def prior(self) -> Prior:
        """The default prior of the correlations."""
        return Prior(name="LKJ", arguments=(lkj_concentration(self.widest),))

    def place(self, parameter: str) -> slice:
        """Return which columns are those of a predictor."""
        if not self.tied:
            return slice(None)
        number = self.parameters.index(parameter)
        start = sum(map(len, self.columns[:number]))
        return slice(start, start + len(self.columns[number]))

    def own(self, matrices: Array, parameter: str) -> Array:
        """Return the block of a predictor, (..., K, K), of matrices (..., W, W)."""
        return self.between(matrices, parameter, parameter)

    def between(self, matrices: Array, first: str, second: str) -> Array:
        """Return the block between two predictors, (..., K1, K2), of matrices (..., W, W)."""
        return np.asarray(matrices[..., self.place(first), self.place(second)])


def tied_sets(letters: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Return the sets of two predictors or more that letters of one factor tie, directly or through others, in order.

    Parameters
    ----------
    letters : mapping
        The letters of each predictor, "" for terms without.
    """
    found: list[list[str]] = []
    for parameter, own in letters.items():
        touched = [members for members in found if any(({*own} & {*letters[one]}) - {""} for one in members)]
        found = [members for members in found if members not in touched]
        found.append([*(one for members in touched for one in members), parameter])
    order = list(letters)
    return [sorted(members, key=order.index) for members in found if len(members) > 1]
