"""Refits and extensions: what stays, what changes, what is refused."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.engines import collapsed
from bayesmixed.fits import refitting

SMALL = {"chains": 2, "draws": 50, "tune": 100, "progress": False}


@pytest.fixture
def given_fit():
    return fit_at(bm.prepare("Reaction ~ Days + (Days | Subject)", classic("lme4", "sleepstudy")), {"sigma": 30.0})


@pytest.fixture
def unsampled(monkeypatch):
    """Make refits return at once, with the design and the arguments that would be sampled."""
    asked = {}

    def sample(design, **settings):
        asked.update(settings)
        fit = fit_at(design, {"sigma": 30.0})
        return replace(fit, settings=replace(fit.settings, draws=settings["draws"]))

    monkeypatch.setattr(refitting, "sample", sample)
    monkeypatch.setitem(refitting.ENGINES, "given", refitting.ENGINES["kernel"])
    return asked


def test_a_changed_prior_leaves_the_numbers_of_all_others(given_fit, unsampled):
    again = bm.refit(given_fit, priors={"sigma": "HalfNormal(40)"}, progress=False)
    before, after = given_fit.design.priors, again.design.priors
    assert str(after["sigma"].prior) == "HalfNormal(40)"
    assert after["sigma"].source == "user"
    assert {k: v for k, v in after.items() if k != "sigma"} == {k: v for k, v in before.items() if k != "sigma"}
    assert str(again.design.spec.priors["sigma"]) == "HalfNormal(40)"
    assert unsampled["seed"] == given_fit.settings.seed


def test_other_data_keep_numbers_and_coordinates_of_the_priors(given_fit, unsampled):
    data = classic("lme4", "sleepstudy").query("Days < 5").assign(Reaction=lambda d: 3 * d["Reaction"])
    again = bm.refit(given_fit, data=data, progress=False)
    assert again.design.rows == len(data)
    assert again.design.priors == given_fit.design.priors
    np.testing.assert_array_equal(again.design.mu.centre, given_fit.design.mu.centre)
    np.testing.assert_allclose(again.design.mu.groups[0].transform, given_fit.design.mu.groups[0].transform)
    assert again.engine.decisions == ()


def test_fewer_groups_do_not_change_the_form_of_a_prior(given_fit, unsampled):
    data = classic("lme4", "sleepstudy")
    few = data[data["Subject"].isin(data["Subject"].unique()[:3])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        assert "HalfNormal" in str(bm.prepare(given_fit.design.spec, few).priors["sd_Subject[Intercept]"].prior)
        again = bm.refit(given_fit, data=few, progress=False)
    assert again.design.priors["sd_Subject[Intercept]"] == given_fit.design.priors["sd_Subject[Intercept]"]


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("beta[Intercept]", "Normal(250, 50)", "prior of beta[Intercept] is stated as written"),
        ("sd_Subject[Days]", "HalfNormal(10)", "priors of sd_Subject and its correlations are stated as written"),
    ],
)
def test_a_prior_that_moves_the_coordinates_says_so(given_fit, unsampled, key, text, said):
    again = bm.refit(given_fit, priors={key: text}, progress=False)
    assert said in again.engine.decisions[0]
    assert str(again.design.priors[key].prior) == text
    assert again.design.priors["beta[Days]"] == given_fit.design.priors["beta[Days]"]
    moved = again.design.mu if key.startswith("beta") else again.design.mu.groups[0]
    assert not moved.centred


def test_a_parameter_that_only_the_new_data_have_gets_a_default_prior_and_says_so(unsampled):
    data = classic("lme4", "cbpp")
    spec = bm.from_formula("incidence | trials(size) ~ C(period) + (1 | herd)", family="binomial")
    fit = fit_at(bm.prepare(spec, data[data["period"].astype(str) != "4"].astype({"period": int})), {})
    again = bm.refit(fit, data=data.astype({"period": int}), progress=False)
    assert "default priors of 'beta[period #3]' realised on the new data" in again.engine.decisions[0]


def test_settings_are_those_of_the_fit_unless_given(given_fit, unsampled):
    bm.refit(given_fit, draws=70, progress=False)
    assert (unsampled["draws"], unsampled["chains"], unsampled["tune"]) == (70, 2, 50)
    assert unsampled["target_accept"] is None
    careful = replace(given_fit, settings=replace(given_fit.settings, target_accept=0.97, parameterisation="centred"))
    bm.refit(careful, seed=9, progress=False)
    assert (unsampled["target_accept"], unsampled["parameterisation"], unsampled["seed"]) == (0.97, "centred", 9)


def test_what_an_engine_does_by_default_is_not_asked_of_the_next_one(unsampled):
    spec = bm.from_formula("Yield ~ 1 + (1 | Batch)")
    fit = fit_at(bm.prepare(spec, classic("lme4", "Dyestuff")), {})
    usual = replace(fit.settings, tune=collapsed.TUNE, target_accept=collapsed.TARGET)
    fit = replace(fit, engine=replace(fit.engine, name="collapsed"), settings=usual)
    bm.refit(fit, priors={"beta[Intercept]": "StudentT(3, 1500, 50)"}, progress=False)
    assert unsampled["engine"] == "auto"
    assert (unsampled["tune"], unsampled["target_accept"]) == (None, None)


@pytest.mark.parametrize(("asked", "target"), [("", None), (": asked for", 0.8)])
def test_the_target_of_joint_coordinates_is_not_asked_of_the_next_engine_unless_the_user_did(
    given_fit, unsampled, asked, target
):
    engine = replace(given_fit.engine, name="kernel", decisions=(f"target acceptance 0.8{asked}",))
    bm.refit(replace(given_fit, engine=engine, settings=replace(given_fit.settings, target_accept=0.8)), progress=False)
    assert unsampled["target_accept"] == target


def test_unknown_settings_and_priors_are_refused(given_fit, unsampled):
    with pytest.raises(bm.SpecError, match="Did you mean 'draws'"):
        bm.refit(given_fit, draw=70)
    with pytest.raises(bm.SpecError, match="no such parameter"):
        bm.refit(given_fit, priors={"sd_Subjekt": "HalfNormal(1)"})


def test_an_extension_joins_the_draws_of_each_chain(given_fit, unsampled):
    longer = bm.extend(given_fit, 50, progress=False)
    assert longer.settings.draws == 100
    assert longer.posterior.sizes["draw"] == longer.draws["sample_stats"].sizes["draw"] == 100
    assert list(longer.posterior["draw"].values) == list(range(100))
    xr.testing.assert_equal(longer.posterior.isel(draw=slice(50)), given_fit.posterior)
    assert f"extended by 50 draws with seed {unsampled['seed']}" in longer.engine.decisions
    assert unsampled["seed"] != given_fit.settings.seed
    first = unsampled["seed"]
    bm.extend(longer, 50, progress=False)
    assert unsampled["seed"] != first


def test_an_interrupted_fit_is_not_extended(given_fit):
    interrupted = replace(given_fit, settings=replace(given_fit.settings, complete=False))
    with pytest.raises(bm.SamplingError, match="cannot be extended"):
        bm.extend(interrupted, 50)


def test_an_interrupted_extension_leaves_the_fit_as_it_was(given_fit, unsampled, monkeypatch):
    ordinary = refitting.sample

    def interrupted(design, **settings):
        fit = ordinary(design, **settings)
        return replace(fit, settings=replace(fit.settings, chains=1, complete=False))

    monkeypatch.setattr(refitting, "sample", interrupted)
    with pytest.raises(bm.SamplingError, match="the fit stays as it was"):
        bm.extend(given_fit, 50)


@pytest.mark.slow
def test_refit_and_extend_sample_the_same_model_again():
    fit = bm.fit("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff"), seed=5, target_accept=0.95, **SMALL)
    again = bm.refit(fit, progress=False)
    xr.testing.assert_equal(again.posterior, fit.posterior)
    assert (again.engine.name, again.settings) == (fit.engine.name, fit.settings)
    longer = bm.extend(fit, 30, progress=False)
    assert dict(longer.posterior["b_Batch"].sizes) == {"chain": 2, "draw": 80, "Batch": 6, "Batch_effect": 1}
    added = longer.posterior.isel(draw=slice(50, None))["beta"].values
    assert not np.array_equal(added, fit.posterior["beta"].values[:, :30])
    strict = bm.refit(fit, priors={"sigma": "HalfNormal(0.1)"}, progress=False)
    assert float(strict.posterior["sigma"].mean()) < 0.5 * float(fit.posterior["sigma"].mean())
