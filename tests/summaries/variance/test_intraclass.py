"""Intraclass correlations and R2 on the latent and the data scale, against closed forms and brute force."""

import numpy as np
import pytest
from conftest import CHECKS
from crossed_fits import V_G, V_H, V, crossed_fit, each_family, values_of
from fixed_draws import fit_at
from pymc_agreement import made_up_fit, rows_for
from scipy import special, stats
from variance_fits import crossed_data, nested_data, one

import bayesmixed as bm
from bayesmixed.families import FAMILIES
from bayesmixed.families.links import LINKS

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def only_known(rows):
    """Return the rows of a table of facts whose family the catalogue has."""
    return [row for row in rows if row[0] in FAMILIES]


@each_family
def test_the_data_scale_is_that_of_simulated_pairs(name):
    fit = crossed_fit(name)
    family, link = FAMILIES[name], fit.design.mu.link
    normal = stats.qmc.Sobol(3, seed=1).random_base2(16)
    g, h, other = np.sqrt([[V_G], [V_H], [V_H]]) * special.ndtri(np.clip(normal.T, 1e-12, 1 - 1e-12))
    values = values_of(family)
    first, second = ({**values, "mu": link.inverse(0.4 + g + shift)} for shift in (h, other))
    covariance = np.cov(family.mean(first, 1.0), family.mean(second, 1.0))
    total = covariance[0, 0] + np.mean(np.broadcast_to(family.variance(first, 1.0), g.shape))
    table = bm.icc(fit, scale="data")
    assert one(table, term="same g, other h") == pytest.approx(covariance[0, 1] / total, rel=0.01)
    assert one(table, term="same g and h") == pytest.approx(covariance[0, 0] / total, rel=0.01)


@pytest.mark.parametrize(
    ("name", "covariance", "total"),
    only_known(
        [
            ("poisson", lambda m, e: m**2 * (e - 1), lambda m, e: m + m**2 * (e - 1)),
            ("negbin", lambda m, e: m**2 * (e - 1), lambda m, e: m + m**2 * (e * 1.5 - 1)),
            ("negbin1", lambda m, e: m**2 * (e - 1), lambda m, e: 9 * m + m**2 * (e - 1)),
            ("gamma", lambda m, e: m**2 * (e - 1), lambda m, e: m**2 * (e * 4 / 3 - 1)),
            ("zero_inflated_poisson", lambda m, e: 0.7 * m * (e - 1), lambda m, e: 1 + m * (e - 0.7)),
            ("zero_inflated_negbin", lambda m, e: 0.7 * m * (e - 1), lambda m, e: 1 + m * (e * 1.5 - 0.7)),
            ("hurdle_gamma", lambda m, e: 0.7 * (e - 1), lambda m, e: e * 4 / 3 - 0.7),
        ]
    ),
)
def test_the_data_scale_has_closed_forms_under_a_log_link(name, covariance, total):
    table = bm.icc(crossed_fit(name, "log"), scale="data")
    m = np.exp(0.4 + V / 2)
    for term, shared in (("same g, other h", V_G), ("same h, other g", V_H), ("same g and h", V)):
        assert one(table, term=term) == pytest.approx(covariance(m, np.exp(shared)) / total(m, np.exp(V)), rel=1e-9)


def test_the_data_scale_of_a_probit_is_the_bivariate_normal_integral():
    table = bm.icc(crossed_fit("bernoulli", "probit"), scale="data")
    k = 0.4 / np.sqrt(1 + V)
    p, rho = special.ndtr(k), V_G / (1 + V)
    both = stats.multivariate_normal(cov=[[1, rho], [rho, 1]]).cdf([k, k])
    assert one(table, term="same g, other h") == pytest.approx((both - p**2) / (p * (1 - p)), abs=1e-5)


@pytest.mark.parametrize(("sd", "latent", "data"), [(1.0, 0.23311, 0.11833), (2.0, 0.54871, 0.35501)])
def test_both_scales_of_a_logit_are_reported(sd, latent, data):
    data_set = {"y": np.arange(24) % 2, "g": np.repeat(np.arange(6), 4)}
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | g)", family="bernoulli"), data_set)
    table = bm.icc(fit_at(design, {"beta": -2.0, "sd_g": sd}))
    assert one(table, effect="icc", scale="latent (logit)") == pytest.approx(latent, abs=5e-6)
    assert one(table, effect="icc", scale="data") == pytest.approx(data, abs=5e-6)


def test_single_trials_are_meant_unless_more_are_asked_for():
    fit = crossed_fit("binomial", formula="~ 1 + (1 | g)", values={"beta": -2.0, "sd_g": 1.0})
    assert one(bm.icc(fit, scale="data")) == pytest.approx(0.118, abs=5e-4)
    assert one(bm.icc(fit, scale="data", trials=10)) == pytest.approx(0.573, abs=5e-4)


@each_family
def test_a_family_without_a_latent_scale_says_so(name):
    table = bm.icc(crossed_fit(name))
    assert table[table["effect"] == "icc"]["mean"].between(0, 1).all()
    if not table["scale"].isin(["response"]).any() and not table["scale"].str.startswith("latent").any():
        assert "no latent scale" in table.attrs["note"]
        with pytest.raises(bm.SpecError, match="link"):
            bm.icc(crossed_fit(name), scale="latent")


@pytest.mark.parametrize(
    ("name", "link", "values", "expected"),
    only_known(
        [
            ("gamma", "log", {"mu": 4.0, "shape": 3.0}, 0.3949340668),
            ("beta", "logit", {"mu": 0.3, "phi": 8.0}, 0.7106109349),
            ("beta", "logit", {"mu": 0.7, "phi": 8.0}, 0.7106109349),
            ("negbin", "log", {"mu": 4.0, "theta": 2.0}, 0.5596157879),
            ("negbin1", "log", {"mu": 4.0, "phi": 1.5}, 0.4855078158),
            ("inverse_gaussian", "log", {"mu": 2.0, "shape": 3.0}, 0.5170003646),
            ("beta_binomial", "logit", {"mu": 0.3, "phi": 1.0 / 0.15 - 1.0}, 1.292517007),
        ]
    ),
)
def test_latent_variances_are_those_of_the_family_and_not_of_a_log_link(name, link, values, expected):
    """What insight and performance get wrong: beta by the log-link formula, gamma by the log-normal one."""
    found = FAMILIES[name].latent_variance({key: np.array(v) for key, v in values.items()}, LINKS[link], 7.0)
    assert float(found) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("function", [bm.icc, bm.r2])
def test_an_unknown_scale_is_refused(function):
    with pytest.raises(bm.SpecError, match="Did you mean 'latent'"):
        function(crossed_fit("poisson"), scale="latnet")


def test_icc_of_nested_factors():
    design = bm.prepare("y ~ 1 + (1 | school) + (1 | room)", nested_data())
    table = bm.icc(fit_at(design, {"sd_school": 2.0, "sd_room": 1.0, "sigma": 3.0}))
    expected = CHECKS["V1"]["expected"]
    assert one(table, term="same school, other room") == pytest.approx(
        expected["nested_same_school_other_class"], abs=1e-9
    )
    assert one(table, term="same room") == pytest.approx(expected["nested_same_class"], abs=1e-9)
    assert one(table, term="room", effect="share") == pytest.approx(expected["nested_vpc_class"], abs=1e-9)


def test_icc_of_crossed_factors():
    design = bm.prepare("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)", crossed_data())
    table = bm.icc(fit_at(design, {"sd_a": 2.0, "sd_b": 1.0, "sd_a:b": 0.5, "sigma": 3.0}))
    expected = CHECKS["V1"]["expected"]
    assert one(table, term="same a, other b") == pytest.approx(expected["crossed_same_a"], abs=1e-9)
    assert one(table, term="same b, other a") == pytest.approx(expected["crossed_same_b"], abs=1e-9)
    assert one(table, term="same a:b") == pytest.approx(expected["crossed_same_cell"], abs=1e-9)


def test_shares_of_the_variance_add_up_to_one():
    design = bm.prepare("y ~ 1 + (1 | a) + (1 | b)", crossed_data())
    table = bm.icc(fit_at(design, {"sd_a": 2.0, "sd_b": 1.0, "sigma": 3.0}, jitter=0.05))
    assert table[table["effect"] == "share"]["mean"].sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("family", "link", "formula", "key"),
    [
        ("bernoulli", "logit", "(y > 2) ~ 1 + (1 | school)", "bernoulli_logit"),
        ("bernoulli", "cloglog", "(y > 2) ~ 1 + (1 | school)", "cloglog"),
    ],
)
def test_icc_of_binary_responses_takes_the_latent_residual_variance_of_the_link(family, link, formula, key):
    design = bm.prepare(bm.from_formula(formula, family=family, link=link), nested_data())
    table = bm.icc(fit_at(design, {"sd_school": 1.5}), scale="latent")
    residual = CHECKS["V2"]["expected"][key]
    assert one(table, effect="icc") == pytest.approx(2.25 / (2.25 + residual), abs=1e-6)


def test_latent_residual_variance_of_poisson_and_student():
    expected = CHECKS["V2"]["expected"]
    poisson = bm.FAMILIES["poisson"].latent_variance({"mu": np.array(4.0)}, LINKS["log"], 1.0)
    assert float(poisson) == pytest.approx(expected["poisson_log_lambda4_lognormal"], abs=1e-6)
    student = bm.FAMILIES["student"].latent_variance(
        {"mu": np.array(0.0), "sigma": np.array(2.0), "nu": np.array(5.0)}, LINKS["identity"], 1.0
    )
    assert float(student) == pytest.approx(expected["student_t_sigma2_nu5"], abs=1e-6)


@pytest.mark.parametrize(
    ("family", "values", "link", "trials", "key"),
    [
        ("negbin", {"mu": 4.0, "theta": 2.0}, "log", 1.0, "nb2_log_lambda4_theta2_lognormal"),
        ("negbin1", {"mu": 4.0, "phi": 1.5}, "log", 1.0, "nb1_log_lambda4_phi1p5_lognormal"),
        ("gamma", {"mu": 2.0, "shape": 3.0}, "log", 1.0, "gamma_log_shape3"),
        ("beta", {"mu": 0.3, "phi": 8.0}, "logit", 1.0, "beta_logit_mu03_phi8"),
        ("beta", {"mu": 0.7, "phi": 8.0}, "logit", 1.0, "beta_logit_mu07_phi8_must_be_equal"),
        ("inverse_gaussian", {"mu": 2.0, "shape": 3.0}, "log", 1.0, "invgauss_log_mu2_lambda3_exact_by_quadrature"),
        ("beta_binomial", {"mu": 0.3, "phi": 1.0 / 0.15 - 1.0}, "logit", 7.0, "betabinom_mu03_n7_rho015"),
    ],
)
def test_latent_residual_variances_with_dispersions_are_the_sharp_ones(family, values, link, trials, key):
    values = {name: np.array(value) for name, value in values.items()}
    found = bm.FAMILIES[family].latent_variance(values, LINKS[link], trials)
    assert float(found) == pytest.approx(CHECKS["V2"]["expected"][key], abs=1e-6)


def test_poisson_icc_takes_the_marginal_mean_and_counts_obs_as_residual():
    data = nested_data() | {"y": np.arange(18) % 5}
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | school) + obs()", family="poisson"), data)
    table = bm.icc(fit_at(design, {"beta": 0.7, "sd_school": 0.6, "sd_obs": 0.5}), scale="latent")
    mean = np.exp(0.7 + 0.5 * (0.36 + 0.25))
    assert one(table, effect="icc") == pytest.approx(0.36 / (0.36 + 0.25 + np.log1p(1 / mean)), rel=1e-10)


def test_draws_with_infinite_residual_variance_have_icc_zero_and_are_counted():
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | school)", family="student"), nested_data())
    table = bm.icc(fit_at(design, {"sd_school": 1.0, "sigma": 1.0, "nu": 1.5}))
    assert one(table, effect="icc") == 0
    assert "100 draws have an infinite residual variance" in table.attrs["note"]


def test_icc_without_groups_is_refused():
    with pytest.raises(bm.SpecError, match="needs a grouping factor"):
        bm.icc(fit_at(bm.prepare("y ~ 1", nested_data()), {"sigma": 1.0}))


@pytest.mark.parametrize("call", [bm.icc, bm.r2, lambda fit: bm.vpc_curve(fit, "x"), bm.summary, bm.variance_dossier])
def test_variances_of_truncated_responses_say_whose_they_are(call):
    fit = made_up_fit("y | trunc(lower=-99) ~ x + (1 | g)", "gaussian", data=rows_for(FAMILIES["gaussian"]))
    assert "ariances are those of y before it is truncated" in str(getattr(call(fit), "attrs", {})) + str(call(fit))
