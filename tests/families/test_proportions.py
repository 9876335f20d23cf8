"""Families of proportions are SciPy's distributions."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from bayesmixed.families import FAMILIES
from bayesmixed.families.links import LINKS
from bayesmixed.families.proportions import log_choose

COUNTS = np.arange(8.0)
DISTRIBUTIONS = [
    ("bernoulli", {"mu": 0.3}, 1.0, stats.bernoulli(0.3), COUNTS[:2]),
    ("binomial", {"mu": 0.3}, 7.0, stats.binom(7, 0.3), COUNTS),
    ("beta_binomial", {"mu": 0.3, "phi": 4.0}, 7.0, stats.betabinom(7, 1.2, 2.8), COUNTS),
    ("beta", {"mu": 0.3, "phi": 4.0}, 1.0, stats.beta(1.2, 2.8), np.array([0.01, 0.3, 0.9])),
]


@pytest.mark.parametrize(("name", "values", "trials", "distribution", "y"), DISTRIBUTIONS)
def test_density_distribution_function_and_moments_are_scipys(name, values, trials, distribution, y):
    family = FAMILIES[name]
    log = distribution.logpmf if family.discrete else distribution.logpdf
    np.testing.assert_allclose(family.logp(y, values, trials), log(y), rtol=1e-9)
    np.testing.assert_allclose(family.cdf(y, values, trials), distribution.cdf(y), rtol=1e-9)
    assert float(family.mean(values, trials)) == pytest.approx(distribution.mean())
    assert float(family.variance(values, trials)) == pytest.approx(distribution.var())


@pytest.mark.parametrize("trials", [3.0, 30.0, 5000.0])
def test_the_logarithm_of_a_binomial_coefficient_keeps_its_digits(trials):
    y = np.arange(4.0)
    np.testing.assert_allclose(np.exp(log_choose(y, trials)), special.comb(trials, y), rtol=1e-10)


def test_a_beta_binomial_of_endless_precision_is_a_binomial():
    found = FAMILIES["beta_binomial"].logp(COUNTS, {"mu": 0.3, "phi": 1e10}, 7.0)
    np.testing.assert_allclose(found, stats.binom(7, 0.3).logpmf(COUNTS), rtol=1e-7)


def test_the_latent_variance_of_a_beta_response_is_that_of_its_logit():
    def moment(k):
        density = stats.beta(1.2, 2.8).pdf
        return integrate.quad(
            lambda t: t**k * density(special.expit(t)) * special.expit(t) * special.expit(-t), -60, 40
        )[0]

    found = FAMILIES["beta"].latent_variance({"mu": 0.3, "phi": 4.0}, LINKS["logit"], 1.0)
    assert float(found) == pytest.approx(moment(2) - moment(1) ** 2, rel=1e-6)
