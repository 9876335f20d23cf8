"""Simulation-based calibration: right samplers pass, wrong ones do not, and a stopped run goes on where it was."""

import sys
from functools import cache

import numpy as np
import pytest
from exact_samplers import (
    MODEL,
    ROWS,
    VALUES,
    fails_on_small,
    normal_fit,
    other_prior,
    right,
    too_wide,
    without_data,
)
from scipy import stats

import bayesmixed as bm
from bayesmixed.calibration.simulated_fits import LOG_LIKELIHOOD


@pytest.fixture(scope="module")
def calibrated():
    """Return a function that gives the calibration of a sampler, made once."""
    return cache(lambda sampler: bm.calibrate(**MODEL, sampler=sampler))


@pytest.fixture(scope="module")
def passed(calibrated):
    return calibrated(right)


def test_exact_draws_have_uniform_ranks(passed):
    assert passed.uniform
    assert list(passed.table["quantity"]) == ["beta[Intercept]", LOG_LIKELIHOOD]
    assert len(passed.ranks) == 120
    pit = passed.ranks["pit"]
    assert ((pit > 0) & (pit < 1)).all()


def test_the_true_values_are_independent_draws_from_the_prior(passed):
    truth = passed.ranks.query("quantity == 'beta[Intercept]'")["truth"]
    assert stats.kstest(truth, stats.norm(1.0, 2.0).cdf).pvalue > 0.001


@pytest.mark.parametrize(
    ("sampler", "wrong"),
    [(too_wide, "beta[Intercept]"), (other_prior, "beta[Intercept]"), (without_data, LOG_LIKELIHOOD)],
)
def test_a_wrong_sampler_does_not_pass(calibrated, sampler, wrong):
    found = calibrated(sampler)
    assert wrong in found.suspicious
    assert not found.uniform
    assert "NOT CALIBRATED" in str(found)


def test_a_sampler_that_leaves_the_data_aside_shows_in_the_log_likelihood_only(calibrated):
    assert calibrated(without_data).suspicious == (LOG_LIKELIHOOD,)


def test_too_wide_posteriors_cover_too_often(calibrated):
    row = calibrated(too_wide).table.iloc[0]
    # A normal interval of twice the sd.
    assert row["cover_50"] == pytest.approx(2 * stats.norm.cdf(2 * stats.norm.ppf(0.75)) - 1, abs=0.15)
    assert row["cover_90"] >= 0.97


def test_failed_fits_are_counted_and_shown():
    found = bm.calibrate(**MODEL | {"n": 30}, sampler=fails_on_small)
    assert 0 < len(found.failures) < 30
    assert len(found.failures) + found.ranks["number"].nunique() == 30
    assert f"Failed fits: {len(found.failures)}." in str(found)
    assert "ValueError: no response below zero" in found._repr_html_()
    assert not found.uniform


def test_divergent_transitions_are_counted():
    def diverging(design, **settings):
        fit = normal_fit(design)
        fit.draws["sample_stats"]["diverging"][0, :3] = True
        return fit

    assert "Divergences: 6, in 2 fits" in str(bm.calibrate(**MODEL | {"n": 2}, sampler=diverging))


@pytest.mark.slow
def test_a_spec_with_a_plan_needs_no_data():
    found = bm.calibrate("herd", n=1, seed=2, chains=2, draws=50, tune=50, progress=False)
    assert set(found.ranks["quantity"]) == {"beta[Intercept]", "sd_herd[Intercept]", LOG_LIKELIHOOD}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, "n=0"),
        ({"save_every": 0}, "save_every=0"),
        ({"drawz": 3}, "Did you mean 'draws'"),
        ({"spec": 'y | weights(w, "frequency") ~ 1', "data": VALUES | {"w": np.ones(ROWS)}}, "frequency weights"),
        ({"data": {"x": np.ones(ROWS)}}, "No true value"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(change, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.calibrate(**MODEL | change)


def test_without_dask_a_client_is_refused_in_words(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(bm.SpecError, match=r"pip install 'bayesmixed\[cluster\]'"):
        bm.calibrate(**MODEL | {"n": 2}, client="tcp://localhost:8786")


def test_a_cluster_gives_the_ranks_of_this_machine(passed):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None) as client:
        found = bm.calibrate(**MODEL | {"n": 6}, sampler=right, client=client)
    assert found.ranks.equals(passed.ranks.query("number < 6"))


@pytest.mark.calibration
def test_the_collapsed_engine_is_calibrated():
    data = {"y": VALUES["y"], "x": np.linspace(-1, 1, ROWS), "g": np.repeat(list("abcdef"), 2)}
    found = bm.calibrate("y ~ x + (1 | g)", data=data, n=60, seed=1, draws=300, tune=300, progress=False)
    assert found.uniform
    assert len(found.table) == 5
