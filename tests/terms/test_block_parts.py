"""Parts of blocks: columns with one covariance, levels in levels, matrices side by side."""

import numpy as np
from scipy import linalg

from bayesmixed.terms.block_parts import (
    Part,
    basis_coordinates,
    block_diagonal,
    fixed_correlations,
    lies_in,
    sparse_rows,
)


def test_columns_of_one_part_have_the_correlation_and_columns_of_two_have_none():
    found = fixed_correlations(
        (Part((0, 2), correlated=True), Part((1,), correlated=True), Part((3, 4), correlated=False)), 0.4
    )
    expected = np.eye(5)
    expected[0, 2] = expected[2, 0] = 0.4
    np.testing.assert_array_equal(found, expected)
    assert Part((0, 2), correlated=True).shifted(3) == Part((3, 5), correlated=True)


def test_a_level_lies_in_the_outer_level_of_its_rows():
    inner, outer = np.array([2, 0, 2, 1]), np.array([1, 0, 1, 0])
    np.testing.assert_array_equal(lies_in(inner, outer), [0, 0, 1])
    np.testing.assert_array_equal(lies_in(inner, outer, 5), [0, 0, 1, 0, 0])


def test_two_matrices_stand_on_the_diagonal():
    first, second = np.arange(6.0).reshape(2, 3), np.ones((1, 2))
    np.testing.assert_array_equal(block_diagonal(first, second), linalg.block_diag(first, second))


def test_sparse_rows_have_their_values_at_their_places():
    places, values = np.array([[3, 0], [1, 2], [3, 1]]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    expected = np.zeros((3, 4))
    np.put_along_axis(expected, places, values, axis=1)
    np.testing.assert_array_equal(sparse_rows(places, values, 4).toarray(), expected)


def test_coordinates_of_a_basis_are_its_coefficients():
    found = basis_coordinates(("Intercept", "x"), np.array([1.0, 0.5]), as_written=True)
    np.testing.assert_array_equal(found.mixing, np.eye(2))
    np.testing.assert_array_equal(found.pulls, 0.0)
    assert found.as_written
