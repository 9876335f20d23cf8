"""Precisions Z'WZ + D of effects: factors, solutions, and the entries of the inverse that rows need."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array


class PrecisionPattern:
    """Which of q effects rows take together, and in which order they are eliminated.

    Parameters
    ----------
    indices : (n, M) integer array
        The effects that each row takes.
    size : int
        Their number q.
    """

    def __init__(self, indices: NDArray[np.int64], size: int) -> None:
        from scipy import sparse
        from scipy.sparse import linalg

        from bayesmixed.kernels.factor_entries import eliminate_compiled

        self.indices, self.size = indices, size
        pointers = indices.shape[1] * np.arange(len(indices) + 1)
        rows = sparse.csr_array((np.ones(indices.size), indices.ravel(), pointers), shape=(len(indices), size))
        together = (rows.T @ rows).tocsc()
        together.data[:] = 1.0
        together.setdiag(size + 1.0)
        options = {"SymmetricMode": True}
        factor = linalg.splu(together, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options) if size else None
        self.place: NDArray[np.int64] = np.asarray(factor.perm_c if factor else (), dtype=np.int64)
        """(q,) the place of each effect in the order of elimination."""
        entries = together.tocoo()
        low, high = np.sort([self.place[entries.row], self.place[entries.col]], axis=0)
        below = np.unique(low[low < high] * size + high[low < high])
        starts = np.searchsorted(below, size * np.arange(size + 1))
        self.pointers, self.places = eliminate_compiled(starts.astype(np.int64), below % max(size, 1), size)
        self.tail = len(self.pointers) - 1
        self.placed = np.ascontiguousarray(self.place[indices])

    def factor(self, values: Array, weight: Array, penalty: Array) -> "Factor | None":
        """Return the factor for what multiplies the effects in each row, (n, M), and weights of rows; None if there is none."""
        from scipy.linalg import lapack

        from bayesmixed.kernels.factor_entries import factorise_compiled

        entries, diagonal = np.empty(len(self.places)), np.empty(self.tail)
        dense = np.empty((self.size - self.tail,) * 2)
        own = np.empty(self.size)
        own[self.place] = penalty
        if not factorise_compiled(
            self.placed,
            np.array(values, order="C"),
            np.array(weight),
            own,
            self.pointers,
            self.places,
            entries,
            diagonal,
            dense,
        ):
            return None
        # LAPACK reads the transpose: the lower triangle is its upper one.
        if len(dense):
            dense, failed = lapack.dpotrf(dense.T, lower=0, overwrite_a=1, clean=0)
            if failed:
                return None
        return Factor(self, values, entries, diagonal, dense)


@dataclass(frozen=True)
class Factor:
    """The Cholesky factor of a precision; `dense` is the upper triangle of the factor of its tail."""

    pattern: PrecisionPattern
    values: Array
    entries: Array
    diagonal: Array
    dense: Array

    @property
    def log_determinant(self) -> float:
        """Logarithm of the determinant of the precision."""
        return 2.0 * float(np.sum(np.log(self.diagonal)) + np.sum(np.log(np.diagonal(self.dense))))

    def solve(self, right: Array) -> Array:
        """Return the inverse times a vector."""
        from scipy.linalg import lapack

        from bayesmixed.kernels.factor_entries import solve_backwards_compiled, solve_forwards_compiled

        pattern, own = self.pattern, np.empty(self.pattern.size)
        own[pattern.place] = right
        solve_forwards_compiled(pattern.pointers, pattern.places, self.entries, self.diagonal, own)
        if len(self.dense):
            own[pattern.tail :] = lapack.dpotrs(self.dense, own[pattern.tail :], lower=0)[0]
        solve_backwards_compiled(pattern.pointers, pattern.places, self.entries, self.diagonal, own)
        return np.asarray(own[pattern.place])

    @cached_property
    def _inverse(self) -> tuple[Array, Array, Array]:
        """Entries of the inverse: below and on the diagonal of sparse columns, and the tail (lower triangle)."""
        from scipy.linalg import lapack

        from bayesmixed.kernels.factor_entries import invert_compiled

        pattern, inverse, diagonal = self.pattern, np.empty_like(self.entries), np.empty_like(self.diagonal)
        dense = np.ascontiguousarray(lapack.dpotri(self.dense, lower=0)[0].T) if len(self.dense) else self.dense
        invert_compiled(pattern.pointers, pattern.places, self.entries, self.diagonal, dense, inverse, diagonal)
        return inverse, diagonal, dense

    def of_rows(self) -> Array:
        """Return for each row z the entries, (n, M), of (inverse) z at the effects that it takes."""
        from bayesmixed.kernels.factor_entries import multiply_rows_compiled

        pattern, found = self.pattern, np.zeros(self.values.shape)
        multiply_rows_compiled(pattern.placed, self.values, pattern.pointers, pattern.places, *self._inverse, found)
        return found

    def covariances(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> Array:
        """Return entries of the inverse: those of pairs of effects that some row takes together, of others perhaps 0."""
        from bayesmixed.kernels.factor_entries import read_entries_compiled

        pattern, found = self.pattern, np.empty(len(first))
        read_entries_compiled(
            pattern.place[first], pattern.place[second], pattern.pointers, pattern.places, *self._inverse, found
        )
        return found
