"""The ex-Gaussian and the skew normal family are SciPy's distributions, by their mean."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, special, stats

from bayesmixed.families import FAMILIES

Y = np.linspace(-4.0, 9.0, 27)
EXGAUSSIAN = [{"mu": 0.4, "sigma": 0.6, "tau": 2.5}, {"mu": 1.0, "sigma": 2.0, "tau": 0.03}]
SKEW_NORMAL = [{"mu": 0.4, "sigma": 2.6, "alpha": 2.5}, {"mu": 1.0, "sigma": 2.0, "alpha": -7.0}]


def scipys(name, values):
    """Return SciPy's distribution."""
    if name == "exgaussian":
        tau, sigma = values["tau"], values["sigma"]
        return stats.exponnorm(tau / sigma, loc=values["mu"] - tau, scale=sigma)
    share = values["alpha"] / np.sqrt(1.0 + values["alpha"] ** 2)
    scale = values["sigma"] / np.sqrt(1.0 - 2.0 * share**2 / np.pi)
    return stats.skewnorm(values["alpha"], loc=values["mu"] - scale * share * np.sqrt(2.0 / np.pi), scale=scale)


CASES = [("exgaussian", values) for values in EXGAUSSIAN] + [("skew_normal", values) for values in SKEW_NORMAL]
each = pytest.mark.parametrize(("name", "values"), CASES)


@each
def test_density_distribution_function_and_moments_are_scipys(name, values):
    family, there = FAMILIES[name], scipys(name, values)
    np.testing.assert_allclose(family.logp(Y, values, 1.0), there.logpdf(Y), rtol=1e-9)
    np.testing.assert_allclose(family.cdf(Y, values, 1.0), there.cdf(Y), atol=1e-12)
    assert float(family.mean(values, 1.0)) == pytest.approx(there.mean())
    assert float(family.variance(values, 1.0)) == pytest.approx(there.var())


@each
def test_the_information_is_the_integral_of_the_squared_score(name, values):
    family, there = FAMILIES[name], scipys(name, values)

    def square(y):
        return there.pdf(y) * float(family.score(y, values, 1.0)) ** 2

    ends = [there.ppf(1e-13), values["mu"] - values["sigma"], values["mu"], there.ppf(1.0 - 1e-13)]
    found = sum(integrate.quad(square, *pair, limit=300)[0] for pair in pairwise(ends))
    assert float(family.information(values, 1.0)) == pytest.approx(found, rel=1e-6)


def test_the_tails_are_those_of_the_normal_and_of_the_exponential_part():
    family, values = FAMILIES["exgaussian"], {"mu": 0.0, "sigma": 1.0, "tau": 2.0}
    steps = np.diff(family.logp(np.array([50.0, 52.0, 1e4, 1e4 + 2.0]), values, 1.0))
    np.testing.assert_allclose(steps[[0, 2]], -1.0, rtol=1e-9)
    far = float(family.logp(-1002.0, values, 1.0))
    expected = -0.5 * 1000.0**2 + np.log(0.5 * special.erfcx((1000.0 + 0.5) / np.sqrt(2.0))) - np.log(2.0)
    assert far == pytest.approx(expected, rel=1e-12)
    assert float(family.score(-1002.0, values, 1.0)) == pytest.approx(-1000.0, rel=1e-3)


def test_an_exponential_part_that_vanishes_and_no_skewness_leave_the_normal():
    expected = FAMILIES["gaussian"].logp(Y, {"mu": 0.4, "sigma": 1.5}, 1.0)
    found = FAMILIES["exgaussian"].logp(Y, {"mu": 0.4, "sigma": 1.5, "tau": 1e-7}, 1.0)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(
        FAMILIES["skew_normal"].logp(Y, {"mu": 0.4, "sigma": 1.5, "alpha": 0.0}, 1.0), expected, rtol=1e-12
    )
