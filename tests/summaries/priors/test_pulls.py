"""Whether default priors pull coefficients and SDs."""

import arviz_stats
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from conftest import classic
from fixed_draws import fit_at
from scipy import stats
from scipy.integrate import quad

import bayesmixed as bm
from bayesmixed.summaries.priors.pulls import describe_pulls, prior_pulls, sensitivities

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def normal_fit(slope, rows, priors=None, noise=1.0):
    """Return exact posterior draws of y ~ x with a residual SD of 1 in the model and about `noise` in the rows."""
    x = np.resize([-1.0, 1.0], rows)
    x = x + np.resize([-0.5, -0.5, 0.5, 0.5], rows)
    generator = np.random.default_rng(1)
    errors = noise * generator.normal(size=rows)
    columns = np.column_stack([np.ones(rows), x])
    errors -= columns @ np.linalg.lstsq(columns, errors, rcond=None)[0]
    data = pd.DataFrame({"x": x, "y": slope * x + errors})
    design = bm.prepare(bm.from_formula("y ~ x", priors={"sigma": 1.0, **(priors or {})}), data)
    numbers = np.array([prior.arguments for prior in design.coefficient_priors(design.mu)])
    precision = columns.T @ columns + np.diag(numbers[:, 1] ** -2.0)
    mean = np.linalg.solve(precision, columns.T @ data["y"] + numbers[:, 0] / numbers[:, 1] ** 2)
    fit = fit_at(design, {"sigma": 1.0})
    draws = generator.multivariate_normal(mean, np.linalg.inv(precision), (4, 5000))
    posterior = xr.Dataset(
        {"beta": (("chain", "draw", "beta_effect"), draws), "sigma": (("chain", "draw"), np.ones((4, 5000)))},
        coords={"beta_effect": ["Intercept", "x"]},
    )
    fit.draws["posterior"] = xr.DataTree(posterior)
    return fit, numbers, mean, np.linalg.inv(precision)


def exact_sensitivity(moved, spread):
    """Return the sensitivity of a standard normal whose mean and log SD move by so much for each unit of the power."""

    def change(z):
        return (-moved - spread * z) * stats.norm.pdf(z)

    top = quad(lambda z: change(z) ** 2 / stats.norm.cdf(z), -8, TAIL)[0]
    return np.sqrt(np.log(2) / 8 * top / quad(stats.norm.cdf, -8, TAIL)[0])


TAIL = 3.9
"""Where 20,000 draws end, more or less."""


@pytest.mark.parametrize(("slope", "rows", "noise"), [(0.5, 4, 0.1), (1.0, 8, 1.0), (0.2, 8, 0.1), (0.3, 400, 1.0)])
def test_sensitivity_and_shift_are_those_of_the_normal_posterior(slope, rows, noise):
    fit, numbers, mean, covariance = normal_fit(slope, rows, noise=noise)
    found = prior_pulls(fit).set_index("quantity").loc["beta[x]"]
    precision = numbers[1, 1] ** -2.0
    moved = -precision * (mean[1] - numbers[1, 0]) * np.sqrt(covariance[1, 1])
    spread = -0.5 * precision * covariance[1, 1]
    assert found["shift"] == pytest.approx(-moved, abs=0.02)
    both = [exact_sensitivity(sign * moved, spread) for sign in (1, -1)]
    assert found["sensitivity"] == pytest.approx(max(both), rel=0.05, abs=0.004)


def test_the_limit_agrees_with_power_scaling_by_a_hundredth():
    generator = np.random.default_rng(2)
    draws = generator.gamma(3.0, size=(1, 4, 2000)) * [[[1.0]], [[-1.0]]]
    log_prior = -0.4 * draws[0] + 0.3 * generator.normal(size=(4, 2000))
    dims = ("chain", "draw")
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"a": (dims, draws[0]), "b": (dims, draws[1])}),
            "log_prior": xr.Dataset({"all": (dims, log_prior)}),
        }
    )
    by_weights = arviz_stats.psense(tree, group="prior")
    found = sensitivities(draws.reshape(2, -1), log_prior.ravel())
    assert found[0] == pytest.approx(found[1], rel=1e-10)
    np.testing.assert_allclose(found, [float(by_weights["a"]), float(by_weights["b"])], rtol=0.02)


def test_a_default_prior_that_pulls_is_named_in_one_line_and_one_that_does_not_is_not():
    line = describe_pulls(normal_fit(0.5, 4, noise=0.1)[0])
    assert line.startswith("Default priors pull 1 of 2 coefficients and SDs (sensitivity above 0.05), most beta[x] (0.")
    assert line.endswith("see bm.prior_sensitivity(fit).")
    assert "\n" not in line
    assert describe_pulls(normal_fit(0.3, 400)[0]) is None


def test_priors_of_the_user_are_not_said_to_pull():
    given = {"beta[Intercept]": "Normal(0, 1)", "beta[x]": "Normal(0, 0.1)"}
    fit = normal_fit(4.0, 4, given)[0]
    assert describe_pulls(fit) is None
    assert prior_pulls(fit).empty


def test_the_summary_says_that_default_priors_pull():
    fit = normal_fit(0.5, 4, noise=0.1)[0]
    notes = bm.summary(fit).notes
    assert notes[0] == describe_pulls(fit)
    assert sum("Default priors pull" in note for note in notes) == 1


def test_correlations_and_fixed_numbers_are_left_out():
    spec = bm.from_formula("Reaction ~ Days + (Days | Subject)", priors={"beta[Days]": 10.0})
    values = {"beta": [250.0, 10.0], "sd_Subject": [24.0, 6.0], "corr_Subject": [[1, 0.2], [0.2, 1]], "sigma": 26.0}
    fit = fit_at(bm.prepare(spec, classic("lme4", "sleepstudy")), values)
    for name in ("beta", "sd_Subject"):
        fit.posterior[name].values[:] *= np.random.default_rng(0).uniform(0.9, 1.1, fit.posterior[name].shape)
    fit.posterior["beta"].values[..., 1] = 10.0
    assert list(prior_pulls(fit)["quantity"]) == ["beta[Intercept]", "sd_Subject[Intercept]", "sd_Subject[Days]"]


def test_few_draws_that_no_prior_touches_are_not_said_to_be_pulled():
    fit = fit_at(bm.prepare("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff")), {"sigma": 50.0})
    generator = np.random.default_rng(3)
    lines = 0
    for _ in range(100):
        for name, location in (("beta", 1500.0), ("sd_Batch", 2.0)):
            values = fit.posterior[name].values
            values[:] = location + 0.01 * generator.normal(size=values.shape)
        fit.posterior["sd_Batch"].values[:] += 40.0 * generator.random(fit.posterior["sd_Batch"].shape)
        lines += "beta[" in (describe_pulls(fit) or "")
    assert lines <= 5
