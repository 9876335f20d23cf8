"""Ranks of groups."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import classic
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.draws import kept

SLEEP = classic("lme4", "sleepstudy")


@pytest.fixture(scope="module")
def fit():
    design = bm.prepare("Reaction ~ Days + (Days | Subject)", SLEEP)
    effects = np.column_stack([np.linspace(-3, 3, 18), np.linspace(2, -2, 18)])
    values = {"beta": [250.0, 10.0], "sd_Subject": [25.0, 6.0], "corr_Subject": np.eye(2), "sigma": 20.0}
    return fit_at(design, values | {"b_Subject": effects}, jitter=0.8)


def test_ranks_are_taken_in_every_draw(fit):
    found = bm.group_ranks(fit, effect="Days")
    slopes = fit.posterior["b_Subject"].values[..., 1].reshape(-1, 18)
    ranks = 19 - stats.rankdata(slopes, axis=1)
    levels = [str(level) for level in fit.posterior["Subject"].values]
    table = found.table.set_index("level").loc[levels]
    np.testing.assert_allclose(table["mean"], ranks.mean(axis=0))
    np.testing.assert_allclose(table["highest"], (ranks == 1).mean(axis=0))
    np.testing.assert_allclose(table["lowest"], (ranks == 18).mean(axis=0))
    assert found.table["mean"].is_monotonic_increasing


def test_without_an_effect_groups_are_ranked_at_the_means_of_the_covariates(fit):
    effects = fit.posterior["b_Subject"].values
    values = (effects[..., 0] + 4.5 * effects[..., 1]).reshape(-1, 18)
    levels = [str(level) for level in fit.posterior["Subject"].values]
    table = bm.group_ranks(fit).table.set_index("level").loc[levels]
    np.testing.assert_allclose(table["mean"], (19 - stats.rankdata(values, axis=1)).mean(axis=0))


def test_groups_are_ranked_where_not_all_draws_of_another_predictor_are_kept(monkeypatch):
    design = bm.prepare("Reaction ~ 1 + (1 | Subject)", SLEEP, sigma="~ Days + (Days | Subject)")
    values = {design.predictors["sigma"].corr(design.predictors["sigma"].groups[0]): np.eye(2)}
    whole = fit_at(design, values, jitter=0.1)
    for name, value in (("LARGE_EFFECTS", 18), ("LARGE_BYTES", 0), ("THINNED", 20)):
        monkeypatch.setattr(kept, name, value)
    draws, _ = kept.keep_draws(design, whole.draws, "auto")
    assert "b_Subject" in draws["posterior"]
    assert len(bm.group_ranks(replace(whole, draws=draws)).table) == 18


def test_the_probabilities_of_being_first_add_up_to_one(fit):
    table = bm.group_ranks(fit).table
    assert table["highest"].sum() == pytest.approx(1.0)
    assert table["lowest"].sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"group": "Subjct"}, "Did you mean 'Subject'"), ({"effect": "Dayz"}, "Did you mean 'Days'")],
)
def test_unknown_names_are_refused(fit, options, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.group_ranks(fit, **options)
