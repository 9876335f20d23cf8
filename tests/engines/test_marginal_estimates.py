"""The rules by which the effects of a level are integrated."""

import numpy as np
import pytest

from bayesmixed.engines.marginal_estimates import rule


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_rule_integrates_normal_densities_times_polynomials(width):
    nodes, log_weights = rule(5, width)
    assert len(nodes) == 5**width
    nodes = nodes.reshape(len(nodes), width)
    weights = np.exp(log_weights - 0.5 * np.sum(nodes**2, axis=1))
    weights = weights / weights.sum()
    for power, moment in ((1, 0.0), (2, 1.0), (4, 3.0), (6, 15.0), (8, 105.0)):
        np.testing.assert_allclose(weights @ nodes**power, moment, atol=1e-9)
    np.testing.assert_allclose(weights @ (nodes[:, 0] * nodes[:, -1]) if width > 1 else 0.0, 0.0, atol=1e-12)
