"""Factors of sparse precisions are those of dense matrices."""

import numpy as np
import pytest
from conditional_cases import N

from bayesmixed.estimation.precisions import PrecisionPattern


@pytest.mark.parametrize(
    "takes",
    [
        lambda rng: [rng.integers(0, 9, N)],
        lambda rng: [rng.integers(0, 20, N), 20 + rng.integers(0, 11, N)],
        lambda rng: [np.arange(N), N + np.arange(N) // 6, N + 15 + np.arange(N) // 30],
        lambda rng: [rng.integers(0, 12, N), rng.integers(0, 12, N), 12 + rng.integers(0, 40, N)],
        lambda rng: list(rng.integers(0, 60, (5, N))),
    ],
)
def test_factors_of_precisions_are_those_of_dense_matrices(takes):
    rng = np.random.default_rng(1)
    indices = np.column_stack(takes(rng)).astype(np.int64)
    size = int(indices.max()) + 1
    values, weight, penalty = rng.normal(size=indices.shape), rng.uniform(0.1, 1, N), rng.uniform(0.5, 2, size)
    rows = np.zeros((N, size))
    np.add.at(rows, (np.arange(N)[:, None], indices), values)
    dense = rows.T @ (weight[:, None] * rows) + np.diag(penalty)
    pattern = PrecisionPattern(indices, size)
    factor, inverse = pattern.factor(values, weight, penalty), np.linalg.inv(dense)
    assert factor.log_determinant == pytest.approx(np.linalg.slogdet(dense)[1], rel=1e-12)
    right = rng.normal(size=size)
    np.testing.assert_allclose(factor.solve(right), inverse @ right, atol=1e-12)
    np.testing.assert_allclose(factor.of_rows(), np.take_along_axis(rows @ inverse, indices, axis=1), atol=1e-12)
    own = np.arange(size)
    np.testing.assert_allclose(factor.covariances(own, own), np.diagonal(inverse), atol=1e-12)
    assert pattern.factor(values, -10.0 * weight, penalty) is None
