"""Fits with missing values and errors of measurement, from the formula to files and predictions."""

import numpy as np
import pandas as pd
import pytest
from incomplete import incomplete_table
from scipy import optimize

import bayesmixed as bm
from bayesmixed.errors import SpecError


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:'g' has 4 levels")
def test_a_fit_with_a_lognormal_column_and_missing_responses(tmp_path):
    data = incomplete_table(60).assign(x=lambda d: np.exp(0.3 * d["x"]))
    data.loc[[20, 21], "y"] = np.nan
    spec = bm.from_formula("y ~ mi(x) + z + (1 | g)", impute={"x": {"formula": "~ z", "family": "lognormal"}})
    fit = bm.fit(spec, data, missing="impute", seed=1, draws=200, chains=2, progress=False)
    assert fit.engine.name == "pymc"
    assert any("3 values of 'x' are drawn" in note for note in fit.design.notes)
    assert "values of 'x' are drawn with the parameters" in fit.engine.why
    drawn = bm.imputations(fit).table
    assert drawn[["column", "row"]].to_numpy().tolist() == [["x", 1], ["x", 5], ["x", 9], ["y", 20], ["y", 21]]
    assert (fit.posterior["imputed_x"] > 0).all()
    assert bm.imputation_models(fit)["parameter"].tolist() == [
        "beta_of_x[Intercept]",
        "beta_of_x[z]",
        "beta_of_x_sigma[Intercept]",
    ]
    loaded = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    pd.testing.assert_frame_equal(bm.imputations(loaded).table, bm.imputations(fit).table)
    assert str(bm.summary(loaded)) == str(bm.summary(fit))
    rows = data.dropna().head(3)
    found = bm.predict(loaded, rows)["mean"]
    beta = fit.posterior["beta"].values
    effects = fit.posterior["b_g"].values[..., rows["g"], 0]
    columns = np.column_stack([np.ones(3), rows["x"], rows["z"]])
    np.testing.assert_allclose(found.values, beta @ columns.T + effects)
    assert np.isfinite(bm.loo(loaded, unit="observation").elpd)
    assert bm.predict(loaded)["mean"].sizes["row"] == 58
    with pytest.raises(SpecError, match=r"bm.verify needs one set of rows, and values of 'x' are drawn"):
        bm.verify(loaded)


@pytest.mark.calibration
def test_errors_of_measurement_are_corrected_as_by_maximum_likelihood():
    generator = np.random.default_rng(1)
    true = generator.normal(3.0, 1.0, 300)
    sd = generator.uniform(0.3, 1.0, 300)
    x, y = true + sd * generator.normal(size=300), 1.0 + 2.0 * true + 0.5 * generator.normal(size=300)

    def misfit(p):
        spread, noise = np.exp(2 * p[3]), np.exp(2 * p[4])
        first, both, second = spread + sd**2, p[1] * spread, p[1] ** 2 * spread + noise
        determinant, one, other = first * second - both**2, x - p[2], y - p[0] - p[1] * p[2]
        square = (second * one**2 - 2 * both * one * other + first * other**2) / determinant
        return 0.5 * np.sum(np.log(determinant) + square)

    best = optimize.minimize(misfit, [1.0, 1.0, 3.0, 0.0, 0.0])
    fit = bm.fit("y ~ me(x, sd)", {"y": y, "x": x, "sd": sd}, seed=1, progress=False)
    assert bm.diagnose(fit).ok
    means, errors = fit.posterior["beta"].mean(("chain", "draw")).values, np.sqrt(np.diag(best.hess_inv))
    assert means == pytest.approx(best.x[:2], abs=0.3 * errors[:2].max())
    inside = bm.imputations(fit).table
    assert np.mean((true > inside["lower"]) & (true < inside["upper"])) == pytest.approx(0.95, abs=0.04)
