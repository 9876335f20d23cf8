"""A zero-inflated family adds zeros, and a zero-one-inflated one zeros and ones, to its base family."""

import numpy as np
import pytest
from scipy import stats

from bayesmixed.families import FAMILIES

COUNTS = np.arange(8.0)
CASES = [
    ("zero_inflated_poisson", {"mu": 2.5, "zi": 0.2}, 1.0, stats.poisson(2.5)),
    ("zero_inflated_negbin", {"mu": 3.0, "theta": 0.7, "zi": 0.2}, 1.0, stats.nbinom(0.7, 0.7 / 3.7)),
    ("zero_inflated_negbin1", {"mu": 3.0, "phi": 0.7, "zi": 0.2}, 1.0, stats.nbinom(3.0 / 0.7, 1.0 / 1.7)),
    ("zero_inflated_beta_binomial", {"mu": 0.3, "phi": 4.0, "zi": 0.2}, 7.0, stats.betabinom(7, 1.2, 2.8)),
    ("zero_inflated_binomial", {"mu": 0.3, "zi": 0.2}, 7.0, stats.binom(7, 0.3)),
]


@pytest.mark.parametrize(("name", "values", "trials", "base"), CASES)
def test_extra_zeros_are_mixed_with_the_base_family(name, values, trials, base):
    family = FAMILIES[name]
    probabilities = 0.2 * (COUNTS == 0) + 0.8 * base.pmf(COUNTS)
    np.testing.assert_allclose(family.logp(COUNTS, values, trials), np.log(probabilities), rtol=1e-9)
    np.testing.assert_allclose(family.cdf(COUNTS, values, trials), 0.2 + 0.8 * base.cdf(COUNTS), rtol=1e-9)
    mean = 0.8 * base.mean()
    assert float(family.mean(values, trials)) == pytest.approx(mean)
    square = 0.8 * (base.var() + base.mean() ** 2)
    assert float(family.variance(values, trials)) == pytest.approx(square - mean**2)


def test_zeros_ones_and_what_lies_between_have_their_probabilities():
    family, values = FAMILIES["zero_one_inflated_beta"], {"mu": 0.3, "phi": 4.0, "zoi": 0.3, "coi": 0.9}
    base, y = stats.beta(1.2, 2.8), np.array([0.1, 0.5, 0.95])
    np.testing.assert_allclose(np.exp(family.logp(np.array([0.0, 1.0]), values, 1.0)), [0.03, 0.27])
    np.testing.assert_allclose(family.logp(y, values, 1.0), np.log(0.7) + base.logpdf(y))
    np.testing.assert_allclose(family.cdf(y, values, 1.0), 0.03 + 0.7 * base.cdf(y))
    np.testing.assert_allclose(family.cdf(np.array([-0.1, 0.0, 1.0]), values, 1.0), [0.0, 0.03, 1.0])
    mean = 0.27 + 0.7 * 0.3
    assert float(family.mean(values, 1.0)) == pytest.approx(mean)
    square = 0.27 + 0.7 * (base.var() + 0.09)
    assert float(family.variance(values, 1.0)) == pytest.approx(square - mean**2)


@pytest.mark.parametrize(
    ("y", "stated", "words"),
    [
        ([0.0, 0.4, 1.0], (), ""),
        ([0.0, 0.4], (), "0 and no 1"),
        ([0.4, 1.0], (), "zero_inflated_beta with 1 - y as the response"),
        ([0.4, 0.6], (), "neither 0 nor 1"),
        ([0.0, 0.4], ("coi",), ""),
    ],
)
def test_an_edge_that_no_row_has_is_pointed_out_unless_a_prior_is_stated(y, stated, words):
    found = FAMILIES["zero_one_inflated_beta"].unseen(np.array(y), frozenset(stated))
    assert words in found
    assert bool(found) == bool(words)
