"""Families by name, and their values at points known by hand."""

import numpy as np
import pytest

from bayesmixed.errors import SpecError
from bayesmixed.families import FAMILIES, ResponseScale, find_family
from bayesmixed.families.links import LINKS
from bayesmixed.prior_texts import as_prior


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("normal", "gaussian"),
        ("Normal", "gaussian"),
        ("gausian", "gaussian"),
        ("t", "student"),
        ("student_t", "student"),
        ("Student", "student"),
        ("binary", "bernoulli"),
        ("Binomial", "binomial"),
        ("Poisson", "poisson"),
        ("count", "poisson"),
        ("genpois", "generalised_poisson"),
        ("generalized poisson", "generalised_poisson"),
    ],
)
def test_other_names_of_a_family_give_a_did_you_mean(name, meant):
    with pytest.raises(SpecError, match=f"Family '{name}' is not known. Did you mean '{meant}'"):
        find_family(name)


def test_a_name_that_resembles_nothing_lists_the_families():
    with pytest.raises(SpecError, match="Accepted: gaussian, student"):
        find_family("qqqq")


def test_a_family_object_passes_through():
    assert find_family(FAMILIES["poisson"]) is FAMILIES["poisson"]


def test_an_unknown_parameter_is_an_error_that_names_the_close_one():
    with pytest.raises(SpecError, match=r"Family 'gaussian' has no parameter 'sigmas'. Did you mean 'sigma'"):
        FAMILIES["gaussian"].parameter("sigmas")


def test_impossible_and_certain_outcomes_have_finite_log_probability():
    assert float(FAMILIES["binomial"].logp(0.0, {"mu": 0.0}, 5.0)) == 0.0
    assert float(FAMILIES["binomial"].logp(5.0, {"mu": 1.0}, 5.0)) == 0.0
    assert float(FAMILIES["poisson"].logp(0.0, {"mu": 0.0}, 1.0)) == 0.0


@pytest.mark.parametrize(
    ("family", "link", "values", "expected"),
    [
        ("gaussian", "identity", {"mu": 0.0, "sigma": 2.0}, 4.0),
        ("student", "identity", {"mu": 0.0, "sigma": 2.0, "nu": 4.0}, 8.0),
        ("bernoulli", "logit", {"mu": 0.3}, np.pi**2 / 3),
        ("binomial", "probit", {"mu": 0.3}, 1.0),
        ("binomial", "cloglog", {"mu": 0.3}, np.pi**2 / 6),
        ("poisson", "log", {"mu": 2.0}, np.log(1.5)),
    ],
)
def test_the_latent_variance_is_that_of_nakagawa(family, link, values, expected):
    assert float(FAMILIES[family].latent_variance(values, LINKS[link], 1.0)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("family", "y", "trials", "exposure", "expected"),
    [
        ("gaussian", [1.0, 2.0, 6.0], 1.0, 1.0, 3.0),
        ("bernoulli", [0.0, 0.0, 1.0], 1.0, 1.0, 1.5 / 4),
        ("binomial", [0.0, 0.0], np.array([4.0, 5.0]), 1.0, 0.5 / 10),
        ("binomial", [4.0, 5.0], np.array([4.0, 5.0]), 1.0, 9.5 / 10),
        ("poisson", [0.0, 0.0], 1.0, 1.0, 0.25),
        ("poisson", [3.0, 5.0], 1.0, np.array([1.0, 3.0]), 8.5 / 4),
    ],
)
def test_the_smoothed_mean_is_that_of_the_prior_rules(family, y, trials, exposure, expected):
    assert FAMILIES[family].smoothed_mean(np.array(y), trials, exposure) == pytest.approx(expected)


DEFAULTS = [
    ("gaussian", "sigma", "sigma", "HalfStudentT(4, 2.5)", (np.log(2.5) - 0.5, 1.2)),
    ("student", "nu", "nu", "Gamma(2, 0.1)", (2.7, 0.8)),
    ("lognormal", "sigma", "sigma", "HalfStudentT(4, 2.5)", (np.log(2.5) - 0.5, 1.2)),
    ("gamma", "shape", "1/sqrt(shape)", "HalfNormal(1)", (1.3, 2.2)),
    ("inverse_gaussian", "shape", "1/sqrt(shape)", "HalfNormal(0.5)", (np.log(4.0) + 1.3, 2.2)),
    ("beta", "phi", "1/(1+phi)", "Beta(1, 3)", (1.5, 1.4)),
    ("beta_binomial", "phi", "1/(1+phi)", "Beta(1, 3)", (1.5, 1.4)),
    ("negbin", "theta", "1/sqrt(theta)", "HalfNormal(1)", (1.3, 2.2)),
    ("negbin1", "phi", "sqrt(phi)", "HalfNormal(2)", (np.log(4.0) - 1.3, 2.2)),
    ("weibull", "shape", "1/shape", "HalfNormal(1)", (0.6, 1.1)),
    ("zero_inflated_poisson", "zi", "logit(zi)", "Normal(0, 1.5)", (0.0, 1.5)),
    ("hurdle_gamma", "hu", "logit(hu)", "Normal(0, 1.5)", (0.0, 1.5)),
    ("zero_inflated_beta", "zi", "logit(zi)", "Normal(0, 1.5)", (0.0, 1.5)),
    ("zero_one_inflated_beta", "coi", "logit(coi)", "Normal(0, 1.5)", (0.0, 1.5)),
]


@pytest.mark.parametrize(("family", "name", "key", "prior", "intercept"), DEFAULTS)
def test_the_default_prior_of_a_further_parameter_is_that_of_the_table(family, name, key, prior, intercept):
    parameter, scale = FAMILIES[family].parameter(name), ResponseScale(mean=4.0, unit=2.5)
    assert parameter.prior(scale) == (key, as_prior(prior))
    assert parameter.intercept(scale) == pytest.approx(intercept)
