"""Censored and truncated families against SciPy: densities, distribution functions, draws and scores."""

import numpy as np
import pytest
from scipy import stats

from bayesmixed.families import FAMILIES
from bayesmixed.families.limits import BOTTOM, HIGH, LOW, TOP, log_between, support_of, within_limits
from bayesmixed.families.tails import numpy_functions

NORMAL = {"mu": 1.0, "sigma": 2.0}
COUNTS = {"mu": 3.0, "theta": 2.0}


def negbin():
    return stats.nbinom(COUNTS["theta"], COUNTS["theta"] / (COUNTS["theta"] + COUNTS["mu"]))


def censored(name, low, high):
    return within_limits(FAMILIES[name], censored=True, truncated=False), {LOW: np.array(low), HIGH: np.array(high)}


def truncated(name, bottom, top):
    return within_limits(FAMILIES[name], censored=False, truncated=True), {BOTTOM: np.array(bottom), TOP: np.array(top)}


def test_a_censored_row_has_the_probability_of_its_limits():
    family, known = censored("gaussian", [np.nan, 2.0, -np.inf, 0.0], [np.nan, np.inf, -1.0, 3.0])
    there = stats.norm(1.0, 2.0)
    expected = [there.logpdf(0.5), there.logsf(2.0), there.logcdf(-1.0), np.log(there.cdf(3.0) - there.cdf(0.0))]
    y = np.array([0.5, 2.0, -1.0, 0.0])
    np.testing.assert_allclose(family.logp(y, NORMAL | known, 1.0), expected, rtol=1e-12)


def test_a_count_that_is_censored_on_the_right_is_larger_than_the_limit():
    family, known = censored("negbin", [4.0, -np.inf, 1.0], [np.inf, 4.0, 4.0])
    there = negbin()
    expected = [there.logsf(4), there.logcdf(4), np.log(there.pmf([2, 3, 4]).sum())]
    np.testing.assert_allclose(family.logp(np.array([4.0, 4.0, 1.0]), COUNTS | known, 1.0), expected, rtol=1e-9)


def test_intervals_keep_their_digits_in_both_tails():
    m, family = numpy_functions(), FAMILIES["gaussian"]
    values = {"mu": 0.0, "sigma": 1.0}
    far = log_between(m, family, np.array([20.0, -21.0]), np.array([21.0, -20.0]), values, 1.0)
    np.testing.assert_allclose(
        far, stats.norm.logsf(20.0) + np.log1p(-np.exp(stats.norm.logsf(21) - stats.norm.logsf(20)))
    )


def test_a_truncated_density_is_one_over_its_bounds():
    family, known = truncated("negbin", [0.0], [6.0])
    counts = np.arange(1.0, 7.0)
    assert np.exp(family.logp(counts, COUNTS | known, 1.0)).sum() == pytest.approx(1.0, rel=1e-9)
    family, known = truncated("gaussian", [0.0], [np.inf])
    there = stats.truncnorm(-0.5, np.inf, 1.0, 2.0)
    y = np.array([0.1, 1.0, 8.0])
    np.testing.assert_allclose(family.logp(y, NORMAL | known, 1.0), there.logpdf(y), rtol=1e-12)
    np.testing.assert_allclose(family.cdf(y, NORMAL | known, 1.0), there.cdf(y), rtol=1e-12)
    assert family.cdf(np.array([-5.0]), NORMAL | known, 1.0) == 0.0


def test_a_row_can_be_censored_within_its_bounds():
    family = within_limits(FAMILIES["gaussian"], censored=True, truncated=True)
    known = {LOW: np.array([2.0]), HIGH: np.array([5.0]), BOTTOM: np.array([0.0]), TOP: np.array([5.0])}
    there = stats.norm(1.0, 2.0)
    expected = np.log((there.cdf(5.0) - there.cdf(2.0)) / (there.cdf(5.0) - there.cdf(0.0)))
    np.testing.assert_allclose(family.logp(np.array([2.0]), NORMAL | known, 1.0), expected)


@pytest.mark.parametrize(
    ("bottom", "top"), [(0.0, np.inf), (-np.inf, 0.5), (17.0, np.inf), (-np.inf, -15.0), (15.0, 15.5)]
)
def test_draws_have_the_distribution_between_the_bounds_however_rare(bottom, top):
    family, known = truncated("gaussian", np.full(4000, bottom), np.full(4000, top))
    drawn = family.random(np.random.default_rng(3), NORMAL | known, 1.0, (4000,))
    assert np.all((drawn > bottom) & (drawn <= top))
    assert stats.kstest(family.cdf(drawn, NORMAL | known, 1.0), "uniform").pvalue > 0.01


def test_rare_counts_are_drawn_too():
    family, known = truncated("poisson", np.full(5000, 24.0), np.full(5000, np.inf))
    drawn = family.random(np.random.default_rng(4), {"mu": 3.0} | known, 1.0, (5000,))
    assert drawn.min() == 25.0
    shares = [np.mean(drawn == count) for count in (25.0, 26.0)]
    there = stats.poisson(3.0)
    np.testing.assert_allclose(shares, there.pmf([25, 26]) / there.sf(24), atol=0.02)


def test_the_score_is_the_hazard_of_a_censored_row():
    family, known = censored("gaussian", [2.0, np.nan], [np.inf, np.nan])
    z = 0.5
    hazard = stats.norm.pdf(z) / stats.norm.sf(z) / 2.0
    found = family.score(np.array([2.0, 4.0]), NORMAL | known, 1.0)
    np.testing.assert_allclose(found, [hazard, 3.0 / 4.0], rtol=1e-8)


def test_moments_are_those_of_the_response_itself():
    family, known = truncated("gaussian", [0.0], [1.0])
    assert family.mean(NORMAL | known, 1.0) == 1.0
    assert family.variance(NORMAL | known, 1.0) == 4.0


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("gaussian", (-np.inf, np.inf)),
        ("weibull", (0.0, np.inf)),
        ("poisson", (np.nextafter(0.0, -1.0), np.inf)),
        ("truncated_poisson", (np.nextafter(1.0, 0.0), np.inf)),
        ("beta", (0.0, 1.0)),
        ("hurdle_gamma", (np.nextafter(0.0, -1.0), np.inf)),
    ],
)
def test_the_support_ends_where_no_response_lies(name, ends):
    assert support_of(FAMILIES[name], 1.0) == ends
    assert support_of(FAMILIES["binomial"], np.array([3.0, 4.0]))[1].tolist() == [3.0, 4.0]


def test_names_of_limited_families_are_no_names_of_the_catalogue():
    for family in FAMILIES.values():
        both = within_limits(family, censored=True, truncated=True)
        assert both.name not in FAMILIES
        assert both.limited
        assert not both.conjugate
