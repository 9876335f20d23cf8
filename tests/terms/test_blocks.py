"""The block of a group term: what its effects add to rows is what dense columns add."""

import numpy as np
import pytest
from designs import design_of, group_of, small

DATA = small(h=list("pqpqpq"))
RNG = np.random.default_rng(1)


@pytest.fixture(params=["(x | g)", "(1 | g)", "(x || h)"])
def block(request):
    return group_of(design_of(f"y ~ x + {request.param}", DATA), request.param[-2])


def effects_of(block):
    return RNG.normal(size=(3, len(block.levels), block.width))


def test_contributions_loadings_and_sparse_columns_agree(block):
    effects = effects_of(block)
    expected = np.einsum("nk,snk->sn", block.centred_matrix, effects[:, block.index])
    np.testing.assert_allclose(block.contribution(effects), expected)
    dense = block.sparse_columns().toarray()
    np.testing.assert_allclose(effects.reshape(3, -1) @ dense.T, expected)
    places, values = block.loadings()
    np.testing.assert_allclose(np.take_along_axis(dense, places, axis=1), values)


def test_effects_as_written_add_what_effects_at_the_centre_add(block):
    effects = effects_of(block)
    written = effects @ block.transform.T
    np.testing.assert_allclose(block.contribution(written, written=True), block.contribution(effects), atol=1e-10)


def test_the_variance_of_a_row_is_that_of_its_columns_times_effects(block):
    root = np.tril(RNG.normal(size=(block.width, block.width)))
    z = block.centred_matrix
    np.testing.assert_allclose(block.variance(root @ root.T), np.sum((z @ root) ** 2, axis=1))


def test_sums_and_products_are_over_the_rows_of_each_level(block):
    weights = RNG.uniform(1.0, 2.0, 6)
    z, products = block.matrix, block.products(weights[None])[0]
    for j in range(len(block.levels)):
        own = block.index == j
        assert block.sums(weights)[j] == pytest.approx(weights[own].sum())
        np.testing.assert_allclose(products[j], z[own].T @ (weights[own, None] * z[own]))


def test_rows_taken_keep_all_levels_and_empty_ones_can_be_left_out(block):
    taken = block.take(np.flatnonzero(block.index == 0))
    assert taken.levels == block.levels
    np.testing.assert_array_equal(taken.occurs, np.arange(len(block.levels)) == 0)
    assert taken.without_empty_levels().levels == block.levels[:1]
    draws = taken.draw_new(np.broadcast_to(np.eye(block.width), (4, block.width, block.width)), RNG)
    np.testing.assert_array_equal(draws[:, 1:], 0.0)
    assert np.all(draws[:, 0] != 0.0)


def test_two_terms_of_one_factor_are_joined_with_independent_columns():
    joined = group_of(design_of("y ~ x + (1 | h) + (0 + x | h)", DATA), "h")
    assert joined.labels == ("Intercept", "x")
    assert [part.columns for part in joined.parts] == [(0,), (1,)]
    assert not joined.correlated


def test_levels_lie_in_the_levels_of_a_factor_that_nests_them_and_in_no_other():
    design = design_of("y ~ 1 + (1 | g) + (1 | h)", small(h=["1", "1", "2", "2", "2", "2"]))
    inner, outer = group_of(design, "g"), group_of(design, "h")
    np.testing.assert_array_equal(inner.parents(outer), [0, 1, 1])
    assert outer.parents(inner) is None
