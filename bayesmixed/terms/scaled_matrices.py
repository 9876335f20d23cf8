"""Inverses and roots of matrices whose rows and columns have different units, however far apart."""

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array

_SWEEPS = 20
_WIDE = 20
"""Columns from which on normal vectors are drawn by triangular roots."""


def scaled_inverse(matrix: Array) -> Array:
    """Return the inverse of a matrix, a left inverse of one with more rows than columns.

    Each block that is unrelated to the other rows and columns is inverted separately, after powers of two
    have brought its entries near 1, so that the tolerance does not depend on units.
    """
    from scipy import sparse
    from scipy.sparse import csgraph

    height, width = matrix.shape
    known = sparse.coo_array(matrix)
    links = sparse.coo_array((np.ones(known.nnz), (known.row, height + known.col)), shape=(height + width,) * 2)
    count, labels = csgraph.connected_components(links, directed=False)
    inverse = np.zeros((width, height))
    for block in range(count):
        rows, columns = np.flatnonzero(labels[:height] == block), np.flatnonzero(labels[height:] == block)
        inverse[np.ix_(columns, rows)] = _inverse(matrix[np.ix_(rows, columns)])
    return inverse


def matrix_root(covariance: Array) -> Array:
    """Return matrices whose product with their transpose is the given one, SDs of zero included: SDs times the symmetric
    root of the correlations, which follows the units and is stable under small changes of correlations."""
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))[..., None]
    unit = np.where(sd > 0.0, sd, 1.0)
    values, vectors = np.linalg.eigh(covariance / unit / np.swapaxes(unit, -1, -2))
    roots = np.sqrt(np.clip(values, 0.0, None))[..., None, :]
    return np.asarray(unit * ((vectors * roots) @ np.swapaxes(vectors, -1, -2)))


def draw_normal(covariance: Array, count: int, generator: np.random.Generator) -> Array:
    """Return `count` normal vectors of mean zero, (..., count, K), for covariances (..., K, K)."""
    normal = generator.standard_normal((*covariance.shape[:-2], count, covariance.shape[-1]))
    root = matrix_root if covariance.shape[-1] <= _WIDE else _quick_root
    return normal @ np.swapaxes(root(covariance), -1, -2)


def _quick_root(covariance: Array) -> Array:
    """Return lower triangular roots, the symmetric ones where a matrix is singular: these take twenty times as long."""
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))[..., None]
    unit = np.where(sd > 0.0, sd, 1.0)
    try:
        return np.asarray(unit * np.linalg.cholesky(covariance / unit / np.swapaxes(unit, -1, -2)))
    except np.linalg.LinAlgError:
        return matrix_root(covariance)


def _inverse(matrix: Array) -> Array:
    """Return the inverse of a matrix whose entries are brought near 1 first."""
    known = matrix != 0.0
    logs = np.log2(np.abs(matrix), out=np.zeros(matrix.shape), where=known)
    rows, columns = np.zeros(matrix.shape[0]), np.zeros(matrix.shape[1])
    for _ in range(_SWEEPS):
        rows = _mean(logs - columns, known, axis=1)
        columns = _mean(logs - rows[:, None], known, axis=0)
    over, under = 2.0 ** np.round(rows), 2.0 ** np.round(columns)
    scaled = matrix / over[:, None] / under
    try:
        # An inverse keeps small directions, which a pseudo-inverse drops.
        found = np.linalg.inv(scaled) if len(over) == len(under) else np.linalg.pinv(scaled)
    except np.linalg.LinAlgError:
        found = np.linalg.pinv(scaled)
    return np.asarray(found / over / under[:, None])


def _mean(values: Array, known: NDArray[np.bool_], axis: int) -> Array:
    return np.asarray(np.sum(values, axis=axis, where=known) / np.maximum(np.sum(known, axis=axis), 1))
