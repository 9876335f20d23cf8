"""Normal models of the J levels of one factor, with K effects each, and a border of r effects and coefficients, at many SDs.

Given the border the levels are independent. Arrays have points, S of them, on the axis that compiled products want: vectors of
levels are (J K, S) and borders (r, S). Standardised effects are those in units in which their prior is standard normal.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.kernels.joint.decoding import term_root
from bayesmixed.kernels.joint.layouts import Layout
from bayesmixed.terms.normal_block import NormalBlock

_AT_ONCE = 2_000_000
"""Numbers of an array of levels by points."""


class Roots(NamedTuple):
    """Points: the weight of the rows, (S,); lower roots of the covariance of levels, (S, K, K), and of each term, (S, k, k)."""

    weight: Array
    levels: Array
    terms: tuple[Array, ...]

    def part(self, rows: slice) -> "Roots":
        """Return some of the points."""
        return Roots(self.weight[rows], self.levels[rows], tuple(root[rows] for root in self.terms))


@dataclass(frozen=True, slots=True)
class NormalModel:
    """Cross-products of levels and a border.

    Attributes
    ----------
    blocks, level_sums : (J, K, K), (J, K) arrays
        Products of the columns of each level, and with the response.
    cross, rest : sparse (J K, r), (r, r) arrays
    rest_sums, means : (r,) arrays
        Products of the columns of the border with the response; prior means in standardised units.
    widths : tuple of (int, int)
        Levels and width of each term, in the order of the border; what follows them are coefficients.
    """

    blocks: Array
    level_sums: Array
    cross: Any
    rest: Any
    rest_sums: Array
    means: Array
    widths: tuple[tuple[int, int], ...]

    @property
    def places(self) -> list[tuple[int, int, int]]:
        """Start, levels and width of each term, and of the coefficients, taken one by one."""
        found, start = [], 0
        for levels, width in self.widths:
            found.append((start, levels, width))
            start += levels * width
        return [*found, (start, len(self.rest_sums) - start, 1)]

    @property
    def step(self) -> int:
        """Points at once."""
        return max(1, _AT_ONCE // max(self.blocks.size, 1))


class Levels(NamedTuple):
    """Levels at some points: D, (J, K, K, S), Cholesky factors of I + w L'BL, (S, J, K, K), and half their log-determinants."""

    left: Array
    factors: Array
    half_log_determinants: Array


def read_roots(
    reduced: Layout, groups: tuple[NormalBlock, ...], others: tuple[NormalBlock, ...], points: Array, weight: Array
) -> Roots:
    """Return the roots of the one group that is eliminated, or of none, and of the others, at points (S, .) of a layout, given
    the weights of the rows."""
    (one,) = reduced.predictors.values()
    terms = {term.placement.group.name: term for term in one.terms}
    first = [term_root(points, terms[group.name]) for group in groups] or [np.ones((len(points), 1, 1))]
    return Roots(weight, first[0], tuple(term_root(points, terms[group.name]) for group in others))


@np.errstate(all="ignore")
def eliminate(model: NormalModel, roots: Roots) -> Levels:
    """Return the levels at points."""
    root, width = roots.levels, model.blocks.shape[1]
    if width == 1:
        scaled = roots.weight * root[:, 0, 0] ** 2 * model.blocks[:, 0, 0, None] + 1.0
        factors = np.sqrt(scaled).T[:, :, None, None]
        left = (root[:, 0, 0] ** 2 / scaled)[:, None, None, :]
    else:
        turned = root.swapaxes(1, 2)[:, None] @ model.blocks @ root[:, None]
        factors = small_cholesky(roots.weight[:, None, None, None] * turned + np.eye(width))
        half = divide(factors, root.swapaxes(1, 2)[:, None])
        left = np.moveaxis(half.swapaxes(-1, -2) @ half, 0, -1)
    return Levels(left, factors, log_diagonals(factors).sum(axis=1))


def apply_blocks(blocks: Array, vectors: Array) -> Array:
    """Return products of blocks (J, K, K, S) with vectors (J K, S)."""
    split = vectors.reshape(blocks.shape[0], blocks.shape[1], vectors.shape[1])
    if blocks.shape[1] == 1:
        return np.asarray(blocks[:, 0] * split).reshape(vectors.shape)
    return np.einsum("jabs,jbs->jas", blocks, split).reshape(vectors.shape)


def solve_levels(model: NormalModel, roots: Roots, levels: Levels, plain: Array, noise: Array | float = 0.0) -> Array:
    """Return standardised effects of the levels, (S, J, K), given borders in the units of the columns (r, S): draws made from
    standard normal numbers of the same shape, or their means."""
    left = model.level_sums.reshape(-1, 1) - model.cross @ plain
    right = (roots.weight * left).T.reshape(len(roots.weight), *model.level_sums.shape) @ roots.levels
    half = divide(levels.factors, right[..., None]) + np.expand_dims(noise, -1)
    return np.asarray(divide(levels.factors.swapaxes(-1, -2), half)[..., 0])


def divide(left: Array, right: Array) -> Array:
    """Return the inverse of small matrices times others."""
    return np.asarray(
        right / left if left.shape[-1] == 1 else np.linalg.solve(left, np.broadcast_to(right, left.shape))
    )


def log_diagonals(factors: Array) -> Array:
    """Return the sums of logarithms of diagonals."""
    return np.asarray(np.log(np.diagonal(factors, axis1=-2, axis2=-1)).sum(axis=-1))


def small_cholesky(blocks: Array) -> Array:
    """Return the lower Cholesky factors of blocks (..., k, k), NaN where there is none."""
    if blocks.shape[-1] == 1:
        with np.errstate(invalid="ignore"):
            return np.asarray(np.sqrt(blocks))
    try:
        return np.linalg.cholesky(blocks)
    except np.linalg.LinAlgError:
        found = np.full(blocks.shape, np.nan)
        for place in np.ndindex(*blocks.shape[:-2]):
            with suppress(np.linalg.LinAlgError):
                found[place] = np.linalg.cholesky(blocks[place])
        return found
