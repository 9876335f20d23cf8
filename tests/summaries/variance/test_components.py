"""Variance components, implied covariances and intraclass correlations at known parameters."""

import numpy as np
import pytest
from conftest import CHECKS, classic
from fixed_draws import fit_at
from variance_fits import crossed_data, one

import bayesmixed as bm

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def g1_fit():
    given = CHECKS["G1"]["inputs"]
    design = bm.prepare("y ~ 1 + (1 | group)", {"y": given["y"], "group": given["group"]})
    return fit_at(design, {"beta": given["beta_Intercept"], "sd_group": given["sd_group"], "sigma": given["sigma"]})


def test_variance_covariance_and_icc_of_a_random_intercept():
    fit, expected = g1_fit(), CHECKS["G1"]["expected"]
    implied = bm.implied_covariance(fit)
    assert one(implied, effect="variance") == pytest.approx(expected["var_y"], abs=1e-7)
    assert one(implied, effect="covariance") == pytest.approx(expected["cov_y_same_group"], abs=1e-7)
    assert one(implied, effect="correlation") == pytest.approx(expected["icc"], abs=1e-7)
    assert one(bm.icc(fit), effect="icc") == pytest.approx(expected["icc"], abs=1e-7)


def test_variances_and_correlations_along_correlated_slopes():
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
        assert 1 - residual / one(table, level=f"x={x}", effect="variance") == pytest.approx(expected[key], abs=1e-8)
    assert one(table, level="x=0 | x=9", effect="correlation") == pytest.approx(expected["corr_x0_x9"], abs=1e-8)
    share = one(bm.icc(fit), effect="icc")
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
        assert one(table, term="Subject", effect="Days", quantity="variance", level="") == pytest.approx(4.0)
        if "covariance" in quantities:
            assert one(table, quantity="covariance") == pytest.approx(0.3 * 5 * 2)


def test_what_needs_a_latent_scale_leads_to_the_functions_that_do_not():
    data = crossed_data() | {"y": np.arange(24) % 3}
    fit = fit_at(bm.prepare(bm.from_formula("y ~ 1 + (1 | a)", family="zero_inflated_poisson"), data), {"zi": 0.2})
    with pytest.raises(bm.SpecError, match=r'bm\.icc and bm\.r2 with scale="data"'):
        bm.implied_covariance(fit)
