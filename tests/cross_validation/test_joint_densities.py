"""Rows of several responses are left out with all that was observed in them."""

from dataclasses import replace

import numpy as np
import pytest
from joint_models import fit_of_both, prepared, table
from scipy import stats

import bayesmixed as bm
from bayesmixed.cross_validation.joint_densities import joint_row_logs


def parameters(joint, name):
    """Return mean and SD of each row and draw."""
    mean = bm.predict(joint, kind="mean")[name].values
    return mean, joint[name].posterior["sigma"].values[..., None]


def test_the_density_of_a_row_is_that_of_a_normal_vector():
    joint = fit_of_both(rescor=True)
    found = joint_row_logs(joint)
    (first, sd1), (second, sd2) = (parameters(joint, name) for name in joint)
    rho = joint.shared["rescor"].values[..., 0, 1]
    for chain, draw, row in [(0, 3, 0), (1, 20, 17), (0, 49, 39)]:
        sds = np.array([sd1[chain, draw, 0], sd2[chain, draw, 0]])
        corr = np.array([[1.0, rho[chain, draw]], [rho[chain, draw], 1.0]])
        mean = [first[chain, draw, row], second[chain, draw, row]]
        y = [joint.design[name].response[row] for name in joint]
        expected = stats.multivariate_normal.logpdf(y, mean, np.outer(sds, sds) * corr)
        assert float(found[chain, draw, row]) == pytest.approx(expected, rel=1e-9)


def test_a_row_without_one_response_counts_the_other():
    data = table(poisson=True)
    data.loc[[3], "y1"] = np.nan
    data.loc[[5], "y2"] = np.nan
    models = [bm.from_formula("y1 ~ x + (1 + x |p| g)"), bm.from_formula("y2 ~ z + (1 |p| g)", family="gaussian")]
    joint = fit_of_both(prepared(data, models, missing="drop"))
    found = joint_row_logs(joint)
    alone = {name: bm.log_likelihood(replace(fit, beside=())) for name, fit in joint.fits.items()}
    assert list(found["row"].values) == list(range(40))
    np.testing.assert_allclose(found.sel(row=3).values, alone["y2"].sel(row=3).values)
    np.testing.assert_allclose(found.sel(row=5).values, alone["y1"].sel(row=5).values)
    both = alone["y1"].sel(row=7).values + alone["y2"].sel(row=7).values
    np.testing.assert_allclose(found.sel(row=7).values, both)


@pytest.mark.filterwarnings("ignore::bayesmixed.StatisticsWarning")  # with 100 draws k has to be below 0.5
def test_loo_of_several_responses_leaves_rows_out():
    joint = fit_of_both(rescor=True, jitter=0.01)
    found = bm.loo(joint, unit="observation")
    logs = joint_row_logs(joint).values.reshape(-1, 40)
    exact = -np.log(np.mean(np.exp(-logs), axis=0))  # draws differ little, so that weights need no smoothing
    np.testing.assert_allclose(found.elpd_i.values, exact, atol=0.02)
    assert found.elpd_i.attrs["estimand"] == "all responses of a row in the known groups"
    with pytest.raises(bm.SpecError, match="unit='g': of several responses whole rows can be left out"):
        bm.loo(joint, unit="g")


def test_rows_with_the_same_label_are_refused():
    data = table().set_index(np.zeros(40, dtype=int))
    with pytest.raises(bm.DataError, match=r"Two rows of 'y1' have the label 0"):
        joint_row_logs(fit_of_both(prepared(data)))
