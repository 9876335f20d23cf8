"""Log-densities of units against closed forms and dense grids."""

import numpy as np
import pandas as pd
import pytest
from conftest import CHECKS
from fixed_draws import fit_at
from frequency_fits import each_case, weighted_and_written_out
from scipy import special, stats
from sharp_designs import SharpDesign, exact
from uncompiled import uncompiled
from unit_tables import ROWS, design_of

import bayesmixed as bm
from bayesmixed.cross_validation import set_integrals
from bayesmixed.cross_validation.left_out_units import situate
from bayesmixed.cross_validation.log_densities import total_log_likelihood
from bayesmixed.cross_validation.marginal_densities import unit_logs
from bayesmixed.cross_validation.row_densities import row_logs
from bayesmixed.cross_validation.units import find_units
from bayesmixed.integration.nested_quadrature import integrate

GRID = np.linspace(-7.5, 7.5, 301)
MASS = stats.norm.pdf(GRID) * (GRID[1] - GRID[0])


def logs_at(formula, family, values, unit):
    design = design_of(formula, family)
    fit = fit_at(design, values)
    posterior = fit.posterior.isel(chain=[0], draw=[0])
    return unit_logs(situate(design, posterior, find_units(design, unit)))[0]


ONE_FACTOR = {
    "poisson": ("count", {}, lambda y, eta: stats.poisson.logpmf(y, np.exp(eta))),
    "bernoulli": ("yes", {}, lambda y, eta: stats.bernoulli.logpmf(y, special.expit(eta))),
    "student": ("y", {"sigma": 0.3, "nu": 3.0}, lambda y, eta: stats.t.logpdf(y, 3.0, eta, 0.3)),
    "gaussian": ("y", {"sigma": 0.3}, lambda y, eta: stats.norm.logpdf(y, eta, 0.3)),
}


@pytest.mark.parametrize("family", ONE_FACTOR)
def test_an_intercept_is_integrated_as_on_a_dense_grid(family):
    name, scalars, logpdf = ONE_FACTOR[family]
    values = {"beta": [0.4, 0.3], "sd_g": 0.8, **scalars}
    eta = (0.4 + 0.3 * ROWS["x"].to_numpy())[:, None] + 0.8 * GRID
    rows = logpdf(ROWS[name].to_numpy()[:, None], eta)
    expected = [np.log(np.sum(MASS * np.exp(rows[ROWS["g"] == g].sum(axis=0)))) for g in "abc"]
    np.testing.assert_allclose(logs_at(f"{name} ~ x + (1 | g)", family, values, "g"), expected, atol=2e-5)


def test_nested_effects_are_integrated_one_inside_the_other():
    values = {"beta": 0.4, "sd_g": 0.8, "sd_g:h": 0.6, "sd_obs": 0.5}
    grid, mass = GRID[::6], MASS[::6] * 6
    eta = 0.4 + 0.8 * grid[:, None, None] + 0.6 * grid[:, None] + 0.5 * grid
    row = {y: stats.poisson.pmf(y, np.exp(eta)) @ mass for y in range(9)}
    expected = []
    for g in "abc":
        plots = [ROWS["count"][(ROWS["g"] == g) & (ROWS["h"] == h)] for h in "1234"]
        inside = np.prod([np.prod([row[y] for y in plot], axis=0) @ mass for plot in plots], axis=0)
        expected.append(np.log(inside @ mass))
    found = logs_at("count ~ 1 + (1 | g/h) + obs()", "poisson", values, "g")
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_correlated_slopes_are_integrated_together():
    corr = np.array([[1.0, -0.5], [-0.5, 1.0]])
    values = {"beta": [0.4, 0.3], "sd_g": [0.8, 0.5], "corr_g": corr}
    first, second = np.meshgrid(GRID[::3], GRID[::3], indexing="ij")
    mass = np.outer(MASS[::3], MASS[::3]) * 9
    intercept, slope = 0.8 * first, 0.5 * (-0.5 * first + np.sqrt(0.75) * second)
    expected = []
    for g in "abc":
        own = ROWS[ROWS["g"] == g]
        etas = [0.4 + 0.3 * x + intercept + slope * x for x in own["x"]]
        total = sum(stats.poisson.logpmf(y, np.exp(eta)) for y, eta in zip(own["count"], etas, strict=True))
        expected.append(np.log(np.sum(mass * np.exp(total))))
    np.testing.assert_allclose(logs_at("count ~ x + (x | g)", "poisson", values, "g"), expected, atol=1e-5)


@pytest.mark.parametrize("formula", ["y ~ x + (1 | g/h)", "y ~ x + (x | g) + (1 | k)", "y ~ x + (0 + x | g/h)"])
def test_the_closed_form_of_a_normal_response_is_what_quadrature_finds(formula):
    design = design_of(formula, "gaussian")
    values = {"beta": [0.1, 0.2], "sigma": 0.4, "sd_g": 0.7, "sd_g:h": 0.5, "sd_k": 0.3, "corr_g": np.eye(2)}
    values["b_k"] = [[0.2], [-0.1]]
    posterior = fit_at(design, values).posterior.isel(chain=[0], draw=[0])
    units_out = situate(design, posterior, find_units(design, "g"))
    by_quadrature = integrate(row_logs(units_out), units_out.etas, units_out.layers)
    np.testing.assert_allclose(unit_logs(units_out), by_quadrature, atol=1e-7)


def test_groups_of_a_normal_response_have_the_density_of_the_reference():
    check = CHECKS["G1"]
    data = pd.DataFrame({"y": check["inputs"]["y"], "group": check["inputs"]["group"]})
    design = design_of("y ~ 1 + (1 | group)", "gaussian", data)
    posterior = fit_at(design, {"beta": 3.0, "sd_group": 1.2, "sigma": 0.8}).posterior.isel(draw=[0])
    found = unit_logs(situate(design, posterior, find_units(design, "group")))
    np.testing.assert_allclose(found[0], check["expected"]["loglik_by_group"], atol=1e-7)


def test_an_observation_effect_is_integrated_row_by_row():
    check = CHECKS["O1"]["inputs"], CHECKS["O1"]["expected"]["log_p"]
    data = pd.DataFrame({"count": [int(y) for y in check[1]]})
    design = design_of("count ~ 1 + obs()", "poisson", data)
    posterior = fit_at(design, {"beta": check[0]["eta"], "sd_obs": check[0]["sd_obs"]}).posterior.isel(draw=[0])
    found = unit_logs(situate(design, posterior, find_units(design, "observation")))
    np.testing.assert_allclose(found[0], list(check[1].values()), atol=5e-6)


def test_more_effects_than_quadrature_reaches_are_refused():
    with pytest.raises(bm.SpecError, match="4 for each level"):
        logs_at("count ~ x + (x + k + I(x**3) || g)", "poisson", {"beta": [0.0, 0.0], "sd_g": 0.5}, "g")


@each_case
def test_a_row_with_a_frequency_counts_as_that_many_rows(case):
    weighted, written = weighted_and_written_out(case)
    one, other = (bm.log_likelihood(fit, integrate="g") for fit in (weighted, written))
    assert np.ptp(other.values) > 1.0
    np.testing.assert_allclose(one.values, other.values, rtol=1e-9)
    one, other = (total_log_likelihood(fit) for fit in (weighted, written))
    np.testing.assert_allclose(one.values, other.values, rtol=1e-11)
    left = [bm.loo(fit, unit="g").elpd_i.values for fit in (weighted, written)]
    np.testing.assert_allclose(*left, rtol=1e-8)
    for unit in (lambda fit: bm.loo(fit, unit="observation"), bm.log_likelihood, bm.residuals):
        with pytest.raises(bm.SpecError, match="frequency"):
            unit(weighted)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("sd", [1e-3, 5.0, 50.0])
@pytest.mark.parametrize("count", [3, 1_000_000])
def test_units_with_large_sds_and_counts_have_their_densities(compiled, sd, count, monkeypatch):
    for name in ("integrate_sets", "integrate_plain_sets"):
        monkeypatch.setattr(set_integrals, f"{name}_compiled", uncompiled(getattr(set_integrals, name)))
    data = pd.DataFrame({"count": np.repeat([0, count, count // 2 + 1], 2), "g": np.repeat(["a", "b", "c"], 2)})
    design = design_of("count ~ 1 + (1 | g)", "poisson", data)
    posterior = fit_at(design, {"beta": 0.3, "sd_g": sd}).posterior.isel(chain=[0], draw=[0])
    units_out = situate(design, posterior, find_units(design, "g"))
    found = unit_logs(units_out, draws=10**9 if compiled else None)[0]
    for j, own in enumerate((slice(0, 2), slice(2, 4), slice(4, 6))):
        y = data["count"].to_numpy()[own].astype(float)
        one = SharpDesign("poisson", y, y, np.full(2, 0.3), np.full((2, 1), sd), None)
        assert found[j] == pytest.approx(exact(one) - special.gammaln(y + 1.0).sum(), abs=1e-3)


def test_units_whose_integrals_may_be_off_are_named():
    data = ROWS.assign(yes=ROWS["x"] > ROWS["x"].median())
    design = design_of("yes ~ x + (x + k || g)", "bernoulli", data)
    posterior = fit_at(design, {"beta": [0.0, 0.0], "sd_g": 40.0}).posterior.isel(chain=[0], draw=[0])
    with pytest.warns(bm.StatisticsWarning, match="more than 0.001 nats for 'a', 'b', 'c', at 100.0% of the draws"):
        unit_logs(situate(design, posterior, find_units(design, "g")))
