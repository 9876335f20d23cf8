"""Rows of skewed responses: every derivative is the difference of the one below it, also where parts cancel."""

import numpy as np
import pytest
from uncompiled import uncompiled

from bayesmixed.kernels.rows import skewed
from bayesmixed.kernels.rows.skewed import ASYMMETRIC_LAPLACE, EXGAUSSIAN, SKEW_NORMAL

row = uncompiled(skewed.skewed)
POINTS = [(0.3, 0.6, 0.2), (-2.0, -0.5, 0.9), (1.5, 0.7, -3.0), (4.0, -1.0, -0.4)]


@pytest.mark.parametrize("family", [EXGAUSSIAN, SKEW_NORMAL, ASYMMETRIC_LAPLACE])
@pytest.mark.parametrize("point", POINTS)
def test_every_derivative_is_the_difference_of_the_one_below_it(family, point):
    found = np.array(row(family, *point))
    # The first parameter falls as the distance to it rises.
    signs = np.array([-1.0, 1.0, 1.0])
    for k in range(3):
        step = 1e-4 * np.eye(3)[k]
        ends = [np.array(row(family, *(point + sign * step))) for sign in (1.0, -1.0)]
        slopes = signs[k] * ((ends[0] - ends[1]) / 2e-4)[:3]
        size = 1.0 + np.abs(found).max()
        np.testing.assert_allclose(found[3 * k + 1 : 3 * k + 4], slopes, rtol=1e-5, atol=1e-7 * size)


@pytest.mark.parametrize("residual", [-1e6, -40.0, 0.0, 40.0, 1e6])
@pytest.mark.parametrize("log_tau", [-12.0, 0.0, 12.0])
def test_the_exgaussian_row_has_numbers_however_small_or_large_its_parts_are(residual, log_tau):
    assert np.all(np.isfinite(row(EXGAUSSIAN, residual, 0.0, log_tau)))
