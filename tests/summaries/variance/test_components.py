"""Variance components, implied covariances and intraclass correlations at known parameters."""

import numpy as np
import pytest
from conftest import classic, read_reference
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.families.links import LINKS
from bayesmixed.summaries.variance.sharing import sharing_patterns

CHECKS = {check["id"]: check for check in read_reference("sharp_checks")["checks"]}
pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def g1_fit():
    given = CHECKS["G1"]["inputs"]
    design = bm.prepare("y ~ 1 + (1 | group)", {"y": given["y"], "group": given["group"]})
    return fit_at(design, {"beta": given["beta_Intercept"], "sd_group": given["sd_group"], "sigma": given["sigma"]})


def nested_data(schools=3, classes=3, pupils=2):
    rows = [(f"s{s}", f"s{s}c{c}") for s in range(schools) for c in range(classes) for _ in range(pupils)]
    school, room = zip(*rows, strict=True)
    return {"y": np.arange(len(rows)) % 5 + 0.1, "school": school, "room": room}


def crossed_data():
    rows = [(f"a{i}", f"b{j}") for i in range(4) for j in range(3) for _ in range(2)]
    a, b = zip(*rows, strict=True)
    return {"y": np.arange(len(rows)) % 7 + 0.1, "a": a, "b": b}


def value(table, **chosen):
    for column, wanted in chosen.items():
        table = table[table[column] == wanted]
    assert len(table) == 1
    return table["mean"].iloc[0]


def test_variance_covariance_and_icc_of_a_random_intercept_g1():
    fit, expected = g1_fit(), CHECKS["G1"]["expected"]
    implied = bm.implied_covariance(fit)
    assert value(implied, effect="variance") == pytest.approx(expected["var_y"], abs=1e-7)
    assert value(implied, effect="covariance") == pytest.approx(expected["cov_y_same_group"], abs=1e-7)
    assert value(implied, effect="correlation") == pytest.approx(expected["icc"], abs=1e-7)
    assert value(bm.icc(fit), effect="icc") == pytest.approx(expected["icc"], abs=1e-7)


def test_icc_of_nested_factors_v1():
    design = bm.prepare("y ~ 1 + (1 | school) + (1 | room)", nested_data())
    table = bm.icc(fit_at(design, {"sd_school": 2.0, "sd_room": 1.0, "sigma": 3.0}))
    expected = CHECKS["V1"]["expected"]
    assert value(table, term="same school, other room") == pytest.approx(
        expected["nested_same_school_other_class"], abs=1e-9
    )
    assert value(table, term="same room") == pytest.approx(expected["nested_same_class"], abs=1e-9)
    assert value(table, term="room", effect="share") == pytest.approx(expected["nested_vpc_class"], abs=1e-9)


def test_icc_of_crossed_factors_v1():
    design = bm.prepare("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)", crossed_data())
    table = bm.icc(fit_at(design, {"sd_a": 2.0, "sd_b": 1.0, "sd_a:b": 0.5, "sigma": 3.0}))
    expected = CHECKS["V1"]["expected"]
    assert value(table, term="same a, other b") == pytest.approx(expected["crossed_same_a"], abs=1e-9)
    assert value(table, term="same b, other a") == pytest.approx(expected["crossed_same_b"], abs=1e-9)
    assert value(table, term="same a:b") == pytest.approx(expected["crossed_same_cell"], abs=1e-9)


def test_shares_of_the_variance_add_up_to_one():
    design = bm.prepare("y ~ 1 + (1 | a) + (1 | b)", crossed_data())
    table = bm.icc(fit_at(design, {"sd_a": 2.0, "sd_b": 1.0, "sigma": 3.0}, jitter=0.05))
    assert table[table["effect"] == "share"]["mean"].sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("data", "formula", "expected"),
    [
        (nested_data, "y ~ 1 + (1 | school) + (1 | room)", ["same school, other room", "same room"]),
        (crossed_data, "y ~ 1 + (1 | a) + (1 | b)", ["same a, other b", "same b, other a", "same a and b"]),
        (crossed_data, "y ~ 1 + (1 | a/b)", ["same a, other a:b", "same a:b"]),
    ],
)
def test_sharing_patterns_follow_the_design(data, formula, expected):
    assert [pattern.label for pattern in sharing_patterns(bm.prepare(formula, data()))] == expected


@pytest.mark.parametrize(
    ("family", "link", "formula", "key"),
    [
        ("bernoulli", "logit", "(y > 2) ~ 1 + (1 | school)", "bernoulli_logit"),
        ("bernoulli", "cloglog", "(y > 2) ~ 1 + (1 | school)", "cloglog"),
    ],
)
def test_latent_residual_variances_v2(family, link, formula, key):
    design = bm.prepare(bm.from_formula(formula, family=family, link=link), nested_data())
    table = bm.icc(fit_at(design, {"sd_school": 1.5}), scale="latent")
    residual = CHECKS["V2"]["expected"][key]
    assert value(table, effect="icc") == pytest.approx(2.25 / (2.25 + residual), abs=1e-6)


def test_latent_residual_variance_of_poisson_and_student_v2():
    expected = CHECKS["V2"]["expected"]
    poisson = bm.FAMILIES["poisson"].latent_variance({"mu": np.array(4.0)}, LINKS["log"], 1.0)
    assert float(poisson) == pytest.approx(expected["poisson_log_lambda4_lognormal"], abs=1e-6)
    student = bm.FAMILIES["student"].latent_variance(
        {"mu": np.array(0.0), "sigma": np.array(2.0), "nu": np.array(5.0)}, LINKS["identity"], 1.0
    )
    assert float(student) == pytest.approx(expected["student_t_sigma2_nu5"], abs=1e-6)


def test_poisson_icc_takes_the_marginal_mean_and_counts_obs_as_residual():
    data = nested_data() | {"y": np.arange(18) % 5}
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | school) + obs()", family="poisson"), data)
    table = bm.icc(fit_at(design, {"beta": 0.7, "sd_school": 0.6, "sd_obs": 0.5}), scale="latent")
    mean = np.exp(0.7 + 0.5 * (0.36 + 0.25))
    assert value(table, effect="icc") == pytest.approx(0.36 / (0.36 + 0.25 + np.log1p(1 / mean)), rel=1e-10)


def test_draws_with_infinite_residual_variance_have_icc_zero_and_are_counted():
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | school)", family="student"), nested_data())
    table = bm.icc(fit_at(design, {"sd_school": 1.0, "sigma": 1.0, "nu": 1.5}))
    assert value(table, effect="icc") == 0
    assert "100 draws have an infinite residual variance" in table.attrs["note"]


def test_curves_of_correlated_slopes_s1():
    given, expected = CHECKS["S1"]["inputs"], CHECKS["S1"]["expected"]
    data = {
        "y": np.tile(np.arange(10.0), 6) + np.repeat(np.arange(6.0), 10) ** 2,
        "x": np.tile(np.arange(10.0), 6),
        "g": np.repeat(list("abcdef"), 10),
    }
    design = bm.prepare("y ~ x + (x | g)", data)
    corr = [[1, given["corr"]], [given["corr"], 1]]
    fit = fit_at(design, {"sd_g": given["sd"], "corr_g": corr, "sigma": given["sigma"]})
    points = {"x": [0.0, 5.0, 9.0], "g": ["a", "a", "a"]}
    table = bm.implied_covariance(fit, points)
    residual = given["sigma"] ** 2
    for x, key in ((0, "vpc_x0"), (5, "vpc_x5"), (9, "vpc_x9")):
        assert 1 - residual / value(table, level=f"x={x}", effect="variance") == pytest.approx(expected[key], abs=1e-8)
    assert value(table, level="x=0 | x=9", effect="correlation") == pytest.approx(expected["corr_x0_x9"], abs=1e-8)
    share = value(bm.icc(fit), effect="icc")
    assert share == pytest.approx(expected["mean_zSz_johnson"] / (expected["mean_zSz_johnson"] + residual), abs=1e-8)


def test_covariance_rows_are_there_only_where_a_correlation_is_estimated():
    data = classic("lme4", "sleepstudy")
    for formula, quantities in (
        ("Reaction ~ Days + (Days | Subject)", {"sd", "variance", "correlation", "covariance"}),
        ("Reaction ~ Days + (Days || Subject)", {"sd", "variance"}),
    ):
        fit = fit_at(
            bm.prepare(formula, data), {"sd_Subject": [5.0, 2.0], "corr_Subject": [[1, 0.3], [0.3, 1]], "sigma": 4.0}
        )
        table = bm.variance_components(fit)
        assert set(table["quantity"]) == quantities
        assert value(table, term="Subject", effect="Days", quantity="variance", level="") == pytest.approx(4.0)
        if "covariance" in quantities:
            assert value(table, quantity="covariance") == pytest.approx(0.3 * 5 * 2)


def test_icc_without_groups_is_refused():
    with pytest.raises(bm.SpecError, match="needs a grouping factor"):
        bm.icc(fit_at(bm.prepare("y ~ 1", nested_data()), {"sigma": 1.0}))


@pytest.mark.parametrize("link", ["log", "probit", "logit", "cloglog", "identity"])
def test_average_over_groups_is_the_integral_over_a_normal(link):
    eta, variance = 0.3, 1.7
    points = np.linspace(-12, 12, 20001)
    density = stats.norm(eta, np.sqrt(variance)).pdf(points)
    expected = np.trapezoid(LINKS[link].inverse(points) * density, points)
    assert float(LINKS[link].average(eta, variance)) == pytest.approx(expected, abs=1e-7)


def test_average_with_correlated_slopes_p2():
    expected = CHECKS["P2"]["expected"]
    variance = np.array([1, 2]) @ np.array(CHECKS["P2"]["inputs"]["Sigma"]) @ np.array([1, 2])
    assert variance == pytest.approx(expected["variance_of_eta"])
    assert float(LINKS["logit"].average(-0.2, variance)) == pytest.approx(expected["average"], abs=1e-7)
    assert float(LINKS["log"].average(-0.2, variance)) == pytest.approx(expected["log_link_average_same_eta"], abs=1e-7)


def test_what_needs_a_latent_scale_leads_to_the_functions_that_do_not():
    data = crossed_data() | {"y": np.arange(24) % 3}
    fit = fit_at(bm.prepare(bm.from_formula("y ~ 1 + (1 | a)", family="zero_inflated_poisson"), data), {"zi": 0.2})
    with pytest.raises(bm.SpecError, match=r'bm\.icc and bm\.r2 with scale="data"'):
        bm.implied_covariance(fit)
