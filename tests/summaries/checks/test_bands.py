"""Bands of ordered values hold what they promise."""

import numpy as np
import pytest
from scipy import stats

from bayesmixed.summaries.checks.bands import simulated_band, uniform_band


@pytest.mark.parametrize("n", [5, 40])
def test_the_band_holds_uniform_values_as_a_whole(n):
    lower, upper = uniform_band(n)
    drawn = np.sort(np.random.default_rng(9).uniform(size=(4000, n)), axis=1)
    inside = np.mean(np.all((drawn > lower) & (drawn < upper), axis=1))
    assert inside == pytest.approx(0.95, abs=0.015)


def test_the_pointwise_band_is_that_of_order_statistics():
    lower, upper = uniform_band(7, simultaneous=False)
    np.testing.assert_allclose(lower, stats.beta(np.arange(1, 8), np.arange(7, 0, -1)).ppf(0.025))
    np.testing.assert_allclose(upper, stats.beta(np.arange(1, 8), np.arange(7, 0, -1)).ppf(0.975))


@pytest.mark.parametrize("size", [1, 12, 200])
def test_data_among_few_simulated_sets_leave_their_band_in_one_sample_of_twenty(size):
    generator, outside, samples = np.random.default_rng(5), 0, 800
    for _ in range(samples):
        sets = np.sort(np.abs(generator.standard_normal((100, size))), axis=1)
        lower, upper = simulated_band(sets)
        outside += bool(np.any((sets[0] < lower) | (sets[0] > upper)))
    assert stats.binomtest(outside, samples, 0.05).pvalue > 0.001


def test_a_simulated_band_holds_its_share_of_the_sets():
    drawn = np.sort(np.abs(np.random.default_rng(1).standard_normal((2000, 20))), axis=1)
    lower, upper = simulated_band(drawn)
    assert np.mean(np.all((drawn >= lower) & (drawn <= upper), axis=1)) == pytest.approx(0.95, abs=0.02)
