"""Elimination gives what dense linear algebra gives: determinants, solutions, blocks of the inverse, draws."""

import numpy as np
import pytest
from scipy import linalg

from bayesmixed.kernels.collapsed import elimination

LEVELS, WIDTH, WEIGHT = 7, 2, 1.7
TABLE = np.array([[0, 4, 3], [12, 5, 1]])
FREE = 2


def lower(generator, width):
    return np.tril(generator.normal(size=(width, width))) + 2 * np.eye(width)


@pytest.fixture(params=[0.02, 0.7], ids=["sparse", "dense"])
def problem(request):
    """Return a random problem of two further factors and two coefficients, by parts and as dense matrices."""
    generator = np.random.default_rng(3)
    n, rest = 60, 19
    index = np.arange(n) % LEVELS
    inside = generator.normal(size=(n, WIDTH))
    z = np.zeros((n, LEVELS * WIDTH))
    for i in range(n):
        z[i, index[i] * WIDTH : (index[i] + 1) * WIDTH] = inside[i]
    v = generator.normal(size=(n, rest)) * (generator.random((n, rest)) < request.param)
    v[:, -FREE:] = generator.normal(size=(n, FREE))
    root = lower(generator, WIDTH)
    roots = np.zeros((2, 3, 3))
    roots[0], roots[1, 0, 0] = lower(generator, 3), 0.4
    cross = (z.T @ v).reshape(LEVELS, WIDTH, rest)
    full = [np.flatnonzero(np.any(block != 0, axis=0)) for block in cross]
    t = linalg.block_diag(*[root] * LEVELS, *[roots[0]] * 4, *[roots[1, :1, :1]] * 5, np.eye(FREE))
    w = np.hstack([z, v]) @ t
    parts = {
        "blocks": np.array([inside[index == g].T @ inside[index == g] for g in range(LEVELS)]),
        "pointers": np.concatenate([[0], np.cumsum([len(c) for c in full])]),
        "columns": np.concatenate(full),
        "cross": np.concatenate([block[:, c].T for block, c in zip(cross, full, strict=True)]),
        "rest": v.T @ v,
        "root": root,
        "roots": roots,
    }
    return parts, np.eye(w.shape[1]) + WEIGHT * w.T @ w


def factored(parts):
    inner = np.zeros((LEVELS, WIDTH, WIDTH))
    link, outer = np.empty(parts["cross"].shape), np.empty(parts["rest"].shape)
    log_determinant = elimination.factor(
        WEIGHT,
        parts["root"],
        parts["blocks"],
        parts["pointers"],
        parts["columns"],
        parts["cross"],
        parts["rest"],
        TABLE,
        parts["roots"],
        inner,
        link,
        outer,
    )
    return log_determinant, (WEIGHT, parts["pointers"], parts["columns"], TABLE, parts["roots"], inner, link, outer)


def test_the_log_determinant_is_that_of_the_dense_matrix(problem):
    parts, matrix = problem
    assert factored(parts)[0] == pytest.approx(np.linalg.slogdet(matrix)[1], rel=1e-12)


def test_solutions_and_their_quadratic_form_are_those_of_the_dense_matrix(problem):
    parts, matrix = problem
    _, factors = factored(parts)
    right = np.random.default_rng(4).normal(size=len(matrix))
    levels, others = right[: LEVELS * WIDTH].reshape(LEVELS, WIDTH).copy(), right[LEVELS * WIDTH :].copy()
    quadratic = elimination.solve(*factors, levels, others)
    expected = np.linalg.solve(matrix, right)
    np.testing.assert_allclose(np.concatenate([levels.ravel(), others]), expected, rtol=1e-9, atol=1e-12)
    assert quadratic == pytest.approx(right @ expected, rel=1e-12)


def test_blocks_of_the_inverse_are_those_of_the_dense_inverse(problem):
    parts, matrix = problem
    _, factors = factored(parts)
    variances = np.empty((LEVELS, WIDTH, WIDTH))
    root = elimination.invert_blocks(*factors, variances)
    inverse, split = np.linalg.inv(matrix), LEVELS * WIDTH
    np.testing.assert_allclose(root @ root.T, inverse[split:, split:], rtol=1e-9, atol=1e-12)
    for g in range(LEVELS):
        own = slice(g * WIDTH, (g + 1) * WIDTH)
        np.testing.assert_allclose(variances[g], inverse[own, own], rtol=1e-9, atol=1e-12)


def test_draws_have_the_mean_and_covariance_of_the_dense_matrix(problem):
    parts, matrix = problem
    _, factors = factored(parts)
    right, split = np.random.default_rng(4).normal(size=len(matrix)), LEVELS * WIDTH

    def drawn(noise):
        levels, others = right[:split].reshape(LEVELS, WIDTH).copy(), right[split:].copy()
        elimination.draw(*factors, levels, others, noise[:split].reshape(LEVELS, WIDTH), noise[split:])
        return np.concatenate([levels.ravel(), others])

    mean = drawn(np.zeros(len(matrix)))
    np.testing.assert_allclose(mean, np.linalg.solve(matrix, right), rtol=1e-9, atol=1e-12)
    root = np.array([drawn(unit) - mean for unit in np.eye(len(matrix))])
    np.testing.assert_allclose(root.T @ root, np.linalg.inv(matrix), rtol=1e-9, atol=1e-11)
