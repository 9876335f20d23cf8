"""Classes of levels whose own cross-products are equal, and sums over each class of all that a gradient needs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array

_DIGITS = 12
# Sums that still fit into the processor's cache.
_LARGEST = 2_000_000
_LEVELS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class LevelClasses:
    """Levels of the eliminated term by classes; of what the arrays hold says `bayesmixed.kernels.collapsed.class_sums`.

    Attributes
    ----------
    kinds : (J,) integer array
        Class of each level.
    counts, blocks, products : (C,), (C, K, K), (C, K (K + 1) / 2, T) arrays
        Number of levels, cross-products of one level, and sums over the class.
    """

    kinds: NDArray[np.int64]
    counts: Array
    blocks: Array
    products: Array


def sum_classes(blocks: Array, cross: Any, sums: Array) -> LevelClasses | None:
    """Return the classes of levels, or None where going through all levels is faster.

    Parameters
    ----------
    blocks, sums : (J, K, K) and (J, K) arrays
        Products of each level's own columns with each other and with the response.
    cross : sparse (J K, R) matrix
        Their products with the columns of the rest.
    """
    width = sums.shape[1]
    _, first, kinds, counts = np.unique(
        _digits(blocks), axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    size, pairs = cross.shape[1], width * (width + 1) // 2
    triangle = (size + 1) * (size + 2) // 2
    met = np.diff(cross.indptr)
    # Products of numbers in each way, those of long rows counted by their speed.
    by_classes, by_levels = len(counts) * pairs * triangle + size**3 / 8, 2 * float(met @ (met + size))
    if by_classes > by_levels or len(counts) * pairs * triangle > _LARGEST:
        return None
    products = np.zeros((len(counts), pairs, triangle))
    kinds = kinds.reshape(-1).astype(np.int64)
    for c in range(len(counts)):
        members = np.flatnonzero(kinds == c)
        for start in range(0, len(members), _LEVELS_AT_ONCE):
            _add_products(products[c], members[start : start + _LEVELS_AT_ONCE], cross, sums)
    return LevelClasses(kinds, counts.astype(float), blocks[first], products)


def lower_triangle(matrix: Array) -> Array:
    """Return the lower triangle of a matrix, row after row."""
    return np.asarray(matrix[np.tril_indices(len(matrix))])


def _digits(blocks: Array) -> Array:
    """Return the blocks to twelve digits, each after its scale: equal for levels whose rows came in another order.

    Columns may have any unit: each is divided by its largest size in a level.
    """
    unit = 2.0 ** np.floor(np.log2(np.sqrt(np.einsum("jkk->jk", blocks).max(axis=0, initial=1e-300))))
    blocks = blocks / unit[:, None] / unit
    scale = 2.0 ** np.floor(np.log2(np.maximum(np.trace(blocks, axis1=1, axis2=2), 1e-300)))
    rounded = np.round(blocks / scale[:, None, None], _DIGITS) + 0.0
    return np.column_stack([scale, rounded.reshape(len(blocks), -1)])


def _add_products(products: Array, members: NDArray[np.intp], cross: Any, sums: Array) -> None:
    """Add the products of some levels of a class."""
    width = sums.shape[1]
    rows = [np.column_stack([cross[members * width + k].toarray(), sums[members, k]]) for k in range(width)]
    pair = 0
    for k in range(width):
        for m in range(k + 1):
            product = rows[k].T @ rows[m]
            products[pair] += lower_triangle(product if k == m else product + product.T)
            pair += 1
