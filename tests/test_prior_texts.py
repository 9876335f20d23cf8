"""Priors from what users write: text, numbers and PreliZ objects, and what is said of all else."""

import numpy as np
import pytest

from bayesmixed.errors import SpecError
from bayesmixed.prior_distributions import Prior
from bayesmixed.prior_texts import as_prior


class Normal:
    """Stands for a PreliZ distribution: a class name and `params_dict`."""

    def __init__(self, mu, sigma):
        self.params_dict = {"mu": mu, "sigma": sigma}


class Gamma:
    """A PreliZ gamma, which also carries its alternative parameters as None."""

    def __init__(self, alpha, beta):
        self.params_dict = {"alpha": alpha, "beta": beta, "mu": None, "sigma": None}


@pytest.mark.parametrize(
    ("given", "name", "arguments"),
    [
        ("Normal(0, 2.5)", "Normal", (0.0, 2.5)),
        (" Normal( 0 ,2.5 ) ", "Normal", (0.0, 2.5)),
        ("Normal(sigma=2.5, mu=-1)", "Normal", (-1.0, 2.5)),
        ("Normal(1, sigma=2)", "Normal", (1.0, 2.0)),
        ("Normal()", "Normal", (0.0, 1.0)),
        ("Normal(mu=3)", "Normal", (3.0, 1.0)),
        ("StudentT(4, 0, 1)", "StudentT", (4.0, 0.0, 1.0)),
        ("StudentT(nu=4)", "StudentT", (4.0, 0.0, 1.0)),
        ("HalfStudentT(4, 1e-3)", "HalfStudentT", (4.0, 0.001)),
        ("HalfStudentT(4, 0, 2)", "HalfStudentT", (4.0, 2.0)),
        ("PC(U=1, alpha=0.05)", "PC", (1.0, 0.05)),
        ("Uniform(-2, -1)", "Uniform", (-2.0, -1.0)),
        ("LKJ(2)", "LKJ", (2.0,)),
        ("0.5", "Fixed", (0.5,)),
        (2, "Fixed", (2.0,)),
        (-1.5, "Fixed", (-1.5,)),
        (np.float64(0.5), "Fixed", (0.5,)),
        (np.float32(0.5), "Fixed", (0.5,)),
        (np.int64(3), "Fixed", (3.0,)),
        (Normal(1, 2), "Normal", (1.0, 2.0)),
        (Normal(np.float64(1), np.float64(2)), "Normal", (1.0, 2.0)),
        (Prior(name="Beta", arguments=(1, 3)), "Beta", (1.0, 3.0)),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__name__,
)
def test_a_prior_is_read_from_text_a_number_or_an_object(given, name, arguments):
    prior = as_prior(given)
    assert (prior.name, prior.arguments) == (name, arguments)


@pytest.mark.parametrize(
    ("given", "fragment"),
    [
        ("Normal", "is not a distribution. Write a PyMC class name"),
        ("Normal(0, 1) + 1", "is not a distribution"),
        ("pm.Normal(0, 1)", "is not a distribution"),
        ("Normal(0, 1", "cannot be read"),
        ("", "cannot be read"),
        ("Normal(0, 's')", "cannot be read"),
        ("Normal(0, 1 + 1)", "cannot be read"),
        ("Normal(0, True)", "cannot be read"),
        ("Normal(*[0, 1])", "cannot be read"),
        ("normal(0, 1)", "Did you mean 'Normal'?"),
        ("HalfNorm(1)", "Did you mean 'HalfNormal'?"),
        ("Flat()", "'Flat' is not known. Accepted: Normal,"),
        ("Normal(0, 1, 2)", "the form is Normal(mu, sigma)"),
        ("Normal(0, mu=1)", "the form is Normal(mu, sigma)"),
        ("Normal(0, sd=1)", "the form is Normal(mu, sigma)"),
        ("StudentT()", "the form is StudentT(nu, mu, sigma)"),
        ("Gamma(2)", "the form is Gamma(alpha, beta)"),
        ("Normal(0, 0)", "must be positive"),
        ("Normal(0, -1)", "must be positive"),
        ("HalfStudentT(0, 1)", "must be positive"),
        ("HalfStudentT(4, 1, 2)", "the form is HalfStudentT(nu, sigma)"),
        ("PC(1, 1)", "U must be positive and alpha between 0 and 1"),
        ("PC(0, 0.1)", "U must be positive and alpha between 0 and 1"),
        ("PC(1, 0)", "U must be positive and alpha between 0 and 1"),
        ("PC(-1, 2)", "U must be positive and alpha between 0 and 1"),
        ("Uniform(2, 1)", "Uniform(2, 1) is not a distribution"),
        ("LKJ(0)", "must be positive"),
        ("Normal(0, 1e400)", "needs finite numbers"),
        ("inf", "must be finite"),
        ("nan", "must be finite"),
        (float("nan"), "must be finite"),
        (True, "is True"),
        (None, "is a NoneType"),
        ([0, 1], "is a list"),
    ],
    ids=str,
)
def test_an_unreadable_prior_is_an_error_that_names_the_parameter(given, fragment):
    with pytest.raises(SpecError) as error:
        as_prior(given, "sd_herd")
    assert "'sd_herd'" in str(error.value)
    assert fragment in str(error.value)


@pytest.mark.parametrize(
    ("name", "given", "converted", "expected"),
    [
        ("Normal", {"mu": 0, "tau": 0.25}, {"mu": 0, "sigma": 2.0}, "Normal(0, 2)"),
        ("HalfNormal", {"tau": 0.25}, {"sigma": 2.0}, "HalfNormal(2)"),
        ("HalfStudentT", {"nu": 4.0, "lam": 0.25}, {"nu": 4.0, "sigma": 2.0}, "HalfStudentT(4, 2)"),
        ("Gamma", {"mu": 2.0, "sigma": 1.0}, {"alpha": 4.0, "beta": 2.0}, "Gamma(4, 2)"),
        ("Exponential", {"scale": 0.5}, {"lam": 2.0}, "Exponential(2)"),
        ("Beta", {"mu": 0.25, "nu": 4.0}, {"alpha": 1.0, "beta": 3.0}, "Beta(1, 3)"),
    ],
)
def test_other_parametrisations_of_preliz_are_converted(name, given, converted, expected):
    # What preliz.Normal(mu=0, tau=0.25) and the others hold in PreliZ 0.28.
    stand_in = type(name, (), {"params_dict": given, **given, **converted})()
    assert as_prior(stand_in) == as_prior(expected)


def test_a_preliz_object_without_numbers_says_so():
    with pytest.raises(SpecError, match="is a HalfNormal without numbers"):
        as_prior(type("HalfNormal", (), {"params_dict": None, "sigma": None})(), "sd_g")


def test_absent_parameters_of_a_preliz_object_are_left_out():
    assert as_prior(Gamma(2.0, 0.1)) == as_prior("Gamma(2, 0.1)")


def test_a_preliz_object_with_other_parameters_is_an_error_that_shows_the_form():
    gamma = Gamma(2.0, 0.1)
    gamma.params_dict = {"mu": 2.0, "sigma": 1.0}
    with pytest.raises(SpecError, match=r"the form is Gamma\(alpha, beta\)"):
        as_prior(gamma)
