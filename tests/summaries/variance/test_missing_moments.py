"""Shares of variance where a moment does not exist, or where effects reach the border of a link."""

import numpy as np
import pytest
from crossed_fits import V_G, crossed_fit
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.families import FAMILIES

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
ONE = "~ x + (1 | g)"


def rooted(name, link, beta, sd):
    return crossed_fit(name, link, ONE, {"beta": [beta, 0.0], "sd_g": sd, "theta": 2.0, "phi": 0.5})


@pytest.mark.parametrize(
    ("name", "excess"),
    [("poisson", lambda m, s: m), ("negbin", lambda m, s: m + s / 2.0), ("negbin1", lambda m, s: 1.5 * m)],
)
def test_the_icc_of_a_root_link_is_that_of_its_moments(name, excess):
    """The square of a N(2, v) has mean 4 + v, variance 16 v + 2 v^2."""
    v = 0.15**2
    mean, between = 4.0 + v, 16.0 * v + 2.0 * v**2
    fit = rooted(name, "sqrt", 2.0, 0.15)
    expected = between / (between + excess(mean, mean**2 + between))
    assert bm.icc(fit)["mean"].to_numpy() == pytest.approx([expected], rel=1e-6)
    assert bm.vpc_curve(fit, "x", scale="data")["mean"].to_numpy() == pytest.approx(expected, rel=1e-6)
    assert bm.r2(fit, scale="data")["mean"].to_numpy() == pytest.approx([0.0, expected], rel=1e-6)
    assert np.isfinite(bm.prior_table(fit.design).implications["median"]).all()


@pytest.mark.parametrize("name", [name for name, f in FAMILIES.items() if "inverse" in f.parameters[0].links])
def test_means_over_the_groups_of_an_inverse_link_are_refused_and_the_rest_is_shown(name):
    fit = crossed_fit(name, "inverse", ONE, {"beta": [2.0, 0.1], "sd_g": 0.15})
    for function in (bm.icc, lambda one: bm.r2(one, scale="data"), lambda one: bm.vpc_curve(one, "x", scale="data")):
        with pytest.raises(bm.SpecError, match="average over groups does not exist"):
            function(fit)
    assert bm.r2(fit)["scale"].tolist() == ["sample"]
    page = bm.summary(fit)
    assert not any("Intraclass" in title for title in page.tables)
    assert any(note.startswith("No intraclass correlation") for note in page.notes)
    assert "typical difference between two levels of g" in bm.prior_table(fit.design)._repr_html_()


def test_a_model_with_effects_in_too_many_predictors_for_an_icc_has_a_summary():
    further = {"hu": "~ 1 + (1 | g) + (1 | h)", "theta": "~ 1 + (1 | g)"}
    values = {"beta": [0.4, 0.1], "sd_g_hu": 0.2, "sd_h_hu": 0.2, "sd_g_theta": 0.2}
    fit = crossed_fit("hurdle_negbin", None, "~ x + (1 | g) + (1 | h)", values, **further)
    assert any("has 5 dimensions" in note for note in bm.summary(fit).notes)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_one_trial_of_a_beta_binomial_response_is_one_of_a_binomial_response(link):
    both = [crossed_fit(name, link, ONE, {"beta": [-2.0, 0.0]}) for name in ("binomial", "beta_binomial")]
    for function in (bm.icc, bm.r2, bm.implied_covariance):
        first, second = (function(fit) for fit in both)
        rows = (first["scale"] != "sample") if "scale" in first else slice(None)
        assert second["mean"][rows].to_numpy() == pytest.approx(first["mean"][rows].to_numpy(), rel=1e-9)


def test_the_variance_of_a_student_response_has_a_median_where_nu_may_be_two():
    fit = crossed_fit("student", None, ONE, {"beta": [0.4, 0.1]})
    nu = np.linspace(1.6, 6.0, fit.posterior["nu"].size).reshape(fit.posterior["nu"].shape)
    fit.posterior["nu"].values[:] = nu
    table = bm.implied_covariance(fit).set_index("effect")
    variance = np.where(nu > 2, 0.64 * nu / np.where(nu > 2, nu - 2, 1), np.inf) + V_G
    assert "mean" not in table
    assert table.loc["variance", "median"] == pytest.approx(np.median(variance))
    assert table.loc["variance", "upper"] == np.inf
    assert table.loc["correlation", "lower"] == 0.0
    assert any("infinite residual variance" in note for note in bm.summary(fit).notes)


def test_the_variance_of_a_student_response_has_a_mean_where_nu_is_known():
    spec = bm.from_formula("y ~ 1 + (1 | g)", family="student", priors={"nu": 4.0})
    design = bm.prepare(spec, {"y": np.arange(20.0), "g": np.repeat(list("abcde"), 4)})
    found = bm.implied_covariance(fit_at(design, {"beta": [8.0], "sd_g": 2.0, "sigma": 1.0, "nu": 4.0}))
    assert found["mean"].to_numpy() == pytest.approx([6.0, 4.0, 2.0 / 3.0])


def test_the_icc_of_shares_is_a_number_where_means_of_groups_round_to_one():
    fit = crossed_fit("beta", None, "~ 1 + (1 | g)", {"beta": [3.0], "sd_g": 4.0})
    assert bm.icc(fit)["mean"].between(0.0, 1.0).all()
    assert bm.r2(fit)["mean"].between(0.0, 1.0).all()
