"""Families of counts are SciPy's distributions."""

import numpy as np
import pytest
from scipy import special, stats

from bayesmixed.families import FAMILIES
from bayesmixed.families.links import LINKS


@pytest.mark.parametrize(("mu", "phi"), [(3.0, 500.0), (2.2e4, 500.0), (6e4, 500.0), (900.0, 38.0)])
def test_the_information_of_linear_overdispersion_is_its_sum_for_single_and_for_many_rows(mu, phi):
    theta, family = mu / phi, FAMILIES["negbin1"]
    k = np.arange(mu + 60.0 * np.sqrt(mu * (1.0 + phi)) + 4000.0)
    exact = np.sum(stats.nbinom(theta, 1.0 / (1.0 + phi)).sf(k) / np.square(theta + k)) / phi**2
    assert family.information({"mu": np.array([mu]), "phi": phi}, 1.0)[0] == pytest.approx(exact, rel=1e-6)
    many = np.append(mu, mu * np.exp(np.linspace(-4.0, 4.0, 500)))
    assert family.information({"mu": many, "phi": phi}, 1.0)[0] == pytest.approx(exact, rel=1e-6)


COUNTS = np.arange(40.0)
DISTRIBUTIONS = [
    ("poisson", {"mu": 2.5}, stats.poisson(2.5)),
    ("negbin", {"mu": 3.0, "theta": 0.7}, stats.nbinom(0.7, 0.7 / 3.7)),
    ("negbin1", {"mu": 3.0, "phi": 1.5}, stats.nbinom(2.0, 0.4)),
]


@pytest.mark.parametrize(("name", "values", "distribution"), DISTRIBUTIONS)
def test_probabilities_and_moments_are_scipys(name, values, distribution):
    family = FAMILIES[name]
    np.testing.assert_allclose(family.logp(COUNTS, values, 1.0), distribution.logpmf(COUNTS), rtol=1e-9)
    np.testing.assert_allclose(family.cdf(COUNTS + 0.5, values, 1.0), distribution.cdf(COUNTS), rtol=1e-9)
    assert float(family.mean(values, 1.0)) == pytest.approx(distribution.mean())
    assert float(family.variance(values, 1.0)) == pytest.approx(distribution.var())


@pytest.mark.parametrize(("name", "values", "distribution"), DISTRIBUTIONS)
def test_the_constant_is_what_does_not_change_with_the_parameters(name, values, distribution):
    family = FAMILIES[name]
    rest = family.logp(COUNTS, values, 1.0) - family.constant(COUNTS, 1.0)
    # Without it the Poisson row is y log(mu) - mu; of the others it holds the factorial of y.
    np.testing.assert_allclose(family.constant(COUNTS, 1.0), -special.gammaln(COUNTS + 1.0))
    if name == "poisson":
        np.testing.assert_allclose(rest, COUNTS * np.log(2.5) - 2.5)


def test_the_latent_variance_of_counts_is_that_of_a_lognormal_of_the_same_coefficient_of_variation():
    values = {"mu": 3.0, "theta": 0.7}
    squared = float(FAMILIES["negbin"].variance(values, 1.0)) / 9.0
    assert float(FAMILIES["negbin"].latent_variance(values, LINKS["log"], 1.0)) == pytest.approx(np.log1p(squared))


def test_a_negative_binomial_of_endless_size_is_a_poisson():
    for name, values in (("negbin", {"mu": 4.0, "theta": 1e12}), ("negbin1", {"mu": 4.0, "phi": 1e-12})):
        found = FAMILIES[name].logp(COUNTS, values, 1.0)
        np.testing.assert_allclose(found, stats.poisson(4.0).logpmf(COUNTS), rtol=1e-8)


@pytest.mark.parametrize(
    "name", ["poisson", "negbin", "negbin1", "hurdle_poisson", "zero_inflated_poisson", "generalised_poisson"]
)
def test_counts_of_means_beyond_whole_numbers_are_drawn(name):
    family, shape = FAMILIES[name], (400,)
    values = {parameter.name: np.full(shape, 0.01) for parameter in family.parameters}
    values |= {"mu": np.full(shape, 1e25)} | {key: np.full(shape, 5.0) for key in ("theta", "phi") if key in values}
    found = family.random(np.random.default_rng(1), values, None, shape)
    assert np.all(np.isfinite(found))
    assert np.median(found) == pytest.approx(1e25, rel=0.2)
    if name in ("poisson", "generalised_poisson"):
        endless = values | {"mu": np.full(shape, np.inf)}
        assert np.all(np.isinf(family.random(np.random.default_rng(1), endless, None, shape)))
    if name == "poisson":
        assert np.std(found) == pytest.approx(1e25**0.5, rel=0.2)
