"""Views of the flat data of a collapsed density are the arrays that were packed."""

import numpy as np
import pytest
from gaussian_models import prepared, table
from scipy import linalg
from uncompiled import as_records, uncompiled

from bayesmixed.kernels.collapsed import views
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed
from bayesmixed.kernels.joint.decoding import term_root

read_sigma, read_roots, read_cross_products, right_side = (
    uncompiled(getattr(views, name)) for name in ("read_sigma", "read_roots", "read_cross_products", "right_side")
)


@pytest.fixture(scope="module")
def collapsed():
    return lay_out_collapsed(prepared("y ~ x + (x | g) + (w | h)", table()))


@pytest.fixture
def point(collapsed):
    return np.random.default_rng(1).normal(scale=0.5, size=len(collapsed.kept))


def roots_of(collapsed, point):
    full = np.zeros(collapsed.full.dimension)
    full[collapsed.kept] = point
    terms = {term.placement.group.name: term for term in collapsed.full.predictors["mu"].terms}
    return [term_root(full[None], terms[group.name])[0] for group in collapsed.groups]


def test_sigma_is_the_exponential_of_its_coordinate(collapsed, point):
    place = list(collapsed.kept).index(collapsed.full.scalars["sigma"].places[0])
    assert read_sigma(point, as_records(collapsed.packed.data)) == pytest.approx(np.exp(point[place]))


def test_roots_are_those_of_the_decoded_covariances(collapsed, point):
    root, table_, roots = read_roots(point, as_records(collapsed.packed.data))
    first, second = roots_of(collapsed, point)
    np.testing.assert_allclose(root, first, rtol=1e-12)
    np.testing.assert_allclose(roots[0], second, rtol=1e-12)
    np.testing.assert_array_equal(table_, [[0, len(collapsed.groups[1].levels), 2]])


def test_cross_products_are_those_of_the_columns(collapsed):
    blocks, pointers, columns, cross, rest = read_cross_products(as_records(collapsed.packed.data))
    first, second = (group.sparse_columns().toarray() for group in collapsed.groups)
    whole = first.T @ first
    for g, block in enumerate(blocks):
        np.testing.assert_allclose(block, whole[2 * g : 2 * g + 2, 2 * g : 2 * g + 2])
        own = slice(pointers[g], pointers[g + 1])
        inside = columns[own] < second.shape[1]
        expected = (first[:, 2 * g : 2 * g + 2].T @ second)[:, columns[own][inside]]
        np.testing.assert_allclose(cross[own][inside], expected.T, atol=1e-12)
    size = second.shape[1]
    np.testing.assert_allclose(rest[:size, :size], second.T @ second, atol=1e-12)


def test_the_right_side_is_the_standardised_products_with_the_response_plus_prior_means(collapsed, point):
    data = as_records(collapsed.packed.data)
    root, table_, roots = read_roots(point, data)
    blocks, *_, rest = read_cross_products(data)
    levels, width, size = *blocks.shape[:2], len(rest)
    effects, others = right_side(1.7, root, table_, roots, data, levels, width, size)
    model, numbers = data.model[0], data.numbers
    sums = numbers[model.level_sums : model.level_sums + levels * width].reshape(levels, width)
    np.testing.assert_allclose(effects, 1.7 * sums @ root, rtol=1e-12)
    second = len(collapsed.groups[1].levels)
    whole = linalg.block_diag(*[roots[0]] * second, np.eye(size - 2 * second))
    means = numbers[model.means : model.means + size]
    expected = 1.7 * whole.T @ numbers[model.rest_sums : model.rest_sums + size] + means
    np.testing.assert_allclose(others, expected, rtol=1e-12)
