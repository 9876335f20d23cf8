"""Several responses of new rows: their group effects and residuals vary together as the model says."""

from dataclasses import replace

import numpy as np
import pytest
from joint_models import BETAS, COVARIANCE, RESCOR, SIGMAS, fit_of_both, prepared, table

import bayesmixed as bm
from bayesmixed.cross_validation.joint_densities import joint_row_logs
from bayesmixed.draws.kept import keep_draws

ROWS = {"x": [2.0, 0.0], "z": [0.0, 1.0], "g": ["g0", "other"]}


@pytest.fixture(scope="module")
def joint():
    return fit_of_both(rescor=True, jitter=1e-9)


def many(joint, **options):
    """Return predictions of both responses by several seeds, (draw, response, row)."""
    made = [bm.predict(joint, ROWS, seed=seed, **options) for seed in range(40)]
    return np.concatenate([np.stack([one[name].values.reshape(-1, 2) for name in joint], axis=1) for one in made])


def test_effects_of_new_groups_are_drawn_together(joint):
    drawn = many(joint, groups="new", kind="mean")
    z = np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    expected = z @ COVARIANCE @ z.T
    np.testing.assert_allclose(np.cov(drawn[:, :, 0].T), expected, atol=0.15)
    z = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(np.cov(drawn[:, :, 1].T), z @ COVARIANCE @ z.T, atol=0.1)
    between = np.cov(drawn[:, 0, 0], drawn[:, 1, 1])[0, 1]  # the rows are of two groups
    assert abs(between) < 0.1


def test_residuals_of_a_row_are_drawn_together(joint):
    drawn = many(joint, groups="typical", kind="response")
    sigma = np.array(list(SIGMAS.values()))
    expected = np.outer(sigma, sigma) * [[1.0, RESCOR], [RESCOR, 1.0]]
    np.testing.assert_allclose(np.cov(drawn[:, :, 0].T), expected, atol=0.08)
    means = [BETAS["y1"] @ [1.0, 2.0], BETAS["y2"] @ [1.0, 0.0]]
    np.testing.assert_allclose(drawn[:, :, 0].mean(axis=0), means, atol=0.06)
    assert abs(np.corrcoef(drawn[:, 0, 0], drawn[:, 1, 1])[0, 1]) < 0.06


def test_what_a_group_has_in_one_response_is_drawn_given_the_other():
    data = table()
    data.loc[data["g"] == "g0", "y2"] = np.nan
    design = prepared(data, missing="drop")
    effects = {"y1": np.zeros((8, 2)), "y2": np.zeros((7, 1))}
    effects["y1"][0] = [1.5, -0.5]
    joint = fit_of_both(design, jitter=1e-9, effects=effects)
    drawn = many(joint, groups="any", kind="mean")
    weights = np.linalg.solve(COVARIANCE[:2, :2], COVARIANCE[:2, 2])
    mean = BETAS["y2"] @ [1.0, 0.0] + weights @ [1.5, -0.5]
    variance = COVARIANCE[2, 2] - weights @ COVARIANCE[:2, 2]
    np.testing.assert_allclose(drawn[:, 0, 0], BETAS["y1"] @ [1.0, 2.0] + 1.5 - 0.5 * 2.0, atol=1e-6)
    assert drawn[:, 1, 0].mean() == pytest.approx(mean, abs=0.05)
    assert drawn[:, 1, 0].var() == pytest.approx(variance, rel=0.2)
    z = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(np.cov(drawn[:, :, 1].T), z @ COVARIANCE @ z.T, atol=0.1)


def test_known_groups_are_predicted_as_by_each_response_alone(joint):
    found = bm.predict(joint, kind="mean")
    for name, fit in joint.fits.items():
        own = bm.predict(replace(fit, beside=()), kind="mean")["mean"]
        np.testing.assert_allclose(found[name].values, own.values)
    assert found.attrs["estimand"] == "expected y1; g: the groups of the fit; expected y2; g: the groups of the fit"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "sigma"}, "kind='sigma' of several responses"),
        ({"groups": {"h": "new"}}, "groups names 'h', which is not a grouping factor"),
        ({"groups": "existing"}, "'g' holds 'other', which the model was not fitted to"),
        ({"groups": "average", "kind": "response"}, "an observation in some group"),
    ],
)
def test_impossible_predictions_are_refused(joint, options, said):
    with pytest.raises(bm.BayesMixedError, match=said):
        bm.predict(joint, ROWS, **options)


def test_rows_of_the_fit_differ_between_responses():
    data = table()
    data.loc[[3], "y2"] = np.nan
    found = bm.predict(fit_of_both(prepared(data, missing="drop")), kind="mean", draws=10)
    assert dict(found.sizes) == {"chain": 2, "draw": 5, "row_y1": 40, "row_y2": 39}


@pytest.mark.parametrize(("groups", "rescor"), [("existing", True), ("any", False)])
def test_large_effects_of_one_response_of_which_not_all_draws_are_kept(monkeypatch, groups, rescor):
    whole = fit_of_both(rescor=rescor)
    monkeypatch.setattr("bayesmixed.draws.kept.LARGE_EFFECTS", 1)
    monkeypatch.setattr("bayesmixed.draws.kept.LARGE_BYTES", 1.0)
    monkeypatch.setattr("bayesmixed.draws.kept.THINNED", 20)
    own = whole.fits["y1"]
    kept, _ = keep_draws(own.design, own.draws, "auto")
    thinned = replace(whole, fits={**whole.fits, "y1": replace(own, draws=kept)})
    left = kept["posterior_thinned"].to_dataset()["draw"]
    assert len(left) == 10
    found, full = (bm.predict(one, table().iloc[:9], groups=groups, seed=1) for one in (thinned, whole))
    for name in ("y1", "y2"):
        assert np.array_equal(found[name], full[name].sel(draw=left))
    response = bm.predict(thinned, table().iloc[:9], groups=groups, kind="response", seed=1)
    assert response["y2"].sizes["draw"] == 10
    assert np.isfinite(response["y1"]).all()
    logs = joint_row_logs(thinned)
    assert np.array_equal(logs, joint_row_logs(whole).sel(draw=left))
