"""Families by name, and their values at points known by hand."""

import numpy as np
import pytest
from scipy import special, stats

from bayesmixed.errors import SpecError
from bayesmixed.families import FAMILIES, ResponseScale, find_family
from bayesmixed.families.links import LINKS
from bayesmixed.prior_distributions import as_prior


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


@pytest.mark.parametrize(
    ("name", "values", "trials", "scipy"),
    [
        ("gaussian", {"mu": 1.0, "sigma": 2.0}, 1.0, stats.norm(1, 2)),
        ("student", {"mu": 1.0, "sigma": 2.0, "nu": 5.0}, 1.0, stats.t(5, 1, 2)),
    ],
)
def test_the_density_of_a_continuous_family_is_scipys(name, values, trials, scipy):
    y = np.array([-3.0, 0.0, 1.0, 2.5])
    np.testing.assert_allclose(FAMILIES[name].logp(y, values, trials), scipy.logpdf(y))
    assert float(FAMILIES[name].variance(values, trials)) == pytest.approx(scipy.var())


@pytest.mark.parametrize(
    ("name", "values", "trials", "scipy"),
    [
        ("bernoulli", {"mu": 0.3}, 1.0, stats.bernoulli(0.3)),
        ("binomial", {"mu": 0.3}, 7.0, stats.binom(7, 0.3)),
        ("poisson", {"mu": 2.5}, 1.0, stats.poisson(2.5)),
    ],
)
def test_the_probabilities_of_a_discrete_family_are_scipys(name, values, trials, scipy):
    y = np.arange(2.0)
    np.testing.assert_allclose(FAMILIES[name].logp(y, values, trials), scipy.logpmf(y))
    assert float(FAMILIES[name].mean(values, trials)) == pytest.approx(scipy.mean())
    assert float(FAMILIES[name].variance(values, trials)) == pytest.approx(scipy.var())


def test_impossible_and_certain_outcomes_have_finite_log_probability():
    assert float(FAMILIES["binomial"].logp(0.0, {"mu": 0.0}, 5.0)) == 0.0
    assert float(FAMILIES["binomial"].logp(5.0, {"mu": 1.0}, 5.0)) == 0.0
    assert float(FAMILIES["poisson"].logp(0.0, {"mu": 0.0}, 1.0)) == 0.0


def test_the_variance_of_a_student_with_two_degrees_of_freedom_is_infinite():
    variance = FAMILIES["student"].variance({"nu": np.array([1.5, 2.0, 4.0]), "sigma": 1.0}, 1.0)
    np.testing.assert_array_equal(variance, [np.inf, np.inf, 2.0])


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


@pytest.mark.parametrize(("mu", "phi"), [(0.3, 1.2), (4.0, 4.127), (250.0, 3.0)])
def test_the_generalised_poisson_is_that_of_glmmtmb(mu, phi):
    # dgenpois of glmmTMB 1.1 (src/distrib.h), called with theta = mu / sqrt(phi) and lambda = 1 - 1 / sqrt(phi).
    y = np.arange(0.0, 600.0, 7.0)
    theta, lam = mu / np.sqrt(phi), 1.0 - 1.0 / np.sqrt(phi)
    expected = np.log(theta) + (y - 1) * np.log(theta + lam * y) - theta - lam * y - special.gammaln(y + 1)
    family = FAMILIES["generalised_poisson"]
    np.testing.assert_allclose(family.logp(y, {"mu": mu, "lam": lam}, 1.0), expected, rtol=1e-10)
    assert float(family.variance({"mu": mu, "lam": lam}, 1.0)) == pytest.approx(phi * mu)


def test_the_generalised_poisson_without_overdispersion_is_the_poisson():
    y, values = np.arange(30.0), {"mu": 7.0, "lam": 1e-13}
    for function in ("logp", "cdf", "score"):
        found = getattr(FAMILIES["generalised_poisson"], function)(y, values, 1.0)
        np.testing.assert_allclose(
            found, getattr(FAMILIES["poisson"], function)(y, {"mu": 7.0}, 1.0), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize(
    ("mu", "lam"), [(3.0, 0.9), (150.0, 0.1), (400.0, 0.3), (900.0, 0.0001), (1e4, 0.9), (50.0, 0.97), (100.0, 0.99)]
)
def test_the_distribution_function_of_large_counts_is_the_cumulated_density(mu, lam):
    family, values = FAMILIES["generalised_poisson"], {"mu": mu, "lam": lam}
    y = np.arange(np.floor(mu + 40.0 * mu**0.5 / (1.0 - lam)) + 400.0)
    cumulated = np.cumsum(np.exp(family.logp(y, values, 1.0)))
    np.testing.assert_allclose(family.cdf(y, values, 1.0), cumulated, atol=2e-7)
    assert float(family.cdf(np.inf, values, 1.0)) == pytest.approx(1.0, abs=2e-7)


@pytest.mark.parametrize(("mu", "phi"), [(3.0, 500.0), (2.2e4, 500.0), (6e4, 500.0), (900.0, 38.0)])
def test_the_information_of_linear_overdispersion_is_its_sum_for_single_and_for_many_rows(mu, phi):
    theta, family = mu / phi, FAMILIES["negbin1"]
    k = np.arange(mu + 60.0 * np.sqrt(mu * (1.0 + phi)) + 4000.0)
    exact = np.sum(stats.nbinom(theta, 1.0 / (1.0 + phi)).sf(k) / np.square(theta + k)) / phi**2
    assert family.information({"mu": np.array([mu]), "phi": phi}, 1.0)[0] == pytest.approx(exact, rel=1e-6)
    many = np.append(mu, mu * np.exp(np.linspace(-4.0, 4.0, 500)))
    assert family.information({"mu": many, "phi": phi}, 1.0)[0] == pytest.approx(exact, rel=1e-6)
