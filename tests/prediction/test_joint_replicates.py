"""Replicates of several responses: new effects and residuals vary together as the model says."""

import numpy as np
import pytest
from joint_models import COVARIANCE, RESCOR, SIGMAS, fit_of_both, prepared, table

import bayesmixed as bm

NOISE = np.outer(list(SIGMAS.values()), list(SIGMAS.values())) * [[1.0, RESCOR], [RESCOR, 1.0]]


def pairs(joint, row, **options):
    """Return replicates of both responses of a row by several seeds, (draw, response)."""
    made = [bm.posterior_predictive(joint, seed=seed, **options) for seed in range(40)]
    return np.concatenate([np.stack([one[name].values[..., row].ravel() for name in joint], axis=1) for one in made])


@pytest.mark.parametrize("groups", ["new", "existing", {"g": "new"}])
def test_responses_of_a_row_vary_together(groups):
    joint = fit_of_both(rescor=True, jitter=1e-9, effects={"y1": np.zeros((8, 2)), "y2": np.zeros((8, 1))})
    x = table()["x"][3]
    z = np.array([[1.0, x, 0.0], [0.0, 0.0, 1.0]])
    expected = NOISE + (0.0 if groups == "existing" else z @ COVARIANCE @ z.T)
    np.testing.assert_allclose(np.cov(pairs(joint, 3, groups=groups).T), expected, atol=0.15)


def test_without_common_residuals_only_effects_are_common():
    joint = fit_of_both(jitter=1e-9, effects={"y1": np.zeros((8, 2)), "y2": np.zeros((8, 1))})
    assert abs(np.corrcoef(pairs(joint, 3).T)[0, 1]) < 0.06
    assert np.corrcoef(pairs(joint, 3, groups="new").T)[0, 1] > 0.1


def test_what_was_drawn_is_said_and_rows_are_those_of_each_response():
    data = table()
    data.loc[[3], "y2"] = np.nan
    made = bm.posterior_predictive(fit_of_both(prepared(data, missing="drop")), groups="new", draws=10)
    assert dict(made.sizes) == {"chain": 2, "draw": 5, "row_y1": 40, "row_y2": 39}
    assert made.attrs["estimand"] == "Replicates of y1; g: new groups; Replicates of y2; g: new groups"
    with pytest.raises(bm.SpecError, match="groups names 'h', which is not a grouping factor"):
        bm.posterior_predictive(fit_of_both(), groups={"h": "new"})
    with pytest.raises(bm.SpecError, match="groups='any' cannot make replicates"):
        bm.posterior_predictive(fit_of_both(), groups="any")
