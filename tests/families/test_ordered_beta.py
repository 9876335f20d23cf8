"""The ordered beta family is a beta distribution between two categories, 0 and 1, of one latent variable."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from bayesmixed.families import FAMILIES, ResponseScale

FAMILY = FAMILIES["ordered_beta"]
VALUES = {"mu": 0.3, "phi": 4.0, "cutzero": -2.0, "gap": 3.5}


def chances(mu):
    """Return the probabilities of 0, of numbers between and of 1 by Kubinec's formulas (2023, Polit Anal 31:519)."""
    eta = special.logit(mu)
    zero, one = 1.0 - special.expit(eta + 2.0), special.expit(eta - 1.5)
    return zero, special.expit(eta + 2.0) - special.expit(eta - 1.5), one


def test_zeros_ones_and_what_lies_between_have_their_probabilities():
    (zero, inside, one), base, y = chances(0.3), stats.beta(1.2, 2.8), np.array([0.1, 0.5, 0.95])
    np.testing.assert_allclose(np.exp(FAMILY.logp(np.array([0.0, 1.0]), VALUES, 1.0)), [zero, one])
    np.testing.assert_allclose(FAMILY.logp(y, VALUES, 1.0), np.log(inside) + base.logpdf(y))
    np.testing.assert_allclose(FAMILY.cdf(y, VALUES, 1.0), zero + inside * base.cdf(y))
    np.testing.assert_allclose(FAMILY.cdf(np.array([-0.1, 0.0, 1.0]), VALUES, 1.0), [0.0, zero, 1.0])
    mean = one + inside * 0.3
    assert float(FAMILY.mean(VALUES, 1.0)) == pytest.approx(mean)
    assert float(FAMILY.variance(VALUES, 1.0)) == pytest.approx(one + inside * (base.var() + 0.09) - mean**2)


def test_the_information_is_the_expected_squared_score():
    zero, inside, one = chances(0.3)
    base, edges = stats.beta(1.2, 2.8), FAMILY.score(np.array([0.0, 1.0]), VALUES, 1.0)
    between = integrate.quad(lambda y: base.pdf(y) * float(FAMILY.score(y, VALUES, 1.0)) ** 2, 0.0, 1.0)[0]
    expected = zero * edges[0] ** 2 + inside * between + one * edges[1] ** 2
    assert float(FAMILY.information(VALUES, 1.0)) == pytest.approx(expected, rel=1e-6)


def test_the_default_priors_are_those_of_uniform_shares():
    """Of three shares with a Dirichlet(1, 1, 1) distribution at the mean of the response."""
    shares = np.random.default_rng(1).dirichlet([1.0, 1.0, 1.0], 200_000)
    zero, one = special.logit(shares[:, 0]), special.logit(1.0 - shares[:, 2])
    scale = ResponseScale(mean=0.5, unit=0.2)
    low, gap = (FAMILY.parameter(name).prior(scale)[1].arguments for name in ("cutzero", "gap"))
    assert low == pytest.approx((zero.mean(), zero.std()), abs=0.02)
    assert gap == pytest.approx((np.log(one - zero).mean(), np.log(one - zero).std()), abs=0.05)
    moved = FAMILY.parameter("cutzero").prior(ResponseScale(mean=0.8, unit=0.2))[1].arguments[0]
    assert moved - low[0] == pytest.approx(special.logit(0.8))


def test_data_without_0_and_1_have_another_family_unless_priors_are_stated():
    assert "Take family beta" in FAMILY.unseen(np.array([0.4, 0.6]), frozenset())
    assert FAMILY.unseen(np.array([0.4, 0.6]), frozenset({"cutzero", "gap"})) == ""
    assert FAMILY.unseen(np.array([0.0, 0.4]), frozenset()) == ""
