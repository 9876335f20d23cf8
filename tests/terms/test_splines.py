"""Spline bases: their penalties by quadrature, what is not penalised, and how they are scaled and continued."""

import numpy as np
import pytest

from bayesmixed.terms.splines import BASES, learn_spline

X = np.random.default_rng(4).gamma(2.0, 3.0, size=200)
each_basis = pytest.mark.parametrize("basis", BASES.values(), ids=BASES)


@each_basis
def test_columns_are_scaled_and_orthogonal_to_each_other_and_to_what_is_not_penalised(basis):
    columns = learn_spline(basis, X, 9).penalised(X)
    assert columns.shape == (200, 7)
    assert np.mean(np.sum(columns**2, axis=1)) == pytest.approx(1.0)
    products = columns.T @ columns
    np.testing.assert_allclose(products, np.diag(np.diag(products)), atol=1e-8)
    assert np.all(np.diff(np.diag(products)) < 0)
    free = np.column_stack([np.ones(200), X])[:, : 1 if basis.periodic else 2]
    np.testing.assert_allclose(free.T @ columns, 0.0, atol=1e-7)


@each_basis
def test_columns_are_orthogonal_over_rows_weighted_by_a_multiplier(basis):
    multiplier = np.random.default_rng(5).normal(size=200)
    columns = learn_spline(basis, X, 7, multiplier).penalised(X) * multiplier[:, None]
    assert np.mean(np.sum(columns**2, axis=1)) == pytest.approx(1.0)
    np.testing.assert_allclose(multiplier @ columns, 0.0, atol=1e-7)


@pytest.mark.parametrize("name", ["cr", "cc"])
def test_the_penalty_of_cubic_splines_is_their_squared_second_derivative(name):
    spline = learn_spline(BASES[name], X, 8)
    # Midpoints between many points: differences are exact within a cubic piece, but for the pieces with a knot.
    grid = np.linspace(spline.lower, spline.upper, 200_001)
    step = grid[1] - grid[0]
    curves = spline.penalised(grid)
    second = np.diff(curves, 2, axis=0) / step**2
    penalty = step * second.T @ second
    # The penalty of the coefficients is b'b but for the scale of the columns.
    expected = np.eye(6) * penalty[0, 0]
    np.testing.assert_allclose(penalty, expected, atol=2e-3 * penalty[0, 0])


@pytest.mark.parametrize("name", ["tp", "cr", "ps"])
def test_curves_go_on_as_straight_lines(name):
    spline = learn_spline(BASES[name], X, 8)
    for edge, sign in ((spline.lower - 0.1, -1.0), (spline.upper + 0.1, 1.0)):
        beyond = spline.penalised(edge + sign * np.array([0.0, 1.0, 2.0]))
        np.testing.assert_allclose(np.diff(beyond, 2, axis=0), 0.0, atol=1e-7)
        near = spline.penalised(np.array([edge, edge - sign * 0.2 * (1 + 1e-9)]))
        assert np.abs(near[0] - near[1]).max() < 0.2 * (1.0 + np.abs(beyond[0]).max())


def test_cyclic_curves_begin_again_where_they_end():
    spline = learn_spline(BASES["cc"], X, 8)
    width, at = spline.upper - spline.lower, np.linspace(spline.lower, spline.upper, 7)
    np.testing.assert_allclose(spline.penalised(at), spline.penalised(at + width), atol=1e-9)
    h = 1e-5 * width
    ends = [
        (spline.penalised(np.array([edge + h])) - spline.penalised(np.array([edge - h]))) / h
        for edge in (spline.lower, spline.upper)
    ]
    np.testing.assert_allclose(*ends, atol=1e-5)


def test_the_basis_does_not_depend_on_the_units_of_x():
    for basis in BASES.values():
        first = learn_spline(basis, X, 6).penalised(X)
        second = learn_spline(basis, 1e3 * X - 5e4, 6).penalised(1e3 * X - 5e4)
        np.testing.assert_allclose(first, second, atol=1e-6)


def test_many_rows_are_mapped_in_parts_to_the_same_columns():
    spline = learn_spline(BASES["tp"], X, 6)
    many = np.tile(X, 120)
    np.testing.assert_allclose(spline.penalised(many), np.tile(spline.penalised(X), (120, 1)), rtol=1e-9, atol=1e-12)
