"""Influence against exact posteriors without a group."""

import warnings

import fixed_draws
import numpy as np
import pandas as pd
import pytest
from conftest import CHECKS, classic
from scipy import stats

import bayesmixed as bm
from bayesmixed.cross_validation import influential_groups


@pytest.fixture(scope="module")
def nine_rows():
    inputs, expected = CHECKS["G1"]["inputs"], CHECKS["G2"]["expected"]
    data = pd.DataFrame({"y": inputs["y"], "group": inputs["group"]})
    quantiles = stats.norm.ppf((np.arange(8000) + 0.5) / 8000).reshape(2, 4000, 1)
    values = {"beta": expected["beta_mean"] + expected["beta_sd"] * quantiles, "sd_group": 1.2, "sigma": 0.8}
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        patch.setattr(fixed_draws, "DRAWS", 4000)
        return data, fixed_draws.fit_at(bm.prepare("y ~ 1 + (1 | group)", data), values)


def test_the_mean_without_a_group_is_that_of_the_exact_posterior(nine_rows):
    data, fit = nine_rows
    found = bm.influence(fit, "group").set_index("level")
    for label in "abc":
        means = data[data["group"] != label].groupby("group")["y"].agg(["mean", "size"])
        precision = 1.0 / (1.2**2 + 0.8**2 / means["size"])
        total = 1.0 / 1.5**2 + precision.sum()
        mean = (2.0 / 1.5**2 + (precision * means["mean"]).sum()) / total
        assert found.loc[label, "without"] == pytest.approx(mean, abs=0.02)
        sd = CHECKS["G2"]["expected"]["beta_sd"]
        assert found.loc[label, "sd_ratio"] == pytest.approx(total**-0.5 / sd, rel=0.03)
        assert found.loc[label, "shift"] == pytest.approx((mean - found.loc[label, "mean"]) / sd, abs=0.03)


def test_groups_that_weights_cannot_leave_out_are_left_out_by_refits_if_asked_for(nine_rows, monkeypatch):
    fit, asked = nine_rows[1], []

    def exact(fit, held):
        asked.append(held.nonzero()[0].tolist())
        return fit.posterior.assign(beta=fit.posterior["beta"] * 0.5 + 10.0)

    monkeypatch.setattr(influential_groups, "sample_without", exact)
    assert list(bm.influence(fit, "group")["by"]) == ["weights"] * 3
    ks = bm.influence(fit, "group").set_index("level")["pareto_k"].sort_values()
    monkeypatch.setattr(influential_groups, "LARGEST_K", float(ks.iloc[1]))
    table = bm.influence(fit, "group", refits=True).set_index("level")
    refitted = table.loc[ks.index[2]]
    assert asked == [np.flatnonzero(nine_rows[0]["group"] == ks.index[2]).tolist()]
    assert list(table["by"].value_counts().sort_index().items()) == [("refit", 1), ("weights", 2)]
    assert (refitted["by"], refitted["sd_ratio"]) == ("refit", pytest.approx(0.5))
    assert refitted["without"] == pytest.approx(0.5 * refitted["mean"] + 10.0)


def test_the_most_influential_group_comes_first(nine_rows):
    table = bm.influence(nine_rows[1], "group")
    assert list(table["shift"].abs()) == sorted(table["shift"].abs(), reverse=True)


def test_parameters_have_the_names_of_the_draws_and_each_correlation_stands_once():
    off = np.linspace(-0.5, 0.5, 100).reshape(2, 50)
    corr = np.stack([np.stack([1 + 0 * off, off], -1), np.stack([off, 1 + 0 * off], -1)], -1)
    values = {"beta": [250.0, 10.0], "sd_Subject": [25.0, 6.0], "corr_Subject": corr, "sigma": 25.0}
    fit = fixed_draws.fit_at(bm.prepare("Reaction ~ Days + (Days | Subject)", classic("lme4", "sleepstudy")), values)
    table = bm.influence(fit, "Subject")
    assert set(table["parameter"]) == {"corr_Subject[Intercept, Days]"}
    assert len(table) == 18


def test_a_group_that_is_not_there_is_refused(nine_rows):
    with pytest.raises(bm.SpecError, match="Did you mean 'group'"):
        bm.influence(nine_rows[1], "groups")


@pytest.mark.slow
def test_refits_on_processes_are_those_of_this_one(monkeypatch):
    fit = bm.load_fit("herd_period")
    third = sorted(bm.influence(fit, "herd").drop_duplicates("level")["pareto_k"])[-3]
    monkeypatch.setattr("bayesmixed.cross_validation.influential_groups.LARGEST_K", third)
    here, there = (bm.influence(fit, "herd", refits=True, processes=count, progress=False) for count in (1, 2))
    assert here.drop_duplicates("level")["by"].value_counts()["refit"] == 2
    pd.testing.assert_frame_equal(here, there)


def test_an_interruption_leaves_the_other_groups_to_weights(monkeypatch):
    module = "bayesmixed.cross_validation.influential_groups"
    monkeypatch.setattr(f"{module}.LARGEST_K", -1.0)
    fit, calls = bm.load_fit("herd_period"), []

    def sample_without(fit, held):
        calls.append(held)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return fit.posterior

    monkeypatch.setattr(f"{module}.sample_without", sample_without)
    table = bm.influence(fit, "herd", refits=True, progress=False)
    assert table.drop_duplicates("level")["by"].value_counts().to_dict() == {"weights": 13, "refit": 2}


def test_what_is_no_cluster_is_refused(monkeypatch):
    monkeypatch.setattr("bayesmixed.cross_validation.influential_groups.LARGEST_K", -1.0)
    with pytest.raises(bm.SpecError, match="dask"):
        bm.influence(bm.load_fit("herd_period"), "herd", refits=True, client=object(), progress=False)
