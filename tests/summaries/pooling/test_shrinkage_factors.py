"""No, partial and complete pooling side by side."""

import numpy as np
import pytest
from conftest import CHECKS, classic, read_reference
from fixed_draws import fit_at

import bayesmixed as bm

MODELS = read_reference("mixed_models")["models"]


def cbpp_fit(**values):
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial")
    return fit_at(bm.prepare(spec, classic("lme4", "cbpp")), {"beta": -2.0, "sd_herd": 0.8} | values)


def test_no_pooling_is_the_separate_fit_of_each_herd():
    table = bm.shrinkage(cbpp_fit())
    expected = MODELS["cbpp_re__glm_no_pooling"]["fixed"]
    for _, row in table.iterrows():
        assert row["no_pooling"] == pytest.approx(expected[f"herd{row['level']}"][0], abs=1e-4)


def test_complete_pooling_is_the_fit_without_herds():
    expected = MODELS["cbpp_re__glm_complete_pooling"]["fixed"]["(Intercept)"][0]
    # A Normal(-2, 2.5) prior moves an estimate with standard error 0.1 by less than 0.002.
    assert bm.shrinkage(cbpp_fit())["complete_pooling"].iloc[0] == pytest.approx(expected, abs=0.002)


def test_complete_pooling_lies_around_the_same_curve_as_the_others():
    spec = bm.from_formula("y ~ s(x, k=6) + (1 | g)", family="gamma")
    data = {"x": np.linspace(0.0, 1.0, 60), "g": np.tile(np.arange(6), 10), "y": np.linspace(1.0, 9.0, 60)}
    curve = np.array([2.0, -1.0, 1.0, 0.5])
    (smooth,) = bm.prepare(spec, data).mu.curves
    design = bm.prepare(spec, data | {"y": np.exp(1.0 + smooth.matrix @ curve)})
    values = {"beta": [1.0, 0.0], "b_s(x)": curve[None], "sd_g": 0.1, "shape": 100.0}
    table = bm.shrinkage(fit_at(design, values))
    # The responses are their means, so every estimate is the truth; the prior moves it by less than 0.01.
    np.testing.assert_allclose(table[["no_pooling", "complete_pooling"]], 1.0, atol=0.01)


def test_no_pooling_of_slopes_is_the_regression_of_each_subject():
    design = bm.prepare("Reaction ~ Days + (Days | Subject)", classic("lme4", "sleepstudy"))
    values = {"beta": [251.4, 10.5], "sd_Subject": [25.0, 6.0], "corr_Subject": np.eye(2), "sigma": 25.6}
    table = bm.shrinkage(fit_at(design, values))
    expected = MODELS["sleepstudy__lm_no_pooling"]["fixed"]
    for _, row in table.iterrows():
        name = f"Subject{row['level']}" + ("" if row["effect"] == "Intercept" else ":Days")
        assert row["no_pooling"] == pytest.approx(expected[name][0], abs=1e-3)


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_shrinkage_factor_of_gaussian_groups_g1():
    given, expected = CHECKS["G1"]["inputs"], CHECKS["G1"]["expected"]
    design = bm.prepare("y ~ 1 + (1 | group)", {"y": given["y"], "group": given["group"]})
    fit = fit_at(design, {"beta": 3.0, "sd_group": 1.2, "sigma": 0.8})
    table = bm.shrinkage(fit)
    np.testing.assert_allclose(table["factor"], expected["shrinkage_factor"], atol=1e-7)
    assert table["factor"].sum() == pytest.approx(expected["sum_lambda"], abs=1e-7)
    assert not np.allclose(table["factor"], CHECKS["G2"]["expected"]["lambda_from_b_sd_WRONG"], atol=0.05)


def test_the_factor_is_conditional_on_the_other_effects():
    data = classic("lme4", "Penicillin").rename(columns={"sample": "dish"})
    spec = bm.from_formula("diameter ~ 1 + (1 | plate) + (1 | dish)", crossed=["dish"])
    fit = fit_at(bm.prepare(spec, data), {"sd_plate": 0.85, "sd_dish": 1.93, "sigma": 0.55})
    np.testing.assert_allclose(bm.shrinkage(fit, "plate")["factor"], 6 * 0.85**2 / (6 * 0.85**2 + 0.55**2), atol=1e-9)
    np.testing.assert_allclose(bm.shrinkage(fit, "dish")["factor"], 24 * 1.93**2 / (24 * 1.93**2 + 0.55**2), atol=1e-9)


def test_half_an_event_is_added_where_a_group_has_none():
    data = {"y": [0, 0, 1, 0, 2, 3, 3, 3, 2, 1], "n": [3] * 10, "g": list("aabbccddee")}
    spec = bm.from_formula("y | trials(n) ~ 1 + (1 | g)", family="binomial")
    table = bm.shrinkage(fit_at(bm.prepare(spec, data), {"sd_g": 1.0})).set_index("level")
    assert table.loc["a", "no_pooling"] == pytest.approx(np.log(0.5 / 6.5), abs=1e-6)
    assert table.loc["d", "no_pooling"] == pytest.approx(np.log(6.5 / 0.5), abs=1e-6)
    assert list(table.index[table["note"] != ""]) == ["a", "d"]
    assert table.loc["b", "no_pooling"] == pytest.approx(np.log(1 / 5), abs=1e-6)


def test_groups_with_too_few_rows_have_no_estimate_of_their_own():
    data = classic("lme4", "sleepstudy")
    data = data[(data["Subject"] != 308) | (data["Days"] == 3)]
    design = bm.prepare("Reaction ~ Days + (Days | Subject)", data)
    values = {"beta": [251.4, 10.5], "sd_Subject": [25.0, 6.0], "corr_Subject": np.eye(2), "sigma": 25.6}
    table = bm.shrinkage(fit_at(design, values))
    assert np.all(np.isnan(table[table["level"] == "308"]["no_pooling"]))
    assert set(table[table["level"] == "308"]["note"]) == {"too few rows for its own coefficients"}
    assert np.all(np.isfinite(table[table["level"] != "308"]["no_pooling"]))


def test_an_unknown_factor_is_refused():
    with pytest.raises(bm.SpecError, match="Did you mean 'herd'"):
        bm.shrinkage(cbpp_fit(), "hert")


@pytest.mark.filterwarnings("error")
def test_groups_without_an_event_and_far_covariates_make_no_warning():
    data = classic("MASS", "bacteria")
    spec = bm.from_formula('(y == "y") ~ trt + week + (1 | ID)', family="bernoulli")
    fit = fit_at(bm.prepare(spec, data), {"beta": [2.0, 0.5, 1.3, -0.15], "sd_ID": 1.3}, jitter=0.01)
    table = bm.shrinkage(fit)
    assert np.all(np.isfinite(table["no_pooling"]))
    assert table["factor"].between(0, 1).all()


def small_table(seed=2, groups=6, rows=5):
    generator = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), rows)
    columns = {"x": generator.normal(size=len(g)), "g": g, "count": generator.poisson(3.0, len(g))}
    return columns | {"y": np.exp(generator.normal(size=len(g))), "yes": generator.integers(0, 2, len(g))}


def test_factors_of_a_gaussian_model_are_averages_over_all_draws():
    design = bm.prepare("y ~ x + (x | g)", small_table())
    values = {"beta": [1.0, 0.5], "sd_g": [1.0, 0.5], "corr_g": np.eye(2), "sigma": 1.0}
    fit = fit_at(design, values)
    draws = fit.draws.copy()
    generator = np.random.default_rng(0)
    sd = generator.lognormal(0.0, 0.7, (2, 50, 2))
    sigma = generator.lognormal(0.0, 0.7, (2, 50))
    draws["posterior"] = fit.posterior.assign(sd_g=fit.posterior["sd_g"] * sd, sigma=fit.posterior["sigma"] * sigma)
    fit = bm.Fit(fit.design, draws, fit.engine, fit.settings, fit.timing, fit.versions)
    expected = np.zeros((6, 2))
    traces = 0.0
    for one, scale in zip(fit.posterior["sd_g"].values.reshape(-1, 2), sigma.ravel(), strict=True):
        prior = np.diag(one**2)
        for level in range(6):
            z = design.mu.groups[0].matrix[design.mu.groups[0].index == level]
            posterior = np.linalg.inv(np.linalg.inv(prior) + z.T @ z / scale**2)
            expected[level] += (1.0 - np.diag(posterior) / np.diag(prior)) / 100
            traces += np.trace(np.eye(2) - posterior @ np.linalg.inv(prior)) / 100
    table = bm.shrinkage(fit)
    np.testing.assert_allclose(table["factor"], expected.ravel(), rtol=1e-9)
    assert bm.effective_groups(fit)["mean"].item() == pytest.approx(traces, rel=1e-9)


def test_the_error_of_a_factor_is_shown_and_is_that_of_an_average_over_the_draws():
    fit = fit_at(bm.prepare("y ~ 1 + (1 | g)", small_table()), {"beta": 1.0, "sd_g": 0.8, "sigma": 1.0}, 0.1)
    table = bm.shrinkage(fit)
    spread = (table["factor_upper"] - table["factor_lower"]) / 3.92
    assert np.all(table["factor_mcse"] > 0)
    np.testing.assert_allclose(table["factor_mcse"], spread / np.sqrt(100), rtol=0.6)


BORDER = [
    ("yes ~ x + (1 | g)", "bernoulli", None),
    ("yes ~ x + (x | g)", "bernoulli", None),
    ("yes ~ x + (x | g)", "bernoulli", "probit"),
    ("yes ~ x + (x | g)", "bernoulli", "cloglog"),
    ("yes ~ x + (1 | g)", "bernoulli", "cloglog"),
    ("count ~ x + (1 | g)", "poisson", None),
    ("count ~ x + (x | g)", "poisson", None),
    ("count ~ x + (x | g)", "negbin", None),
    ("count ~ x + (1 | g)", "negbin1", None),
    ("count ~ x + (1 | g)", "poisson", "sqrt"),
    ("y ~ x + (x | g)", "gamma", None),
    ("y ~ x + (1 | g)", "gamma", "inverse"),
    ("y ~ x + (1 | g)", "inverse_gaussian", None),
]


@pytest.mark.parametrize(("formula", "family", "link"), BORDER)
@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_factors_are_numbers_where_predictors_reach_the_border_of_the_link(formula, family, link):
    spec = bm.from_formula(formula, family=family, link=link)
    design = bm.prepare(spec, small_table())
    width = 2 if "(x | g)" in formula else 1
    ends = link in ("sqrt", "inverse")
    values = {"beta": [2.0, 0.0] if ends else [0.0, 400.0], "sd_g": [2.0] * width, "corr_g": np.eye(width)}
    values |= {"theta": 2.0, "phi": 1.0, "shape": 3.0}
    fit = fit_at(design, values)
    table = bm.shrinkage(fit)
    assert np.all(np.isfinite(table["factor"]))
    assert np.all(table["factor"] <= 1.0)
    assert np.isfinite(bm.effective_groups(fit)["mean"].item())


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_a_factor_under_a_link_with_an_end_is_that_of_the_law_cut_off_there():
    data = {"count": [0.0, 0.0, 0.0, 0.0, 1.0, 2.0], "g": [0, 0, 1, 1, 2, 2]}
    spec = bm.from_formula(
        "count ~ 1 + (1 | g)", family="poisson", link="sqrt", priors={"beta[Intercept]": "Normal(1, 1)"}
    )
    fit = fit_at(bm.prepare(spec, data), {"beta": [0.4], "sd_g": [0.5]})
    u = np.linspace(-0.4, 6.0, 400_001)
    density = np.exp(-2 * (0.4 + u) ** 2 - u**2 / (2 * 0.25))
    mean = np.sum(u * density) / np.sum(density)
    expected = 1.0 - np.sum((u - mean) ** 2 * density) / np.sum(density) / 0.25
    np.testing.assert_allclose(bm.shrinkage(fit)["factor"].head(2), expected, atol=0.03)
