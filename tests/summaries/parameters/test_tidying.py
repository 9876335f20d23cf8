"""The long table of a fit."""

import numpy as np
import pytest
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm


@pytest.fixture(scope="module")
def fit():
    spec = bm.from_formula("Reaction ~ Days + (Days | Subject)", sigma="~ 1 + (1 | Subject)")
    design = bm.prepare(spec, classic("lme4", "sleepstudy"))
    values = {
        "beta": [250.0, 10.0],
        "sd_Subject": [25.0, 6.0],
        "corr_Subject": [[1, 0.3], [0.3, 1]],
        "sd_Subject_sigma": 0.2,
    }
    return fit_at(design, values, jitter=0.01)


def test_every_estimated_number_has_a_row(fit):
    table = bm.tidy(fit)
    found = table[["effect", "component", "group", "term"]].apply(tuple, axis=1).tolist()
    assert found == [
        ("fixed", "mu", "", "Intercept"),
        ("fixed", "mu", "", "Days"),
        ("ran_pars", "mu", "Subject", "sd__Intercept"),
        ("ran_pars", "mu", "Subject", "sd__Days"),
        ("ran_pars", "mu", "Subject", "cor__Intercept.Days"),
        ("fixed", "sigma", "", "Intercept"),
        ("ran_pars", "sigma", "Subject", "sd__Intercept"),
    ]
    np.testing.assert_allclose(table["estimate"], [250, 10, 25, 6, 0.3, 0, 0.2], atol=0.01)


def test_intervals_and_diagnostics_are_those_of_the_draws(fit):
    import arviz_stats

    row = bm.tidy(fit, "fixed").iloc[1]
    draws = fit.posterior["beta"].sel(beta_effect="Days", drop=True)
    assert row["std.error"] == pytest.approx(draws.values.std(ddof=1))
    assert (row["conf.low"], row["conf.high"]) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])))
    assert row["ess"] == pytest.approx(float(arviz_stats.ess(draws.to_dataset(name="x"), method="bulk")["x"]))
    assert row["rhat"] == pytest.approx(float(arviz_stats.rhat(draws.to_dataset(name="x"))["x"]))


def test_effects_of_groups_come_when_asked_for(fit):
    table = bm.tidy(fit, "ran_vals")
    assert len(table) == 18 * 2 + 18
    assert table.loc[0, ["group", "level", "term"]].tolist() == ["Subject", "308", "Intercept"]


def test_parameters_without_a_predictor_are_rows_and_constant_ones_have_no_diagnostics():
    fit = fit_at(bm.prepare("y ~ 1", {"y": np.arange(9.0)}), {"beta": 4.0, "sigma": 2.0})
    table = bm.tidy(fit, ["family"])
    assert table[["effect", "component", "term"]].values.tolist() == [["family", "sigma", "sigma"]]
    assert np.isnan(table["rhat"][0])
    assert table["std.error"][0] == 0


def test_an_unknown_kind_is_refused(fit):
    with pytest.raises(bm.SpecError, match="Did you mean 'ran_pars'"):
        bm.tidy(fit, "ran_par")
