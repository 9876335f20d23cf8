"""Families on the whole line are SciPy's normal and t distributions."""

import numpy as np
import pytest
from scipy import stats

from bayesmixed.families import FAMILIES
from bayesmixed.families.links import LINKS

Y = np.array([-3.0, 0.0, 1.0, 2.5])
DISTRIBUTIONS = [
    ("gaussian", {"mu": 1.0, "sigma": 2.0}, stats.norm(1, 2)),
    ("student", {"mu": 1.0, "sigma": 2.0, "nu": 5.0}, stats.t(5, 1, 2)),
]


@pytest.mark.parametrize(("name", "values", "distribution"), DISTRIBUTIONS)
def test_density_distribution_function_and_moments_are_scipys(name, values, distribution):
    family = FAMILIES[name]
    np.testing.assert_allclose(family.logp(Y, values, 1.0), distribution.logpdf(Y))
    np.testing.assert_allclose(family.cdf(Y, values, 1.0), distribution.cdf(Y))
    assert float(family.mean(values, 1.0)) == pytest.approx(distribution.mean())
    assert float(family.variance(values, 1.0)) == pytest.approx(distribution.var())
    assert float(family.latent_variance(values, LINKS["identity"], 1.0)) == pytest.approx(distribution.var())


def test_the_variance_of_a_student_with_two_degrees_of_freedom_is_infinite():
    variance = FAMILIES["student"].variance({"nu": np.array([1.5, 2.0, 4.0]), "sigma": 1.0}, 1.0)
    np.testing.assert_array_equal(variance, [np.inf, np.inf, 2.0])


@pytest.mark.parametrize(("name", "values", "distribution"), DISTRIBUTIONS)
def test_the_information_about_the_mean_is_the_integral_of_the_squared_score(name, values, distribution):
    family = FAMILIES[name]
    expected = distribution.expect(lambda y: np.square(family.score(y, values, 1.0)))
    assert float(family.information(values, 1.0)) == pytest.approx(expected, rel=1e-7)


def test_a_student_of_endless_degrees_of_freedom_is_a_gaussian():
    found = FAMILIES["student"].logp(Y, {"mu": 1.0, "sigma": 2.0, "nu": 1e7}, 1.0)
    np.testing.assert_allclose(found, stats.norm(1, 2).logpdf(Y), rtol=1e-6)
