"""Priors as values: text in, text out, and the distribution behind them."""

import inspect

import numpy as np
import pytest
from scipy import stats

from bayesmixed.prior_distributions import DISTRIBUTIONS, Prior
from bayesmixed.prior_texts import as_prior

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
    "PC": (1.5, 0.3),
}


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

    prior = Prior(name=name, arguments=EXAMPLES[name])
    name, arguments = prior.plain.name, prior.plain.arguments
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


def test_the_normal_is_that_of_scipy():
    own, other = as_prior("Normal(0.3, 2.5)").frozen(), stats.norm(0.3, 2.5)
    x, q = np.array([-1e300, -50.0, 0.0, 0.1, 40.0, np.inf]), np.array([0.0, 1e-300, 0.3, 1.0, -0.1, np.nan])
    for name, values in (("logpdf", x), ("pdf", x), ("cdf", x), ("ppf", q)):
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(getattr(own, name)(values), getattr(other, name)(values))
    assert (own.median(), own.std(), own.support()) == (other.median(), other.std(), other.support())
    np.testing.assert_array_equal(own.rvs(size=3, random_state=1), other.rvs(size=3, random_state=1))


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
        "PC(2, 0.1)",
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


def test_the_penalised_complexity_prior_exceeds_u_with_probability_alpha():
    prior = as_prior("PC(U=1.5, alpha=0.05)")
    assert 1.0 - prior.frozen().cdf(1.5) == pytest.approx(0.05)
    assert prior.plain == as_prior(f"Exponential({float(-np.log(0.05)) / 1.5!r})")
    assert (str(prior), prior.rescale(2.0)) == ("PC(U=1.5, alpha=0.05)", as_prior("PC(3, 0.05)"))
