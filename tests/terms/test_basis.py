"""The basis of a formula spans what its columns span, and coefficients go from one to the other."""

import numpy as np
import pytest
from designs import design_of, small

from bayesmixed.terms.basis import Basis

DATA = small(z=[3.0, 1.0, 4.0, 1.5, 9.0, 2.5], f=list("ppqqpq"))
FORMULAS = ["1 + x", "0 + g", "1 + x + z", "1 + f*x", "0 + f + x", "1 + x + I(x^2)", "1 + g", "x:f", "1 + poly(x, 2)"]
each_formula = pytest.mark.parametrize("formula", FORMULAS)


def block_of(formula):
    return design_of(f"y ~ {formula}", DATA).mu.population


@each_formula
def test_columns_as_written_are_the_basis_times_the_map_of_coefficients(formula):
    block = block_of(formula)
    coefficients = np.random.default_rng(1).normal(size=len(block.units))
    np.testing.assert_allclose(block.matrix @ (block.written @ coefficients), block.columns @ coefficients, atol=1e-9)
    assert np.linalg.matrix_rank(np.hstack([block.matrix, block.columns])) == block.columns.shape[1]


@each_formula
def test_a_basis_is_the_same_after_it_was_written_as_lists(formula):
    block = block_of(formula)
    again = Basis.from_lists(block.basis.to_lists())
    values = block.state.piece_values(design_of(f"y ~ {formula}", DATA).table)
    assert again.labels == block.basis.labels
    np.testing.assert_array_equal(again.units, block.basis.units)
    np.testing.assert_array_equal(again.columns(values, 6), block.columns)


@pytest.mark.parametrize(
    ("formula", "other"), [("1 + f*x", "0 + f + f:x"), ("1 + x + z", "1 + z + x"), ("1 + g", "0 + g")]
)
def test_two_ways_to_write_a_formula_have_one_basis(formula, other):
    first, second = block_of(formula).basis, block_of(other).basis
    assert set(first.labels) == set(second.labels)
    np.testing.assert_allclose(dict(zip(first.labels, first.units, strict=True))["Intercept"], 1.0)
    assert dict(zip(first.labels, first.units, strict=True)) == pytest.approx(
        dict(zip(second.labels, second.units, strict=True))
    )


def test_columns_other_than_the_constant_are_taken_from_their_mean():
    block = block_of("1 + x + z + g")
    np.testing.assert_allclose(block.columns[:, 1:].mean(axis=0), 0.0, atol=1e-12)
