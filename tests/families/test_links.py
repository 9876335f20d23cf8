"""Links by name, and their values at points known by hand."""

import pickle

import numpy as np
import pytest
from conftest import CHECKS
from scipy import stats

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.families import FAMILIES
from bayesmixed.families.links import LINKS, find_link

HALF_LOG_TWO = np.log(np.log(2.0))


@pytest.mark.parametrize(
    ("name", "mu", "eta"),
    [
        ("identity", -1.5, -1.5),
        ("log", 1.0, 0.0),
        ("log", np.e**2, 2.0),
        ("log_minus_one", 2.0, 0.0),
        ("logit", 0.5, 0.0),
        ("logit", 0.8, np.log(4.0)),
        ("probit", 0.5, 0.0),
        ("probit", 0.9750021048517795, 1.96),
        ("cloglog", 0.5, HALF_LOG_TWO),
        ("cloglog", 1 - np.exp(-1.0), 0.0),
    ],
)
def test_a_link_has_its_textbook_value(name, mu, eta):
    assert float(LINKS[name].forward(mu)) == pytest.approx(eta, abs=1e-12)
    assert float(LINKS[name].inverse(eta)) == pytest.approx(mu, abs=1e-12)


@pytest.mark.parametrize("name", ["logit", "probit", "cloglog"])
def test_far_tails_of_a_probability_keep_their_precision(name):
    tail = float(LINKS[name].inverse(-20.0))
    assert 0 < tail < 1e-8
    assert float(LINKS[name].forward(tail)) == pytest.approx(-20.0, rel=1e-10)


def test_a_link_object_passes_through():
    assert find_link(LINKS["probit"]) is LINKS["probit"]


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("logt", "Did you mean 'logit'?"),
        ("Probit", "Did you mean 'probit'?"),
        ("sqrt_of_it", "Accepted: identity, log"),
    ],
)
def test_an_unknown_link_is_an_error_that_names_the_accepted_ones(name, fragment):
    with pytest.raises(SpecError) as error:
        find_link(name)
    assert fragment in str(error.value)


def test_the_units_of_default_priors_are_those_of_the_contract():
    units = {name: link.unit for name, link in LINKS.items()}
    assert units["identity"] is None
    assert units["log"] == 1.0
    assert units["logit"] == 1.0
    assert units["probit"] == 0.55
    assert units["cloglog"] == 0.71


@pytest.mark.parametrize("link", ["log", "probit", "logit", "cloglog", "identity"])
def test_average_over_groups_is_the_integral_over_a_normal(link):
    eta, variance = 0.3, 1.7
    points = np.linspace(-12, 12, 20001)
    density = stats.norm(eta, np.sqrt(variance)).pdf(points)
    expected = np.trapezoid(LINKS[link].inverse(points) * density, points)
    assert float(LINKS[link].average(eta, variance)) == pytest.approx(expected, abs=1e-7)


def test_average_over_groups_with_correlated_slopes():
    expected = CHECKS["P2"]["expected"]
    variance = np.array([1, 2]) @ np.array(CHECKS["P2"]["inputs"]["Sigma"]) @ np.array([1, 2])
    assert variance == pytest.approx(expected["variance_of_eta"])
    assert float(LINKS["logit"].average(-0.2, variance)) == pytest.approx(expected["average"], abs=1e-7)
    assert float(LINKS["log"].average(-0.2, variance)) == pytest.approx(expected["log_link_average_same_eta"], abs=1e-7)


X = np.arange(10.0)
Y = np.array([1.2, 0.7, 0.9, 0.8, 0.5, 0.7, 0.45, 0.6, 0.5, 0.4])
COUNTS = np.array([2, 1, 3, 4, 2, 6, 5, 9, 7, 8])


@pytest.mark.parametrize(
    ("y", "family", "link", "coefficients"),
    [
        # R 4.2.2: coef(glm(y ~ x, family = inverse.gaussian("1/mu^2"))), poisson("identity"), Gamma("identity"),
        # gaussian("inverse"), with x = 0:9 and these responses.
        (Y, "inverse_gaussian", "inverse_squared", (0.7670766579, 0.4346243430)),
        (COUNTS, "poisson", "identity", (1.3172412915, 0.7517241574)),
        (Y, "gamma", "identity", (0.94171630579, -0.05977110156)),
        (Y, "gaussian", "inverse", (0.9163477791, 0.1556938665)),
    ],
)
def test_maximum_likelihood_under_a_link_is_that_of_glm(y, family, link, coefficients):
    found = bm.approximate(bm.from_formula("y ~ x", family=family, link=link), {"y": y, "x": X})
    assert [found.estimates[name] for name in ("beta[Intercept]", "beta[x]")] == pytest.approx(coefficients, rel=1e-4)


def test_a_positive_parameter_under_the_identity_has_no_value_at_a_predictor_below_0():
    link = FAMILIES["gamma"].parameters[0].link_record("identity")
    np.testing.assert_array_equal(link.inverse(np.array([-1.0, 0.0, 2.0])), [np.nan, np.nan, 2.0])
    assert FAMILIES["gaussian"].parameters[0].link_record("identity").lowest == -np.inf
    assert pickle.loads(pickle.dumps(link)) == link
