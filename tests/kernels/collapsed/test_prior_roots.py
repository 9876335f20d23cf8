"""Products with the block diagonal root of a prior covariance are those of the whole matrix."""

import numpy as np
import pytest
from scipy import linalg
from uncompiled import uncompiled

from bayesmixed.kernels.collapsed import prior_roots
from bayesmixed.kernels.dense import STRIP

spread_triangle, apply_to_vector, apply_transposed = (
    uncompiled(getattr(prior_roots, name)) for name in ("spread_triangle", "apply_to_vector", "apply_transposed")
)
RNG = np.random.default_rng(4)
TABLE = np.array([[0, 3, 2], [6, 4, 1], [10, 2, 3]])
"""Three levels of two columns, four of one, two of three; then two coefficients, in no term."""
ROOTS = np.zeros((3, 3, 3))
ROOTS[0, :2, :2], ROOTS[1, 0, 0], ROOTS[2] = [[0.7, 0.0], [-0.4, 1.3]], 2.5, np.tril(RNG.normal(size=(3, 3)))
WHOLE = linalg.block_diag(*[ROOTS[0, :2, :2]] * 3, *[[[2.5]]] * 4, *[ROOTS[2]] * 2, np.eye(2))
SIZE = len(WHOLE)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("length", [SIZE, 9, 4])
def test_a_vector_or_its_beginning_is_multiplied_by_the_root(transposed, length):
    vector = RNG.normal(size=length)
    found, matrix = vector.copy(), WHOLE[:length, :length]
    apply_to_vector(found, TABLE, ROOTS, transposed)
    np.testing.assert_allclose(found, (matrix.T if transposed else matrix) @ vector, rtol=1e-12)


def test_a_symmetric_matrix_is_multiplied_from_both_sides():
    matrix = RNG.normal(size=(SIZE, SIZE))
    matrix = matrix + matrix.T
    found = np.tril(matrix)
    apply_transposed(found, TABLE, ROOTS)
    np.testing.assert_allclose(np.tril(found), np.tril(WHOLE.T @ matrix @ WHOLE), rtol=1e-10, atol=1e-12)


def test_a_triangle_is_spread_to_whole_strips_and_each_row_says_where_it_begins():
    upper = np.triu(RNG.normal(size=(SIZE, SIZE)))
    spread, strips = spread_triangle(upper, TABLE, ROOTS)
    assert spread.shape[1] % STRIP == 0
    np.testing.assert_allclose(spread[:, :SIZE], WHOLE @ upper, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(spread[:, SIZE:], 0.0)
    for row, strip in zip(spread, strips, strict=True):
        np.testing.assert_array_equal(row[: strip * STRIP], 0.0)
    # The last level of three columns begins at column 13, the coefficients at 16.
    np.testing.assert_array_equal(strips, [*[0] * 8, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2])
