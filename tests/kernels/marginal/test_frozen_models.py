"""Tabulated working models are those that would be made anew."""

import numpy as np
import pytest
from marginal_designs import one_way, prepared
from uncompiled import as_records, uncompiled

from bayesmixed.engines.marginal_estimates import line_rule
from bayesmixed.engines.marginal_layout import lay_out_marginal
from bayesmixed.kernels.collapsed.views import read_roots
from bayesmixed.kernels.marginal import frozen_models, working_models
from bayesmixed.kernels.marginal.row_effects import row_space
from bayesmixed.kernels.marginal.rows import fill_further


def frozen(family, priors=None):
    """Return a layout of rows in crossed groups, a point, predictors there, and the tables."""
    data = one_way(family) | {"h": np.tile(list("pq"), 10), "x": np.linspace(-1.0, 1.0, 20)}
    layout = lay_out_marginal(prepared("y ~ x + (1 | g) + (x | h)", data, family, priors))
    point, data = np.zeros(len(layout.kept)), as_records(layout.packed.data)
    point[layout.outer] = np.linspace(-0.3, 0.4, len(point[layout.outer]))
    centre = 0.5 * np.random.default_rng(1).normal(size=len(layout.rows.offset))
    tables = uncompiled(frozen_models.freeze)(point, layout.rows, data, centre, line_rule(5), True)
    return layout.rows, data, point, centre, tables


@pytest.mark.parametrize("distance", [-0.7, -0.31, 0.0, 0.69])
def test_what_an_elimination_leaves_is_interpolated_exactly(distance):
    rows, data, point, _, (models, eliminated) = frozen("poisson")
    products, sums = uncompiled(frozen_models.open_model)(rows, models[0])
    root, table, roots = uncompiled(read_roots)(point, data)
    root = root * np.exp(distance)
    noise = np.random.default_rng(2).normal(size=rows.border)
    levels, others = np.empty((len(rows.pointers) - 1, 1)), np.empty(rows.border)
    factors = uncompiled(working_models.work_space)(rows)[2]
    uncompiled(working_models.factor_model)(rows, root, table, roots, products, factors)
    uncompiled(working_models.draw_border)(rows, root, table, roots, sums, factors, noise, levels, others)
    found, border, outer = np.empty_like(levels), np.empty_like(others), np.empty_like(factors[2])
    draw = uncompiled(frozen_models.draw_eliminated)
    assert draw(rows, distance, root, table, roots, eliminated, products, sums, outer, noise, found, border)
    np.testing.assert_allclose(found, levels, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(border, others, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(np.diagonal(outer), np.diagonal(factors[2]), rtol=1e-11)


@pytest.mark.parametrize("family", ["gaussian", "negbin", "gamma"])
@pytest.mark.parametrize("distance", [-0.7, 0.2])
def test_models_are_interpolated_over_the_further_parameter(family, distance):
    rows, data, point, centre, (models, eliminated) = frozen(family)
    assert len(eliminated) == 0
    blended = np.empty(models.shape[1])
    uncompiled(frozen_models.blend)(models, distance, blended)
    root, _, _ = uncompiled(read_roots)(point, data)
    moved, further = point.copy(), np.empty(len(centre))
    moved[rows.scalar] += distance
    uncompiled(fill_further)(moved, rows, further)
    exact = np.empty(models.shape[1])
    products, sums = uncompiled(frozen_models.open_model)(rows, exact)
    layer = uncompiled(row_space)(rows, line_rule(5))
    uncompiled(working_models.weigh)(rows, centre, further, root, True, products, sums, layer)
    np.testing.assert_allclose(blended, exact, rtol=1e-10, atol=1e-9)
