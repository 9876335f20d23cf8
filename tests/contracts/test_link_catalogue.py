"""What every link of the catalogue keeps."""

import numpy as np
import pytest
from scipy import integrate

from bayesmixed.families.links import LINKS


def predictors(link, low=-3.0, high=3.0, size=25):
    """Return predictors that have an inverse."""
    return np.linspace(max(low, link.lowest + 0.2), high, size)


each_link = pytest.mark.parametrize("link", LINKS.values(), ids=list(LINKS))


@each_link
def test_the_key_is_the_name(link):
    assert LINKS[link.name] is link


@each_link
def test_forward_undoes_inverse(link):
    np.testing.assert_allclose(link.forward(link.inverse(predictors(link))), predictors(link), atol=1e-10)


@each_link
def test_the_inverse_is_strictly_monotone(link):
    signs = np.sign(np.diff(link.inverse(predictors(link))))
    assert np.all(signs == signs[0] * np.ones(len(signs)))
    assert signs[0] != 0


@each_link
def test_a_predictor_without_inverse_gives_no_number(link):
    if link.lowest > -np.inf:
        assert np.all(np.isnan(link.inverse(np.array([-1.0, 0.0]) + link.lowest)))


@each_link
def test_the_derivative_is_the_slope_of_the_inverse(link):
    step = 1e-5
    eta = predictors(link)
    slope = (np.asarray(link.inverse(eta + step)) - np.asarray(link.inverse(eta - step))) / (2 * step)
    np.testing.assert_allclose(link.derivative(eta), slope, rtol=1e-7, atol=1e-9)


@each_link
def test_the_pytensor_inverse_is_the_numpy_inverse(link):
    import pytensor.tensor as pt

    eta = predictors(link, -20.0, 5.0)
    values = pt.as_tensor_variable(link.pytensor_inverse(pt.as_tensor_variable(eta))).eval(mode="FAST_COMPILE")
    np.testing.assert_allclose(values, link.inverse(eta), rtol=1e-10)


@each_link
def test_the_inverse_is_a_number_far_out(link):
    with np.errstate(over="ignore"):
        assert not np.any(np.isnan(link.inverse(predictors(link, -700.0, 700.0, 2))))


@each_link
def test_the_functions_keep_the_shape(link):
    eta = np.full((2, 3), 0.5)
    for function in (link.forward, link.inverse, link.derivative):
        argument = link.inverse(eta) if function is link.forward else eta
        assert np.shape(function(argument)) == (2, 3)


@each_link
def test_the_text_has_a_place_for_the_parameter(link):
    assert "mu" in link.text.format("mu")


@pytest.mark.parametrize(
    "link", [link for link in LINKS.values() if link.tolerance_variance], ids=lambda link: link.name
)
def test_the_tolerance_variance_is_that_of_the_density_behind_the_link(link):
    moment = [integrate.quad(lambda t, k=k: t**k * float(link.derivative(t)), -38, 38, limit=200)[0] for k in range(3)]
    assert moment[0] == pytest.approx(1.0, abs=1e-8)
    assert link.tolerance_variance == pytest.approx(moment[2] - moment[1] ** 2, rel=1e-7)
