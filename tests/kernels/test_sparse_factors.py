"""Factors of sparse precisions solve, invert and refuse as dense algebra does."""

import numpy as np
import pytest
from scipy import sparse
from uncompiled import uncompiled

from bayesmixed.kernels import sparse_factors

NAMES = ("eliminate", "factorise", "solve_forwards", "solve_backwards", "invert", "multiply_rows", "read_entries")
eliminate, factorise, solve_forwards, solve_backwards, invert, multiply_rows, read_entries = (
    uncompiled(getattr(sparse_factors, name)) for name in NAMES
)
SIZES = {"two crossed factors": (60, 9), "many levels": (200, 40), "one factor": (30, 0)}


@pytest.fixture(params=SIZES.values(), ids=list(SIZES))
def problem(request):
    """Return rows of one effect or two, weights and a diagonal, the precision, and the pattern of the factor."""
    many, few = request.param
    generator = np.random.default_rng(4)
    n, size = 3 * many, many + few
    indices = (np.arange(n) % many)[:, None]
    if few:
        indices = np.column_stack([indices, many + generator.integers(0, few, n)])
    values = generator.normal(size=indices.shape)
    weight, penalty = generator.uniform(0.5, 2.0, n), generator.uniform(0.5, 2.0, size)
    z = np.zeros((n, size))
    np.put_along_axis(z, indices, values, axis=1)
    precision = z.T @ (weight[:, None] * z) + np.diag(penalty)
    below = sparse.csc_array(np.tril(precision, -1))
    below.sort_indices()
    pointers, places = eliminate(below.indptr.astype(np.int64), below.indices.astype(np.int64), size)
    return indices.astype(np.int64), values, weight, penalty, z, precision, pointers, places


def factored(problem):
    indices, values, weight, penalty, *_, pointers, places = problem
    tail = len(pointers) - 1
    entries, diagonal = np.empty(len(places)), np.empty(tail)
    dense = np.empty((len(penalty) - tail, len(penalty) - tail))
    assert factorise(indices, values, weight, penalty, pointers, places, entries, diagonal, dense)
    return pointers, places, entries, diagonal, np.tril(dense) + np.tril(dense, -1).T


def test_solving_with_the_factor_solves_with_the_precision(problem):
    pointers, places, entries, diagonal, dense = factored(problem)
    right = np.random.default_rng(5).normal(size=len(problem[5]))
    found, tail = right.copy(), len(diagonal)
    solve_forwards(pointers, places, entries, diagonal, found)
    found[tail:] = np.linalg.solve(dense, found[tail:])
    solve_backwards(pointers, places, entries, diagonal, found)
    np.testing.assert_allclose(problem[5] @ found, right, rtol=1e-9, atol=1e-10)


def test_the_determinant_is_that_of_the_precision(problem):
    *_, diagonal, dense = factored(problem)
    found = 2.0 * np.sum(np.log(diagonal)) + np.linalg.slogdet(dense)[1]
    assert found == pytest.approx(np.linalg.slogdet(problem[5])[1], rel=1e-12)


def test_entries_of_the_inverse_at_the_effects_of_a_row_are_those_of_the_dense_inverse(problem):
    indices, values, *_, z, precision, pointers, places = problem
    *_, entries, diagonal, dense = factored(problem)
    inverse, own = np.empty(len(places)), np.empty(len(diagonal))
    tail = np.linalg.inv(dense)
    invert(pointers, places, entries, diagonal, tail, inverse, own)
    whole = np.linalg.inv(precision)
    out = np.zeros(indices.shape)
    multiply_rows(indices, values, pointers, places, inverse, own, tail, out)
    np.testing.assert_allclose(out, np.take_along_axis(z @ whole, indices, axis=1), rtol=1e-8, atol=1e-12)
    pairs = np.empty(len(indices))
    first, second = indices[:, 0].copy(), indices[:, -1].copy()
    read_entries(second, first, pointers, places, inverse, own, tail, pairs)
    np.testing.assert_allclose(pairs, whole[first, second], rtol=1e-8, atol=1e-12)


def test_a_precision_that_is_not_positive_is_reported():
    pointers, places = eliminate(np.zeros(21, dtype=np.int64), np.zeros(0, dtype=np.int64), 20)
    tail = len(pointers) - 1
    assert tail > 0
    penalty = np.ones(20)
    penalty[0] = -1.0
    state = (pointers, places, np.empty(0), np.empty(tail), np.empty((20 - tail, 20 - tail)))
    rows = np.zeros((1, 1), dtype=np.int64), np.zeros((1, 1)), np.zeros(1)
    assert not factorise(*rows, penalty, *state)
    assert factorise(*rows, np.abs(penalty), *state)
