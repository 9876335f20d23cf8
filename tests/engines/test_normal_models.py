"""Levels of a normal model given the border, against dense matrices."""

import numpy as np
import pytest
from scipy import sparse

from bayesmixed.engines.normal_models import NormalModel, Roots, eliminate, small_cholesky, solve_levels

LEVELS, SIZE, POINTS = 4, 3, 5


@pytest.mark.parametrize("width", [1, 2, 3])
def test_levels_are_those_of_dense_matrices(width):
    generator = np.random.default_rng(width)
    columns = generator.normal(size=(LEVELS, 6, width))
    cross, sums = generator.normal(size=(LEVELS * width, SIZE)), generator.normal(size=(LEVELS, width))
    model = NormalModel(
        columns.swapaxes(1, 2) @ columns,
        sums,
        sparse.csr_array(cross),
        sparse.eye(SIZE),
        np.zeros(SIZE),
        np.zeros(SIZE),
        (),
    )
    roots = Roots(generator.gamma(2.0, size=POINTS), np.tril(generator.normal(size=(POINTS, width, width))), ())
    levels, plain = eliminate(model, roots), generator.normal(size=(SIZE, POINTS))
    found, logs = solve_levels(model, roots, levels, plain), np.zeros(POINTS)
    for s in range(POINTS):
        left = sums - (cross @ plain[:, s]).reshape(LEVELS, width)
        for j in range(LEVELS):
            root, weight = roots.levels[s], roots.weight[s]
            precision = np.eye(width) + weight * root.T @ model.blocks[j] @ root
            assert found[s, j] == pytest.approx(np.linalg.solve(precision, weight * root.T @ left[j]))
            assert levels.left[j, :, :, s] == pytest.approx(root @ np.linalg.solve(precision, root.T))
            logs[s] += 0.5 * np.linalg.slogdet(precision)[1]
    assert levels.half_log_determinants == pytest.approx(logs)


def test_noise_moves_levels_by_their_posterior_root():
    model = NormalModel(
        np.full((1, 1, 1), 3.0), np.zeros((1, 1)), sparse.csr_array((1, 1)), sparse.eye(1), *np.zeros((2, 1)), ()
    )
    roots = Roots(np.array([2.0]), np.array([[[0.5]]]), ())
    found = solve_levels(model, roots, eliminate(model, roots), np.zeros((1, 1)), np.ones((1, 1, 1)))
    assert found[0, 0, 0] == pytest.approx((1.0 + 2.0 * 0.25 * 3.0) ** -0.5)


@pytest.mark.parametrize("width", [1, 2])
def test_a_matrix_without_a_factor_leaves_the_others_theirs(width):
    blocks = np.stack([np.eye(width), -np.eye(width), 4.0 * np.eye(width)])
    found = small_cholesky(blocks)
    assert np.isnan(found[1]).any()
    assert found[2] == pytest.approx(2.0 * np.eye(width))
