"""Numbers times a random scale: distributions of one scale, and of two by sums over both."""

import numpy as np
import pytest

from bayesmixed.design.scale_mixtures import ScaleMixture
from bayesmixed.prior_texts import as_prior


def test_a_mixture_of_one_scale_is_its_distribution():
    base = as_prior("HalfNormal(2)")
    x = np.array([0.1, 1.0, 5.0])
    assert ScaleMixture(base, np.zeros(1)).logpdf(x) == pytest.approx(base.frozen().logpdf(x))
    assert ScaleMixture(base, np.log([3.0])).ppf([0.0, 0.4, 1.0]) == pytest.approx(
        [0.0, 3 * base.frozen().ppf(0.4), np.inf]
    )


@pytest.mark.parametrize("text", ["HalfNormal(2)", "Normal(0, 2)"])
def test_a_mixture_of_two_scales_is_the_mean_of_both(text):
    base = as_prior(text)
    found, law = ScaleMixture(base, np.log([1.0, 5.0])), base.frozen()
    x = np.array([0.2, 1.0, 7.0])
    assert found.cdf(x) == pytest.approx(0.5 * (law.cdf(x) + law.cdf(x / 5.0)))
    assert found.pdf(x) == pytest.approx(0.5 * (law.pdf(x) + law.pdf(x / 5.0) / 5.0))
    levels = np.array([0.02, 0.3, 0.5, 0.7, 0.98])
    assert found.cdf(found.ppf(levels)) == pytest.approx(levels)
    assert found.support() == base.support
    assert found.ppf([0.0, 1.0]) == pytest.approx(base.support)
    assert np.mean(found.rvs(20_000, 1)[:, None] < found.ppf(levels), axis=0) == pytest.approx(levels, abs=0.015)
