"""Algebra of the small blocks of levels is NumPy's."""

import numpy as np
import pytest
from uncompiled import uncompiled

from bayesmixed.kernels.collapsed import level_blocks

NAMES = ("weigh_block", "factor_block", "forward_block", "backward_block", "solve_both_sides")
weigh_block, factor_block, forward_block, backward_block, solve_both_sides = (
    uncompiled(getattr(level_blocks, name)) for name in NAMES
)
RNG = np.random.default_rng(2)
ROOT = np.tril(RNG.normal(size=(3, 3))) + 2.0 * np.eye(3)
BLOCKS = np.array([x.T @ x for x in RNG.normal(size=(2, 5, 3))])


def weighed():
    inner = np.zeros((2, 3, 3))
    for g in range(2):
        weigh_block(1.7, ROOT, BLOCKS, inner, g)
    return inner, np.eye(3) + 1.7 * ROOT.T @ BLOCKS @ ROOT


def factored():
    inner, whole = weighed()
    assert all(factor_block(inner, g) for g in range(2))
    return inner, np.linalg.cholesky(whole)


def test_a_weighed_block_is_that_of_standardised_effects():
    inner, expected = weighed()
    np.testing.assert_allclose(inner, np.tril(expected), rtol=1e-12)


def test_the_factor_of_a_block_is_its_cholesky_factor():
    inner, expected = factored()
    np.testing.assert_allclose(inner, expected, rtol=1e-12)


@pytest.mark.parametrize("flaw", [-1.0, 0.0, np.nan, np.inf])
def test_a_block_that_is_not_positive_is_reported(flaw):
    inner = np.zeros((2, 3, 3)) + np.eye(3)
    inner[1, 2, 2] = flaw
    assert factor_block(inner, 0)
    assert not factor_block(inner, 1)


def test_rows_are_solved_with_the_factor_of_their_level_and_its_transpose():
    inner, factors = factored()
    rows = RNG.normal(size=(4, 3))
    found = rows.copy()
    forward_block(inner, 1, found, 2)
    np.testing.assert_allclose(found[2], np.linalg.solve(factors[1], rows[2]))
    backward_block(inner, 0, found, 3)
    np.testing.assert_allclose(found[3], np.linalg.solve(factors[0].T, rows[3]))
    np.testing.assert_array_equal(found[:2], rows[:2])


def test_a_symmetric_block_is_solved_from_both_sides():
    inner, factors = factored()
    found = BLOCKS.copy()
    solve_both_sides(inner, found, 1)
    inverse = np.linalg.inv(factors[1])
    np.testing.assert_allclose(found[1], inverse.T @ BLOCKS[1] @ inverse, rtol=1e-10)
    np.testing.assert_array_equal(found[0], BLOCKS[0])
