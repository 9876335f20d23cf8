"""Inverses and roots of matrices do not depend on the units of rows and columns."""

import numpy as np
import pytest

from bayesmixed.terms.scaled_matrices import draw_normal, matrix_root, scaled_inverse
from bayesmixed.terms.splines import BASES, learn_spline

UNITS = 2.0 ** np.array([0.0, -380.0, 190.0, 390.0, -200.0])


@pytest.mark.parametrize("unit", [1e-120, 1e-60, 1.0, 1e60, 1e120])
def test_the_map_to_the_centre_is_inverted_whatever_the_unit_of_a_column(unit):
    found = scaled_inverse(np.array([[1.0, -2.0 * unit, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, unit]]))
    sizes = [[1.0, unit, 1.0], [1.0 / unit, 1.0, 1.0], [1.0, 1.0, 1.0 / unit]]
    np.testing.assert_allclose(found / sizes, [[1.0, 2.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], atol=1e-12)


def test_an_inverse_follows_the_units_of_rows_and_columns_and_blocks_do_not_touch_each_other():
    generator = np.random.default_rng(1)
    plain = np.zeros((5, 5))
    plain[:3, :3], plain[3:, 3:] = generator.normal(size=(3, 3)), generator.normal(size=(2, 2))
    scaled = plain * UNITS[:, None] / UNITS[::-1]
    np.testing.assert_allclose(
        scaled_inverse(scaled) / UNITS[::-1, None] * UNITS, np.linalg.inv(plain), rtol=1e-9, atol=1e-12
    )
    assert not scaled_inverse(scaled)[:3, 3:].any()


def test_a_tall_matrix_has_a_left_inverse_and_a_singular_one_raises_nothing():
    tall = np.random.default_rng(2).normal(size=(5, 3)) * UNITS[:, None]
    beta = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(scaled_inverse(tall) @ (tall @ beta), beta, rtol=1e-6)
    assert np.all(np.isfinite(scaled_inverse(np.ones((2, 2)))))


def test_roots_keep_the_correlations_of_effects_in_units_far_apart():
    corr = np.array([[1.0, 0.6, 0.0], [0.6, 1.0, 0.0], [0.0, 0.0, 0.0]])
    covariance = corr * UNITS[:3, None] * UNITS[:3]
    root = matrix_root(covariance[None])[0]
    np.testing.assert_allclose((root @ root.T) / UNITS[:3, None] / UNITS[:3], corr, atol=1e-12)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("unit", [2.0**-200, 2.0**200])
def test_the_columns_of_a_smooth_do_not_depend_on_the_unit_of_its_covariate(basis, unit):
    x = 2.0 + np.random.default_rng(3).normal(size=40)
    plain, scaled = (learn_spline(BASES[basis], u * x, 5).penalised(u * x) for u in (1.0, unit))
    np.testing.assert_allclose(scaled, plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rank", [30, 29])
def test_wide_normal_vectors_have_their_covariance_singular_or_not(rank):
    root = np.random.default_rng(1).normal(size=(30, rank)) * np.geomspace(1e-80, 1e80, 30)[:, None]
    drawn = draw_normal(root @ root.T, 20000, np.random.default_rng(2))
    unit = np.linalg.norm(root, axis=1)
    np.testing.assert_allclose(np.cov(drawn.T / unit[:, None]), root @ root.T / unit / unit[:, None], atol=0.05)
