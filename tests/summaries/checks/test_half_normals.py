"""Half-normal plots: scores, what they accept and what they refuse."""

import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest
from conftest import CHECKS
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.summaries.checks import half_normals
from bayesmixed.summaries.checks.half_normals import half_normal_scores


def berries(seed, sd=0.0, effects=0.8):
    """Counts of a borer in berries of traps in farms, with extra variation of sd between the rows."""
    generator = np.random.default_rng(seed)
    farm = np.repeat(np.arange(12), 12)
    log = 1.5 + effects * generator.standard_normal(12)[farm] + sd * generator.standard_normal(144)
    return pd.DataFrame({"borers": generator.poisson(np.exp(log)), "farm": [f"f{i}" for i in farm]})


def at_truth(formula, family, data, values):
    """Return a fit at given parameters whose effects are set near their best values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(bm.from_formula(formula, family=family), data)
    means = np.log(data.groupby("farm", sort=False)["borers"].mean().loc[list(design.mu.groups[0].levels)])
    return fit_at(design, values | {"b_farm": (means - values["beta"]).to_numpy()[:, None]})


def sampled(formula, family, data):
    """Return a short fit."""
    return bm.fit(formula, data, family=family, chains=2, draws=300, tune=300, seed=1, progress=False)


@pytest.fixture(scope="module")
def models():
    data = berries(1, sd=0.7)
    return {
        "poisson": at_truth("borers ~ 1 + (1 | farm)", "poisson", data, {"beta": 1.7, "sd_farm": 0.8}),
        "normal": at_truth(
            "borers ~ 1 + (1 | farm) + obs()", "poisson", data, {"beta": 1.5, "sd_farm": 0.8, "sd_obs": 0.7}
        ),
    }


def test_scores_are_those_of_the_reference():
    scores = half_normal_scores(CHECKS["R1"]["inputs"]["n"])
    expected = CHECKS["R1"]["expected"]
    np.testing.assert_allclose(scores[[0, 9, 19]], [expected["first"], expected["tenth"], expected["last"]], atol=1e-9)


@pytest.mark.parametrize("envelope", ["exact", pytest.param("refit", marks=pytest.mark.slow)])
def test_overdispersed_counts_leave_the_envelope_of_poisson_but_not_of_poisson_normal(models, envelope, monkeypatch):
    monkeypatch.setattr(half_normals, "REPLICATES", 49)
    found = {name: bm.half_normal(fit, envelope=envelope) for name, fit in models.items()}
    assert not found["poisson"].adequate
    assert found["poisson"].outside > 0.5
    # The simultaneous band of 49 replicates is rough: it is judged with the exact envelope only.
    assert found["normal"].outside < 0.1
    if envelope == "exact":
        assert found["normal"].adequate
    assert found["normal"].outside < 0.15
    assert ("refitted" in str(found["poisson"])) == (envelope == "refit")


BORERS = [
    ("borers ~ 1 + (1 | farm)", "poisson", False),
    ("borers ~ 1 + (1 | farm)", "negbin", True),
    ("borers ~ 1 + (1 | farm) + obs()", "poisson", True),
]


@pytest.mark.slow
@pytest.mark.parametrize(("formula", "family", "adequate"), BORERS)
def test_of_three_models_for_counts_of_borers_only_poisson_fails(formula, family, adequate):
    found = bm.half_normal(sampled(formula, family, berries(1, sd=0.7)))
    assert found.adequate == adequate
    assert (found.outside > 0.5) == (not adequate)


@pytest.mark.slow
def test_a_split_plot_of_shares_accepts_the_beta_model_and_refuses_a_gaussian_one():
    columns = {"block": range(8), "crop": ["oilseed", "potato"], "cultivar": list("ABC"), "plot": range(4)}
    plots = pd.DataFrame(product(*columns.values()), columns=columns)
    spec = bm.from_formula("share ~ crop + cultivar + (1 | block/crop)", family="beta")
    beta = {"Intercept": -1.6, "crop[T.potato]": -0.66, "cultivar[T.B]": -2.3, "cultivar[T.C]": -1.2}
    truth = {f"beta[{name}]": value for name, value in beta.items()}
    truth |= {"sd_block[Intercept]": 0.14, "sd_block:crop[Intercept]": 0.08, "phi": 10.0}
    data = bm.simulate(spec, data=plots, truth=truth, seed=1).data
    assert bm.half_normal(sampled(spec.formula, "beta", data)).adequate
    refused = bm.half_normal(sampled(spec.formula, "gaussian", data))
    assert not refused.adequate
    assert refused.outside > 0.5


def test_effects_of_normal_groups_lie_in_their_envelope():
    fit = at_truth("borers ~ 1 + (1 | farm)", "poisson", berries(2), {"beta": 1.5, "sd_farm": 0.8})
    found = bm.half_normal(fit, level="farm")
    assert found.adequate
    assert set(found.table["label"]) == set(fit.design.mu.groups[0].levels)


def test_one_strange_group_is_seen_at_its_level():
    data = berries(2)
    data.loc[data["farm"] == "f3", "borers"] = 400
    found = bm.half_normal(
        at_truth("borers ~ 1 + (1 | farm)", "poisson", data, {"beta": 1.5, "sd_farm": 0.8}), level="farm"
    )
    assert not found.adequate
    assert found.table["label"].iloc[-1] == "f3"


def test_standardised_effects_of_a_normal_model_are_those_of_the_group_means():
    generator = np.random.default_rng(4)
    data = pd.DataFrame({"y": generator.standard_normal(40), "g": np.repeat(list("abcdefgh"), 5)})
    design = bm.prepare("y ~ 1 + (1 | g)", data)
    found = bm.half_normal(fit_at(design, {"beta": 0.2, "sd_g": 0.9, "sigma": 1.1}), level="g").table
    expected = (data.groupby("g")["y"].mean() - 0.2).abs() / np.sqrt(0.9**2 + 1.1**2 / 5)
    np.testing.assert_allclose(found.set_index("label")["value"].sort_index(), expected, rtol=1e-6)


def test_groups_whose_data_widen_their_effect_have_scores():
    """Rows far on both sides of a group make a Student likelihood convex at 0, so that Var(b | y) is above the SD squared."""
    data = {"y": np.tile([-10.0, 10.0], 6), "g": np.repeat(list("abcdef"), 2)}
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | g)", family="student"), data)
    fit = fit_at(design, {"beta": [0.0], "sd_g": 1.0, "sigma": 1.0, "nu": 1.5}, jitter=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = bm.half_normal(fit, level="g").table
    assert np.all(np.isfinite(table[["value", "lower_all", "upper_all"]]))


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"envelope": "loose"}, "exact"), ({"level": "trap"}, "farm"), ({"level": "farm", "effect": "x"}, "Intercept")],
)
def test_an_unknown_envelope_level_or_effect_is_refused(models, asked, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.half_normal(models["poisson"], **asked)
