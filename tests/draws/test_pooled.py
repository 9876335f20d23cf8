"""Moments of draws of several tables."""

import numpy as np
import pytest

from bayesmixed.draws.pooled import moments_of_tables


def test_moments_follow_rubins_rules():
    generator = np.random.default_rng(1)
    draws = generator.normal(np.repeat([0.0, 1.0, 5.0], 2)[:, None], 2.0, (6, 4000))
    found = moments_of_tables(draws, 3)
    means = draws.reshape(3, -1).mean(axis=1)
    within, between = draws.reshape(3, -1).var(axis=1, ddof=1).mean(), means.var(ddof=1)
    assert found.mean == pytest.approx(draws.mean())
    assert found.total == pytest.approx(within + 4 / 3 * between)
    ratio = 4 / 3 * between / within
    assert found.degrees == pytest.approx(2 * (1 + 1 / ratio) ** 2)
    assert found.lost == pytest.approx((ratio + 2 / (found.degrees + 3)) / (ratio + 1))
    assert draws.var() == pytest.approx(within + 2 / 3 * between, rel=1e-3)
    same = moments_of_tables(np.ones((4, 10)), 2)
    assert (same.share, same.lost) == (0.0, 0.0)
