"""A multiverse: every specification has the numbers that a fit of its own has."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import bayesmixed as bm
from bayesmixed.summaries.priors import multiverse, set_draws

SETS = {"default": {}, "half": 0.5, "tight": {"sigma": "HalfNormal(8)"}}
OTHER = {"slopes": "~ Days + (Days | Subject)"}
SHORT = {"chains": 2, "draws": 1000, "seed": 1, "progress": False}
pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


@pytest.fixture(scope="module")
def found():
    data = bm.datasets.load("sleepstudy")
    asked = {"slope SD": "sd_Subject[Days]"}
    return bm.compare_priors("sleepstudy_intercept", data, SETS, structures=OTHER, quantities=asked, **SHORT)


@pytest.mark.slow
def test_estimates_are_those_of_fits_of_their_own(found):
    data = bm.datasets.load("sleepstudy")
    assert set(found.specifications["draws"]) == {"sampled", "reweighted"}
    rows = found.specifications.set_index(["structure", "set"])
    for structure, name in (("spec", "half"), ("slopes", "tight")):  # reweighted, sampled
        fit = found.fits[structure, name]
        own = bm.sample(fit.design, engine="kernel", seed=7, progress=False)
        table = bm.describe_effects(own).table.iloc[0]
        row = found.table.set_index(["name", "structure", "set"]).loc[("Days: +1", structure, name)]
        assert row["estimate"] == pytest.approx(table["mean"], abs=5 * np.hypot(row["mcse"], table["mcse"]))
        assert row["sd"] == pytest.approx(table["sd"], rel=0.1)
        assert rows.loc[(structure, name), "elpd"] == pytest.approx(bm.loo(own, unit="observation").elpd, abs=0.6)
    tight = bm.fit(rows.loc[("slopes", "tight"), "formula"], data, priors=SETS["tight"], seed=7, progress=False)
    assert tight.posterior["sigma"].mean() == pytest.approx(
        float(found.fits["slopes", "tight"].posterior["sigma"].mean()), abs=0.3
    )


@pytest.mark.slow
def test_differences_of_predictions_are_those_of_compare_models(found):
    pair = {"a": found.fits["spec", "default"], "b": found.fits["slopes", "default"]}
    table = bm.compare_models(pair, unit="observation").table
    rows = found.specifications.set_index(["structure", "set"])
    apart = rows.loc[("spec", "default"), "elpd"] - rows.loc[("slopes", "default"), "elpd"]
    error = np.hypot(*rows.loc[list(found.fits)[::3], "elpd_mcse"])
    assert apart == pytest.approx(table["elpd"]["a"] - table["elpd"]["b"], abs=5 * error)
    assert rows["elpd_diff"].max() == 0.0
    assert rows.loc[("spec", "default"), "dse"] == pytest.approx(table["dse"]["a"], rel=0.1)


@pytest.mark.slow
def test_the_page_says_in_how_many_specifications_a_sign_holds(found):
    text = str(found)
    assert "Days: +1: above 0 in 6 of 6 specifications (100%), with its 95 % interval in 6" in " ".join(text.split())
    assert "slope SD: above 0 in 3 of 3" in text
    assert "spec: no 'slope SD', whose parameters are not in this structure" in text
    assert "reweighted from default" in found._repr_html_()
    assert "nan" not in text
    assert found._repr_html_().count("<table") == 2


@pytest.mark.slow
def test_a_fit_that_has_not_converged_is_not_counted(monkeypatch):
    data = bm.datasets.load("sleepstudy")

    def doubtful(fit):
        verdict = bm.diagnose(fit)
        bad = fit.design.spec.priors and "slopes" not in fit.design.spec.formula
        return replace(verdict, ok=False, problems=("made up",)) if bad else verdict

    monkeypatch.setattr(set_draws, "diagnose", doubtful)
    sets = {"default": {}, "tight": {"sigma": "HalfNormal(8)"}}
    found = bm.compare_priors("Reaction ~ Days + (1 | Subject)", data, sets, structures=OTHER, **SHORT)
    assert found.signs["specifications"].tolist() == [2, 2]
    assert list(found.specifications["converged"]) == [True, False, True, False]
    assert "spec, tight: NOT CONVERGED (made up); its numbers are not counted." in found.notes


@pytest.mark.slow
def test_draws_by_importance_weights_are_called_so():
    herds = bm.datasets.load("cbpp")
    sets = {"default": {}, "far": {"beta": "Normal(0, 0.1)"}}
    short = {"chains": 2, "draws": 500, "seed": 1, "progress": False, "engine": "marginal"}
    made = bm.compare_priors("herd_period", herds, sets, structures={"flat": "~ 1 + (1 | herd)"}, **short)
    assert list(made.specifications["draws"]) == ["importance weights"] * 3
    assert "flat, far: without the prior of 'beta', which this structure does not have." in made.notes


def test_predictions_are_compared_to_the_best_fit_that_converged(monkeypatch):
    def left_out(each):
        values = xr.DataArray(np.array([0.0, each]), dims="row", attrs={"mcse": 0.1})
        return SimpleNamespace(elpd=each, se=1.0, elpd_i=values, pareto_k=values, good_k=0.7)

    monkeypatch.setattr(multiverse, "leave_units_out", lambda fit, units, draws: left_out(fit))
    fits = {("a", "s"): -3.0, ("a", "t"): -1.0, ("b", "s"): -2.0}
    assert multiverse._leave_out(fits, None, [True, False, True])["elpd_diff"] == [-1.0, 1.0, 0.0]
    assert multiverse._leave_out(fits, None, [False] * 3)["elpd_diff"] == [-2.0, 0.0, -1.0]


def test_too_few_draws_are_refused_before_any_sampling(monkeypatch):
    monkeypatch.setattr(set_draws, "sample", lambda *_, **__: pytest.fail("sampled"))
    with pytest.raises(bm.SpecError, match="need at least 25 draws"):
        bm.compare_priors("sleepstudy_intercept", bm.datasets.load("sleepstudy"), SETS, structures=OTHER, draws=6)


def test_rows_with_likelihood_weights_have_no_predictions():
    data = bm.datasets.load("sleepstudy").assign(w=2.0)
    formula = 'Reaction | weights(w, "likelihood") ~ Days'
    found = bm.compare_priors(formula, data, SETS, structures={"flat": "~ 1"}, **{**SHORT, "draws": 100})
    assert found.specifications["elpd"].isna().all()
    assert "No elpd: rows with such weights cannot be left out one by one." in found.notes
    assert "elpd_diff" not in found.sections()[1].table
