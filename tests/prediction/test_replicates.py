"""Replicates of the response: what they are drawn from, and for whom."""

import numpy as np
import pytest
from conftest import classic
from fixed_draws import CHAINS, DRAWS, fit_at
from scipy import special

import bayesmixed as bm
from bayesmixed.draws import pieces
from bayesmixed.draws.kept import keep_draws
from bayesmixed.prediction.replicates import replicate

CBPP = classic("lme4", "cbpp")
EFFECTS = np.linspace(-1.5, 1.5, 15)[:, None]
FORMULA = "incidence | trials(size) ~ 1 + (1 | herd)"


def herds(formula=FORMULA, **values):
    design = bm.prepare(bm.from_formula(formula, family="binomial"), CBPP)
    return fit_at(design, {"beta": -1.0, "sd_herd": 0.8, "b_herd": EFFECTS, **values})


def test_replicates_have_the_labels_of_draws_and_rows_and_say_what_they_are():
    made = bm.posterior_predictive(herds(), seed=1)
    assert made["incidence"].dims == ("chain", "draw", "row")
    assert made["incidence"].shape == (CHAINS, DRAWS, 56)
    assert made.attrs["estimand"] == "Replicates of incidence; herd: the groups of the fit"


def test_replicates_of_the_same_groups_have_the_moments_of_each_row():
    made = bm.posterior_predictive(herds(), seed=1)["incidence"].values.reshape(-1, 56)
    p, n = special.expit(-1.0 + EFFECTS[CBPP["herd"] - 1, 0]), CBPP["size"].to_numpy()
    error = np.sqrt(n * p * (1 - p) / len(made))
    assert np.max(np.abs(made.mean(axis=0) - n * p) / error) < 4.5


def test_replicates_of_new_groups_share_one_effect_within_a_group():
    data = {"y": np.arange(40.0) % 7, "g": np.repeat(np.arange(10), 4)}
    fit = fit_at(bm.prepare("y ~ 1 + (1 | g)", data), {"sd_g": 2.0, "sigma": 1.0, "b_g": 50.0})
    made = bm.posterior_predictive(fit, groups="new", seed=2)["y"].values.reshape(-1, 10, 4)
    within = np.mean(np.var(made, axis=-1, ddof=1))
    between = np.mean(np.var(made.mean(axis=-1), axis=-1, ddof=1))
    assert within == pytest.approx(1.0, rel=0.05)
    assert between == pytest.approx(4.0 + 1.0 / 4.0, rel=0.2)


def test_observation_effects_are_drawn_anew_unless_named():
    fit = herds(f"{FORMULA} + obs()", sd_obs=0.5, b_obs=40.0)
    assert bm.posterior_predictive(fit, seed=1).attrs["estimand"].endswith("obs: new effects")
    assert bm.posterior_predictive(fit, seed=1)["incidence"].mean() < 10
    kept = bm.posterior_predictive(fit, groups={"obs": "existing"}, seed=1)["incidence"]
    np.testing.assert_array_equal(kept.values, np.broadcast_to(CBPP["size"], kept.shape))


@pytest.mark.parametrize("groups", ["average", {"herds": "new"}, {"herd": "typical"}])
def test_only_existing_and_new_groups_make_replicates(groups):
    with pytest.raises(bm.SpecError, match=r"herd|existing"):
        bm.posterior_predictive(herds(), groups=groups)


def test_a_seed_fixes_the_replicates():
    first, second, other = (bm.posterior_predictive(herds(), seed=s)["incidence"].values for s in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert np.any(first != other)


def test_replicates_made_in_pieces_cover_all_draws(monkeypatch):
    monkeypatch.setattr(pieces, "NUMBERS", 56 * CHAINS * 7 // 4)
    made = list(replicate(herds(), seed=1))
    assert [piece.response.shape[1] for piece in made] == [7] * 7 + [1]
    assert bm.posterior_predictive(herds(), draws=20)["incidence"].shape == (CHAINS, 10, 56)


def test_moments_integrate_new_effects_out():
    fit = herds(f"{FORMULA} + obs()", sd_obs=1.2)
    piece = next(replicate(fit, seed=1, moments=True))
    generator = np.random.default_rng(3)
    eta = -1.0 + EFFECTS[CBPP["herd"] - 1, 0] + 1.2 * generator.standard_normal((40_000, 56))
    y = generator.binomial(CBPP["size"], special.expit(eta))
    np.testing.assert_allclose(piece.expected[0, 0], y.mean(axis=0), rtol=0.02)
    np.testing.assert_allclose(piece.variance[0, 0], y.var(axis=0), rtol=0.05)


def test_thinned_effects_of_a_large_factor_are_used(monkeypatch):
    monkeypatch.setattr("bayesmixed.draws.kept.LARGE_EFFECTS", 10)
    monkeypatch.setattr("bayesmixed.draws.kept.LARGE_BYTES", 10)
    monkeypatch.setattr("bayesmixed.draws.kept.THINNED", 10)
    whole = herds()
    draws, said = keep_draws(whole.design, whole.draws, "auto")
    assert said
    fit = bm.Fit(whole.design, draws, whole.engine, whole.settings, {}, {})
    assert bm.posterior_predictive(fit, seed=1)["incidence"].shape == (CHAINS, 5, 56)
    assert bm.posterior_predictive(fit, groups="new", seed=1)["incidence"].shape == (CHAINS, DRAWS, 56)
    assert len(bm.posterior_checks(fit, seed=1).table) == 6


def test_precision_weights_change_the_residual_variance_of_their_rows():
    data = {"y": np.arange(4.0), "w": [1.0, 1.0, 4.0, 4.0]}
    fit = fit_at(bm.prepare('y | weights(w, "precision") ~ 1', data), {"sigma": 2.0})
    piece = next(replicate(fit, seed=1, moments=True))
    np.testing.assert_allclose(np.broadcast_to(piece.variance, piece.response.shape)[0, 0], [4.0, 4.0, 1.0, 1.0])
    made = np.concatenate([next(replicate(fit, seed=s)).response.reshape(-1, 4) for s in range(20)])
    np.testing.assert_allclose(made.std(axis=0), [2.0, 2.0, 1.0, 1.0], rtol=0.1)
