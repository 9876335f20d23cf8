"""Data sets of several responses that the priors expect are drawn together."""

import numpy as np
import pytest
from joint_models import BETAS, FORMULAS, SIGMAS, prepared, table

import bayesmixed as bm


def test_with_fixed_parameters_data_sets_have_the_covariance_of_the_model():
    priors = {
        name: {"beta": 0.0, "beta[Intercept]": 1.0, "sd_g": SIGMAS[name], "sigma": SIGMAS[name]} for name in BETAS
    }
    models = [bm.from_formula(f"{y} ~ {x} + (1 |p| g)", priors=priors[y]) for y, x in (("y1", "x"), ("y2", "z"))]
    spec = bm.JointSpec(models=models, rescor=True, priors={"corr_g": 0.6, "rescor": -0.3})
    expected = bm.prior_predictive(spec, table(), draws=4000, seed=1)
    made = [expected[name].replicates[:, 0] for name in expected]
    between = SIGMAS["y1"] * SIGMAS["y2"] * (0.6 - 0.3)
    variances = [2.0 * SIGMAS[name] ** 2 for name in BETAS]
    np.testing.assert_allclose(np.cov(made), [[variances[0], between], [between, variances[1]]], atol=0.12)
    other = np.cov(made[0], expected["y2"].replicates[:, 1])[0, 1]  # another row of the same group
    assert other == pytest.approx(0.6 * SIGMAS["y1"] * SIGMAS["y2"], abs=0.1)


def test_the_page_has_the_priors_of_both_and_the_correlation_of_data():
    data = table(poisson=True)
    data.loc[[3, 4], "y2"] = np.nan
    expected = bm.prior_predictive(
        list(FORMULAS), data, family=["gaussian", "poisson"], missing="drop", draws=100, seed=1
    )
    row = expected.table.iloc[0]
    assert row["quantity"] == "correlation of y1 and y2"
    assert row["data"] == pytest.approx(data[["y1", "y2"]].dropna().corr().iloc[0, 1])
    assert expected.priors["parameter"].tolist() == ["corr_g"]
    assert dict(expected.draws["prior_predictive"].sizes) == {"chain": 1, "draw": 100, "row_y1": 40, "row_y2": 38}
    for said in ("Priors of several responses", "correlation of y1 and y2", "y2 as the priors expect it"):
        assert said in str(expected)
    with pytest.raises(bm.SpecError, match="no response 'y3'"):
        expected["y3"]


def test_a_design_has_its_own_data():
    assert [*bm.prior_predictive(prepared(), draws=20)] == ["y1", "y2"]
    with pytest.raises(bm.SpecError, match="'data' given with a JointDesign would change nothing"):
        bm.prior_predictive(prepared(), table())
