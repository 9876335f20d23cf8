"""Names beside curves: in order, apart, and inside the panel."""

import numpy as np
import pytest

from bayesmixed.plots.effect_panels import spread_apart


@pytest.mark.parametrize("heights", [[0.0, 1.0, 2.0], [0.4, 0.41, 0.42, 0.9], [0.0] * 5, [0.99, 1.0, 1.0], [0.3]])
def test_names_are_a_step_apart_inside_and_otherwise_where_they_belong(heights):
    heights = np.array(heights)
    low, high = 0.0, max(1.0, heights.max())
    found = spread_apart(heights, 0.1, low, high)
    assert np.all(np.diff(found) >= 0.1 - 1e-12)
    assert low - 1e-12 <= found[0]
    assert found[-1] <= high + 1e-12
    if np.all(np.diff(heights) >= 0.1):
        np.testing.assert_allclose(found, heights)


def test_a_cluster_stays_around_its_middle():
    np.testing.assert_allclose(spread_apart(np.array([0.5, 0.5, 0.5]), 0.1, 0.0, 1.0), [0.4, 0.5, 0.6])
