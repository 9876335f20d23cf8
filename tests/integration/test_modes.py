"""Modes of log-densities, and rules that are moved there."""

import numpy as np
from scipy import stats

from bayesmixed.integration.modes import find_modes, moments_at, nodes_around

PRECISION = np.array([[2.0, 0.6], [0.6, 1.5]])
CENTRES = np.array([[0.3, -0.4], [5.0, 7.0], [-20.0, 1.0]])


def normal(place):
    away = place - CENTRES
    gradient = -away @ PRECISION
    return 0.5 * np.sum(away * gradient, axis=-1), gradient, np.broadcast_to(PRECISION, (3, 2, 2))


def test_modes_of_normal_densities_are_their_centres_however_far():
    modes = find_modes(normal, np.zeros((3, 2)), tolerance=1e-12)
    assert np.all(modes.found)
    np.testing.assert_allclose(modes.place, CENTRES, atol=1e-6)
    np.testing.assert_array_equal(modes.precision, np.broadcast_to(PRECISION, (3, 2, 2)))


def test_without_a_longest_step_a_normal_density_takes_one():
    modes = find_modes(normal, np.zeros((3, 2)), longest=np.inf, rounds=2)
    np.testing.assert_allclose(modes.place, CENTRES, atol=1e-6)


def test_a_search_that_ends_too_early_says_so():
    modes = find_modes(normal, np.zeros((3, 2)), rounds=2)
    np.testing.assert_array_equal(modes.found, [True, False, False])


def test_steps_are_halved_until_they_climb():
    # The wings of log(1 + x^2) are so flat that full Newton steps by the information at 0 leap over the mode.
    def cauchy(place):
        x = 30.0 * (place - 0.7)
        slope = -60.0 * x / (1.0 + x**2)
        return -np.log1p(x[..., 0] ** 2), slope, np.full((*place.shape, 1), 3.0)

    modes = find_modes(cauchy, np.array([[0.0], [1.5]]), tolerance=1e-14, rounds=200)
    np.testing.assert_allclose(modes.place, 0.7, atol=1e-6)


def test_a_rule_around_a_mode_integrates_and_gives_the_moments_of_the_posterior():
    modes = find_modes(normal, np.zeros((3, 2)), tolerance=1e-12)
    nodes, logs = [], []
    for place, weight in nodes_around(modes, 5):
        nodes.append(place)
        logs.append(normal(place)[0] + weight)
    # exp(weight - z'z / 2) sums to a standard normal expectation; here z'z / 2 is in the density itself.
    total = np.log(np.sum(np.exp(logs), axis=0))
    np.testing.assert_allclose(total, -0.5 * np.log(np.linalg.det(PRECISION)), atol=1e-9)
    mean, covariance = moments_at(np.exp(np.array(logs) - total), np.array(nodes))
    np.testing.assert_allclose(mean, CENTRES, atol=1e-6)
    np.testing.assert_allclose(covariance, np.broadcast_to(np.linalg.inv(PRECISION), (3, 2, 2)), atol=1e-6)


def test_moments_at_nodes_are_weighted_means():
    nodes = np.array([[0.0], [1.0], [4.0]])[:, None]
    mean, covariance = moments_at(np.array([0.5, 0.25, 0.25])[:, None], nodes)
    distribution = stats.rv_discrete(values=([0, 1, 4], [0.5, 0.25, 0.25]))
    np.testing.assert_allclose([mean[0, 0], covariance[0, 0, 0]], distribution.stats())


def test_long_steps_keep_the_direction_in_which_they_climb():
    generator = np.random.default_rng(8)
    x = generator.normal(size=6)
    loadings, y = 5.0 * np.column_stack([np.ones(6), x]), generator.poisson(5e4, size=(8, 6))

    def derive(place):
        predictor = 0.3 + 0.5 * x + place @ loadings.T
        mean = np.exp(np.minimum(predictor, 300.0))
        value = np.sum(y * predictor - mean, axis=-1) - 0.5 * np.sum(place**2, axis=-1)
        bend = np.eye(2) + np.einsum("an,nk,nl->akl", mean, loadings, loadings)
        return value, (y - mean) @ loadings - place, bend

    modes = find_modes(derive, np.zeros((8, 2)))
    assert np.all(modes.found)
    assert np.abs(derive(modes.place)[1]).max() < 100.0


def test_singular_second_derivatives_far_from_a_mode_end_no_search():
    def derive(place):
        mean = np.exp(40.0 + place.sum(axis=-1))
        bend = np.eye(2) + mean[..., None, None]
        return -mean - 0.5 * np.sum(place**2, axis=-1), -mean[..., None] - place, bend

    modes = find_modes(derive, np.zeros((1, 2)), rounds=100)
    total = modes.place.sum()
    assert modes.found.all()
    np.testing.assert_allclose(np.exp(40.0 + total), -total / 2.0, rtol=0.05)
