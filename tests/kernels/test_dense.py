"""Dense factors, inverses and products in compiled code are NumPy's."""

import numpy as np
import pytest
from numba import njit
from uncompiled import uncompiled

from bayesmixed.kernels import dense


@njit
def factor_and_invert(matrix):
    return dense.cholesky(matrix), dense.invert_triangle(matrix)


@pytest.mark.parametrize("size", [0, 1, 5, 64, 65, 300, 700])
def test_dense_factors_and_inverses_of_any_size_are_numpys(size):
    columns = np.random.default_rng(size).normal(size=(size, size + 5))
    matrix = columns @ columns.T + np.eye(size)
    factor = matrix.copy()
    done, root = factor_and_invert(factor)
    assert done
    np.testing.assert_allclose(np.tril(factor), np.linalg.cholesky(matrix), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(root @ root.T, np.linalg.inv(matrix), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("size", [3, 200])
@pytest.mark.parametrize("flaw", [-1.0, np.nan, np.inf])
def test_a_matrix_that_is_not_positive_is_reported(size, flaw):
    matrix = np.eye(size)
    matrix[size - 1, size - 1] = flaw
    assert not dense.cholesky(matrix)


def factor_of(size):
    columns = np.random.default_rng(size).normal(size=(size, size + 5))
    return np.linalg.cholesky(columns @ columns.T)


def test_solving_forward_and_backward_solves_with_the_matrix():
    factor, right = factor_of(7), np.random.default_rng(1).normal(size=7)
    found = right.copy()
    uncompiled(dense.forward)(factor, found)
    np.testing.assert_allclose(factor @ found, right, rtol=1e-10)
    uncompiled(dense.backward)(factor, found)
    np.testing.assert_allclose(factor @ factor.T @ found, right, rtol=1e-9)


def test_derivatives_in_a_factor_become_those_in_its_matrix():
    generator = np.random.default_rng(2)
    factor, weights = factor_of(5), np.tril(generator.normal(size=(5, 5)))
    slopes = weights.copy()
    uncompiled(dense.cholesky_slopes)(factor, slopes)
    np.testing.assert_array_equal(slopes, slopes.T)
    direction = generator.normal(size=(5, 5))
    direction = direction + direction.T
    ahead, behind = (np.linalg.cholesky(factor @ factor.T + m * direction) for m in (1e-6, -1e-6))
    assert np.sum(slopes * direction) == pytest.approx(np.sum(weights * (ahead - behind)) / 2e-6, rel=1e-6)


def test_products_of_rows_begin_at_a_column_and_sums_at_a_strip():
    matrix = np.random.default_rng(3).normal(size=(3, 24))
    assert uncompiled(dense.dot_rows)(matrix, 0, 2, 5) == pytest.approx(matrix[0, 5:] @ matrix[2, 5:])
    target = np.ones((3, 24))
    uncompiled(dense.add_row)(target, 1, 2.5, matrix, 2, 1)
    np.testing.assert_allclose(target[1], np.concatenate([np.ones(8), 1.0 + 2.5 * matrix[2, 8:]]))
    np.testing.assert_array_equal(target[[0, 2]], 1.0)
