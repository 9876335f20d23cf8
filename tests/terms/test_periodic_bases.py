"""Periodic processes as Fourier series agree with their covariance, and with Bessel functions."""

import numpy as np
import pytest
from scipy import special

from bayesmixed.terms.periodic_bases import PeriodicSpectrum, learn_circle

X = 40 + np.random.default_rng(3).uniform(0, 7, (30, 1))


@pytest.mark.parametrize("scale", [0.35, 0.9, 3.5, 40.0])
def test_the_covariance_is_that_of_the_periodic_kernel_around_its_mean(scale):
    circle = learn_circle(X[:, 0], 7.0, 0)
    made = circle.columns(X) * PeriodicSpectrum("gp(x)", circle.numbers, 7.0).sds({"range": np.array([scale])}, np)
    radians = 2 * np.pi * scale / 7
    mean = special.ive(0, 1 / radians**2)
    exact = np.exp(-2 * np.sin(np.pi * (X - X.T) / 7) ** 2 / radians**2) - mean
    np.testing.assert_allclose(made @ made.T, exact / (1 - mean), atol=0.01 if scale < 0.5 else 1e-4)


def test_variances_are_bessel_functions():
    found = PeriodicSpectrum("gp(x)", np.arange(1, 6), 2 * np.pi).sds({"range": np.array([[0.3], [2.0]])}, np) ** 2
    bessel = special.ive(np.arange(1, 6), 1 / np.array([[0.3], [2.0]]) ** 2)
    np.testing.assert_allclose(found / found[:, :1], bessel / bessel[:, :1], rtol=1e-8)


def test_the_symbols_of_pytensor_have_the_same_values():
    import pytensor.tensor as pt

    circle = learn_circle(X[:, 0], 7.0, 5)
    spectrum, scale = PeriodicSpectrum("gp(x)", circle.numbers, 7.0), pt.dscalar()
    made = spectrum.sds({"range": scale}, pt).eval({scale: 1.3}, mode="FAST_COMPILE")
    np.testing.assert_allclose(made, spectrum.sds({"range": np.array([1.3])}, np), rtol=1e-12)
