"""Fits of several responses with other priors, data or seed, or with more draws."""

from dataclasses import replace

import numpy as np
import pytest
from joint_models import fit_of_both, prepared, table

import bayesmixed as bm
from bayesmixed.fits import joint_refitting


@pytest.fixture
def asked(monkeypatch):
    """Make runs return at once, with draws of the design; return what would be sampled."""
    found = {}

    def sample(design, **settings):
        found.update(settings, design=design)
        return fit_of_both(design, jitter=0.1)

    monkeypatch.setattr(joint_refitting, "sample_joint", sample)
    return found


def test_priors_change_by_their_names_in_the_joint_draws_and_all_others_stay(asked):
    joint = fit_of_both(rescor=True)
    again = bm.refit(joint, priors={"sigma_y2": "HalfNormal(3)", "rescor": "LKJ(5)"}, progress=False)
    assert str(again.design["y2"].priors["sigma"].prior) == "HalfNormal(3)"
    assert str(again.design.priors["rescor"].prior) == "LKJ(5)"
    assert again.design["y1"].priors == joint.design["y1"].priors
    assert again.design.priors["corr_g"] == joint.design.priors["corr_g"]
    assert str(again.design.spec.priors["rescor"]) == "LKJ(5)"
    assert asked["seed"] == joint.settings.seed
    assert again["y1"].beside == ("y2",)


def test_other_rows_keep_the_numbers_of_the_priors(asked):
    joint = fit_of_both()
    data = table().iloc[:25].assign(y1=lambda one: 10.0 * one["y1"])
    data.loc[3, "y2"] = np.nan
    again = bm.refit(joint, data=data, missing="drop", seed=5, draws=70, progress=False)
    assert {name: part.rows for name, part in again.design.parts.items()} == {"y1": 25, "y2": 24}
    assert again.design["y1"].priors == joint.design["y1"].priors
    assert (asked["seed"], asked["draws"]) == (5, 70)


def test_more_draws_are_added_to_each_response_and_to_what_they_share(asked):
    joint = fit_of_both(rescor=True)
    more = bm.extend(joint, 50, progress=False)
    assert more.settings.draws == 100
    assert more.posterior.sizes["draw"] == 100
    for name in ("sigma_y1", "b_g_y2", "corr_g", "rescor"):
        np.testing.assert_array_equal(more.posterior[name][:, :50].values, joint.posterior[name].values)
    assert asked["seed"] != joint.settings.seed
    assert more.design is joint.design


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda joint: bm.refit(joint, priors={"sd_g": 1.0}), "Prior for 'sd_g': several responses have it"),
        (lambda joint: bm.refit(joint, priors={"sd_h_y1": 1.0}), "Response 'y1': Prior for 'sd_h'"),
        (lambda joint: bm.refit(joint, priors={"corr_h": "LKJ(2)"}), "Prior for 'corr_h': no such correlations"),
        (lambda joint: bm.refit(joint, thin=2), "refit has no setting 'thin'"),
        (lambda joint: bm.refit(joint, data=table().drop(columns="z")), "Response 'y2': .*'z'"),
    ],
)
def test_impossible_changes_are_refused_before_sampling(change, said):
    with pytest.raises(bm.BayesMixedError, match=said):
        change(fit_of_both(prepared()))


def test_an_interrupted_fit_is_not_extended():
    joint = fit_of_both()
    broken = {name: replace(fit, settings=replace(fit.settings, complete=False)) for name, fit in joint.fits.items()}
    with pytest.raises(bm.SamplingError, match="This fit was interrupted"):
        bm.extend(replace(joint, fits=broken), 10)
