"""Which draws a fit keeps of large factors, and that everything works on what is kept."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.draws import kept as kept_draws
from bayesmixed.draws.kept import keep_draws, large_effects


@pytest.fixture
def whole():
    data = classic("lme4", "Penicillin").rename(columns={"sample": "dish"})
    design = bm.prepare(bm.from_formula("diameter ~ 1 + (1 | plate) + (1 | dish)", crossed=["dish"]), data)
    return fit_at(design, {"beta": 23.0, "sd_plate": 0.8, "sd_dish": 1.8, "sigma": 0.5}, jitter=0.1)


@pytest.fixture
def reduced(whole, monkeypatch):
    """The same fit as if 10 plates were too many."""
    monkeypatch.setattr(kept_draws, "LARGE_EFFECTS", 10)
    monkeypatch.setattr(kept_draws, "LARGE_BYTES", 0)
    monkeypatch.setattr(kept_draws, "THINNED", 20)
    draws, decisions = keep_draws(whole.design, whole.draws, "auto")
    return replace(whole, draws=draws, engine=replace(whole.engine, decisions=decisions))


def test_effects_are_large_by_their_number_and_by_the_memory_of_their_draws():
    levels = [f"g{i}" for i in range(6_000)]
    design = bm.prepare("y ~ 1 + (1 | g)", {"y": np.tile([0.0, 1.0, 3.0], 4_000), "g": np.repeat(levels, 2)})
    assert large_effects(design, 4_000) == ()
    assert large_effects(design, 10_000) == ("b_g",)


def test_small_models_keep_everything(whole):
    tree, decisions = keep_draws(whole.design, whole.draws, "auto")
    assert tree is whole.draws
    assert decisions == ()


def test_store_all_keeps_everything(whole, reduced):
    assert keep_draws(whole.design, whole.draws, "all")[0] is whole.draws


def test_of_a_large_factor_statistics_and_some_draws_are_kept(whole, reduced):
    assert "b_plate" not in reduced.posterior
    assert "plate" not in reduced.posterior.coords
    assert "b_dish" in reduced.posterior
    kept = reduced.draws["group_effects"]["b_plate"]
    assert kept.dims == ("statistic", "plate", "plate_effect")
    assert list(kept["statistic"].values) == ["mean", "sd", "q2.5", "q50", "q97.5"]
    every = whole.posterior["b_plate"]
    np.testing.assert_allclose(kept.sel(statistic="mean"), every.mean(("chain", "draw")))
    np.testing.assert_allclose(kept.sel(statistic="q97.5"), every.quantile(0.975, ("chain", "draw")))
    thinned = reduced.draws["posterior_thinned"].to_dataset()
    assert set(thinned.data_vars) == set(whole.posterior.data_vars)
    assert thinned.sizes["chain"] * thinned.sizes["draw"] == 20
    assert 'store="all"' in reduced.engine.decisions[0]


def test_tables_of_effects_come_from_what_is_kept(whole, reduced):
    columns = ["term", "level", "effect", "mean", "sd", "lower", "upper"]
    ours, theirs = bm.group_effects(reduced), bm.group_effects(whole)
    assert ours[columns].round(12).equals(theirs[columns].round(12))
    assert ours.loc[ours["term"] == "plate", "mcse"].isna().all()
    assert bm.group_effects(reduced, draws=True)["b_plate"].sizes["draw"] == 10
    assert len(bm.group_effects(reduced, kind="coefficient")) == len(theirs)


def test_every_summary_works_on_what_is_kept(whole, reduced):
    for function in (bm.summary, bm.icc, bm.variance_components, bm.population_effects, bm.diagnose):
        function(reduced)
    estimates = bm.shrinkage(reduced, "plate")["no_pooling"]
    np.testing.assert_allclose(estimates, bm.shrinkage(whole, "plate")["no_pooling"])
    assert bm.predict(reduced).sizes["draw"] == 10
    assert bm.predict(reduced, groups="average").sizes["draw"] == whole.settings.draws


def test_more_draws_than_are_kept_are_refused(reduced):
    with pytest.raises(bm.SpecError, match=r'only 20 draws are kept.*store="all"'):
        bm.predict(reduced, draws=30)


def test_what_is_kept_survives_the_file(reduced, tmp_path):
    loaded = bm.load_fit(bm.save_fit(reduced, tmp_path / "fit.nc"))
    for group in ("posterior", "posterior_thinned", "group_effects"):
        xr.testing.assert_equal(loaded.draws[group].to_dataset(), reduced.draws[group].to_dataset())
    assert bm.group_effects(loaded).equals(bm.group_effects(reduced))


def test_a_fit_without_all_draws_is_not_extended(reduced):
    with pytest.raises(bm.SpecError, match='store="all"'):
        bm.extend(reduced, 10)


def test_an_unknown_store_is_refused(whole):
    with pytest.raises(bm.SpecError, match="Accepted: auto, all"):
        bm.sample(whole.design, store="some")
