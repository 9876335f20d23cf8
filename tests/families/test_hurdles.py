"""A hurdle family is zero with its own probability, else its base family given that it is positive."""

import numpy as np
import pytest
from scipy import stats

from bayesmixed.families import FAMILIES

COUNTS = np.arange(1.0, 30.0)
CASES = [
    ("hurdle_poisson", {"mu": 2.5, "hu": 0.2}, stats.poisson(2.5), COUNTS),
    ("hurdle_negbin", {"mu": 3.0, "theta": 0.7, "hu": 0.2}, stats.nbinom(0.7, 0.7 / 3.7), COUNTS),
    ("hurdle_gamma", {"mu": 2.0, "shape": 1.7, "hu": 0.2}, stats.gamma(1.7, scale=2.0 / 1.7), COUNTS / 4.0),
    ("hurdle_lognormal", {"mu": 0.4, "sigma": 0.6, "hu": 0.2}, stats.lognorm(0.6, scale=np.exp(0.4)), COUNTS / 4.0),
    ("zero_inflated_beta", {"mu": 0.3, "phi": 4.0, "zi": 0.2}, stats.beta(1.2, 2.8), COUNTS / 31.0),
]
each = pytest.mark.parametrize(("name", "values", "base", "y"), CASES)


@each
def test_zeros_and_what_passes_the_hurdle_have_their_probabilities(name, values, base, y):
    family = FAMILIES[name]
    log = base.logpmf if family.discrete else base.logpdf
    assert float(family.logp(0.0, values, 1.0)) == pytest.approx(np.log(0.2))
    expected = np.log(0.8) + log(y) - np.log(base.sf(0.0))
    np.testing.assert_allclose(family.logp(y, values, 1.0), expected, rtol=1e-9)
    passed = (base.cdf(y) - base.cdf(0.0)) / base.sf(0.0)
    np.testing.assert_allclose(family.cdf(y, values, 1.0), 0.2 + 0.8 * passed, rtol=1e-9)
    assert float(family.cdf(-0.1, values, 1.0)) == 0.0


@each
def test_mean_and_variance_are_those_of_the_mixture(name, values, base, y):
    mean = 0.8 * base.mean() / base.sf(0.0)
    square = 0.8 * (base.var() + base.mean() ** 2) / base.sf(0.0)
    assert float(FAMILIES[name].mean(values, 1.0)) == pytest.approx(mean)
    assert float(FAMILIES[name].variance(values, 1.0)) == pytest.approx(square - mean**2)


@pytest.mark.parametrize(("name", "values", "base"), [(name[7:], values, base) for name, values, base, _ in CASES[:2]])
def test_a_truncated_family_is_the_base_family_without_its_zeros(name, values, base):
    family = FAMILIES[f"truncated_{name}"]
    np.testing.assert_allclose(family.logp(COUNTS, values, 1.0), base.logpmf(COUNTS) - np.log(base.sf(0)), rtol=1e-9)
    np.testing.assert_allclose(family.cdf(COUNTS, values, 1.0), 1.0 - base.sf(COUNTS) / base.sf(0), rtol=1e-9)
    assert float(family.cdf(0.5, values, 1.0)) == 0.0
    assert float(family.logp(0.0, values, 1.0)) == -np.inf


@pytest.mark.parametrize("mu", [1e-4, 0.3, 6.0])
def test_counts_that_passed_the_hurdle_are_drawn_from_the_truncated_distribution(mu):
    for name, further, base in (
        ("hurdle_poisson", {}, stats.poisson(mu)),
        ("hurdle_negbin", {"theta": 0.7}, stats.nbinom(0.7, 0.7 / (0.7 + mu))),
    ):
        values = {"mu": np.full(4000, mu), "hu": np.zeros(4000), **further}
        drawn = FAMILIES[name].random(np.random.default_rng(1), values, 1.0, (4000,))
        assert drawn.min() >= 1.0
        ones = base.pmf(1) / base.sf(0)
        assert np.mean(drawn == 1.0) == pytest.approx(ones, abs=5 * np.sqrt(ones * (1 - ones) / 4000) + 1e-9)


def test_the_mean_of_the_positive_responses_is_by_exposure_and_usual_where_there_is_none():
    smoothed = FAMILIES["hurdle_poisson"].smoothed_mean
    assert smoothed(np.array([0.0, 4.0, 2.0]), 1.0, np.array([9.0, 1.0, 3.0])) == pytest.approx(1.5)
    assert smoothed(np.zeros(3), 1.0, 1.0) == 1.0


def test_responses_that_passed_the_hurdle_have_location_and_unit_of_their_own_family():
    y, exposure = np.array([0.0, 4.0, 2.0, 0.0, 9.0]), np.array([9.0, 1.0, 3.0, 1.0, 2.0])
    for name, base in (("hurdle_gamma", "gamma"), ("hurdle_lognormal", "lognormal")):
        found = FAMILIES[name].smoothed_mean(y, 1.0, exposure)
        assert found == pytest.approx(FAMILIES[base].smoothed_mean(y[y > 0], 1.0, exposure[y > 0]))
    working = FAMILIES["hurdle_lognormal"].working(y)
    np.testing.assert_allclose(working[y > 0], np.log(y[y > 0]))
    assert set(working) == set(np.log(y[y > 0]))
