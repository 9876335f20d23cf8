"""Families of positive responses are SciPy's distributions."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from bayesmixed.families import FAMILIES
from bayesmixed.families.links import LINKS

Y = np.array([0.05, 0.7, 2.0, 9.0])
DISTRIBUTIONS = [
    ("lognormal", {"mu": 0.4, "sigma": 0.6}, stats.lognorm(0.6, scale=np.exp(0.4))),
    ("gamma", {"mu": 2.0, "shape": 1.7}, stats.gamma(1.7, scale=2.0 / 1.7)),
    ("exponential", {"mu": 2.0}, stats.expon(scale=2.0)),
    ("weibull", {"mu": 2.0, "shape": 1.7}, stats.weibull_min(1.7, scale=2.0 / special.gamma(1.0 + 1.0 / 1.7))),
    ("inverse_gaussian", {"mu": 2.0, "shape": 3.0}, stats.invgauss(2.0 / 3.0, scale=3.0)),
]
each = pytest.mark.parametrize(("name", "values", "distribution"), DISTRIBUTIONS)


@each
def test_density_distribution_function_and_moments_are_scipys(name, values, distribution):
    family = FAMILIES[name]
    np.testing.assert_allclose(family.logp(Y, values, 1.0), distribution.logpdf(Y), rtol=1e-10)
    np.testing.assert_allclose(family.cdf(Y, values, 1.0), distribution.cdf(Y), rtol=1e-8)
    np.testing.assert_array_equal(family.cdf(np.array([-1.0, 0.0]), values, 1.0), 0.0)
    assert float(family.mean(values, 1.0)) == pytest.approx(distribution.mean())
    assert float(family.variance(values, 1.0)) == pytest.approx(distribution.var())


@each
def test_the_latent_variance_is_that_of_the_logarithm_of_the_response(name, values, distribution):
    def moment(k):
        return integrate.quad(lambda t: t**k * distribution.pdf(np.exp(t)) * np.exp(t), -40.0, 15.0, limit=300)[0]

    link = LINKS["identity" if name == "lognormal" else "log"]
    found = float(FAMILIES[name].latent_variance(values, link, 1.0))
    assert found == pytest.approx(moment(2) - moment(1) ** 2, rel=1e-5)


def test_the_latent_variance_of_a_gamma_is_trigamma_of_its_shape():
    assert float(FAMILIES["gamma"].latent_variance({"mu": 5.0, "shape": 0.3}, LINKS["log"], 1.0)) == pytest.approx(
        special.polygamma(1, 0.3)
    )
