"""Smooth functions between places: the values and the means that they have at every value itself."""

import numpy as np
import pytest
from scipy import special

from bayesmixed.families.links import LINKS
from bayesmixed.integration import averages
from bayesmixed.integration.averages import Spread
from bayesmixed.integration.places import MANY, PLACES, interpolate, places_of, weights_of

VALUES = np.random.default_rng(1).standard_t(5, (2, 5_000))


def test_a_smooth_function_is_that_at_every_value():
    np.testing.assert_allclose(interpolate(special.expit, VALUES), special.expit(VALUES), rtol=1e-9, atol=1e-12)


def test_a_cubic_is_exact_and_weights_add_up():
    values, weights = VALUES[0], np.full(VALUES.shape[1], 1.0 / VALUES.shape[1])
    places = places_of(values)
    own = weights_of(values, places, weights)
    assert len(own) == PLACES
    assert own.sum() == pytest.approx(1.0, rel=1e-12)
    for power in range(4):
        assert own @ places**power == pytest.approx(np.mean(values**power), rel=1e-11, abs=1e-12)


def test_values_that_are_all_the_same_are_one_place():
    same = np.full((1, 9), 0.3)
    np.testing.assert_allclose(interpolate(np.exp, same), np.exp(same), rtol=1e-14)
    assert weights_of(same[0], places_of(same[0]), np.full(9, 1 / 9)).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("link", averages._BY_QUADRATURE)
def test_averages_of_very_many_rows_are_those_of_each(link, monkeypatch):
    eta = np.random.default_rng(2).normal(size=(1, 2, MANY + 7))
    variance = np.broadcast_to(np.array([0.3, 2.0])[None, :, None], eta.shape)
    many = Spread(LINKS[link], eta, variance).average
    np.testing.assert_allclose(many, LINKS[link].average(eta, variance), rtol=1e-10, atol=1e-12)
