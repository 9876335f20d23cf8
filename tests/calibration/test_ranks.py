"""Simulation-based calibration: right samplers pass, wrong ones do not, and a stopped run goes on where it was."""

import json
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import bayesmixed as bm
from bayesmixed.calibration.ranks import lay_out_rows
from bayesmixed.calibration.simulated_fits import LOG_LIKELIHOOD, Task, fit_simulated
from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.prior_distributions import Prior
from bayesmixed.summaries.checks.transforms import ecdf_difference

ROWS = 12
PRIORS = {"beta[Intercept]": "Normal(1, 2)", "sigma": 1.5}
VALUES = {"y": np.random.default_rng(5).normal(size=ROWS)}
MODEL = {"spec": "y ~ 1", "data": VALUES, "priors": PRIORS, "n": 60, "seed": 3, "progress": False}


def normal_fit(design, scale=1.0, prior_mean=1.0):
    """Return a fit with independent draws from the exact posterior of a normal mean, wrong where the arguments say so."""
    y = np.asarray(design.response)
    precision = 1 / 2.0**2 + len(y) / 1.5**2
    mean, sd = (prior_mean / 2.0**2 + y.sum() / 1.5**2) / precision, scale * precision**-0.5
    beta = np.random.default_rng(int(1e6 * abs(y[0]))).normal(mean, sd, (2, 100, 1))
    posterior = xr.Dataset(
        {"beta": (("chain", "draw", "beta_effect"), beta), "sigma": (("chain", "draw"), np.full((2, 100), 1.5))},
        coords={"beta_effect": ["Intercept"]},
    )
    statistics = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((2, 100), dtype=bool))})
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": statistics})
    settings = Settings(chains=2, draws=100, tune=0, cores=1, target_accept=0.9, seed=1)
    return bm.Fit(design, tree, EngineRecord("exact", "test"), settings, {}, {})


def right(design, **settings):
    return normal_fit(design)


def too_wide(design, **settings):
    return normal_fit(design, scale=2.0)


def other_prior(design, **settings):
    return normal_fit(design, prior_mean=-6.0)


def without_data(design, **settings):
    """Return the prior as the posterior: only the log-likelihood can tell."""
    fit = normal_fit(design)
    draws = fit.draws["posterior"].to_dataset()
    generator = np.random.default_rng(int(1e6 * abs(design.response[0])))
    draws["beta"] = draws["beta"].copy(data=generator.normal(1.0, 2.0, draws["beta"].shape))
    groups = {"posterior": draws, "sample_stats": fit.draws["sample_stats"].to_dataset()}
    return replace(fit, draws=xr.DataTree.from_dict(groups))


def fails_on_small(design, **settings):
    if design.response[0] < 0:
        raise ValueError("no response below zero")
    return normal_fit(design)


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


@pytest.mark.parametrize("stop", [4, 7])
def test_a_stopped_and_resumed_run_has_the_ranks_of_one_run(passed, tmp_path, stop):
    path, calls = tmp_path / "ranks.json", []

    def interrupted(design, **settings):
        calls.append(1)
        if len(calls) == stop:
            raise KeyboardInterrupt
        return normal_fit(design)

    interrupted.__module__, interrupted.__qualname__ = right.__module__, right.__qualname__
    given = MODEL | {"n": 12, "resume": path, "save_every": 3}
    first = bm.calibrate(**given, sampler=interrupted)
    assert len(first.fits) == stop - 1
    assert "STOPPED" in str(first)
    again = bm.calibrate(**given, sampler=right)
    assert again.ranks.equals(passed.ranks.query("number < 12"))
    assert [child.name for child in tmp_path.iterdir()] == ["ranks.json"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 4}, "seed"),
        ({"priors": {**PRIORS, "sigma": 1.4}}, "'spec', 'priors'"),
        ({"draws": 77}, "settings"),
        ({"sampler": too_wide}, "sampler"),
    ],
)
def test_another_calibration_is_not_resumed(tmp_path, change, named):
    given = MODEL | {"n": 2, "resume": tmp_path / "ranks.json"}
    bm.calibrate(**given | {"sampler": right})
    with pytest.raises(bm.DataError, match=f"another calibration: '?{named}"):
        bm.calibrate(**{**given, "sampler": right, **change})


@pytest.mark.parametrize("text", ["", "[]", json.dumps({"a": 1})])
def test_a_file_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(bm.DataError, match="damaged or no file"):
        bm.calibrate(**MODEL | {"n": 2, "resume": path}, sampler=right)


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


def test_data_that_cannot_be_fitted_are_drawn_anew():
    priors = {"beta[Intercept]": "Normal(-2, 2)"}
    found = bm.calibrate(
        bm.from_formula("y ~ 1", family="poisson", priors=priors),
        data={"y": [0, 1, 2]},
        n=8,
        seed=1,
        sampler=lambda design, **settings: (_ for _ in ()).throw(ValueError(np.ptp(design.response))),
        progress=False,
    )
    assert found.rejected["the same value in all rows"] > 0
    assert not any(fit.problem.endswith(": 0.0") for fit in found.fits)
    assert "Drawn anew" in str(found)


def test_priors_without_possible_data_are_refused():
    spec = bm.from_formula("y ~ 1", family="poisson", priors={"beta[Intercept]": "Normal(-60, 0.1)"})
    with pytest.raises(bm.SpecError, match="no data that can be fitted"):
        bm.calibrate(spec, data={"y": [0, 1, 2]}, n=2, seed=1, progress=False)


def test_all_data_sets_share_priors_realised_once():
    seen = []

    def look(design, **settings):
        seen.append(design.priors)
        raise ValueError("nothing more is needed")

    data = {"y": 1000 + 50 * np.random.default_rng(1).normal(size=ROWS)}
    bm.calibrate("y ~ 1", data=data, n=3, seed=1, sampler=look, progress=False)
    assert len(seen) == 3
    expected = bm.prepare("y ~ 1", data).priors
    assert all(priors == expected for priors in seen)
    assert expected["sigma"].prior != Prior(name="HalfStudentT", arguments=(4.0, 1.0))


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


def test_the_share_of_samples_that_stray_as_far_is_uniform_itself():
    generator = np.random.default_rng(8)
    p = [ecdf_difference(generator.random(50)).p for _ in range(200)]
    assert abs(np.mean(np.array(p) < 0.1) - 0.1) < 4 * np.sqrt(0.09 / 200)


def test_a_data_set_depends_on_its_number_only(passed):
    design = lay_out_rows(bm.from_formula("y ~ 1", priors=PRIORS), VALUES, 3)
    assert fit_simulated(Task(design, right, {}, 3), 7) == passed.fits[7]


@pytest.mark.calibration
def test_the_collapsed_engine_is_calibrated():
    data = {"y": VALUES["y"], "x": np.linspace(-1, 1, ROWS), "g": np.repeat(list("abcdef"), 2)}
    found = bm.calibrate("y ~ x + (1 | g)", data=data, n=60, seed=1, draws=300, tune=300, progress=False)
    assert found.uniform
    assert len(found.table) == 5
