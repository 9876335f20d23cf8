"""Priors as values: text in, text out, and the distribution behind them."""

import inspect

import numpy as np
import pytest
from scipy import stats

from bayesmixed.errors import SpecError
from bayesmixed.prior_distributions import DISTRIBUTIONS, Prior, as_prior

EXAMPLES = {
    "Normal": (0.5, 1.7),
    "StudentT": (4.0, -1.0, 2.0),
    "Cauchy": (0.3, 2.0),
    "Laplace": (0.3, 2.0),
    "Logistic": (0.3, 2.0),
    "Uniform": (-1.0, 3.0),
    "HalfNormal": (1.5,),
    "HalfStudentT": (4.0, 1.5),
    "HalfCauchy": (1.5,),
    "Exponential": (2.5,),
    "Gamma": (2.0, 0.1),
    "InverseGamma": (3.0, 2.0),
    "LogNormal": (0.2, 0.7),
    "Weibull": (1.5, 2.0),
    "Beta": (1.0, 3.0),
}


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


@pytest.mark.parametrize("name", [name for name in DISTRIBUTIONS if name not in ("LKJ", "InducedDirichlet")])
def test_text_is_read_back_without_loss(name):
    prior = Prior(name=name, arguments=tuple(value / 3.0 for value in EXAMPLES[name]))
    assert as_prior(prior.to_text()) == prior


@pytest.mark.parametrize("value", [1 / 3, -2.0, 1e-300, 12345678.9])
def test_a_fixed_number_is_read_back_without_loss(value):
    assert as_prior(as_prior(value).to_text()) == as_prior(value)


def test_the_printed_prior_is_rounded_and_the_text_form_is_not():
    prior = as_prior("Normal(0, 0.123456789)")
    assert str(prior) == "Normal(0, 0.1235)"
    assert prior.to_text() == "Normal(0, 0.123456789)"


@pytest.mark.parametrize("name", [name for name in DISTRIBUTIONS if name not in ("LKJ", "InducedDirichlet")])
def test_the_density_is_that_of_the_pymc_class_with_arguments_in_its_order(name):
    import pymc as pm

    arguments = EXAMPLES[name]
    prior = Prior(name=name, arguments=arguments)
    points = np.array(prior.frozen().ppf([0.01, 0.2, 0.5, 0.8, 0.99]))
    # PyTensor makes float32 constants of plain numbers such as 0.5.
    keywords = dict(zip(DISTRIBUTIONS[name].parameters, map(np.asarray, arguments), strict=True))
    logp = pm.logp(getattr(pm, name).dist(**keywords), points).eval(mode="FAST_COMPILE")
    # PyMC holds the log 2 of its half distributions in single precision.
    np.testing.assert_allclose(prior.frozen().logpdf(points), logp, rtol=1e-8)
    order = [word for word in inspect.signature(getattr(pm, name).dist).parameters if word in keywords]
    assert order == list(keywords)


@pytest.mark.parametrize("name", [name for name in DISTRIBUTIONS if name not in ("LKJ", "InducedDirichlet")])
def test_the_support_is_where_the_density_is_positive(name):
    prior = Prior(name=name, arguments=EXAMPLES[name])
    low, high = prior.support
    frozen = prior.frozen()
    inside = frozen.ppf(0.001)
    assert low < inside < high
    assert np.isfinite(frozen.logpdf(inside))
    outside = [end + shift for end, shift in ((low, -0.1), (high, 0.1)) if np.isfinite(end)]
    assert all(frozen.pdf(point) == 0 for point in outside)


def test_the_half_t_is_a_folded_t():
    half = as_prior("HalfStudentT(4, 1.5)").frozen()
    folded = stats.t(4, 0, 1.5)
    x = np.array([0.1, 1.0, 4.0])
    np.testing.assert_allclose(half.pdf(x), 2 * folded.pdf(x))
    np.testing.assert_allclose(half.cdf(x), 2 * folded.cdf(x) - 1)
    np.testing.assert_allclose(half.ppf(half.cdf(x)), x)
    assert half.pdf(-1.0) == 0
    assert half.cdf(-1.0) == 0
    draws = half.rvs(size=2000, random_state=np.random.default_rng(1))
    assert stats.kstest(draws, half.cdf).pvalue > 0.01


def test_a_prior_is_a_value():
    assert as_prior("Normal(0, 1)") == as_prior("Normal(mu=0.0, sigma=1.0)")
    assert hash(as_prior("Normal(0, 1)")) == hash(as_prior("Normal()"))
    with pytest.raises(Exception, match="frozen"):
        as_prior("Normal(0, 1)").name = "Cauchy"


def test_a_prior_shows_itself_as_it_is_written():
    assert as_prior("HalfNormal(1)", "sd_g")._repr_html_() == "<code>HalfNormal(1)</code>"


@pytest.mark.parametrize(
    "text",
    [
        "Normal(1, 2)",
        "StudentT(4, 1, 2)",
        "Cauchy(1, 2)",
        "Laplace(1, 2)",
        "Logistic(1, 2)",
        "HalfNormal(2)",
        "HalfStudentT(4, 2)",
        "HalfCauchy(2)",
        "Exponential(2)",
        "Gamma(2, 0.1)",
        "InverseGamma(3, 2)",
        "Weibull(2, 1)",
    ],
)
def test_a_wider_prior_has_its_quartiles_further_apart(text):
    prior = as_prior(text)
    (low, high), (wide_low, wide_high) = (p.frozen().ppf([0.25, 0.75]) for p in (prior, prior.widen(100.0)))
    assert wide_high - wide_low == pytest.approx(100 * (high - low))


@pytest.mark.parametrize("text", ["Beta(1, 3)", "Uniform(0, 5)", "LKJ(2)", "3"])
def test_priors_without_a_scale_stay(text):
    assert as_prior(text).widen(100.0) == as_prior(text)
