"""Integrals over nested normal effects are those of the multivariate normal distribution and of brute force."""

import numpy as np
import pytest
from scipy import integrate as quadrature
from scipy import special, stats

from bayesmixed.errors import SpecError
from bayesmixed.integration.layers import Layer, Source
from bayesmixed.integration.nested_quadrature import (
    Shape,
    average,
    check_layers,
    explain_refusal,
    integrate,
    moments,
)

OUTER, INNER = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 2, 2])
Y = np.array([0.4, 1.3, -0.7, 2.0, 0.1])
ETA = np.array([[0.2, 0.1, 0.0, 0.5, -0.3], [1.0, -1.0, 0.3, 0.0, 0.2]])


def layer(index, sd, name):
    return Layer(index, (Source("mu", np.full((2, 5, 1), sd)),), (name,))


LAYERS = [layer(OUTER, 0.8, "school"), layer(INNER, 0.5, "class")]


def rows(etas):
    return -0.5 * ((Y - etas["mu"]) / 0.6) ** 2 - np.log(0.6) - 0.5 * np.log(2.0 * np.pi)


def covariance():
    z = (OUTER[:, None] == OUTER).astype(float)
    return 0.64 * z + 0.25 * (INNER[:, None] == INNER) + 0.36 * np.eye(5)


def test_a_normal_response_with_nested_effects_has_its_multivariate_normal_density():
    found = integrate(rows, {"mu": ETA}, LAYERS)
    for s in range(2):
        for j, own in enumerate([slice(0, 3), slice(3, 5)]):
            expected = stats.multivariate_normal(ETA[s, own], covariance()[own, own]).logpdf(Y[own])
            assert found[s, j] == pytest.approx(expected, abs=1e-6)


def test_averages_and_moments_given_the_rows_are_those_of_the_normal_posterior():
    found = average(rows, {"mu": ETA}, LAYERS, lambda etas: etas["mu"][None])[0]
    between = covariance() - 0.36 * np.eye(5)
    expected = ETA + (Y - ETA) @ np.linalg.solve(covariance(), between)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    mean, variance = moments(rows, {"mu": ETA}, LAYERS)
    for s in range(2):
        for j, own in enumerate([slice(0, 3), slice(3, 5)]):
            gain = 0.8 * np.linalg.inv(covariance()[own, own]).sum(axis=0)
            assert mean[s, j, 0] == pytest.approx(gain @ (Y - ETA[s])[own], abs=1e-6)
            assert variance[s, j, 0, 0] == pytest.approx(1.0 - 0.8 * gain.sum(), abs=1e-6)


def test_a_poisson_response_has_the_integral_of_brute_force():
    counts = np.array([0.0, 3.0, 1.0, 12.0, 4.0])

    def logs(etas):
        return counts * etas["mu"] - np.exp(etas["mu"]) - special.gammaln(counts + 1.0)

    found = integrate(logs, {"mu": ETA}, LAYERS[:1])
    for j, own in enumerate([slice(0, 3), slice(3, 5)]):
        expected = quadrature.quad(
            lambda z, own=own: (
                np.exp(np.sum(stats.poisson(np.exp(ETA[0, own] + 0.8 * z)).logpmf(counts[own]))) * stats.norm.pdf(z)
            ),
            *(-9.0, 9.0),
            epsabs=1e-14,
        )[0]
        assert found[0, j] == pytest.approx(np.log(expected), abs=1e-5)


def test_without_layers_the_rows_are_the_sets():
    np.testing.assert_array_equal(integrate(rows, {"mu": ETA}, []), rows({"mu": ETA}))


def test_differences_give_the_shape_of_a_log_density_and_leave_out_what_is_not_concave():
    def logs(z):
        return -1.5 * z[..., 0] ** 2 + 2.0 * z[..., 1] ** 2 + z[..., 0]

    z = np.array([[[0.3, -0.2]]])
    value, gradient, precision = Shape(logs, z.shape)(z)
    np.testing.assert_allclose(value, logs(z) - 0.5 * np.sum(z**2, axis=-1))
    np.testing.assert_allclose(gradient, [[[-0.9 + 1.0 - 0.3, -0.8 + 0.2]]], atol=1e-9)
    np.testing.assert_allclose(precision, [[[[4.0, 0.0], [0.0, 1.0]]]], atol=1e-6)


def test_too_many_effects_and_crossed_sets_are_refused():
    assert explain_refusal(LAYERS) == ""
    wide = Layer(OUTER, (Source("mu", np.ones((2, 5, 4))),), ("school",))
    with pytest.raises(SpecError, match="are 4 for each level; quadrature integrates at most 3"):
        check_layers([wide])
    with pytest.raises(SpecError, match=r"'school' and 'class' cross within one unit.*kfold"):
        check_layers([layer(OUTER, 1.0, "school"), layer(np.array([0, 1, 0, 1, 2]), 1.0, "class")])
