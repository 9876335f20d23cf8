"""New rows are checked like those of a fit, and codes of missing values are known wherever rows are taken."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from typer.testing import CliRunner

import bayesmixed as bm
from bayesmixed.cli import app

N = 24
ROWS = pd.DataFrame(
    {
        "y": np.arange(N) % 5,
        "n": 9,
        "g": np.resize(list("abcdefgh"), N),
        "x": np.sin(np.arange(N)),
        "t": np.cos(3.0 * np.arange(N)),
        "w": 1.0 + np.arange(N) % 3,
    }
)
COUNTS = fit_at(bm.prepare("y | trials(n) ~ x + (1 | g)", ROWS, family="binomial"), {"beta": [-1, 0.5], "sd_g": 0.5})
WEIGHED = fit_at(bm.prepare('t | weights(w, "precision") ~ x + (x | g)', ROWS), {"beta": [0, 1], "sd_g": 1, "sigma": 1})
ODD = [2.5, -3, 0, "six", np.nan, None, np.inf]
TAKING_ROWS = {
    "predict": lambda fit, rows, **na: bm.predict(fit, rows, kind="response", groups="any", seed=1, **na),
    "the mean": lambda fit, rows, **na: bm.predict(fit, rows, groups="average", **na),
    "refit": lambda fit, rows, **na: bm.refit(fit, data=rows, progress=False, **na),
    "like": lambda fit, rows, **na: bm.prepare(fit.design.spec, rows, like=fit.design, **na),
    "prior_predictive": lambda fit, rows, **na: bm.prior_predictive(fit.design.spec, rows, draws=5, **na),
    "calibrate": lambda fit, rows, **na: bm.calibrate(fit.design.spec, n=1, data=rows, seed=1, progress=False, **na),
    "vpc_curve": lambda fit, rows, **na: bm.vpc_curve(fit, "x", data=rows, **na),
    "plot_vpc_curve": lambda fit, rows, **na: bm.plot_vpc_curve(fit, "x", data=rows, **na),
    "check_data": lambda fit, rows, **na: _raise(bm.check_data(fit.design.spec, rows, **na)),
    "prior_table": lambda fit, rows, **na: bm.prior_table(fit.design.spec, rows, **na),
    "simulate": lambda fit, rows, **na: bm.simulate(fit.design.spec, data=rows, truth=TRUTH, **na),
}
TRUTH = {"beta[Intercept]": 0, "beta[x]": 0, "sd_g": 1, "corr_g": 0, "sigma": 1}


def _raise(report):
    if report.refusal:
        raise bm.DataError(report.refusal)


def odd(column, value):
    rows = ROWS.copy()
    rows[column] = rows[column].astype(object)
    rows.loc[7, column] = value
    return rows


@pytest.mark.parametrize("value", ODD, ids=str)
@pytest.mark.parametrize("call", TAKING_ROWS)
def test_odd_trials_are_refused_wherever_rows_are_taken(call, value):
    if call == "simulate":
        return
    with pytest.raises(bm.DataError, match="'n'"):
        TAKING_ROWS[call](COUNTS, odd("n", value))


@pytest.mark.parametrize("value", [value for value in ODD if value != 2.5], ids=str)
@pytest.mark.parametrize("call", TAKING_ROWS)
def test_odd_weights_are_refused_wherever_rows_are_taken(call, value):
    with pytest.raises(bm.DataError, match="'w'"):
        TAKING_ROWS[call](WEIGHED, odd("w", value))


@pytest.mark.parametrize("kind", ["frame", "file"])
@pytest.mark.parametrize("call", [*TAKING_ROWS, "implied_covariance"])
def test_codes_of_missing_values_are_known_wherever_rows_are_taken(call, kind, tmp_path):
    take = TAKING_ROWS.get(call, bm.implied_covariance)
    rows = odd("x", -999)
    if kind == "file":
        rows.to_csv(tmp_path / "rows.csv", index=False)
        rows = tmp_path / "rows.csv"
    with pytest.raises(bm.DataError, match=r"missing values.*'x'"):
        take(WEIGHED, rows, na=-999)


@pytest.mark.parametrize("value", [2.5, "six"], ids=str)
def test_odd_trials_are_refused_in_a_shell(value, tmp_path):
    bm.save_fit(COUNTS, tmp_path / "fit.nc")
    odd("n", value).to_csv(tmp_path / "rows.csv", index=False)
    ended = CliRunner().invoke(app, ["predict", str(tmp_path / "fit.nc"), "--data", str(tmp_path / "rows.csv")])
    assert ended.exit_code == 1
    assert "'n'" in ended.output
