"""Variances with precision weights: the residual variance of a row is sigma^2 / w, whoever reads sigma."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.design.prior_draws import draw_priors
from bayesmixed.equations import write_equations
from bayesmixed.summaries.priors.implications import list_implications

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")

SD, SIGMA, SLOPE = 0.8, 0.6, 0.5
FAMILIES = [("gaussian", {}), ("student", {"nu": 5.0}), ("lognormal", {})]
each_family = pytest.mark.parametrize(("family", "more"), FAMILIES)


def table_of(weights):
    generator = np.random.default_rng(3)
    g = np.repeat(list("abcdefgh"), 4)
    y = np.exp(generator.normal(size=32))
    return pd.DataFrame({"y": y, "x": generator.normal(size=32), "g": g, "w": np.broadcast_to(weights, 32)})


def weighted_fit(weights, family="gaussian", more=None, jitter=0.0, formula="x + (x | g)"):
    data, values = table_of(weights), {"beta": [0.2, SLOPE], "sd_g": [SD, 0.3], "corr_g": np.eye(2), "sigma": SIGMA}
    if "(x | g)" not in formula:
        values["sd_g"] = [SD]
    design = bm.prepare(bm.from_formula(f"y | weights(w, 'precision') ~ {formula}", family=family), data)
    return fit_at(design, values | (more or {}), jitter)


def at_scale(fit, factor):
    """Return a fit whose draws of sigma are multiplied."""
    draws = fit.draws.copy()
    posterior = fit.posterior.assign(sigma=fit.posterior["sigma"] * factor)
    draws["posterior"] = posterior
    return bm.Fit(fit.design, draws, fit.engine, fit.settings, fit.timing, fit.versions)


READERS = {
    "icc": bm.icc,
    "icc on the data scale": lambda fit: bm.icc(fit, scale="data"),
    "r2": bm.r2,
    "implied covariance": bm.implied_covariance,
    "vpc curve": bm.vpc_curve,
    "pooling curve": bm.pooling_curve,
    "shrinkage factors": lambda fit: bm.shrinkage(fit)[["factor", "no_pooling"]],
    "effective groups": bm.effective_groups,
    "future group": lambda fit: bm.future_group(fit).table,
    "marginal means": lambda fit: bm.marginal_means(fit, "x").table,
    "prediction": lambda fit: bm.predict(fit)["mean"].mean(("chain", "draw")).to_dataframe(),
}


@pytest.mark.parametrize("reader", READERS)
@each_family
def test_weights_that_are_all_c_and_sigma_times_root_c_are_the_model_without_weights(family, more, reader):
    plain = READERS[reader](weighted_fit(1.0, family, more, 1e-3))
    for constant in (1e4, 1e-3):
        fit = at_scale(weighted_fit(constant, family, more, 1e-3), constant**0.5)
        found = READERS[reader](fit)
        pd.testing.assert_frame_equal(found, plain, rtol=1e-6, atol=1e-9, check_exact=False)


def test_the_residual_variance_of_unequal_weights_is_the_mean_of_sigma_squared_over_w():
    weights = np.random.default_rng(4).lognormal(0.0, 1.0, 32)
    fit = weighted_fit(weights, formula="x + (1 | g)")
    expected = SD**2 / (SD**2 + SIGMA**2 * np.mean(1.0 / weights))
    table = bm.icc(fit)
    assert table[table["effect"] == "icc"]["mean"].item() == pytest.approx(expected, rel=1e-10)
    curve = bm.vpc_curve(fit, "x")
    assert curve["mean"].to_numpy() == pytest.approx(np.full(25, expected), rel=1e-10)
    explained = np.var(SLOPE * fit.design.table.data["x"])
    r2 = bm.r2(fit, scale="latent").set_index("effect")["mean"]
    assert r2["marginal"] == pytest.approx(explained / (explained + SD**2 / expected), rel=1e-10)


def test_the_data_scale_of_a_lognormal_with_weights_is_that_of_simulated_responses():
    weights = np.repeat([0.5, 4.0], 16)
    fit = weighted_fit(weights, "lognormal", formula="1 + (1 | g)", more={"beta": [0.2]})
    generator = np.random.default_rng(1)
    u = generator.normal(0.0, SD, (2_000_000, 1))
    spread = SIGMA / np.sqrt([0.5, 4.0])
    mean = np.exp(0.2 + u + spread**2 / 2)
    total = np.var(mean, axis=0) + np.mean(mean**2 * np.expm1(spread**2), axis=0)
    table = bm.icc(fit, scale="data")
    assert table["mean"].iloc[0] == pytest.approx(np.var(mean, axis=0).sum() / total.sum(), rel=0.01)


def test_the_default_prior_of_sigma_follows_the_unit_of_the_weights():
    plain = weighted_fit(1.0).design
    for constant in (1e4, 1e-3):
        design = weighted_fit(constant).design
        ratio = design.priors["sigma"].prior.arguments[-1] / plain.priors["sigma"].prior.arguments[-1]
        assert ratio == pytest.approx(constant**0.5, rel=1e-12)
        others = {key: entry for key, entry in plain.priors.items() if key != "sigma"}
        assert {key: entry for key, entry in design.priors.items() if key != "sigma"} == others
        implied, before = (list_implications(draw_priors(d, 500)) for d in (design, plain))
        pd.testing.assert_frame_equal(implied, before)


def test_the_default_prior_of_a_modelled_sigma_follows_the_unit_of_the_weights():
    spec = bm.from_formula("y | weights(w, 'precision') ~ x + (1 | g)", sigma="~ x")
    locations = [bm.prepare(spec, table_of(c)).priors["beta_sigma[Intercept_centred]"].prior for c in (1.0, 100.0)]
    assert locations[1].arguments[0] - locations[0].arguments[0] == pytest.approx(np.log(10.0))
    assert locations[1].arguments[1] == locations[0].arguments[1]


def test_the_components_have_the_mean_residual_variance_of_the_rows():
    weights = np.random.default_rng(4).lognormal(0.0, 1.0, 32)
    table = bm.variance_components(weighted_fit(weights))
    found = table[table["effect"] == "mean over rows"]
    assert found["mean"].item() == pytest.approx(SIGMA**2 * np.mean(1.0 / weights), rel=1e-12)


def test_the_rule_of_the_prior_of_sigma_names_the_weights():
    spec = bm.from_formula("y | weights(w, 'precision') ~ x + (1 | g)")
    rules = bm.prior_table(spec)
    (sigma,) = [line for line in write_equations(spec).splitlines() if line.split()[:1] == ["σ"]]
    assert "HalfStudentT(4, s·sqrt(w\u0304))" in sigma
    assert rules.parameters.set_index("parameter")["prior"]["sigma"] == "HalfStudentT(4, s sqrt(w))"
    assert any(note.startswith("w: ") for note in rules.notes)
