"""Draws with correlated residuals: their numbers, replicates, and files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.calibration.simulated_responses import draw_from_priors, repeat_rows
from bayesmixed.cross_validation.log_densities import total_log_likelihood
from bayesmixed.errors import DataError, SpecError
from bayesmixed.prediction.prior_samples import sample_prior

CORR = np.array([[1.0, 0.5, 0.3], [0.5, 1.0, 0.6], [0.3, 0.6, 1.0]])
pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def trial() -> pd.DataFrame:
    """Return subjects of two arms with up to three visits."""
    rows = [(f"s{s:02d}", v, "ab"[s % 2]) for s in range(12) for v in (1, 2, 3)]
    data = pd.DataFrame(rows, columns=["s", "v", "arm"]).drop(index=[4, 17]).reset_index(drop=True)
    return data.assign(y=np.exp(np.random.default_rng(1).normal(size=34)))


def fitted(family: str = "gaussian", residual: str = "us(v | s)", formula: str = "y ~ arm * factor(v)") -> bm.Fit:
    """Return a fit with given parameters."""
    design = bm.prepare(formula, trial(), residual=residual, family=family)
    values = {
        "sigma": 1.2,
        "beta_sigma": np.log([0.5, 1.0, 2.0]),
        "corr_residual": CORR,
        "ar1_residual": 0.6,
        "nu": 6.0,
    }
    return fit_at(design, values | {"sd_s": 0.5}, jitter=0.01)


def test_tables_have_sds_and_correlations_of_visits() -> None:
    table = bm.variance_components(fitted()).set_index(["level", "effect", "quantity"])["mean"]
    assert table["", "3", "sd"] == pytest.approx(2.0, rel=0.02)
    assert table["2", "1", "correlation"] == pytest.approx(0.5)
    assert table["3", "2", "covariance"] == pytest.approx(1.2, rel=0.03)
    named = bm.tidy(fitted(), "ran_pars").set_index("term")["estimate"]
    assert named.index.is_unique
    assert named["cov__2.3"] == pytest.approx(1.2, rel=0.03)
    terms = bm.tidy(fitted(residual="ar1(v | s)"), "ran_pars")["term"].tolist()
    assert terms == ["ar1__ar1(v | s)"]
    assert "3 parameters" not in str(bm.summary(fitted()))
    assert "correlation" in str(bm.summary(fitted()))


def test_replicates_keep_the_correlation_and_others_are_new() -> None:
    fit = fitted()
    made = bm.posterior_predictive(fit, seed=1)["y"].stack(sample=("chain", "draw")).values
    found = np.corrcoef(np.concatenate([made[:3], made[5:8], made[8:11]], axis=1))
    np.testing.assert_allclose(found, CORR, atol=0.2)
    rows = {"s": ["new", "new", "other"], "v": [3, 1, 1], "arm": ["a"] * 3}
    drawn = bm.predict(fit, rows, kind="response", seed=2)["response"].stack(sample=("chain", "draw")).values
    assert np.corrcoef(drawn)[0, 1] == pytest.approx(0.3, abs=0.25)
    said = bm.predict(fit, rows, kind="response", draws=2, seed=2).attrs["estimand"]
    assert said == "a new observation of y with a new residual, correlated within s"
    assert np.std(drawn[0]) / np.std(drawn[1]) == pytest.approx(4.0, rel=0.3)


def test_rows_without_places_have_means_and_no_responses() -> None:
    fit = fitted()
    alike = {"s": ["x", "x"], "v": [1, 1], "arm": ["a", "b"]}
    assert bm.predict(fit, alike)["mean"].sizes["row"] == 2
    with pytest.raises(DataError, match="share their group"):
        bm.predict(fit, alike, kind="response")
    with pytest.raises(DataError, match="needs the columns of residual"):
        bm.predict(fit, {"v": [1], "arm": ["a"]}, kind="response")
    assert len(bm.contrasts(fit, "arm", by="v").table) == 3
    assert len(bm.marginal_means(fit, "arm", by="v").table) == 6


def test_a_saved_fit_is_the_same(tmp_path: Path) -> None:
    fit = fitted("student", "ar1(v | s)", "y ~ arm + (1 | s)")
    bm.save_fit(fit, tmp_path / "fit.nc")
    again = bm.load_fit(tmp_path / "fit.nc")
    assert again.design.spec == fit.design.spec
    np.testing.assert_allclose(bm.log_likelihood(again).values, bm.log_likelihood(fit).values)


@pytest.mark.parametrize(
    "call",
    [
        lambda fit: bm.shrinkage(fit),
        lambda fit: bm.effective_groups(fit),
        lambda fit: bm.pooling_curve(fit),
        lambda fit: bm.icc(fit),
        lambda fit: bm.approximate(fit.design),
        lambda fit: bm.evidence(fit),
        lambda fit: bm.kfold(fit, by="observation", k=2),
        lambda fit: bm.loo(fit, unit="v"),
        lambda fit: bm.half_normal(fit, level="s"),
        lambda fit: repeat_rows(fit.design),
        lambda fit: bm.half_normal(fit, envelope="refit"),
    ],
)
def test_what_takes_rows_as_independent_is_refused(call: object) -> None:
    with pytest.raises(SpecError, match="ar1"):
        call(fitted(residual="ar1(v | s)", formula="y ~ arm + (1 | s)"))  # type: ignore[operator]


@pytest.mark.parametrize(("family", "formula"), [("gaussian", "y ~ arm"), ("lognormal", "y ~ arm + v")])
def test_visits_of_numbers_take_their_values_in_the_data_in_averages(family: str, formula: str) -> None:
    rows = trial().assign(y=lambda d: np.exp(d["y"]), v=lambda d: 2 * d["v"])
    design = bm.prepare(formula, rows, residual="us(v | s)", family=family)
    fit = fit_at(
        design,
        {"beta": [1.0, 0.2, 0.1][: 2 + ("+" in formula)], "beta_sigma": [-1.0, -0.5, 0.0], "corr_residual": CORR},
    )
    variance = np.exp(2 * np.array([-1.0, -0.5, 0.0])) if family == "lognormal" else np.zeros(3)
    line = 1.0 + 0.1 * np.array([2.0, 4.0, 6.0]) * ("+" in formula)
    expected = np.exp(line + variance / 2) if family == "lognormal" else line
    found = bm.marginal_means(fit, "v", at={"arm": "a"})
    np.testing.assert_allclose(found.table.iloc[:, -4:]["lower"], expected)
    assert "v = 4 (value nearest to the mean)" in str(bm.marginal_means(fit, "arm"))
    assert len(bm.contrasts(fit, "arm", by="v").table) == 3
    assert list(bm.comparisons(fit, "v").table["contrast"]) == ["6 - 2"]
    if family == "gaussian":
        assert "v, 6 instead of 2: expected y is the same under this model." in bm.describe_effects(fit).sentences
    with pytest.raises(SpecError, match="no number that has a slope"):
        bm.slopes(fit)


def test_other_summaries_work() -> None:
    fit = fitted(residual="ar1(v | s)", formula="y ~ arm + (1 | s)")
    assert bm.loo(fit, unit="s").n_data_points == 12
    assert bm.loo(fit, unit="observation").n_data_points == 34
    assert len(bm.residuals(fit)) == 34
    assert len(bm.r2(fit))
    assert "residuals correlated within s: autoregressive of order 1, with one SD, ar1(v | s)" in bm.methods_text(fit)
    assert "within s: each two visits with a correlation of their own, us(v | s)" in bm.methods_text(fitted())
    assert len(bm.prior_predictive(fit.design, draws=20, seed=1).table)


def test_the_density_of_a_response_from_the_priors_is_that_of_all_rows() -> None:
    for family, residual in (("gaussian", "us(v | s)"), ("student", "ar1(v | s)")):
        design = bm.prepare("y ~ arm", trial(), residual=residual, family=family)
        made = draw_from_priors(design, 1)
        posterior = made.truth.expand_dims(("chain", "draw"))
        fit = sample_prior(design.with_response(made.response), draws=1, seed=1)
        assert list(fit.posterior.data_vars) == list(posterior.data_vars)
        assert made.log_likelihood == pytest.approx(total_log_likelihood(fit).item())


def test_simulated_rows_have_the_true_correlations() -> None:
    many = pd.DataFrame({"s": np.repeat(np.arange(3000), 3), "v": np.tile([1, 2, 3], 3000)})
    spec = bm.from_formula("y ~ 1", residual="us(v | s)", sigma="~ 1")
    truth = {"beta[Intercept]": 1.0, "beta_sigma[Intercept]": 0.0, "corr_residual": 0.2, "corr_residual[1, 3]": -0.5}
    made = bm.simulate(spec, data=many, truth=truth, seed=1)
    found = np.corrcoef(made.data["y"].to_numpy().reshape(-1, 3).T)
    np.testing.assert_allclose(found[np.triu_indices(3, 1)], [0.2, -0.5, 0.2], atol=0.06)
    with pytest.raises(SpecError, match="No true value for 'ar1_residual'"):
        bm.simulate(bm.from_formula("y ~ 1", residual="ar1(v | s)"), data=many, truth={"beta": 0.0, "sigma": 1.0})
    with pytest.raises(SpecError, match="not positive definite"):
        bm.simulate(spec, data=many, truth=truth | {"corr_residual": -0.9})
