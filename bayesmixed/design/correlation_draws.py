"""Draws of correlation matrices from their priors."""

from collections.abc import Iterable

import numpy as np

from bayesmixed.families.links import Array


def draw_correlations(width: int, concentration: float, count: int, generator: np.random.Generator) -> Array:
    """Return (count, width, width) matrices from the LKJ distribution, by the onion method.

    Row i of the Cholesky factor has a uniform direction and a squared length of Beta(i / 2, eta + (width - 1 - i) / 2)
    (Lewandowski, Kurowicka & Joe 2009, J Multivar Anal 100:1989).
    """
    factor = np.zeros((count, width, width))
    factor[:, 0, 0] = 1.0
    for i in range(1, width):
        squared = generator.beta(i / 2.0, concentration + (width - 1 - i) / 2.0, count)
        direction = generator.standard_normal((count, i))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        factor[:, i, :i] = np.sqrt(squared)[:, None] * direction
        factor[:, i, i] = np.sqrt(1.0 - squared)
    return np.asarray(factor @ factor.transpose(0, 2, 1))


def draw_within_parts(
    width: int, parts: Iterable[tuple[tuple[int, ...], float]], count: int, generator: np.random.Generator
) -> Array:
    """Return draws of the correlations of all columns, (S, K, K), which are 0 but within parts: their columns and the
    concentration of their LKJ distribution."""
    found = np.tile(np.eye(width), (count, 1, 1))
    for columns, concentration in parts:
        found[np.ix_(np.arange(count), columns, columns)] = draw_correlations(
            len(columns), concentration, count, generator
        )
    return found
