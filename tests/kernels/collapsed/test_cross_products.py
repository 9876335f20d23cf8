"""Cross-products of rows that come some at a time are those of dense matrices."""

import numpy as np
import pytest
from gaussian_models import prepared, table

from bayesmixed.kernels.collapsed import cross_products
from bayesmixed.kernels.collapsed.cross_products import (
    CrossProducts,
    pooled_shift,
    principal_axes,
    row_factor,
    split_groups,
)
from bayesmixed.kernels.joint.layouts import order_groups

FORMULAS = ["y ~ x + (x | g) + (1 | h)", "y ~ x + w", "y | weights(u, 'precision') ~ x + (1 | inner)"]


@pytest.mark.parametrize("parts", [[slice(0, 48)], [slice(0, 5), slice(5, 6), slice(6, 48)]])
def test_products_of_effects_coefficients_and_residual_are_dense_ones(parts):
    design = prepared(FORMULAS[0], table())
    groups = order_groups(design)
    (first,), (second,) = split_groups(groups)
    generator = np.random.default_rng(1)
    columns, residual, root = generator.normal(size=(48, 2)), generator.normal(size=48), generator.uniform(1, 2, 48)
    found = CrossProducts(groups, 2)
    for rows in parts:
        found.add(design, rows, root[rows], columns[rows], residual[rows])
    inner = root[:, None] * first.sparse_columns().toarray()
    rest = np.hstack([root[:, None] * second.sparse_columns().toarray(), columns])
    np.testing.assert_allclose(found.products, rest.T @ rest)
    np.testing.assert_allclose(found.sums, rest.T @ residual)
    np.testing.assert_allclose(found.squares, residual @ residual)
    np.testing.assert_allclose(found.level_sums, inner.T @ residual)
    np.testing.assert_allclose(found.cross.toarray(), inner.T @ rest, atol=1e-12)
    whole = inner.T @ inner
    for g, block in enumerate(found.blocks):
        own = slice(g * 2, g * 2 + 2)
        np.testing.assert_allclose(block, whole[own, own])


@pytest.mark.parametrize("at_once", [7, 1_000])
@pytest.mark.parametrize("formula", FORMULAS)
def test_the_factor_of_all_rows_has_their_cross_products(formula, at_once, monkeypatch):
    monkeypatch.setattr(cross_products, "ROWS_AT_ONCE", at_once)
    data = table()
    design = prepared(formula, data)
    weights = data["u"] if "weights" in formula else np.ones(48)
    whole = np.sqrt(weights)[:, None] * np.column_stack([design.mu.centred_matrix, data["y"]])
    factor = row_factor(design)
    np.testing.assert_allclose(factor.T @ factor, whole.T @ whole, rtol=1e-9, atol=1e-9)


def test_principal_axes_are_orthogonal_and_do_not_depend_on_signs():
    columns = np.random.default_rng(2).normal(size=(9, 4)) * [1.0, 5.0, 0.1, 2.0]
    axes = principal_axes(columns)
    np.testing.assert_allclose(axes.T @ axes, np.eye(4), atol=1e-12)
    products = (columns @ axes).T @ (columns @ axes)
    np.testing.assert_allclose(products, np.diag(np.diag(products)), atol=1e-9)
    assert np.all(axes[np.abs(axes).argmax(axis=0), range(4)] > 0)
    np.testing.assert_allclose(principal_axes(-columns), axes, atol=1e-12)


def test_the_shift_is_near_least_squares_where_rows_tell_and_zero_where_they_do_not():
    generator = np.random.default_rng(3)
    columns = np.linalg.qr(generator.normal(size=(40, 3)))[0] * [100.0, 10.0, 0.0]
    residual = columns @ [2.0, -1.0, 0.0] + 0.01 * generator.normal(size=40)
    found = pooled_shift(columns, residual, 40)
    np.testing.assert_allclose(found, np.linalg.lstsq(columns, residual, rcond=None)[0], atol=1e-3)
    assert found[2] == 0.0
