"""Priors with two stated quantiles, against SciPy; their implied intervals are tested with `elicit`."""

import pytest
from scipy import stats

from bayesmixed.errors import SpecError
from bayesmixed.summaries.priors.elicited_priors import fit_beta, fit_gamma


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.6), (0.001, 0.02), (0.9, 0.999), (0.001, 0.999)])
def test_the_beta_distribution_has_the_quantiles(low, high):
    assert stats.beta(*fit_beta(low, high, (0.025, 0.975))).ppf([0.025, 0.975]) == pytest.approx([low, high], rel=1e-4)


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.6), (1e-3, 10.0), (2.0, 2.1)])
def test_the_gamma_distribution_has_the_quantiles(low, high):
    shape, rate = fit_gamma(low, high, (0.05, 0.95))
    assert stats.gamma(shape, scale=1 / rate).ppf([0.05, 0.95]) == pytest.approx([low, high], rel=1e-6)


@pytest.mark.parametrize("high", [2.0001, 2.004])
def test_an_interval_too_narrow_for_a_gamma_distribution_is_refused(high):
    with pytest.raises(SpecError, match="too narrow for a Gamma"):
        fit_gamma(2.0, high, (0.025, 0.975))
