"""Fits of several responses: all draws together, and each as a fit that knows of the others."""

from dataclasses import replace

import pytest
from joint_models import fit_of_both, prepared

import bayesmixed as bm
from bayesmixed.fits.joint_fits import sample_joint


def test_the_fit_of_a_response_is_an_ordinary_one():
    joint = fit_of_both(rescor=True)
    assert [*joint] == ["y1", "y2"]
    assert len(joint) == 2
    assert joint["y1"].beside == ("y2",)
    assert {*joint.posterior.data_vars} == {
        *("beta_y1", "sd_g_y1", "b_g_y1", "sigma_y1", "beta_y2", "sd_g_y2", "b_g_y2", "sigma_y2", "corr_g", "rescor")
    }
    assert repr(joint).startswith("<JointFit: y1 ~ 1 + x + (1 + x |p| g); y2 ~ 1 + z + (1 |p| g); 2 chains")
    with pytest.raises(bm.SpecError, match="no response 'y3'"):
        joint["y3"]


SAME = {
    "tidy": lambda fit: bm.tidy(fit),
    "icc": lambda fit: bm.icc(fit),
    "predict": lambda fit: bm.predict(fit, draws=10, seed=1),
    "posterior_checks": lambda fit: bm.posterior_checks(fit, draws=20, seed=1).table,
    "check_residuals": lambda fit: bm.check_residuals(fit, seed=1),
    "variance_components": lambda fit: bm.variance_components(fit),
    "shrinkage": lambda fit: bm.shrinkage(fit, "g"),
    "group_effects": lambda fit: bm.group_effects(fit),
    "comparisons": lambda fit: bm.comparisons(fit).table,
    "r2": lambda fit: bm.r2(fit),
}


@pytest.mark.parametrize("name", SAME)
def test_summaries_of_a_response_are_those_of_a_fit_of_it_alone_with_the_same_draws(name):
    fit = fit_of_both(rescor=True)["y1"]
    found, alone = SAME[name](fit), SAME[name](replace(fit, beside=()))
    assert str(found) == str(alone)


REFUSED = {
    "refit": lambda fit: bm.refit(fit),
    "extend": lambda fit: bm.extend(fit, 10),
    "loo": lambda fit: bm.loo(fit, unit="observation"),
    "kfold": lambda fit: bm.kfold(fit, by="g"),
    "influence": lambda fit: bm.influence(fit, "g"),
    "log_likelihood": lambda fit: bm.log_likelihood(fit),
    "compare_models": lambda fit: bm.compare_models({"a": fit, "b": fit}, unit="observation"),
    "evidence": lambda fit: bm.evidence(fit),
    "verify": lambda fit: bm.verify(fit),
    "plot_loo_pit": lambda fit: bm.plot_loo_pit(fit),
    "save_fit": lambda fit: bm.save_fit(fit, "y1.nc"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_forget_the_other_responses_is_refused(name):
    with pytest.raises(bm.SpecError, match=rf"bm.{name} .*'y1' was fitted together with 'y2'"):
        REFUSED[name](fit_of_both()["y1"])


def test_functions_of_one_response_name_the_parts_of_a_joint_fit():
    with pytest.raises(bm.SpecError, match=r"is of 'y1', 'y2': take \['y1'\] of it"):
        bm.icc(fit_of_both())
    with pytest.raises(bm.SpecError, match=r"is of 'y1', 'y2': take \['y1'\] of it"):
        bm.build(prepared())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"engine": "kernel"}, "Engine 'kernel' of several responses is not known"),
        ({"target_accept": 2.0}, "must lie between 0 and 1"),
        ({"store": "some"}, "store='some'"),
        ({"parameterisation": {"h": "centred"}}, "names 'h', which is not a grouping factor"),
    ],
)
def test_impossible_settings_are_refused_before_sampling(options, said):
    with pytest.raises(bm.SpecError, match=said):
        sample_joint(prepared(), progress=False, **options)


def test_the_report_says_which_responses_were_fitted_together(tmp_path):
    page = bm.write_report(fit_of_both()["y1"], tmp_path / "y1.html").read_text(encoding="utf-8")
    assert "It was fitted together with y2, in one model of several responses." in page
    assert "code for it alone would give other draws" in page
