"""What several responses without some rows say of these rows, and of the effects of levels without any."""

import numpy as np
import pytest
from fixed_draws import fit_at
from joint_models import (
    BETAS,
    COVARIANCE,
    RESCOR,
    SIGMAS,
    fit_of_both,
    likelihood_without_effects,
    prepared,
    table,
)

import bayesmixed as bm
from bayesmixed.cross_validation import joint_held_out
from bayesmixed.cross_validation.joint_held_out import sample_joint_without
from bayesmixed.fits.joint_fits import joint_fit


@pytest.fixture
def at_truth(monkeypatch):
    """Make runs return at once, with draws at the true parameters; effects of level k are those of its number."""

    def sample(design, **settings):
        groups = {name: part.mu.groups[0] for name, part in design.parts.items()}
        effects = {name: np.zeros((len(group.levels), group.width)) for name, group in groups.items()}
        effects["y1"][:] = [1.5, -0.5]
        return fit_of_both(design, jitter=1e-9, effects=effects)

    monkeypatch.setattr(joint_held_out, "sample_joint", sample)


def test_folds_are_predicted_by_the_density_of_all_their_rows(at_truth):
    data = table()
    found = bm.kfold(fit_of_both(prepared(data, rescor=True)), by="g", k=2, seed=1)
    for level in ("g0", "g6"):
        own = data[data["g"] == level].reset_index(drop=True)
        expected = likelihood_without_effects(own, RESCOR, (COVARIANCE, BETAS, SIGMAS))
        assert float(found.elpd_i.sel(g=level)) == pytest.approx(expected, abs=0.01)
    assert (found.n_data_points, found.n_folds) == (8, 2)
    assert found.elpd_i.attrs["estimand"].startswith("all responses of all rows of a new g")
    assert np.isfinite(found.p)


def test_effects_of_a_level_without_rows_in_one_response_are_drawn_given_the_other(at_truth):
    joint = fit_of_both()
    g = table()["g"].to_numpy()
    draws = []
    for seed in range(6):
        held = {"y1": np.zeros(40, dtype=bool), "y2": g == "g3"}
        found, _ = sample_joint_without(joint, held, seed)
        assert list(found["y2"]["g"].values) == list(joint.design["y2"].mu.groups[0].levels)
        np.testing.assert_allclose(found["y2"]["b_g"].sel(g="g2"), 0.0, atol=1e-6)
        draws.append(found["y2"]["b_g"].sel(g="g3").values.ravel())
    weights = np.linalg.solve(COVARIANCE[:2, :2], COVARIANCE[:2, 2])
    drawn = np.concatenate(draws)
    assert drawn.mean() == pytest.approx(weights @ [1.5, -0.5], abs=0.08)
    assert drawn.var() == pytest.approx(COVARIANCE[2, 2] - weights @ COVARIANCE[:2, 2], rel=0.3)


@pytest.mark.filterwarnings("ignore::bayesmixed.StatisticsWarning")
def test_influential_groups_are_sampled_without_on_request(at_truth, monkeypatch):
    monkeypatch.setattr("bayesmixed.cross_validation.influential_groups.LARGEST_K", -1.0)
    joint = fit_of_both(rescor=True, jitter=0.01)
    found = bm.influence(joint, "g", refits=True, progress=False)
    again = found[found["by"] == "refit"]
    assert len(again) == len(found)
    np.testing.assert_allclose(again.loc[again["parameter"] == "sigma_y1", "without"], SIGMAS["y1"], atol=1e-6)


@pytest.mark.filterwarnings("ignore::bayesmixed.StatisticsWarning")
def test_influence_has_the_parameters_of_all_responses():
    joint = fit_of_both(rescor=True, jitter=0.02)
    found = bm.influence(joint)
    assert {*found["parameter"]} >= {
        "beta_y1[x]",
        "sd_g_y2[Intercept]",
        "rescor[y1, y2]",
        "corr_g[y1[x], y2[Intercept]]",
    }
    assert len(found) == 8 * 13
    logs = bm.log_likelihood(joint, integrate="g").sel(g="g4").values.ravel()
    weights = np.exp(-logs - np.max(-logs))
    own = found[(found["level"] == "g4") & (found["parameter"] == "rescor[y1, y2]")]
    raw = np.average(joint.shared["rescor"].values[..., 0, 1].ravel(), weights=weights)
    assert float(own["without"].iloc[0]) == pytest.approx(raw, abs=3e-4)


@pytest.mark.filterwarnings("ignore::bayesmixed.StatisticsWarning")
def test_models_of_the_same_responses_are_compared():
    data = table()
    first, second = (fit_of_both(prepared(data, rescor=one), jitter=0.01) for one in (True, None))
    for question in ({"unit": "observation"}, {"unit": "group", "by": "g"}):
        found = bm.compare_models({"with": first, "without": second}, **question)
        assert found.estimand.startswith("all responses of ")
        unit = question.get("by", "observation")
        assert found.elpd["without"].elpd == pytest.approx(bm.loo(second, unit=unit).elpd)
    with pytest.raises(bm.SpecError, match="'one' is of one response, and 'with' of several"):
        bm.compare_models({"with": first, "one": bm.load_fit("herd_period")}, unit="observation")
    fewer = fit_of_both(prepared(data.iloc[:39], rescor=True))
    with pytest.raises(bm.DataError, match="were not fitted to the same rows"):
        bm.compare_models({"with": first, "fewer": fewer}, unit="observation")
    other = fit_of_both(prepared(data.assign(y2=2.0 * data["y2"]), rescor=True))
    with pytest.raises(bm.DataError, match="do not have the same response"):
        bm.compare_models({"with": first, "other": other}, unit="observation")


@pytest.mark.filterwarnings("ignore::bayesmixed.StatisticsWarning")
def test_effects_without_a_closed_distribution_are_refused_before_any_sampling(monkeypatch):
    monkeypatch.setattr(joint_held_out, "sample_joint", None)
    data = table().assign(h=np.tile(["a", "b", "c", "d"], 10))
    design = prepared(data, ('y1 ~ x + (1 | gr(h, dist="student"))', "y2 ~ z"), rescor=True)
    fits = {
        "y1": fit_at(design["y1"], {"sigma": 1.0, "sd_h": 0.5, "nu_h": 5.0}),
        "y2": fit_at(design["y2"], {"sigma": 1.0}),
    }
    shared = fit_of_both(rescor=True).shared[["rescor"]]
    with pytest.raises(bm.SpecError, match="'h' as normal, and they have a t distribution"):
        bm.kfold(joint_fit(design, fits, shared), by="h", k=2)
