"""Responses at further places of groups of the fit, against a row given all others, and a joint normal distribution."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.errors import DataError
from bayesmixed.terms.residual_rows import given_others

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
TIMES = np.array([0.0, 1.0, 2.0, 3.0])
DATA = pd.DataFrame({"s": np.repeat(["a", "b c", "d", "e"], 4), "v": np.tile(TIMES, 4), "x": np.tile([0.0, 1.0], 8)})
DATA["w"] = np.linspace(0.2, 3.0, 16)
DATA["y"] = np.exp(np.random.default_rng(3).normal(size=16))
CORR = 0.7 ** np.abs(np.subtract.outer(TIMES, TIMES)) * 0.9 + 0.1 * np.eye(4)
VALUES = {
    "beta": [0.3, 0.5],
    "sigma": 1.2,
    "beta_sigma": np.log([0.5, 1.0, 2.0, 1.5]),
    "corr_residual": CORR,
    "ar1_residual": 0.6,
    "rho_residual": 0.4,
    "range_residual": 2.0,
    "nu": 5.0,
    "b_s": [[0.5], [-0.5], [0.2], [0.0]],
    "sd_s": 0.5,
}
OUT = (DATA["s"] == "b c") & (DATA["v"] == 2.0)
"""The row that is left out of the fit."""


def fitted(residual, formula="y ~ x", family="gaussian", data=DATA[~OUT], draws=2000):
    design = bm.prepare(formula, data, residual=residual, family=family)
    width = 4 if design.residual.dense else 0
    values = {**VALUES, "corr_residual": CORR[:width, :width]}
    if design.residual.dense and not design.residual.free:
        values["corr_residual"] = design.residual.correlations(
            {key: np.array(0.6) for key in design.residual.parameters}
        )
        values |= {str(key): 0.6 for key in design.residual.parameters}
    return fit_at(design, values, draws=draws)


def drawn(fit, rows, **options):
    made = bm.predict(fit, rows, kind="response", seed=1, **options)
    return made["response"].values.reshape(-1, len(rows)), made.attrs["estimand"]


CASES = [
    ("us(v | s)", "y ~ x", "gaussian"),
    ("us(v | s)", "y ~ x", "student"),
    ("hetar1(v | s)", "y ~ x", "lognormal"),
    ("ar1(v | s)", "y ~ x + (1 | s)", "gaussian"),
    ("ou(v | s)", "y ~ x", "student"),
    ("homcs(v | s)", "y ~ x", "student"),
    ("homtoep(v | s)", "y ~ x", "gaussian"),
    ("ar1(v | s)", "y | weights(w, 'precision') ~ x", "gaussian"),
]


@pytest.mark.parametrize(("residual", "formula", "family"), CASES)
def test_a_further_row_has_the_distribution_of_a_row_given_all_others(residual, formula, family):
    found, estimand = drawn(fitted(residual, formula, family), DATA[OUT])
    assert "given those of the fit" in estimand
    whole = fitted(residual, formula, family, DATA, draws=1)
    design, posterior = whole.design, whole.posterior
    values = {name: float(draws.values.flat[0]) for name, draws in design.scalar_draws(posterior).items()}
    for name, predictor in design.predictors.items():
        eta = predictor.population.matrix @ posterior[predictor.beta].values[0, 0]
        for group in predictor.groups:
            eta = eta + np.array(VALUES["b_s"])[group.index, 0]
        values[name] = predictor.link.inverse(eta)
    values = design.in_rows(values)
    own = {str(key): posterior[key].values.flat[:1] for key in design.residual.parameters}
    own["corr_residual"] = CORR
    given = given_others(design.residual, own, design.family, values, design.response)
    mu, scale = (np.broadcast_to(given[name], 16)[OUT][0] for name in (design.family.first, design.family.scale))
    law = stats.t(given["nu"][OUT][0]) if family == "student" else stats.norm()
    working = np.log(found) if family == "lognormal" else found
    assert stats.kstest((working[:, 0] - mu) / scale, law.cdf).pvalue > 1e-3


def test_further_rows_of_a_group_are_normal_together_given_its_others_and_groups_are_told_apart():
    data = DATA[(DATA["s"] != "b c") | (DATA["v"] < 2)]
    rows = DATA[DATA["s"].isin(["b c", "e"])].assign(v=lambda d: d["v"] + 4.0 * (d["s"] == "e")).iloc[[3, 2, 6]]
    found, _ = drawn(fitted("ar1(v | s)", data=data), rows)
    first = data[data["s"] == "b c"]
    times = np.concatenate([first["v"], rows["v"].iloc[:2]])
    corr = 0.6 ** np.abs(np.subtract.outer(times, times))
    known = (first["y"] - 0.3 - 0.5 * first["x"]) / 1.2
    weights = np.linalg.solve(corr[:2, :2], corr[:2, 2:])
    mean = 0.3 + 0.5 * rows["x"].iloc[:2] + 1.2 * weights.T @ known
    left = 1.44 * (corr[2:, 2:] - weights.T @ corr[:2, 2:])
    whitened = np.linalg.solve(np.linalg.cholesky(left), (found[:, :2] - mean.to_numpy()).T)
    np.testing.assert_allclose(whitened.mean(axis=1), 0.0, atol=0.07)
    np.testing.assert_allclose(np.cov(whitened), np.eye(2), atol=0.1)
    last = DATA[DATA["s"] == "e"].iloc[-1]
    far = 0.3 + 0.5 * rows["x"].iloc[2] + 0.6 ** (rows["v"].iloc[2] - 3) * (last["y"] - 0.3 - 0.5 * last["x"])
    assert found[:, 2].mean() == pytest.approx(far, abs=0.1)
    assert abs(np.corrcoef(found.T)[0, 2]) < 0.07


def test_replicates_and_fresh_groups_know_nothing_of_the_fit():
    fit = fitted("ar1(v | s)")
    rows = DATA[DATA["s"] == "b c"]
    for table, options in ((rows, {}), (DATA[OUT], {"groups": "new"}), (DATA[OUT].assign(s="new"), {})):
        found, estimand = drawn(fit, table, **options)
        assert "given those of the fit" not in estimand
        np.testing.assert_allclose(found.mean(axis=0), 0.3 + 0.5 * table["x"], atol=0.1)


def test_labels_and_numbers_are_the_same_groups_and_visits():
    numbered = DATA.assign(s=DATA["s"].astype("category").cat.codes, v=DATA["v"].astype(int))
    residual = "us(factor(v) | s)"
    first, _ = drawn(fitted("us(v | s)"), DATA[OUT])
    second, _ = drawn(fitted(residual, data=numbered[~OUT]), numbered[OUT])
    third, _ = drawn(fitted(residual, data=numbered[~OUT]), numbered[OUT].assign(s="1", v=2.0))
    np.testing.assert_allclose(second, first)
    np.testing.assert_allclose(third, first)


def test_places_without_a_known_correlation_are_refused():
    with pytest.raises(DataError, match="equal steps"):
        drawn(fitted("ar1(v | s)"), DATA[OUT].assign(v=2.5))
    fit = fitted("homcs(v | s)")
    fit.posterior["rho_residual"][:] = -0.2
    rows = DATA[OUT].loc[[6] * 4].assign(v=[5.0, 6.0, 7.0, 8.0])
    with pytest.raises(DataError, match="as negatively correlated"):
        drawn(fit, rows)


@pytest.mark.parametrize("place", ["v", "factor(v)"])
def test_levels_in_order_are_those_of_the_fit_in_rows_to_predict(place):
    data = DATA.assign(v=DATA["v"].map("t{:.0f}".format)) if place == "v" else DATA
    found, estimand = drawn(fitted(f"ar1({place} | s)", data=data[~OUT]), data[OUT].assign(x=0.0))
    beside = data["y"][(data["s"] == "b c") & ~OUT].to_numpy() - np.array([0.3, 0.8, 0.8])
    assert "given those of the fit" in estimand
    assert found.mean() == pytest.approx(0.3 + 0.6 * (beside[1] + beside[2]) / 1.36, abs=0.08)
    fresh, _ = drawn(fitted(f"ar1({place} | s)", data=data[~OUT]), data[OUT].assign(x=0.0), groups="new")
    assert fresh.mean() == pytest.approx(0.3, abs=0.1)
