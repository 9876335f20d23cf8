"""Bands of ordered values hold what they promise."""

import numpy as np
import pytest
from scipy import special, stats

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


def test_bounds_of_very_many_values_are_those_of_each_between_the_places_that_are_looked_at():
    n = 300_000
    lower, upper = uniform_band(n, simultaneous=False)
    some = np.array([1, 2, 40, 1_000, 25_001, 150_000, 299_999, n])
    for bound, tail in ((lower, 0.025), (upper, 0.975)):
        exact = special.betaincinv(some, n + 1 - some, tail)
        np.testing.assert_allclose(bound[some - 1], exact, rtol=0, atol=1e-4 * (upper - lower)[some - 1].min())
    wide = uniform_band(n)
    assert np.all(wide[0] < lower)
    assert np.all(wide[1] > upper)


def test_samples_of_many_values_leave_the_band_in_five_percent_of_cases():
    n, draw = 20_000, np.random.default_rng(8)
    lower, upper = uniform_band(n)
    left = [np.any(((one := np.sort(draw.uniform(size=n))) < lower) | (one > upper)) for _ in range(500)]
    assert 0.02 < np.mean(left) < 0.08
