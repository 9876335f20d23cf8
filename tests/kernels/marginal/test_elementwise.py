"""Exponentials and logarithms of arrays are those of numpy."""

import numpy as np
import pytest
from uncompiled import uncompiled

from bayesmixed.kernels.marginal import elementwise

exponentials, logarithms = uncompiled(elementwise.exponentials), uncompiled(elementwise.logarithms)


def test_exponentials_are_those_of_numpy_to_the_last_digits():
    x = np.append(np.random.default_rng(1).uniform(-708, 709, 5000), [-1e-9, 0.0, 1.0, -708.0, 709.0])
    found = np.empty_like(x)
    exponentials(len(x), x, np.empty_like(x), found)
    np.testing.assert_allclose(found, np.exp(x), rtol=5e-16)
    exponentials(len(x), x, np.empty_like(x), x)
    assert np.array_equal(x, found)


def test_logarithms_are_those_of_numpy_to_the_last_digits():
    generator = np.random.default_rng(2)
    x = np.concatenate(
        [np.exp(generator.uniform(-700, 709, 5000)), 1.0 + 1e-3 * generator.normal(size=500), [1.0, 2.0]]
    )
    found = np.empty_like(x)
    logarithms(len(x), x, np.empty_like(x), found)
    np.testing.assert_allclose(found, np.log(x), rtol=8e-16)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_what_is_no_finite_number_stays_so():
    x = np.array([np.nan, np.inf, -np.inf, 800.0, -800.0])
    exponentials(5, x, np.empty(5), x)
    assert np.array_equal(x, [np.nan, np.inf, 0.0, np.inf, 0.0], equal_nan=True)
    x = np.array([np.nan, np.inf, 7.0])
    logarithms(2, x, np.empty(3), x)
    assert np.array_equal(x, [np.nan, np.inf, 7.0], equal_nan=True)
