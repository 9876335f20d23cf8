"""Layers of rows and what their standardised effects add to predictors."""

import numpy as np

from bayesmixed.integration.layers import Layer, Source, sum_rows

INDEX = np.array([0, 2, 1, 0, 2])
RNG = np.random.default_rng(1)


def test_sums_over_the_rows_of_each_set_are_those_of_a_loop():
    values = RNG.normal(size=(2, 3, 5))
    expected = np.stack([values[..., j == INDEX].sum(axis=-1) for j in range(3)], axis=-1)
    np.testing.assert_allclose(sum_rows(values, INDEX), expected)


def test_the_contribution_of_effects_is_loadings_times_the_effects_of_the_set_of_a_row():
    loadings, z = RNG.normal(size=(4, 5, 2)), RNG.normal(size=(4, 3, 2))
    expected = np.einsum("snk,snk->sn", loadings, z[:, INDEX])
    np.testing.assert_allclose(Source("mu", loadings).contribution(z, INDEX), expected)


def test_a_layer_counts_its_effects_and_owns_the_rows_that_any_of_them_enters():
    first, second = np.zeros((2, 5, 1)), np.zeros((2, 5, 2))
    first[1, 0, 0], second[0, 3, 1] = 0.5, -0.1
    layer = Layer(INDEX, (Source("mu", first), Source("sigma", second)), ("g",))
    assert layer.width == 3
    np.testing.assert_array_equal(layer.owned, [True, False, False, True, False])
