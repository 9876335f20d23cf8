"""screen: what is computed of each candidate, which fail and why, and what many models have in common."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.summaries import screening

QUICK = {"draws": 60, "progress": False}


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(1)
    g = np.repeat([f"g, [{i}]" for i in range(10)], 6)
    x = generator.normal(size=60)
    y = 9.0 + x + np.repeat(generator.normal(0, 0.7, 10), 6) + generator.normal(0, 0.5, 60)
    return pd.DataFrame(
        {"y": y, "x": x, "g": g, "k": generator.poisson(np.exp(0.3 * x + 1)), "z": np.where(x > 1.2, np.nan, x)}
    )


@pytest.fixture(scope="module")
def found(data):
    specs = {
        "groups": "y ~ x + (1 | g)",
        "pooled": "y ~ x",
        "nothing": "y ~ 1",
        "typo": "y ~ xx",
        "log": "log(y) ~ x + (1 | g)",
    }
    return bm.screen(specs, data, **QUICK | {"draws": 150})


def test_candidates_are_sorted_by_what_they_predict_and_failures_come_last_with_the_reason(found):
    table = found.table
    assert list(table.index)[2:] == ["pooled", "nothing", "typo"]
    assert table["problem"].tolist()[:4] == [""] * 4
    assert "Did you mean 'x'" in table.loc["typo", "problem"]
    assert table.loc["typo"].drop(["engine", "problem"]).isna().all()
    assert table["engine"].tolist() == ["marginal", "marginal", "collapsed", "collapsed", ""]
    assert table["parameters"].dropna().to_dict() == {"groups": 4, "log": 4, "pooled": 3, "nothing": 2}
    assert set(found.specs) == {"groups", "pooled", "nothing", "typo", "log"}
    known = table.drop(index="typo")
    assert np.allclose(known["elpd"] - known["elpd"].iloc[0], known["elpd_diff"])
    assert (known["stacking"].sum(), known["probability"].sum()) == (pytest.approx(1, abs=0.01), pytest.approx(1))
    assert np.allclose(known["aic"], 2 * known["parameters"] - 2 * known["log_likelihood"])


def test_a_response_on_another_scale_is_taken_back_in_every_column(found, data):
    slope = -np.log(data["y"]).sum()
    own = bm.screen(["log(y) ~ x + (1 | g)"], data, **QUICK | {"draws": 150}).table.iloc[0]
    back = found.table.loc["log"]
    for name, factor in (("log_likelihood", 1), ("aic", -2), ("elpd", 1), ("log_evidence", 1)):
        assert back[name] == pytest.approx(own[name] + factor * slope)
    assert (own["elpd_diff"], own["stacking"], own["log_bayes_factor"], own["probability"]) == (0, 1, 0, 1)


def test_the_page_says_what_is_compared_what_failed_and_what_default_priors_mean(found):
    text = str(found)
    assert text.startswith("Candidates\n----------\nelpd: a new observation in the known groups; higher is better.")
    assert "- 'typo': " in text
    assert "Lindley" in text
    assert "<h4>Candidates</h4>" in found._repr_html_()


def test_models_that_the_engine_cannot_take_have_no_evidence_and_say_so(data):
    specs = {"a": "k ~ x + (1 | g)", "b": "k ~ x"}
    found = bm.screen(specs, data, family="hurdle_poisson", **QUICK).table
    assert found.loc["a", "engine"] == "kernel"
    assert np.isnan(found.loc["a", "log_evidence"])
    assert (
        "without evidence, as 'marginal' cannot: the log-likelihood of family 'hurdle_poisson'"
        in found.loc["a", "problem"]
    )
    assert found.loc["b", ["problem", "probability"]].tolist() == ["", 1.0]
    assert found["elpd"].notna().all()


def test_rows_that_one_model_lacks_are_left_out_of_all_or_the_model_is(data):
    specs = ["y ~ x", "y ~ z"]
    missing = int(data["z"].isna().sum())
    found = bm.screen(specs, data, missing="drop", **QUICK)
    assert found.notes[0].startswith(f"{missing} rows with a missing value")
    alone = bm.screen(["y ~ x"], data.dropna(), **QUICK)
    assert found.table.loc["y ~ x", "log_likelihood"] == pytest.approx(alone.table.loc["y ~ x", "log_likelihood"])
    same_labels = bm.screen(specs, data.set_axis(np.zeros(60)), missing="drop", **QUICK)
    assert same_labels.table.drop(columns="seconds").equals(found.table.drop(columns="seconds"))
    kept = bm.screen(specs, data, **QUICK).table
    assert "missing" in kept.loc["y ~ z", "problem"]
    assert kept.loc["y ~ x", "elpd_diff"] == 0


def test_weights_leave_what_can_be_computed(data):
    rows = data.assign(w=1 + np.arange(60) % 2)
    counted, powered = (
        bm.screen([f'y | weights(w, "{kind}") ~ x'], rows, **QUICK) for kind in ("frequency", "likelihood")
    )
    for found in (counted, powered):
        assert found.table["elpd"].isna().all()
        assert found.notes[0].startswith("No elpd")
    assert np.isfinite(counted.table["log_evidence"].iloc[0])
    expanded = bm.screen(["y ~ x"], rows.loc[rows.index.repeat(rows["w"])].reset_index(drop=True), **QUICK)
    assert counted.table["log_likelihood"].iloc[0] == pytest.approx(expanded.table["log_likelihood"].iloc[0])
    error = np.hypot(counted.table["mcse"], expanded.table["mcse"].iloc[0]).iloc[0]
    assert abs(counted.table["log_evidence"].iloc[0] - expanded.table["log_evidence"].iloc[0]) < 4 * error
    assert "no density of the data" in powered.table["problem"].iloc[0]


def test_a_joint_prior_with_scales_of_its_own_leaves_the_predictions(data, monkeypatch):
    spec = bm.from_formula("y ~ x + k", priors={"coefficients": "Horseshoe(relevant=1)"})
    monkeypatch.setattr(screening, "sample", lambda design, **_: fit_at(design, {"sigma": 1.0}, jitter=0.1))
    row = bm.screen([spec], data, **QUICK).table.iloc[0]
    assert "without evidence, as 'marginal' cannot: " in row["problem"]
    assert np.isfinite(row["elpd"])
    assert np.isnan(row["log_evidence"])


def test_correlated_residuals_leave_the_predictions(monkeypatch):
    rows = {"y": np.random.default_rng(1).normal(size=40), "x": np.arange(40) % 5, "g": np.arange(40) // 5}
    monkeypatch.setattr(
        screening, "sample", lambda design, **_: fit_at(design, {"sigma": 1.0, "ar1_residual": 0.3}, jitter=0.1)
    )
    found = bm.screen(["y ~ 1", "y ~ x"], rows, residual="ar1(x | g)")
    assert found.table["elpd"].notna().all()
    assert found.table["log_evidence"].isna().all()
    assert "no evidence: The prior density" in found.table["problem"].iloc[0]


def test_separation_is_named_and_the_posterior_is_still_there(data):
    rows = data.assign(b=(data["x"] > 0).astype(int))
    row = bm.screen(["b ~ x + (1 | g)"], rows, family="bernoulli", **QUICK).table.iloc[0]
    assert "'beta[x]' has no finite maximum" in row["problem"]
    assert np.isfinite(row["elpd"])


def test_a_stopped_run_returns_what_is_done(data, monkeypatch):
    done = []

    def stopped(design, **settings):
        done.append(design)
        if len(done) == 2:
            raise KeyboardInterrupt
        return bm.sample(design, **settings)

    monkeypatch.setattr(screening, "sample", stopped)
    table = bm.screen(["y ~ x", "y ~ 1", "y ~ z"], data.dropna(), **QUICK).table
    assert table["problem"].tolist() == ["", "the run was stopped before it", "the run was stopped before it"]


@pytest.mark.parametrize(
    ("specs", "options", "message"),
    [
        ([], {}, "empty"),
        ({}, {}, "no model to screen"),
        ("y ~ x", {}, "specs must be"),
        (["y ~ xx", "y ~ q"], {}, "None of the 2 models can be fitted. 'y ~ xx': .*Did you mean 'x'"),
        (["y ~ x", bm.from_formula("k ~ x", family="poisson")], {}, "probabilities of counts"),
        (["y ~ x", "x ~ y"], {}, "same response|another scale"),
        (["y ~ x"], {"unit": "groups"}, "Did you mean 'group'"),
        (["y ~ x"], {"unit": "group", "by": "h"}, "No model has by='h'"),
        (["y ~ x"], {"drawz": 3}, "drawz=3 is not an option"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_sampled(data, monkeypatch, specs, options, message):
    monkeypatch.setattr(screening, "sample", None)
    with pytest.raises((bm.SpecError, bm.DataError), match=message):
        bm.screen(specs, data, **QUICK | options)


@pytest.mark.slow
def test_numbers_are_those_of_whole_fits_within_their_errors(data):
    formulas = ["k ~ x + (1 | g)", "k ~ (1 | g)", "k ~ x + (x || g)", "k ~ x + (x | g)", "k ~ x"]
    table = bm.screen(formulas, data, family="poisson", progress=False).table
    for formula in formulas:
        engine = "marginal" if "|" in formula else "kernel"
        fit = bm.fit(formula, data, family="poisson", engine=engine, seed=5, progress=False)
        whole, row = bm.evidence(fit).table.iloc[0], table.loc[formula]
        assert abs(row["log_evidence"] - whole["log_evidence"]) < 4 * np.hypot(row["mcse"], whole["mcse"])
        loo = bm.loo(fit, unit="observation")
        assert abs(row["elpd"] - loo.elpd) < 5 * np.sqrt(loo.p / 300)
        assert row["se"] == pytest.approx(loo.se, rel=0.05)
        assert row["log_likelihood"] == pytest.approx(bm.approximate(formula, data, family="poisson").log_likelihood)


@pytest.mark.slow
def test_models_on_processes_have_the_results_of_this_one():
    models, data = ["Reaction ~ Days", "Reaction ~ Days + (1 | Subject)"], bm.datasets.load("sleepstudy")
    here, there = (bm.screen(models, data, draws=100, progress=False, processes=count).table for count in (1, 2))
    pd.testing.assert_frame_equal(here.drop(columns="seconds"), there.drop(columns="seconds"))


def test_models_are_not_sent_to_what_is_no_cluster():
    with pytest.raises(bm.SpecError, match="dask"):
        bm.screen(["Reaction ~ Days"], bm.datasets.load("sleepstudy"), client=object(), progress=False)
