"""Convergence in words: what is named, and how often chance alone does it."""

import time

import arviz_stats
import fixed_draws
import numpy as np
import pandas as pd
import pytest
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.fits.convergence import chance_of_rhat


def test_disagreeing_chains_are_named():
    fit = fit_at(bm.prepare("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff")), {"sigma": 50.0}, jitter=0.1)
    fit.posterior["beta"].values[0] += 5.0
    diagnosis = bm.diagnose(fit)
    assert not diagnosis.ok
    assert any("chains disagree" in problem and "beta" in problem for problem in diagnosis.problems)


def test_draws_that_never_move_are_said_so():
    diagnosis = bm.diagnose(fit_at(bm.prepare("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff")), {"sigma": 50.0}))
    assert not diagnosis.ok
    assert "all draws are the same" in str(diagnosis)


def test_the_worst_of_many_effects_are_found_without_looking_at_all_of_them():
    data = pd.DataFrame({"y": np.arange(12_000.0) % 7, "g": np.repeat(np.arange(6000), 2)})
    fit = fit_at(bm.prepare("y ~ 1 + (1 | g)", data), {"sigma": 1.0}, jitter=0.1)
    effects = fit.posterior["b_g"].values
    start = time.process_time()
    clean = bm.diagnose(fit).table.loc["b_g"]
    assert time.process_time() - start < 20
    shifted, wide = effects.copy(), effects.copy()
    shifted[0, :, 77] += 0.2
    wide[1, :, 4321] *= 5.0
    for strange, element in ((shifted, 77), (wide, 4321)):
        fit.posterior["b_g"].values[:] = strange
        found = bm.diagnose(fit).table.loc["b_g", "rhat"]
        assert found == pytest.approx(float(arviz_stats.rhat(strange[:, :, element, 0], chain_axis=0, draw_axis=1)))
        assert found > clean["rhat"]
    some = effects[:, :, :300, 0]
    assert clean["ess_bulk"] <= arviz_stats.ess(some, chain_axis=0, draw_axis=1, method="bulk").min()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["herd", "herd_period", "sleepstudy", "pastes"])
def test_a_good_fit_is_called_converged(name, fitted):
    assert bm.diagnose(fitted(name)).ok
    assert "Converged" in str(bm.summary(fitted(name)))


def test_the_chance_of_a_high_rhat_grows_with_the_quantities_and_falls_with_the_draws():
    assert chance_of_rhat(2, 250, 40) == pytest.approx(1.0 - (1.0 - chance_of_rhat(2, 250)) ** 40)
    assert chance_of_rhat(4, 1000, 10_000) < 1e-6


@pytest.mark.parametrize(("draws", "said"), [(100, True), (1000, False)])
def test_a_high_rhat_of_a_short_run_is_shown_with_its_chance_in_a_right_one(draws, said, monkeypatch):
    monkeypatch.setattr(fixed_draws, "CHAINS", 2)
    monkeypatch.setattr(fixed_draws, "DRAWS", draws)
    values = np.random.default_rng(2).standard_normal((2, draws, 1)) + np.array([0.0, 0.8])[:, None, None]
    verdict = bm.diagnose(fit_at(bm.prepare("Yield ~ 1", classic("lme4", "Dyestuff")), {"beta": values, "sigma": 1.0}))
    assert not verdict.ok
    (problem,) = (text for text in verdict.problems if "R-hat" in text)
    assert ("% of right runs" in problem) == said
