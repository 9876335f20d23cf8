"""Which prior sets are sampled and which take the draws of another one, and the Bayes factors between them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from nine_rows import ROWS, SPEC, exact_fit, normal_posterior

from bayesmixed.errors import SamplingError, SpecError
from bayesmixed.fits.convergence import diagnose
from bayesmixed.fits.prior_sets import realise_sets
from bayesmixed.summaries.priors import set_draws
from bayesmixed.summaries.priors.set_draws import Workers, draw_sets

SETS = {"first": (2, 1.5), "near": (2.5, 1.2), "far": (-9, 0.3), "beside": (-8.9, 0.31)}


@pytest.fixture
def sampled(monkeypatch):
    """Draw exactly in place of sampling, and note under which priors."""
    asked = []

    def sample(design, seed, **settings):
        asked.append(design.priors["beta[Intercept]"].prior.arguments)
        return exact_fit(design, seed=seed)

    monkeypatch.setattr(set_draws, "sample", sample)
    return asked


def realised():
    sets = {name: {"beta[Intercept]": f"Normal{law}"} for name, law in SETS.items()}
    return realise_sets(SPEC, ROWS, sets)


def test_a_set_takes_the_draws_of_the_nearest_set_that_was_sampled(sampled):
    fits, verdicts, table = draw_sets(realised(), 1, True, {})
    assert sampled == [(2, 1.5), (-9, 0.3)]
    assert list(table["draws"]) == ["sampled", "reweighted", "sampled", "reweighted"]
    assert list(table["source"]) == ["", "first", "", "far"]
    assert list(verdicts) == list(SETS)
    for name, law in SETS.items():
        mean, sd, _ = normal_posterior(*law)
        beta = fits[name].posterior["beta"].values
        assert (beta.mean(), beta.std()) == pytest.approx((mean, sd), abs=0.1 * sd)


def test_bayes_factors_are_known_between_sets_with_draws_in_common(sampled):
    table = draw_sets(realised(), 1, True, {})[2].set_index("set")
    evidence = {name: normal_posterior(*law)[2] for name, law in SETS.items()}
    near = table.loc["near"]
    assert near["log_bayes_factor"] == pytest.approx(evidence["near"] - evidence["first"], abs=4 * near["mcse"])
    assert table.loc["first", "log_bayes_factor"] == 0.0
    assert table.loc[["far", "beside"], "log_bayes_factor"].isna().all()
    assert table.loc["far", "pareto_k"] > 0.7 or table.loc["far", "worth"] < 1000


def test_draws_that_only_look_bad_when_weighted_are_sampled(sampled, monkeypatch):
    seen = []

    def suspicious(fit):
        seen.append(any("drawn again" in decision for decision in fit.engine.decisions))
        return replace(diagnose(fit), ok=not seen[-1])

    monkeypatch.setattr(set_draws, "diagnose", suspicious)
    table = draw_sets(realised(), 1, True, {})[2]
    assert list(table["draws"]) == ["sampled"] * len(SETS)
    assert any(seen)
    monkeypatch.setattr(set_draws, "diagnose", lambda fit: replace(diagnose(fit), ok=False))
    assert "reweighted" in set(draw_sets(realised(), 1, True, {})[2]["draws"])


def test_every_set_is_sampled_if_asked_for(sampled):
    table = draw_sets(realised(), 1, False, {})[2]
    assert len(sampled) == len(SETS)
    assert list(table["draws"]) == ["sampled"] * len(SETS)
    assert np.isnan(table["pareto_k"]).all()


def _exactly(task, number):
    designs, seed, settings = task
    assert settings == {"cores": 1, "progress": False}
    return number, exact_fit(designs[number], seed=seed)


@pytest.mark.parametrize("reweight", [True, False])
@pytest.mark.parametrize("processes", [1, 2, 9])
def test_more_processes_change_nothing_but_how_many_sets_are_sampled_at_once(sampled, monkeypatch, processes, reweight):
    many = SETS | {"other": (40, 0.2), "third": (90, 0.2), "last": (90.1, 0.21)}
    sets = realise_sets(SPEC, ROWS, {n: {"beta[Intercept]": f"Normal{law}"} for n, law in many.items()})
    groups = []

    def run_tasks(run, task, numbers, client, processes):
        groups.append([design.priors["beta[Intercept]"].prior.arguments for design in task[0]])
        return [_exactly(task, number) for number in numbers]

    fits, _, table = draw_sets(sets, 1, reweight, {"progress": False})
    alone = list(sampled)
    monkeypatch.setattr(set_draws, "run_tasks", run_tasks)
    sampled.clear()
    own, _, same = draw_sets(sets, 1, reweight, {"progress": False}, Workers(processes))
    pd.testing.assert_frame_equal(same, table)
    assert list(own) == list(fits)
    for name in fits:
        np.testing.assert_array_equal(own[name].posterior["beta"].values, fits[name].posterior["beta"].values)
    at_once = [[law] for law in sampled] + groups
    assert {law for group in at_once for law in group} >= set(alone)
    if reweight:
        # Draws of "third" would do for "last", which is sampled with it where there is room: more work, the same time.
        assert sum(map(len, at_once)) <= len(alone) + 2 * (processes > 1)
    assert max(map(len, at_once)) <= max(processes, 1)


def test_a_cluster_that_is_none_is_refused_before_anything_is_sampled(sampled):
    for client in (object(), 3):
        with pytest.raises(SpecError, match=r"client must be a dask\.distributed\.Client"):
            Workers(1, client).check()
    with pytest.raises(SamplingError, match="no dask scheduler"):
        Workers(1, "tcp://127.0.0.1:1").check()
    assert sampled == []


def test_sets_on_a_cluster_are_those_of_this_process(sampled):
    distributed = pytest.importorskip("distributed")
    options = {"processes": False, "n_workers": 1, "threads_per_worker": 2, "dashboard_address": None}
    with distributed.Client(**options) as client:
        table = draw_sets(realised(), 1, True, {"progress": False}, Workers(1, client))[2]
    pd.testing.assert_frame_equal(table, draw_sets(realised(), 1, True, {"progress": False})[2])
