"""Products with roots of covariances equal those with the whole matrix, and derivatives are differences."""

import numpy as np
import pytest
from uncompiled import uncompiled

from bayesmixed.kernels.joint import root_products

TERMS = np.array([[1, 3, 2], [7, 2, 3]])
"""A coefficient without a root, three levels of two columns, two of three."""
SIZE = 13


@pytest.fixture
def roots():
    return np.tril(np.random.default_rng(1).normal(size=(2, 3, 3)))


@pytest.fixture
def z():
    return np.random.default_rng(2).normal(size=SIZE)


def call(name, *arguments):
    return uncompiled(getattr(root_products, name))(*arguments)


def whole(roots):
    """Return T as one matrix."""
    found = np.eye(SIZE)
    for (first, levels, width), root in zip(TERMS, roots, strict=True):
        for start in range(first, first + levels * width, width):
            found[start : start + width, start : start + width] = root[:width, :width]
    return found


def test_vectors_are_multiplied_in_their_place(roots, z):
    for name, matrix in (("apply", whole(roots)), ("apply_transposed", whole(roots).T)):
        found = z.copy()
        call(name, found, TERMS, roots)
        np.testing.assert_allclose(found, matrix @ z, rtol=1e-12)


def test_matrices_are_multiplied_in_their_place(roots):
    square = np.random.default_rng(3).normal(size=(SIZE, SIZE))
    columns, spread, turned = square.copy(), square + square.T, square.copy()
    call("apply_columns", columns, TERMS, roots)
    call("spread_back", spread, TERMS, roots)
    call("transpose", turned)
    np.testing.assert_allclose(columns, square @ whole(roots), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(spread, whole(roots) @ (square + square.T) @ whole(roots).T, rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(turned, square.T)


def test_slopes_in_the_roots_are_differences(roots, z):
    weights, slopes, step = np.random.default_rng(4).normal(size=SIZE), np.zeros_like(roots), 1e-6
    call("add_slopes_of_roots", slopes, weights, z, TERMS)
    for place in zip(*np.nonzero(roots), strict=True):
        moved = roots.copy()
        moved[place] += step
        expected = weights @ (whole(moved) - whole(roots)) @ z / step
        assert slopes[place] == pytest.approx(expected, abs=1e-7)


def test_a_triangle_is_solved_and_its_slopes_are_differences(z):
    generator = np.random.default_rng(5)
    factor, root, vector, weights = np.tril(generator.normal(size=(3, 3))), np.tril(z[:9].reshape(3, 3)), z[9:12], z[:3]
    factor += 3.0 * np.eye(3)
    out = np.empty(3)
    call("forward_root", factor, root, vector, out)
    np.testing.assert_allclose(factor @ out, root.T @ vector, rtol=1e-12)
    slopes = np.zeros((2, 3, 3))
    call("forward_root_back", factor, vector, out, weights.copy(), slopes[0], slopes[1])
    for which, i, k in np.ndindex(2, 3, 3):
        if k > i:
            continue
        moved = [factor.copy(), root.copy()]
        moved[which][i, k] += 1e-6
        found = np.linalg.solve(moved[0], moved[1].T @ vector)
        assert slopes[which, i, k] == pytest.approx(weights @ (found - out) / 1e-6, abs=1e-5)
