"""The latent scale of each family against simulated latent responses: whose ICC and R2 it is."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from scipy import integrate, special, stats

import bayesmixed as bm

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def table_of(y):
    generator = np.random.default_rng(1)
    return pd.DataFrame({"y": y(generator, 40), "x": generator.normal(size=40), "g": np.repeat(np.arange(8), 5)})


def given_fit(family, values, formula="1 + (1 | g)", link=None):
    response = {"beta": lambda r, n: r.beta(2, 2, n), "cumulative": lambda r, n: r.integers(1, 4, n).astype(float)}
    response |= dict.fromkeys(("bernoulli",), lambda r, n: r.integers(0, 2, n))
    spec = bm.from_formula(f"y ~ {formula}", family=family, link=link)
    data = table_of(response.get(family, lambda r, n: r.gamma(2.0, 1.0, n)))
    return fit_at(bm.prepare(spec, data), values)


def latent(table, effect="icc"):
    rows = table[(table["effect"] == effect) & table["scale"].str.startswith("latent")]
    return rows["mean"].iloc[0]


def correlation_of_pairs(draw, sd, seed=1, size=4_000_000):
    """Return the correlation of two latent responses of a group, simulated."""
    generator = np.random.default_rng(seed)
    u = generator.normal(0.0, sd, size)
    return np.corrcoef(draw(generator, u), draw(generator, u))[0, 1]


def test_the_latent_icc_of_beta_is_that_of_logit_y():
    fit = given_fit("beta", {"beta": [0.4], "sd_g": [0.7], "phi": 5.0})

    def draw(generator, u):
        mu = special.expit(0.4 + u)
        return np.log(generator.gamma(5 * mu)) - np.log(generator.gamma(5 * (1 - mu)))

    table = bm.icc(fit)
    assert latent(table) == pytest.approx(correlation_of_pairs(draw, 0.7), abs=0.002)
    assert latent(table) == pytest.approx(0.400, abs=0.001)
    assert table["scale"].iloc[0] == "data"
    assert table["mean"].iloc[0] == pytest.approx(0.3935, abs=0.001)
    assert "latent (logit(y))" in set(table["scale"])
    assert bm.icc(fit, draws=True).attrs["scale"] == "data"


def test_the_latent_icc_of_an_inverse_gaussian_is_that_of_log_y():
    fit = given_fit("inverse_gaussian", {"beta": [0.5], "sd_g": [0.8], "shape": 1.5})

    def draw(generator, u):
        return np.log(generator.wald(np.exp(0.5 + u), 1.5))

    assert latent(bm.icc(fit)) == pytest.approx(correlation_of_pairs(draw, 0.8), abs=0.002)


LATENT = [
    ("gamma", None, {"shape": 3.0}, lambda r, u: np.log(r.gamma(3.0, np.exp(u) / 3.0))),
    ("student", None, {"sigma": 0.6, "nu": 9.0}, lambda r, u: u + 0.6 * r.standard_t(9.0, u.shape)),
    ("bernoulli", "logit", {}, lambda r, u: u + r.logistic(size=u.shape)),
    ("bernoulli", "probit", {}, lambda r, u: u + r.normal(size=u.shape)),
    ("bernoulli", "cloglog", {}, lambda r, u: u + r.gumbel(size=u.shape)),
    ("cumulative", "logit", {"threshold": [-1, 1]}, lambda r, u: u + r.logistic(size=u.shape)),
    ("cumulative", "cloglog", {"threshold": [-1, 1]}, lambda r, u: u - r.gumbel(size=u.shape)),
]


@pytest.mark.parametrize(("family", "link", "values", "draw"), LATENT)
def test_the_other_latent_scales_are_exact(family, link, values, draw):
    fit = given_fit(family, {"beta": [] if family == "cumulative" else [0.0], "sd_g": [0.9]} | values, link=link)
    expected = correlation_of_pairs(draw, 0.9, size=2_000_000)
    assert bm.icc(fit, scale="latent" if family != "student" else "auto")["mean"].iloc[0] == pytest.approx(
        expected, abs=0.004
    )


def test_latent_curves_components_and_pooling_of_beta_are_the_integrals_over_the_groups():
    fit = given_fit("beta", {"beta": [0.4], "sd_g": [0.7], "phi": 5.0})

    def mean(u):
        mu = special.expit(0.4 + u)
        return special.digamma(5 * mu) - special.digamma(5 * (1 - mu))

    def variance(u):
        mu = special.expit(0.4 + u)
        return special.polygamma(1, 5 * mu) + special.polygamma(1, 5 * (1 - mu))

    def over_groups(function):
        return integrate.quad(lambda u: function(u) * stats.norm.pdf(u, 0, 0.7), -8, 8)[0]

    between = over_groups(lambda u: mean(u) ** 2) - over_groups(mean) ** 2
    total = between + over_groups(variance)
    table = bm.implied_covariance(fit)["mean"].to_numpy()
    assert table == pytest.approx([total, between, between / total], rel=1e-6)
    assert bm.pooling_curve(fit)["median"].iloc[0] == pytest.approx(between / total, rel=1e-6)
    assert bm.r2(fit, scale="latent")["mean"].iloc[1] == pytest.approx(between / total, rel=1e-6)
    shares = bm.icc(fit, scale="latent")
    assert shares[shares["effect"] == "share"]["mean"].to_numpy() == pytest.approx(
        [between / total, 1 - between / total]
    )


def test_the_latent_curve_of_beta_with_slopes_is_that_of_logit_y_at_each_value():
    values = {"beta": [0.2, 0.5], "sd_g": [0.7, 0.4], "corr_g": np.eye(2), "phi": 5.0}
    fit = given_fit("beta", values, "x + (x | g)")
    curve = bm.vpc_curve(fit, "x")
    x = curve["value"].iloc[-1]
    sd = np.sqrt(0.49 + 0.16 * x**2)
    u = np.linspace(-9 * sd, 9 * sd, 20_001)
    weight = stats.norm.pdf(u, 0, sd) / np.sum(stats.norm.pdf(u, 0, sd))
    a = 5 * special.expit(0.2 + 0.5 * x + u)
    mean, variance = special.digamma(a) - special.digamma(5 - a), special.polygamma(1, a) + special.polygamma(1, 5 - a)
    between = np.sum(weight * mean**2) - np.sum(weight * mean) ** 2
    assert curve["mean"].iloc[-1] == pytest.approx(between / (between + np.sum(weight * variance)), rel=1e-6)
    with pytest.raises(bm.SpecError, match="vpc_curve"):
        bm.implied_covariance(fit)


def test_the_icc_that_the_priors_of_a_beta_model_imply_is_that_of_logit_y():
    data = table_of(lambda r, n: r.beta(2, 2, n))
    priors = {"phi": 5.0, "sd_g": 0.7, "beta[Intercept]": 0.4}
    fixed = bm.prior_table(bm.from_formula("y ~ 1 + (1 | g)", family="beta", priors=priors), data)
    row = fixed.implications[fixed.implications["quantity"].str.startswith("intraclass")]
    assert row["median"].item() == pytest.approx(0.400, abs=0.001)
    assert row["unit"].item() == "latent, logit(y)"
