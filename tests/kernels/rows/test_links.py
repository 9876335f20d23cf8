"""Compiled inverse links are those of the catalogue, and their derivatives are differences."""

import numpy as np
import pytest
from scipy import special
from uncompiled import uncompiled

from bayesmixed.families.links import LINKS
from bayesmixed.kernels.rows import links
from bayesmixed.kernels.rows.links import LINK_CODES

PROBABILITIES = ["logit", "probit", "cloglog", "cauchit"]
POSITIVE = ["log", "inverse", "sqrt"]
positive_mean, probability, log_mean, log_probability = (
    uncompiled(getattr(links, name)) for name in ("positive_mean", "probability", "log_mean", "log_probability")
)


def check_differences(function, eta, step=1e-4):
    """Assert that every number but the first is the slope of the one before it."""
    ahead, behind, far, back = (np.array(function(eta + m * step)) for m in (1, -1, 2, -2))
    slopes = (8.0 * (ahead - behind) - (far - back)) / (12.0 * step)
    np.testing.assert_allclose(function(eta)[1:], slopes[:-1], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("eta", [-8.0, -1.3, 0.0, 0.4, 2.5])
@pytest.mark.parametrize("link", PROBABILITIES)
def test_probability_complement_and_slope_are_those_of_the_link(link, eta):
    mean, rest, slope = probability(LINK_CODES[link], eta)
    assert mean == pytest.approx(float(LINKS[link].inverse(eta)), rel=1e-12)
    assert mean + rest == pytest.approx(1.0, abs=1e-15)
    assert slope == pytest.approx(float(LINKS[link].derivative(eta)), rel=1e-12)


@pytest.mark.parametrize("eta", [0.2, 1.0, 3.7])
@pytest.mark.parametrize("link", POSITIVE)
def test_a_positive_mean_and_its_slope_are_those_of_the_link(link, eta):
    found = positive_mean(LINK_CODES[link], eta)
    assert found == pytest.approx((float(LINKS[link].inverse(eta)), float(LINKS[link].derivative(eta))), rel=1e-14)


@pytest.mark.parametrize("link", ["inverse", "sqrt"])
def test_a_predictor_that_is_not_positive_has_no_mean(link):
    assert np.all(np.isnan(positive_mean(LINK_CODES[link], -0.1)))
    assert np.all(np.isnan(log_mean(LINK_CODES[link], 0.0)))


@pytest.mark.parametrize("eta", [0.3, 1.0, 3.7])
@pytest.mark.parametrize("link", POSITIVE)
def test_derivatives_of_the_logarithm_of_a_mean_are_differences(link, eta):
    assert log_mean(LINK_CODES[link], eta)[0] == pytest.approx(np.log(LINKS[link].inverse(eta)), abs=1e-14)
    check_differences(lambda x: log_mean(LINK_CODES[link], x), eta)


@pytest.mark.parametrize("complement", [False, True])
@pytest.mark.parametrize("eta", [-3.0, -0.6, 0.0, 0.4, 1.9])
@pytest.mark.parametrize("link", PROBABILITIES)
def test_derivatives_of_the_logarithm_of_a_probability_are_differences(link, eta, complement):
    code = LINK_CODES[link]
    found = log_probability(code, eta, complement)
    assert found[0] == pytest.approx(np.log(probability(code, eta)[int(complement)]), rel=1e-12)
    check_differences(lambda x: log_probability(code, x, complement), eta)


@pytest.mark.parametrize(
    ("link", "eta", "complement", "expected"),
    [
        ("logit", -700.0, False, -700.0),
        ("logit", 700.0, True, -700.0),
        ("probit", -30.0, False, special.log_ndtr(-30.0)),
        ("probit", 30.0, True, special.log_ndtr(-30.0)),
        ("cloglog", -600.0, False, -600.0),
        ("cloglog", 5.0, True, -np.exp(5.0)),
        ("cauchit", -1e9, False, -np.log(np.pi * 1e9)),
    ],
)
def test_log_probabilities_far_out_keep_their_digits(link, eta, complement, expected):
    assert log_probability(LINK_CODES[link], eta, complement)[0] == pytest.approx(expected, rel=1e-12)
