"""Tests of uniform ranks: exact under uniform values, and many of them at once."""

import numpy as np
import pytest
from scipy import stats

from bayesmixed.calibration.rank_tests import joint, location_p, reject, spread_p


@pytest.mark.parametrize("test", [location_p, spread_p])
@pytest.mark.parametrize("size", [2, 20])
def test_p_values_of_uniform_ranks_are_uniform(test, size):
    pits = np.random.default_rng(1).uniform(size=(2000, size))
    assert stats.kstest([test(pit) for pit in pits], "uniform").pvalue > 0.001


def test_ranks_that_are_too_low_and_ranks_at_the_ends_are_told_apart():
    generator = np.random.default_rng(2)
    low, ends = stats.norm.cdf(generator.normal(-1.0, 1.0, 20)), stats.norm.cdf(generator.normal(0.0, 2.0, 20))
    assert location_p(low) < 1e-3 < location_p(ends)
    assert spread_p(ends) < 1e-3 < spread_p(low)
    assert spread_p(np.full(20, 0.5)) < 1e-10
    assert np.isnan(spread_p(np.array([0.4])))


def test_holm_rejects_no_more_often_than_is_stated_and_leaves_unknown_ones():
    generator = np.random.default_rng(3)
    alarms = sum(reject(generator.uniform(size=30), 0.05).any() for _ in range(2000))
    assert 60 < alarms < 140
    p = np.array([0.5, 1e-6, np.nan, 0.012, 0.04])
    assert reject(p, 0.05).tolist() == [False, True, False, True, False]
    assert joint(p) == pytest.approx(4e-6)
    assert (reject(np.array([]), 0.05).tolist(), joint(np.array([np.nan])), joint(np.array([0.6, 0.7]))) == (
        [],
        1.0,
        1.0,
    )
    assert reject(np.array([1e-9, 1e-8]), 0.05).all()
