"""Rows left out whose columns are not known exactly: integrals over their values, against dense covariances and grids."""

import numpy as np
import pytest
from fixed_draws import fit_at
from incomplete import incomplete_table, quietly
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.cross_validation.held_out import sample_without
from bayesmixed.cross_validation.left_out_rows import leave_rows_out
from bayesmixed.cross_validation.log_densities import unit_densities, unit_draws
from bayesmixed.cross_validation.row_pieces import Asked
from bayesmixed.cross_validation.units import find_units
from bayesmixed.errors import SpecError

COLUMNS = {"beta_of_x": [1.0, 0.8], "beta_of_x_sigma": -0.5, "beta_of_w": 0.1, "beta_of_w_sigma": 0.2}


def left_out(design, posterior):
    """Return the log-density of each row without it, (S, n)."""
    return unit_densities(design, posterior, find_units(design, "observation")).values.reshape(-1, design.rows)


def table():
    return incomplete_table().assign(w=lambda d: d["w"].fillna(0.3))


def gaussian(formula="y ~ mi(x) * z + me(w, sd) + (1 | g)", **options):
    design = quietly(formula, table(), impute={"x": "~ z"}, **options)
    values = {"beta": [2.0, 1.5, 0.3, -1.0, 0.4], "sigma": 0.7, "sd_g": 0.6, "imputed_x": [5.0, 6.0, 7.0], **COLUMNS}
    return fit_at(design, values, draws=2)


def moments(fit):
    """Return mean and covariance of all responses, whatever is not known integrated out."""
    data, beta = table(), dict(zip(fit.design.mu.population.labels, fit.posterior["beta"].values[0, 0], strict=True))
    slope = beta["mi(x)"] + beta["mi(x):z"] * data["z"]
    gone = data["x"].isna()
    x = data["x"].where(~gone, 1.0 + 0.8 * data["z"])
    tau = np.exp(0.2) ** 2
    share = tau / (tau + data["sd"] ** 2)
    w = 0.1 + share * (data["w"] - 0.1)
    mean = beta["Intercept"] + slope * x + beta["z"] * data["z"] + beta["me(w, sd)"] * w
    own = 0.7**2 + slope**2 * gone * np.exp(-0.5) ** 2 + beta["me(w, sd)"] ** 2 * share * data["sd"] ** 2
    same = data["g"].to_numpy()[:, None] == data["g"].to_numpy()
    return mean.to_numpy(), np.diag(own) + 0.36 * same


def test_groups_have_the_density_of_the_normal_distribution_of_their_rows():
    fit = gaussian()
    mean, covariance = moments(fit)
    y, g = table()["y"].to_numpy(), table()["g"].to_numpy()
    expected = [
        stats.multivariate_normal(mean[g == k], covariance[g == k][:, g == k]).logpdf(y[g == k]) for k in range(4)
    ]
    found = unit_draws(fit, find_units(fit.design, "g"))
    np.testing.assert_allclose(found.values[0, 0], expected)


def test_a_normal_row_is_predicted_from_the_others_of_its_group():
    fit = gaussian()
    mean, covariance = moments(fit)
    y = table()["y"].to_numpy()
    inverse = np.linalg.inv(covariance)
    variance = 1.0 / np.diagonal(inverse)
    expected = stats.norm.logpdf(variance * (inverse @ (y - mean)), scale=np.sqrt(variance))
    found = left_out(fit.design, fit.posterior)
    np.testing.assert_allclose(found[0], expected)
    with pytest.warns(bm.StatisticsWarning, match="are not sampled without rows"):
        assert np.isfinite(bm.loo(fit, unit="observation").elpd)


@pytest.mark.parametrize("sigma", [False, True])
def test_values_in_several_predictors_and_of_other_responses_are_integrated_by_quadrature(sigma):
    data = table()
    options = {"sigma": "~ mi(x)"} if sigma else {"family": "bernoulli"}
    design = quietly("y ~ mi(x)", data if sigma else data.assign(y=np.arange(24) % 2), impute={"x": "~ z"}, **options)
    values = {"beta": [0.3, 0.9], "beta_sigma": [0.1, 0.4], "imputed_x": [5.0, 6.0, 7.0], **COLUMNS}
    fit = fit_at(design, values, draws=2)
    found = left_out(design, fit.posterior)[0]
    points = np.linspace(-8.0, 8.0, 4001)
    mass = stats.norm.pdf(points) * (points[1] - points[0])
    gone = data["x"].isna().to_numpy()
    for row in (0, 1, 5, 9):
        x = 1.0 + 0.8 * data["z"][row] + np.exp(-0.5) * points if gone[row] else np.array([data["x"][row]])
        eta = 0.3 + 0.9 * x
        density = (
            stats.norm.pdf(data["y"][row], eta, np.exp(0.1 + 0.4 * x))
            if sigma
            else special.expit((2 * (row % 2) - 1) * eta)
        )
        expected = density @ mass if gone[row] else density[0]
        assert np.exp(found[row]) == pytest.approx(expected, rel=2e-4 if sigma else 1e-5)


def test_columns_of_other_families_have_the_values_of_the_draws():
    data = table().assign(x=lambda d: np.exp(d["x"]))
    design = quietly("y ~ mi(x)", data, impute={"x": {"formula": "~ z", "family": "lognormal"}})
    fit = fit_at(design, {"beta": [0.3, 0.9], "sigma": 1.1, "imputed_x": [0.5, 0.6, 0.7], **COLUMNS}, draws=2)
    x = data["x"].to_numpy(copy=True)
    x[[1, 5, 9]] = 0.5, 0.6, 0.7
    expected = stats.norm.logpdf(data["y"], 0.3 + 0.9 * x, 1.1)
    np.testing.assert_allclose(left_out(design, fit.posterior)[0], expected)
    np.testing.assert_allclose(bm.log_likelihood(fit)[0, 0], expected)


def test_events_are_summed_and_groups_integrated():
    data = table().assign(a=np.where(np.arange(24) % 7 == 1, np.nan, np.arange(24) % 2))
    event = {"formula": "~ z", "family": "bernoulli"}
    design = quietly("y ~ mi(a) * z + mi(x) + (1 | g)", data, impute={"a": event, "x": "~ z"})
    beta = {"Intercept": 2.0, "mi(a)": 1.5, "z": 0.3, "mi(x)": -1.0, "mi(a):z": 0.4}
    values = {"beta": [beta[label] for label in design.mu.population.labels], "sigma": 0.7, "sd_g": 0.6}
    values |= {"beta_of_x": [1.0, 0.8], "beta_of_x_sigma": -0.5, "beta_of_a": [0.3, -0.6]}
    fit = fit_at(design, values, draws=2)
    points = np.linspace(-6.0, 6.0, 801)
    mass = stats.norm.pdf(points) * (points[1] - points[0])
    z = data["z"].to_numpy()
    gone = data["x"].isna().to_numpy()
    x, spread = np.where(gone, 1.0 + 0.8 * z, data["x"]), gone * np.exp(-0.5)
    chance = special.expit(0.3 - 0.6 * z)
    chance = np.where(data["a"].isna(), chance, data["a"])
    rows = np.zeros((24, 801))
    for a in (0, 1):
        eta = 2.0 + 1.5 * a + 0.3 * z - x + 0.4 * a * z
        own = stats.norm.pdf(
            data["y"].to_numpy()[:, None], eta[:, None] + 0.6 * points, np.sqrt(0.49 + spread**2)[:, None]
        )
        rows += (chance if a else 1 - chance)[:, None] * own
    expected = [np.log(np.prod(rows[data["g"] == k], axis=0) @ mass) for k in range(4)]
    np.testing.assert_allclose(unit_draws(fit, find_units(design, "g")).values[0, 0], expected, atol=1e-3)
    alone = quietly("y ~ mi(a) * z + mi(x)", data, impute={"a": event, "x": "~ z"})
    fit = fit_at(alone, values, draws=2)
    asked = Asked(data["y"].to_numpy()[None] + 0.5, moments=True)
    parts = list(leave_rows_out(alone, fit.posterior, asked))
    order = np.argsort(np.concatenate([part.rows for part in parts]))
    log, moments, distribution = (
        np.concatenate([getattr(part, name) for part in parts], axis=-1)[..., order]
        for name in ("log", "moments", "distribution")
    )
    np.testing.assert_allclose(log[0], np.log(rows[:, 400]), atol=1e-4)
    mean = 2.0 + 1.5 * chance + 0.3 * z - x + 0.4 * chance * z
    np.testing.assert_allclose(moments[0, 0], mean, atol=1e-6)
    below = [
        stats.norm.cdf(data["y"] + 0.5, 2.0 + 1.5 * a + 0.3 * z - x + 0.4 * a * z, np.sqrt(0.49 + spread**2))
        for a in (0, 1)
    ]
    np.testing.assert_allclose(distribution[0, 0], (1 - chance) * below[0] + chance * below[1], atol=1e-4)


def test_sampling_without_rows_is_refused():
    fit = gaussian()
    with pytest.raises(SpecError, match="refits=False"):
        sample_without(fit, np.arange(24) == 1)
