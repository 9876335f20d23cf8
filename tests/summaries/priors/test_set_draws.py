"""Which prior sets are sampled and which take the draws of another one, and the Bayes factors between them."""

from dataclasses import replace

import numpy as np
import pytest
from nine_rows import ROWS, SPEC, exact_fit, normal_posterior

from bayesmixed.fits.convergence import diagnose
from bayesmixed.fits.prior_sets import realise_sets
from bayesmixed.summaries.priors import set_draws
from bayesmixed.summaries.priors.set_draws import draw_sets

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
