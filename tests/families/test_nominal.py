"""Categories without order: a softmax of one predictor for each but the first."""

import copy
import pickle

import numpy as np
import pytest
from scipy import special

from bayesmixed.families import FAMILIES
from bayesmixed.families.nominal import categorical

ODDS = np.array([0.7, -1.2, 0.4])


def some(shape=()):
    """Return the family of four categories, and its values, which are not in the order of the categories."""
    family = FAMILIES["categorical"].for_categories(("a", "b", "c d", "e"))
    return family, {name: np.full(shape, ODDS[k]) for k, name in ((2, "mu_e"), (0, "mu_b"), (1, "mu_c_d"))}


def test_each_category_but_the_first_has_a_parameter_named_after_it():
    family, _ = some()
    assert [p.name for p in family.parameters] == ["mu_b", "mu_c_d", "mu_e"]
    assert [p.category for p in family.parameters] == [2, 3, 4]
    assert family.parameters[1].meaning == "log-odds of c d against a"
    assert family.first == "mu"
    assert pickle.loads(pickle.dumps(FAMILIES["categorical"])) is FAMILIES["categorical"]
    assert copy.copy(FAMILIES["categorical"]) is FAMILIES["categorical"]


def test_probabilities_are_a_softmax_whatever_the_order_in_which_values_are_given():
    family, values = some()
    expected, y = special.softmax([0.0, *ODDS]), np.arange(1.0, 5.0)
    np.testing.assert_allclose(family.shares(values), expected, rtol=1e-12)
    np.testing.assert_allclose(np.exp(family.logp(y, values, 1.0)), expected, rtol=1e-12)
    np.testing.assert_allclose(family.cdf(y, values, 1.0), np.cumsum(expected), rtol=1e-12)
    for number in range(1, 5):
        assert float(family.event(number).mean(values, 1.0)) == pytest.approx(expected[number - 1])
    drawn = family.random(np.random.default_rng(2), values, 1.0, (20_000,))
    found = np.bincount(drawn.astype(int), minlength=5)[1:] / 20_000
    assert np.all(np.abs(found - expected) < 5 * np.sqrt(expected * (1 - expected) / 20_000))


def test_the_density_by_pytensor_is_the_same_whatever_the_order():
    family, values = some((4,))
    y = np.array([1, 2, 3, 4])
    found = family.pytensor_logp(y, values, 1.0).eval(mode="FAST_COMPILE")
    np.testing.assert_allclose(found, family.logp(y, values, 1.0), rtol=1e-12)


def test_two_categories_are_a_logistic_regression():
    family, binary = FAMILIES["categorical"].for_categories(("no", "yes")), FAMILIES["bernoulli"]
    eta = np.array([-800.0, -2.0, 0.3, 800.0])
    for y in (0.0, 1.0):
        with np.errstate(divide="ignore"):
            expected = binary.logp(y, {"mu": special.expit(eta[1:3])}, 1.0)
        found = family.logp(y + 1.0, {"mu_yes": eta}, 1.0)
        np.testing.assert_allclose(found[1:3], expected, rtol=1e-12)
        assert found[0 if y == 0.0 else 3] == 0.0
        assert found[3 if y == 0.0 else 0] == -800.0
    np.testing.assert_allclose(family.score(2.0, {"mu_yes": eta}, 1.0), 1.0 - special.expit(eta), atol=1e-12)


def test_families_of_the_same_names_are_one():
    assert categorical(("mu_b",)) is categorical(("mu_b",))
