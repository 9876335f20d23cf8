"""Intraclass correlations and R2 on the latent and the data scale, against closed forms and brute force."""

import numpy as np
import pytest
from crossed_fits import V_G, V_H, V, crossed_fit, known, values_of
from fixed_draws import fit_at
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.families import FAMILIES
from bayesmixed.families.links import LINKS

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def one(table, **chosen):
    for column, wanted in chosen.items():
        table = table[table[column] == wanted]
    assert len(table) == 1
    return table["mean"].iloc[0]


each_family = pytest.mark.parametrize("name", known)


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


def test_rows_are_averaged_before_the_ratio_is_taken():
    fit = crossed_fit(
        "poisson", formula="~ x + (x | g)", values={"beta": [0.4, 0.5], "sd_g": [0.6, 0.4], "corr_g": np.eye(2)}
    )
    x = np.asarray(fit.design.table.data["x"])
    v = 0.36 + 0.16 * x**2
    m = np.exp(0.4 + 0.5 * x + v / 2)
    expected = np.mean(m**2 * np.expm1(v)) / np.mean(m + m**2 * np.expm1(v))
    assert one(bm.icc(fit, scale="data")) == pytest.approx(expected, rel=1e-6)


def test_effects_in_two_predictors_both_count():
    fit = crossed_fit(
        "gaussian", "log", "~ 1 + (1 | g)", {"sd_g": 0.7, "beta_sigma": 0.2, "sd_g_sigma": 0.5}, sigma="~ 1 + (1 | g)"
    )
    m2, v = np.exp(0.8 + 0.49), 0.49
    within = np.exp(2 * 0.2 + 2 * 0.25)
    assert one(bm.icc(fit)) == pytest.approx(m2 * np.expm1(v) / (m2 * np.expm1(v) + within), rel=1e-8)


def test_a_modelled_residual_variance_is_averaged_over_its_groups():
    fit = crossed_fit("gaussian", None, "~ 1 + (1 | g)", {"beta_sigma": 0.2, "sd_h_sigma": 0.5}, sigma="~ 1 + (1 | h)")
    residual = np.exp(2 * 0.2 + 2 * 0.25)
    assert one(bm.icc(fit), effect="icc") == pytest.approx(V_G / (V_G + residual), rel=1e-8)


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


def test_r2_of_a_gaussian_model_is_the_share_of_its_variances():
    fit = crossed_fit("gaussian", None, "~ x + (1 | g)", {"beta": [1.0, 2.0], "sigma": 1.5})
    fixed = 4.0 * np.var(fit.design.table.data["x"], ddof=0)
    table = bm.r2(fit)
    total = fixed + V_G + 2.25
    assert one(table, effect="marginal") == pytest.approx(fixed / total)
    assert one(table, effect="conditional", scale="response") == pytest.approx((fixed + V_G) / total)
    # All effects are 0 in these draws.
    assert one(table, scale="sample") == pytest.approx(fixed / (fixed + 2.25))
    assert one(bm.r2(fit, scale="data"), effect="conditional") == pytest.approx((fixed + V_G) / total)


@pytest.mark.parametrize("scale", ["latent", "data"])
def test_the_population_part_explains_exactly_nothing_where_it_is_an_intercept(scale):
    fit = crossed_fit("poisson", None, "~ 1 + (1 | g)", {"beta": [0.1]})
    assert one(bm.r2(fit, scale=scale), effect="marginal") == 0.0


def test_r2_leaves_offsets_out_on_the_latent_scale_and_obs_in_the_residual():
    fit = crossed_fit("poisson", None, "~ offset(x) + (1 | g) + obs()", {"sd_obs": 0.5})
    table = bm.r2(fit, scale="latent")
    assert one(table, effect="marginal") == pytest.approx(0.0, abs=1e-12)
    x = np.asarray(fit.design.table.data["x"])
    residual = 0.25 + np.mean(np.log1p(np.exp(-(0.4 + x + 0.5 * (V_G + 0.25)))))
    assert one(table, effect="conditional") == pytest.approx(V_G / (V_G + residual), rel=1e-9)


@each_family
def test_r2_on_the_data_scale_splits_the_variance_of_new_responses(name):
    fit = crossed_fit(name, formula="~ x + (1 | g)", values={"beta": [0.4, 0.6]})
    family, link = FAMILIES[name], fit.design.mu.link
    x = np.asarray(fit.design.table.data["x"])
    points = np.linspace(-10.0, 10.0, 2001)[:, None]
    u, density = np.sqrt(V_G) * points, stats.norm.pdf(points) * 0.01
    values = values_of(family) | {"mu": link.inverse(0.4 + 0.6 * x + u)}
    mean = family.mean(values, 1.0)
    within = np.mean(np.sum(density * family.variance(values, 1.0) * np.ones_like(mean), axis=0))
    centre, second = np.sum(density * mean, axis=0), np.sum(density * mean**2, axis=0)
    fixed, between = np.var(centre), np.mean(second - centre**2)
    table = bm.r2(fit, scale="data")
    assert one(table, effect="marginal") == pytest.approx(fixed / (fixed + between + within), rel=1e-8)
    assert one(table, effect="conditional") == pytest.approx((fixed + between) / (fixed + between + within), rel=1e-8)


@pytest.mark.parametrize("function", [bm.icc, bm.r2])
def test_an_unknown_scale_is_refused(function):
    with pytest.raises(bm.SpecError, match="Did you mean 'latent'"):
        function(crossed_fit("poisson"), scale="latnet")


def test_too_many_predictors_with_effects_are_refused_in_words():
    fit = crossed_fit(
        "student",
        None,
        "~ 1 + (1 | g) + (1 | h)",
        {"sd_g_sigma": 0.1, "sd_h_sigma": 0.1, "beta_nu": 2.0, "sd_g_nu": 0.1, "sd_h_nu": 0.1},
        sigma="~ 1 + (1 | g) + (1 | h)",
        nu="~ 1 + (1 | g) + (1 | h)",
    )
    with pytest.raises(bm.SpecError, match="6 dimensions"):
        bm.icc(fit, scale="data")
