"""A matrix of correlations knows whose columns it has, in which predictors, and which of them are estimated."""

import numpy as np
import pytest

from bayesmixed.terms.block_parts import Part
from bayesmixed.terms.correlation_matrices import CorrelationMatrix, tied_sets

TIED = CorrelationMatrix(
    "g", "corr_g", "g_tied", ("mu", "zi"), (("Intercept", "x"), ("Intercept",)), (Part((1,), False), Part((0, 2), True))
)
ALONE = CorrelationMatrix("g", "corr_g", "g_effect", ("mu",), (("Intercept", "x"),), (Part((0, 1), True),))


def test_columns_of_several_predictors_are_labelled_by_these():
    assert TIED.labels == ("mu[Intercept]", "mu[x]", "zi[Intercept]")
    assert ALONE.labels == ("Intercept", "x")
    assert (TIED.tied, ALONE.tied) == (True, False)
    assert TIED.dims == ("g_tied", "g_tied_2")


def test_estimated_correlations_are_those_within_parts():
    assert TIED.pairs == ((0, 2),)
    assert (TIED.widest, TIED.width) == (2, 3)
    assert ALONE.pairs == ((0, 1),)


def test_blocks_of_a_matrix_are_those_of_predictors():
    matrices = np.arange(18.0).reshape(2, 3, 3)
    np.testing.assert_array_equal(TIED.own(matrices, "mu"), matrices[:, :2, :2])
    np.testing.assert_array_equal(TIED.own(matrices, "zi"), matrices[:, 2:, 2:])
    np.testing.assert_array_equal(TIED.between(matrices, "mu", "zi"), matrices[:, :2, 2:])
    np.testing.assert_array_equal(ALONE.own(matrices, "mu"), matrices)


def test_the_default_prior_is_that_of_all_columns_that_are_correlated():
    assert str(TIED.prior) == "LKJ(2)"


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ({"mu": ["p"], "sigma": [""]}, []),
        ({"mu": ["", "p"], "sigma": ["p"]}, [["mu", "sigma"]]),
        ({"mu": [""], "sigma": [""]}, []),
        ({"a": ["p"], "b": ["q"], "c": ["q", "p"]}, [["a", "b", "c"]]),
        ({"a": ["p"], "b": ["q"], "c": ["q"], "d": ["p"]}, [["b", "c"], ["a", "d"]]),
    ],
)
def test_letters_tie_predictors_directly_and_through_others(letters, expected):
    assert sorted(tied_sets(letters)) == sorted(expected)
