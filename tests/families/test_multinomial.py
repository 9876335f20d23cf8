"""Counts of several categories: records of counts, their density, draws and the distribution of the count of each category."""

import numpy as np
import pytest
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.families import FAMILIES
from bayesmixed.families.multinomial import as_numbers, as_responses, count_of, pack_counts, unpack_counts

ODDS = np.array([0.7, -1.2, 0.4])
SHARES = special.softmax([0.0, *ODDS])


def some():
    """Return the family of four categories, and its values, which are not in the order of the categories."""
    family = FAMILIES["multinomial"].for_categories(("a", "b", "c d", "e"))
    return family, {name: ODDS[k] for k, name in ((2, "mu_e"), (0, "mu_b"), (1, "mu_c_d"))}


def test_counts_are_packed_into_records_and_back():
    counts = np.arange(24.0).reshape(3, 4, 2)
    records = pack_counts(counts)
    assert records.shape == (4, 2)
    np.testing.assert_array_equal(unpack_counts(records), counts)
    np.testing.assert_array_equal(as_numbers(records), np.moveaxis(counts, 0, -1))
    np.testing.assert_array_equal(count_of(records, 2), counts[1])
    np.testing.assert_array_equal(count_of(np.array([1.0, 2.0]), 2), [0.0, 1.0])
    assert as_responses(records) is records
    assert as_responses([1, 2]).dtype == float


def test_the_density_is_that_of_scipy_also_of_none_and_of_a_million():
    family, values = some()
    assert [p.name for p in family.parameters] == ["mu_b", "mu_c_d", "mu_e"]
    counts = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [3, 1, 0, 2], [10**6, 0, 5, 10**6]])
    found = family.logp(pack_counts(counts.T), values, counts.sum(axis=1))
    expected = stats.multinomial.logpmf(counts, counts.sum(axis=1), SHARES)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    arrays = {name: np.full(4, value) for name, value in values.items()}
    np.testing.assert_allclose(
        family.pytensor_logp(counts, arrays, 0).eval(mode="FAST_COMPILE"), expected, rtol=1e-9, atol=1e-9
    )
    step = {**values, "mu_b": values["mu_b"] + 1e-5}, {**values, "mu_b": values["mu_b"] - 1e-5}
    y = pack_counts(counts[:3].T)
    slope = (family.logp(y, step[0], 0) - family.logp(y, step[1], 0)) / 2e-5
    np.testing.assert_allclose(family.score(y, values, counts[:3].sum(axis=1)), slope, atol=1e-6)


def test_one_of_each_is_a_category():
    family, values = some()
    single = FAMILIES["categorical"].for_categories(("a", "b", "c d", "e"))
    np.testing.assert_allclose(
        family.logp(pack_counts(np.eye(4)), values, 1.0), single.logp(np.arange(1.0, 5.0), values, 1.0), rtol=1e-12
    )
    assert family.information(values, 7.0) == pytest.approx(7.0 * single.information(values, 1.0))


def test_draws_have_the_moments_of_each_count_whose_distribution_is_binomial():
    family, values = some()
    drawn = family.random(np.random.default_rng(1), values, np.array([0.0, 9.0]), (20_000, 2))
    assert np.all(unpack_counts(drawn).sum(axis=0) == [0.0, 9.0])
    for number, share in enumerate(SHARES, 1):
        count, own = drawn[str(number)][:, 1], family.event(number)
        assert abs(count.mean() - 9 * share) < 5 * np.sqrt(9 * share * (1 - share) / 20_000)
        assert float(own.mean(values, 9.0)) == pytest.approx(9 * share)
        assert float(own.variance(values, 9.0)) == pytest.approx(9 * share * (1 - share))
        at = np.array([-1.0, 0.0, 2.5, 8.0, 9.0, 50.0])
        np.testing.assert_allclose(own.cdf(at, values, 9.0), stats.binom.cdf(at, 9, share), rtol=1e-12)
        assert own.cdf(0.0, values, 0.0) == 1.0
    covariance = np.cov(drawn["1"][:, 1], drawn["2"][:, 1])[0, 1]
    assert covariance == pytest.approx(-9 * SHARES[0] * SHARES[1], abs=0.05)


def test_odds_beyond_floating_point_are_drawn_and_have_a_density():
    family, _ = some()
    values = {"mu_b": 800.0, "mu_c_d": -800.0, "mu_e": 0.0}
    drawn = family.random(np.random.default_rng(1), values, 5.0, (3,))
    np.testing.assert_array_equal(as_numbers(drawn), [[0, 5, 0, 0]] * 3)
    assert family.logp(pack_counts(np.array([[1], [0], [0], [0]])), values, 1.0)[0] == pytest.approx(-800.0)


def test_what_is_about_one_number_is_refused():
    family, values = some()
    for ask in (family.mean, family.variance):
        with pytest.raises(bm.SpecError, match="no single mean"):
            ask(values, 1.0)
    assert not np.any(family.accepts(np.array([0.0, 1.0]), 1.0))
