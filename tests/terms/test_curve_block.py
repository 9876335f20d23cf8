"""Curves: what their coefficients add to rows, and which rows lie outside."""

import numpy as np
import pytest
from designs import design_of

X = np.linspace(0.0, 3.0, 30)
DATA = {"y": np.sin(X), "x": X, "f": np.array(list("pqr"))[np.arange(30) % 3]}
RNG = np.random.default_rng(1)


@pytest.fixture(params=["s(x, k=6)", "s(x, k=5, by=f)"])
def block(request):
    (found,) = design_of(f"y ~ f + {request.param}", DATA).mu.normal_blocks
    return found


def test_contributions_are_dense_columns_times_coefficients(block):
    effects = RNG.normal(size=(2, len(block.levels), block.width))
    dense = block.sparse_columns().toarray()
    np.testing.assert_allclose(block.contribution(effects), effects.reshape(2, -1) @ dense.T, atol=1e-12)
    places, values = block.loadings()
    np.testing.assert_allclose(np.take_along_axis(dense, places, axis=1), values)


def test_the_variance_of_a_curve_is_that_of_its_independent_coefficients(block):
    variances = RNG.uniform(0.5, 2.0, block.curves)
    expected = variances[block.index] * np.sum(block.matrix**2, axis=1)
    np.testing.assert_allclose(block.variance(np.diag(variances)), expected)


def test_rows_beyond_the_range_of_their_curve_are_outside(block):
    assert not np.any(block.outside)
    moved = block.along(0, np.array([-0.1, 1.5, 3.1]))
    np.testing.assert_array_equal(moved.outside, [True, False, True])
    np.testing.assert_array_equal(moved.index, 0)


def test_the_rows_of_a_curve_are_those_of_its_level(block):
    for curve in range(block.curves):
        rows = block.rows_of(curve)
        np.testing.assert_array_equal(rows, block.index == curve)
        np.testing.assert_array_equal(block.curve_values(curve), X[rows])
