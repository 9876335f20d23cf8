"""Quantile residuals against closed forms, and the tests that read them."""

import warnings

import fixed_draws
import numpy as np
import pandas as pd
import pytest
from conftest import CHECKS
from scipy import stats

import bayesmixed as bm

COUNTS = 400

FURTHER = {"gaussian": {"sigma": 1.0}, "gamma": {"shape": 4.0}, "negbin": {"theta": 3.0}, "beta": {"phi": 10.0}}
ALARMS = [
    *(("y ~ x + (1 | g)", family) for family in ("gaussian", "gamma", "beta", "poisson", "negbin", "bernoulli")),
    ("y ~ x + (1 | g) + obs()", "poisson"),
]


def at(formula, family, data, values, draws=50):
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        patch.setattr(fixed_draws, "DRAWS", draws)
        return fixed_draws.fit_at(bm.prepare(bm.from_formula(formula, family=family), data), values)


def counts(sd, size=COUNTS, seed=3):
    generator = np.random.default_rng(seed)
    return pd.DataFrame({"y": generator.poisson(np.exp(1.0 + sd * generator.standard_normal(size)))})


def test_a_normal_row_is_judged_by_the_exact_prediction_from_the_others():
    inputs, expected = CHECKS["G1"]["inputs"], CHECKS["G2"]["expected"]
    data = pd.DataFrame({"y": inputs["y"], "group": inputs["group"]})
    quantiles = stats.norm.ppf((np.arange(8000) + 0.5) / 8000).reshape(2, 4000, 1)
    beta = expected["beta_mean"] + expected["beta_sd"] * quantiles
    values = {"beta": beta, "sd_group": inputs["sd_group"], "sigma": inputs["sigma"]}
    found = bm.residuals(at("y ~ 1 + (1 | group)", "gaussian", data, values, 4000), draws=None)
    same = (data["group"].to_numpy()[:, None] == data["group"].to_numpy()).astype(float)
    precision = np.linalg.inv(1.5**2 + 1.2**2 * same + 0.8**2 * np.eye(9))
    exact = precision @ (data["y"] - 2.0) / np.sqrt(np.diag(precision))
    np.testing.assert_allclose(found["residual"], exact, atol=0.02)
    np.testing.assert_allclose(found["lower"], found["upper"], rtol=1e-12)
    assert list(found.index) == list(data.index)


def test_a_count_lies_between_the_two_probabilities_of_its_prediction():
    data = counts(0.6)
    found = bm.residuals(at("y ~ 1 + obs()", "poisson", data, {"beta": 1.0, "sd_obs": 0.6}))
    grid = np.linspace(-7, 7, 401)
    mass = stats.norm.pdf(grid) * (grid[1] - grid[0])
    y = data["y"].to_numpy()[:, None]
    np.testing.assert_allclose(found["upper"], stats.poisson.cdf(y, np.exp(1 + 0.6 * grid)) @ mass, atol=2e-3)
    np.testing.assert_allclose(found["lower"], stats.poisson.cdf(y - 1, np.exp(1 + 0.6 * grid)) @ mass, atol=2e-3)
    assert ((found["pit"] >= found["lower"]) & (found["pit"] <= found["upper"])).all()


def test_residuals_are_the_same_for_the_same_seed_only():
    fit = at("y ~ 1", "poisson", counts(0.0), {"beta": 1.0})
    assert bm.residuals(fit).equals(bm.residuals(fit))
    assert not np.allclose(bm.residuals(fit, seed=2)["residual"], bm.residuals(fit)["residual"])


@pytest.mark.parametrize(("sd", "says"), [(0.0, "as the model expects"), (0.6, "more variation")])
def test_dispersion_is_judged(sd, says):
    found = bm.check_residuals(at("y ~ 1", "poisson", counts(sd), {"beta": 1.0 + sd**2 / 2})).set_index("check")
    assert found.loc["dispersion", "says"].startswith(says)
    assert (found.loc["dispersion", "p"] < 0.001) == (sd > 0)


def test_as_many_observation_effects_as_there_are_make_the_dispersion_right():
    found = bm.check_residuals(at("y ~ 1 + obs()", "poisson", counts(0.6), {"beta": 1.0, "sd_obs": 0.6}))
    assert set(found["says"]) == {"as the model expects"}


def test_zeros_are_counted_against_their_chances():
    data = counts(0.0)
    expected = COUNTS * np.exp(-np.e)
    fit = at("y ~ 1", "poisson", data, {"beta": 1.0})
    zeros = bm.check_residuals(fit).set_index("check").loc["zeros"]
    assert zeros["expected"] == pytest.approx(expected)
    law = stats.binom(COUNTS, np.exp(-np.e))
    assert (zeros["lower"], zeros["upper"]) == (law.ppf(0.025), law.ppf(0.975))
    inflated = data.assign(y=np.where(np.arange(COUNTS) % 8 == 0, 0, data["y"]))
    found = bm.check_residuals(at("y ~ 1", "poisson", inflated, {"beta": 1.0})).set_index("check").loc["zeros"]
    assert found["says"].startswith("more zeros")
    assert 0.0 < found["p"] < 1e-12


def test_a_response_without_atoms_has_no_test_of_zeros():
    data = pd.DataFrame({"y": stats.norm.ppf((np.arange(50) + 0.5) / 50)})
    found = bm.check_residuals(at("y ~ 1", "gaussian", data, {"sigma": 1.0}))
    assert list(found["check"]) == ["dispersion"]


def spreading(sds):
    """Return the check of a straight line whose residuals have these SDs."""
    x = np.linspace(-1, 1, len(sds))
    z = stats.norm.ppf((np.arange(len(sds)) * 7 % len(sds) + 0.5) / len(sds))
    fit = at("y ~ x", "gaussian", pd.DataFrame({"x": x, "y": 2 * x + sds * z}), {"beta": [0.0, 2.0], "sigma": 1.0})
    expected = stats.spearmanr(np.abs(bm.residuals(fit)["residual"]), x)
    return bm.check_residuals(fit).set_index("check").loc["spread"], expected


def test_variation_that_grows_with_the_mean_is_found():
    constant, expected = spreading(np.ones(101))
    assert constant["observed"] == pytest.approx(expected.statistic, abs=0.02)
    assert constant["p"] == pytest.approx(expected.pvalue, abs=0.05)
    assert constant["says"] == "as the model expects"
    growing, _ = spreading(np.linspace(0.2, 1.8, 101))
    assert growing["p"] < 0.001
    assert growing["says"] == "more variation at large means than the model expects"


@pytest.mark.calibration
@pytest.mark.parametrize(("formula", "family"), ALARMS)
def test_right_models_raise_few_alarms(formula, family):
    truth = {"beta[Intercept]": 1.0, "beta[x]": 0.3, "sd_g[Intercept]": 0.6, **FURTHER.get(family, {})}
    truth |= {"sd_obs": 0.5} if "obs" in formula else {}
    rows = pd.DataFrame({"x": np.sin(np.arange(80)), "g": np.repeat(np.arange(10), 8)})
    spec, fits = bm.from_formula(formula, family=family), 100
    alarms = {"half-normal": 0}
    for seed in range(fits):
        data = bm.simulate(spec, data=rows, truth=truth, seed=seed).data
        fit = bm.fit(spec, data, chains=2, draws=400, tune=400, seed=seed, progress=False)
        alarms["half-normal"] += not bm.half_normal(fit, seed=seed).adequate
        for row in bm.check_residuals(fit, seed=seed).itertuples():
            alarms[row.check] = alarms.get(row.check, 0) + (row.p < 0.05)
    print(formula, family, alarms)
    assert max(alarms.values()) <= stats.binom.ppf(0.999, fits, 0.05)


def test_an_unknown_kind_is_refused():
    with pytest.raises(bm.SpecError, match="quantile"):
        bm.residuals(at("y ~ 1", "poisson", counts(0.0), {"beta": 1.0}), kind="pearson")
