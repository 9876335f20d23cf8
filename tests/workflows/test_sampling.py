"""Sampling: names, groups, seeds, invariance, interruption."""

import time

import numpy as np
import pytest
import xarray as xr
from conftest import classic

import bayesmixed as bm
from bayesmixed.engines import runs


@pytest.mark.slow
def test_draws_hold_the_variables_of_the_contract_and_nothing_else(fitted):
    draws = fitted("sleepstudy").draws
    posterior = draws["posterior"].to_dataset()
    assert {name: posterior[name].dims[2:] for name in posterior.data_vars} == {
        "beta": ("beta_effect",),
        "sd_Subject": ("Subject_effect",),
        "corr_Subject": ("Subject_effect", "Subject_effect_2"),
        "b_Subject": ("Subject", "Subject_effect"),
        "sigma": (),
    }
    assert list(posterior["beta_effect"].values) == ["Intercept", "Days"]
    assert set(draws.children) == {"posterior", "sample_stats", "observed_data", "constant_data"}
    assert {"diverging", "energy", "n_steps", "step_size", "acceptance_rate", "tree_depth", "lp"} == set(
        draws["sample_stats"].data_vars
    )
    assert set(draws["constant_data"].data_vars) == {"Reaction", "Days", "Subject"}


@pytest.mark.slow
def test_arviz_reads_the_draws(fitted):
    import arviz as az

    table = az.summary(fitted("herd").draws, var_names=["beta", "sd_herd"])
    assert list(table.index) == ["beta[Intercept]", "sd_herd[Intercept]"]
    az.plot_trace_dist(fitted("herd").draws, var_names=["beta", "sd_herd"])


@pytest.mark.slow
def test_covariance_as_written_is_that_of_the_effects_as_written(fitted):
    # nutpie stores a matrix product in the wrong memory order: effects would be scrambled between levels.
    fit = fitted("sleepstudy")
    effects = fit.posterior["b_Subject"].mean(("chain", "draw"))
    data = classic("lme4", "sleepstudy")
    for level in ("308", "309", "335"):
        rows = data[data["Subject"].astype(str) == level]
        slope, intercept = np.polyfit(rows["Days"], rows["Reaction"], 1)
        assert np.sign(effects.sel(Subject=level, Subject_effect="Days")) == np.sign(slope - 10.47)
        assert abs(float(effects.sel(Subject=level, Subject_effect="Days")) - (slope - 10.47)) < 4
        assert abs(float(effects.sel(Subject=level, Subject_effect="Intercept")) - (intercept - 251.4)) < 18


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:'Year' lies far from 0")
def test_the_origin_of_x_changes_neither_slopes_nor_predictions(fitted):
    data = classic("lme4", "sleepstudy").assign(Year=lambda d: d["Days"] + 2000)
    shifted = bm.fit("Reaction ~ Year + (Year | Subject)", data, seed=1, progress=False)
    plain = fitted("sleepstudy")
    assert _mean(shifted, "sd_Subject", "Year") == pytest.approx(_mean(plain, "sd_Subject", "Days"), rel=0.03)
    assert float(shifted.posterior["sigma"].mean()) == pytest.approx(float(plain.posterior["sigma"].mean()), rel=0.01)
    ours, theirs = bm.predict(shifted)["mean"], bm.predict(plain)["mean"]
    difference = np.abs(ours.mean(("chain", "draw")).values - theirs.mean(("chain", "draw")).values)
    assert difference.max() < 0.15 * float(theirs.std(("chain", "draw")).mean())


@pytest.mark.slow
def test_slopes_whose_mean_depends_on_a_covariate_of_the_groups_mix_well():
    import arviz as az

    chicks = classic("datasets", "ChickWeight").astype({"Diet": str})
    spec = bm.from_formula("weight ~ Time * Diet + I(Time**2) + (Time | Chick)", family="gamma")
    draws = bm.fit(spec, chicks, draws=500, seed=1, progress=False).draws
    sizes = az.ess(draws, var_names=["beta", "sd_Chick"]).to_dataset()
    assert min(float(values.min()) for values in sizes.values()) > 300
    assert not draws["sample_stats"]["diverging"].any()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_draws():
    data = classic("lme4", "Dyestuff")
    settings = {"chains": 2, "draws": 50, "tune": 100, "progress": False}
    first, second, other = (
        bm.fit("Yield ~ 1 + (1 | Batch)", data, seed=seed, target_accept=0.9, **settings) for seed in (5, 5, 6)
    )
    xr.testing.assert_equal(first.posterior, second.posterior)
    assert not first.posterior.equals(other.posterior)


@pytest.mark.slow
def test_an_interruption_keeps_complete_draws_and_says_so(monkeypatch):
    import nutpie

    original = nutpie.sample

    class Interrupted:
        def __init__(self, sampler):
            self.sampler = sampler

        def wait(self):
            time.sleep(3)
            raise KeyboardInterrupt

        def abort(self):
            return self.sampler.abort()

    def sample(*arguments, **options):
        return Interrupted(original(*arguments, **options))

    monkeypatch.setattr(nutpie, "sample", sample)
    fit = bm.fit(
        "Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff"), draws=500_000, tune=200, seed=1, progress=False
    )
    assert not fit.settings.complete
    assert 0 < fit.settings.draws < 500_000
    assert np.all(np.isfinite(fit.posterior["beta"].values))
    assert "interrupted" in str(bm.diagnose(fit))


def test_chains_still_tuning_are_left_out_and_the_others_cut_to_the_shortest():
    lp = np.array([[1.0, 2.0, 3.0], [1.0, np.nan, np.nan], [np.nan, np.nan, np.nan]])
    values = xr.Dataset({"beta": (("chain", "draw"), lp)})
    tree = xr.DataTree.from_dict({"posterior": values, "sample_stats": xr.Dataset({"logp": (("chain", "draw"), lp)})})
    kept = runs.complete_draws(tree)["posterior"].to_dataset()
    assert dict(kept.sizes) == {"chain": 2, "draw": 1}


def test_an_interruption_before_the_first_draw_is_an_error():
    empty = xr.Dataset({"logp": (("chain", "draw"), np.full((4, 3), np.nan))})
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(), "sample_stats": empty})
    with pytest.raises(bm.SamplingError, match="before any chain had left its tuning"):
        runs.complete_draws(tree)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"chains": 0}, "chains=0 is impossible"),
        ({"draws": 0}, "draws=0 is impossible"),
        ({"tune": 0}, "tune=0 is impossible"),
        ({"target_accept": 1.5}, "must lie between 0 and 1"),
        ({"engine": "pymcc"}, "Did you mean 'pymc'"),
        ({"parameterisation": {"Bach": "centred"}}, "Did you mean 'Batch'"),
        ({"parameterisation": "centered"}, "Did you mean 'centred'"),
    ],
)
def test_impossible_settings_are_refused_before_sampling(settings, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.fit("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff"), progress=False, **settings)


def _mean(fit, name, label):
    return float(fit.posterior[name].sel(Subject_effect=label).mean())
