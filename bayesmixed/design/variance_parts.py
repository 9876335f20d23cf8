"""Parts of a variance: the effects of a term, or the residuals, with what their variance depends on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesmixed.design.correlation_draws import draw_within_parts
from bayesmixed.families.links import Array


@dataclass(frozen=True, slots=True)
class Part:
    """What has a share in a variance: the effects of a term, or residuals.

    Attributes
    ----------
    name : str
        "herd", or the name of the residual SD.
    keys : tuple of str
        Keys of the priors of its K SDs.
    moments : tuple of tuples
        Mean over rows of zz', (K, K): the variance of the part is the trace of its product with the covariance.
    correlated : tuple of (tuple of int, float)
        Columns with estimated correlations, and the concentration of their LKJ distribution.
    correlation : str
        Key of the prior of the correlations, "" without.
    """

    name: str
    keys: tuple[str, ...]
    moments: tuple[tuple[float, ...], ...]
    correlated: tuple[tuple[tuple[int, ...], float], ...] = ()
    correlation: str = ""

    @property
    def residual(self) -> bool:
        """Whether it is the residual."""
        return self.keys == (self.name,)

    @property
    def matrix(self) -> Array:
        """The moments as an array."""
        return np.array(self.moments)

    @property
    def free_of_correlations(self) -> bool:
        """Whether the variance of the part depends on SDs alone."""
        together = np.zeros(self.matrix.shape, dtype=bool)
        for columns, _ in self.correlated:
            together[np.ix_(columns, columns)] = True
        diagonal = np.sqrt(np.diag(self.matrix))
        beside = np.abs(self.matrix) / np.outer(diagonal, diagonal) * ~np.eye(len(diagonal), dtype=bool)
        return bool(np.all(beside[together] < 1e-9))

    def variance(self, covariance: Array) -> Array:
        """Return the variance of the part for covariances (..., K, K)."""
        return np.einsum("...kl,kl->...", covariance, self.matrix)

    def sds(self, variance: Any, within: Any, correlation: Any) -> Any:
        """Return SDs (S, K) from variances (S,), shares of the K columns (S, K) and correlations (S, K, K)."""
        plain = np.sqrt(within / np.diag(self.matrix))
        unit = self.variance(plain[:, :, None] * correlation * plain[:, None, :])
        return plain * np.sqrt(variance / unit)[:, None]

    def draw_sds(self, variance: Array, correlations: Mapping[str, Array], generator: np.random.Generator) -> Array:
        """Return draws of the SDs, (S, K), for draws of the variance (S,) and of correlations (S, K, K) by key: the shares of
        the K columns in the variance are uniform."""
        within = generator.dirichlet(np.ones(len(self.keys)), len(variance))
        return np.asarray(self.sds(variance, within, correlations.get(self.correlation, np.eye(len(self.keys)))))

    def draw_correlations(self, count: int, generator: np.random.Generator) -> Array:
        """Return draws of the correlations from their prior, (S, K, K)."""
        return draw_within_parts(len(self.keys), self.correlated, count, generator)


def read_parts(found: Sequence[Any]) -> tuple[Part, ...]:
    """Return parts from lists."""
    return tuple(Part(*map(_as_tuples, part)) for part in found)


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
