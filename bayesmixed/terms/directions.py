"""Whether columns are linearly dependent, and which directions they span."""

import numpy as np

from bayesmixed.families.links import Array

_DEPENDENT = 1e-13
"""A column counts as dependent if its residual on others is at most this share of itself and of their parts of it."""
_ROWS_AT_ONCE = 1 << 14
_APART, _VARIES = 1e-5, 1e-16
"""Bound for surely independent columns: of the smallest eigenvalue of their correlations, and of the share of variation
in the squares of each."""


def find_directions(matrix: Array, rounding: float = _DEPENDENT) -> tuple[list[int], Array]:
    """Return the columns that do not depend linearly on those before them, and orthonormal ones for these in turn.

    Columns that nearly depend on each other, such as powers of a year, are distinguished from those that do by the
    residual that rounding can leave: the larger, the larger the multiples of others that add up to the column.
    """
    from scipy.linalg import solve_triangular

    new: list[int] = []
    directions = np.empty(matrix.shape, order="F")
    root = np.zeros((matrix.shape[1], matrix.shape[1]))
    for position, column in enumerate(matrix.T):
        count = len(new)
        rest, known = column / (float(np.linalg.norm(column)) or 1.0), directions[:, :count]
        inside = np.zeros(count)
        for _ in range(2):
            part = known.T @ rest
            rest, inside = rest - known @ part, inside + part
        left = float(np.linalg.norm(rest))
        multiples = solve_triangular(root[:count, :count], inside) if count else inside
        if left > rounding * (1.0 + float(np.sum(np.abs(multiples)))):
            root[:count, count], root[count, count] = inside, left
            directions[:, count] = rest / left
            new.append(position)
    return new, directions[:, : len(new)]


def are_apart(matrix: Array, *, centred: bool) -> bool:
    """Return whether columns are surely linearly independent of each other and, if `centred`, of a constant.

    It uses their correlations, which takes a fraction of the time of `find_directions`; False means "look closely".
    """
    count = matrix.shape[1]
    moments, squares = np.zeros((count, count)), np.zeros(count)
    centre = matrix.mean(axis=0) if centred else 0.0
    for first in range(0, len(matrix), _ROWS_AT_ONCE):
        rows = matrix[first : first + _ROWS_AT_ONCE]
        squares += np.einsum("np,np->p", rows, rows)
        rows = rows - centre
        moments += rows.T @ rows
    own = np.diag(moments)
    if not np.all((own > _VARIES * squares) & np.isfinite(squares)):
        return False
    size = np.sqrt(own)
    return bool(np.linalg.eigvalsh(moments / size / size[:, None])[0] > _APART)


def spans(columns: Array, others: Array) -> bool:
    """Return whether other columns are linear combinations of columns of any size."""
    directions = find_directions(columns)[1]
    return bool(np.allclose(directions @ (directions.T @ others), others, atol=1e-6))
