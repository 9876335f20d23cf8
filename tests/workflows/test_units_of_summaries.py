"""Every summary of a fit in other units of the response and of a column is the same one in these units."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import CHAINS, DRAWS, fit_at

import bayesmixed as bm

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
ROWS, GROUPS = 32, 8
# Powers of two change no digit, and y / x is beyond the root of the largest number.
UNITS = [(2.0**199, 2.0**-193), (2.0**-199, 2.0**193)]
TABLES = {
    "coefficients": bm.population_effects,
    "effects": bm.group_effects,
    "components": bm.variance_components,
    "covariances": bm.implied_covariance,
    "ICC": bm.icc,
    "R2": bm.r2,
    "shrinkage": bm.shrinkage,
    "effective groups": bm.effective_groups,
    "shares along x": lambda fit: bm.vpc_curve(fit, "x"),
    "tidy": bm.tidy,
    "pulls": bm.prior_sensitivity,
    "means": lambda fit: bm.marginal_means(fit, "x").table,
    "contrasts": lambda fit: bm.contrasts(fit, "f").table,
    "curve": lambda fit: bm.conditional_effects(fit, "x:f").table,
    "a group to come": lambda fit: bm.future_group(fit).table,
    "checks": lambda fit: bm.posterior_checks(fit, groups="new", draws=40, seed=1).table.drop(columns="verdict"),
    "residuals": bm.residuals,
    "influence": lambda fit: bm.influence(fit, "g"),
    "priors": lambda fit: bm.prior_table(fit.design).implications,
    "replicates": lambda fit: bm.posterior_predictive(fit, seed=1).to_dataframe().reset_index(),
    "new groups": lambda fit: bm.predict(fit, groups="new", seed=1).to_dataframe().reset_index(),
}


def fit_in(unit, step, outlier=0.0):
    """Return a fit with the same draws in other units."""
    generator = np.random.default_rng(3)
    x, g = generator.normal(2.0, 1.0, ROWS), np.arange(ROWS) % GROUPS
    y = 3.0 + 0.5 * x + generator.normal(size=GROUPS)[g] + 0.6 * generator.normal(size=ROWS)
    y[0] += outlier
    data = pd.DataFrame({"y": unit * y, "x": step * x, "f": np.resize(list("aab"), ROWS), "g": g.astype(str)})
    design = bm.prepare("y ~ x * f + (x | g)", data)

    def vary(values, *units):
        return (values + 0.05 * generator.normal(size=(CHAINS, DRAWS, *np.shape(values)))) * np.array(units)

    values = {
        "beta": vary([0.3, 0.5, 0.6, 0.8], unit, unit / step, unit, unit / step),
        "sd_g": np.abs(vary([0.7, 0.5], unit, unit / step)),
        "corr_g": 0.3 + 0.7 * np.eye(2),
        "b_g": vary(0.3 * np.sin(np.arange(16.0)).reshape(8, 2), unit, unit / step),
        "sigma": vary([0.6], unit)[..., 0],
    }
    return fit_at(design, values)


@pytest.fixture(scope="module")
def plain():
    return fit_in(1.0, 1.0)


@pytest.mark.parametrize("units", UNITS)
def test_summaries_follow_the_units_of_the_response_and_of_columns(plain, units):
    scaled = fit_in(*units)
    powers = [i * np.log2(units[0]) + j * np.log2(units[1]) for i in range(-2, 3) for j in range(-2, 3)]
    for name, summary in TABLES.items():
        ours, theirs = summary(scaled), summary(plain)
        assert ours.shape == theirs.shape, name
        for column in theirs.select_dtypes("number").columns:
            found, wanted = (table[column].to_numpy(dtype=float) for table in (ours, theirs))
            assert np.array_equal(np.isnan(found), np.isnan(wanted)), (name, column)
            kept = np.abs(wanted) > 1e-9 * np.nanmax(np.abs(wanted), initial=0.0)
            logs = np.log2(np.abs(found[kept])) - np.log2(np.abs(wanted[kept]))
            away = np.min(np.abs(logs[:, None] - powers), axis=1)
            assert np.all(away < 1e-5), (name, column)
            assert np.array_equal(np.sign(found[kept]), np.sign(wanted[kept])), (name, column)


@pytest.mark.parametrize("units", UNITS)
def test_leaving_out_groups_follows_the_units(plain, units):
    found, wanted = (bm.log_likelihood(fit, integrate="g") for fit in (fit_in(*units), plain))
    rows = np.bincount(plain.design.mu.groups[0].index)
    np.testing.assert_allclose(found + rows * np.log(units[0]), wanted, atol=1e-8)


def test_draws_that_are_moved_for_influential_rows_follow_the_units():
    plain, scaled = (bm.loo(fit_in(*units, outlier=3.0), unit="observation") for units in [(1.0, 1.0), UNITS[1]])
    np.testing.assert_allclose(scaled.elpd_i + np.log(UNITS[1][0]), plain.elpd_i, atol=1e-6)


@pytest.mark.parametrize("step", [2.0**-193, 1e-6, 1e6, 2.0**193])
def test_a_ratio_of_slopes_that_priors_imply_is_that_over_a_step_of_the_column(step):
    data = pd.DataFrame({"k": np.arange(ROWS) % 5, "x": step * np.sin(np.arange(ROWS)), "g": np.arange(ROWS) % GROUPS})
    found = [
        bm.prior_table(bm.from_formula("k ~ x + (x | g)", family="poisson"), rows).implications
        for rows in (data, data.assign(x=data["x"] / step))
    ]
    columns = ["median", "lower", "upper"]
    np.testing.assert_allclose(found[0][columns], found[1][columns], rtol=1e-9)
    row = found[0].set_index("quantity").filter(like="effect of x", axis="index").iloc[0]
    assert row["unit"] == f"over {2.0 * data['x'].std():.3g} of x"


def test_trends_are_those_of_the_numbers_not_of_their_rounded_text(plain):
    found = bm.contrasts(plain, "x", method="polynomial", kind="linear").table.set_index("contrast")
    assert abs(found.loc["quadratic", "upper"]) < 1e-12 * abs(found.loc["linear", "upper"])
    assert found.loc["quadratic", "pd"] == 0.5


@pytest.mark.parametrize("units", UNITS)
def test_coefficients_of_squares_may_be_beyond_the_root_of_the_largest_number(units):
    def fitted(unit, step):
        x, g = step * (2.0 + np.sin(np.arange(ROWS))), np.arange(ROWS) % GROUPS
        y = unit * (3.0 + np.cos(np.arange(ROWS) ** 1.3) + np.sin(g))
        design = bm.prepare("y ~ x + I(x^2) + (1 | g)", pd.DataFrame({"y": y, "x": x, "g": g}))
        draws = 0.1 + 0.05 * np.random.default_rng(3).normal(size=(CHAINS, DRAWS, 3))
        values = {"beta": draws * unit / step ** np.arange(3.0), "sd_g": 0.5 * unit, "sigma": unit}
        return fit_at(design, values)

    plain, scaled = fitted(1.0, 1.0), fitted(*units)
    factors = units[0] / units[1] ** np.arange(3.0)
    ours, theirs = (bm.tidy(fit, "fixed").set_index("term") for fit in (scaled, plain))
    for column, power in (("std.error", 1.0), ("estimate", 1.0), ("ess", 0.0)):
        np.testing.assert_allclose(ours[column], theirs[column] * factors**power, rtol=1e-9)
    ours, theirs = (bm.influence(fit, "g").sort_values(["level", "parameter"]) for fit in (scaled, plain))
    np.testing.assert_allclose(ours[["shift", "sd_ratio"]], theirs[["shift", "sd_ratio"]], rtol=1e-6)
    pooled = [bm.shrinkage(fit)["complete_pooling"] for fit in (scaled, plain)]
    np.testing.assert_allclose(pooled[0], units[0] * pooled[1], rtol=1e-6)


@pytest.mark.parametrize("unit", [2.0**-180, 2.0**180])
def test_complete_pooling_follows_the_unit_of_precision_weights(unit):
    def fitted(unit):
        x, g = np.sin(np.arange(ROWS)), np.arange(ROWS) % GROUPS
        data = pd.DataFrame({"y": x + np.cos(g), "x": x, "g": g, "w": unit * (1.0 + x**2)})
        design = bm.prepare('y | weights(w, "precision") ~ x + (x | g)', data)
        return fit_at(design, {"beta": [0.0, 1.0], "sd_g": [0.5, 0.5], "corr_g": np.eye(2), "sigma": np.sqrt(unit)})

    ours, theirs = (bm.shrinkage(fitted(one))["complete_pooling"] for one in (unit, 1.0))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("units", UNITS)
def test_degrees_of_freedom_of_a_curve_follow_the_units(units):
    def fitted(unit, step):
        x = step * (2.0 + np.sin(np.arange(ROWS)))
        data = {"y": unit * np.cos(np.arange(ROWS) ** 1.3), "x": x, "f": np.resize(list("aab"), ROWS)}
        design = bm.prepare("y ~ s(x, k=5) + f + (1 | g)", pd.DataFrame(data | {"g": np.arange(ROWS) % GROUPS}))
        curve = design.mu.sd(design.mu.curves[0])
        return fit_at(design, {curve: 0.7 * unit, "sd_g": 0.5 * unit, "sigma": 0.6 * unit})

    ours, theirs = (
        bm.smooth_effects(fitted(*one)).set_index("effect").loc["edf", "mean"] for one in (units, (1.0, 1.0))
    )
    assert ours == pytest.approx(theirs, rel=1e-6)
