"""Ordered categories are the intervals between thresholds of a latent variable."""

import numpy as np
import pytest
from scipy import stats

from bayesmixed.families.ordinal import cumulative, log_density

LATENT = {"logit": stats.logistic, "probit": stats.norm, "cloglog": stats.gumbel_l}
CUTS = np.array([-1.0, 0.3, 1.8])
each_link = pytest.mark.parametrize("link", LATENT)


def ordered(link, mu=0.4):
    """Return the family of four categories, its values, and the probabilities of the categories."""
    family = cumulative(link).for_categories(tuple("1234"))
    values = {"mu": mu, **dict(zip(family.cuts, CUTS, strict=True))}
    return family, values, np.diff(LATENT[link].cdf(np.array([-np.inf, *(CUTS - mu), np.inf])))


@each_link
def test_probabilities_of_categories_are_areas_under_the_latent_density(link):
    family, values, shares = ordered(link)
    numbers = np.arange(1.0, 5.0)
    np.testing.assert_allclose(np.exp(family.logp(numbers, values, 1.0)), shares, rtol=1e-10)
    np.testing.assert_allclose(family.cdf(numbers, values, 1.0), np.cumsum(shares), rtol=1e-12)
    np.testing.assert_array_equal(family.logp(np.array([0.0, 5.0]), values, 1.0), -np.inf)
    mean = shares @ numbers
    assert float(family.mean(values, 1.0)) == pytest.approx(mean)
    assert float(family.variance(values, 1.0)) == pytest.approx(shares @ (numbers - mean) ** 2)


@each_link
def test_shares_in_both_tails_keep_their_digits(link):
    family, values, _ = ordered(link, mu=-30.0 if link != "cloglog" else -3.0)
    upper = LATENT[link].logsf(CUTS[-1] - values["mu"])
    assert float(family.logp(4.0, values, 1.0)) == pytest.approx(float(upper), rel=1e-9)
    family, values, _ = ordered(link, mu=30.0)
    lower = LATENT[link].logcdf(CUTS[0] - values["mu"])
    assert float(family.logp(1.0, values, 1.0)) == pytest.approx(float(lower), rel=1e-9)


@each_link
def test_the_latent_density_is_scipys(link):
    x = np.array([-4.0, 0.0, 1.3])
    np.testing.assert_allclose(log_density(link, x), LATENT[link].logpdf(x), rtol=1e-12)


@each_link
def test_draws_have_the_probabilities_of_the_categories(link):
    family, values, shares = ordered(link)
    drawn = family.random(np.random.default_rng(2), values, 1.0, (20_000,))
    found = np.bincount(drawn.astype(int), minlength=5)[1:] / 20_000
    assert np.all(np.abs(found - shares) < 5 * np.sqrt(shares * (1 - shares) / 20_000))
