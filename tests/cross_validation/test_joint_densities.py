"""Rows of several responses are left out with all that was observed in them."""

from dataclasses import replace

import numpy as np
import pytest
from joint_models import fit_of_both, likelihood_without_effects, parameters_at, prepared, table
from scipy import stats

import bayesmixed as bm
from bayesmixed.cross_validation import joint_densities
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


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("rescor", [True, None])
def test_the_density_of_a_group_is_that_of_all_its_rows_with_effects_integrated_out(monkeypatch, closed, rescor):
    if not closed:
        monkeypatch.setattr(joint_densities, "_has_sums", lambda stacked: False)
    data = table()
    joint = fit_of_both(prepared(data, rescor=rescor))
    found = bm.log_likelihood(joint, integrate="g", draws=4)
    assert found.dims == ("chain", "draw", "g")
    for draw in found["draw"].values:
        rho = float(joint.shared["rescor"].values[0, draw, 0, 1]) if rescor else 0.0
        for level in ("g0", "g5"):
            own = data[data["g"] == level].reset_index(drop=True)
            expected = likelihood_without_effects(own, rho, parameters_at(joint, draw))
            assert float(found.sel(chain=0, draw=draw, g=level)) == pytest.approx(
                expected, rel=1e-6 if closed else 1e-4
            )


def test_levels_and_rows_of_one_response_alone_are_part_of_the_group():
    data = table()
    data.loc[data["g"] == "g0", "y1"] = np.nan
    data.loc[data["g"] == "g7", "y2"] = np.nan
    data.loc[[11, 12], "y1"] = np.nan
    joint = fit_of_both(prepared(data, missing="drop"))
    found = bm.log_likelihood(joint, integrate="g", draws=2).isel(chain=0, draw=0)
    parameters = parameters_at(joint, 0)
    for level in data["g"].unique():
        own = data[data["g"] == level]
        assert float(found.sel(g=level)) == pytest.approx(density_of_what_is_there(own, parameters), rel=1e-9)


def density_of_what_is_there(data, parameters):
    """Return the log density of the responses of a group that are not missing, a normal vector."""
    covariance, betas, sigmas = parameters
    ones = np.ones(len(data))
    z = np.concatenate([np.column_stack([ones, data["x"], 0 * ones]), np.column_stack([0 * ones, 0 * ones, ones])])
    mean = np.concatenate(
        [np.column_stack([ones, data["x"]]) @ betas["y1"], np.column_stack([ones, data["z"]]) @ betas["y2"]]
    )
    y = np.concatenate([data["y1"], data["y2"]])
    noise = np.concatenate([sigmas["y1"] ** 2 * ones, sigmas["y2"] ** 2 * ones])
    there = np.isfinite(y)
    whole = z @ covariance @ z.T + np.diag(noise)
    return stats.multivariate_normal.logpdf(y[there], mean[there], whole[np.ix_(there, there)])


@pytest.mark.parametrize("unit", ["observation", "g"])
@pytest.mark.filterwarnings("ignore::bayesmixed.StatisticsWarning")  # with 100 draws k has to be below 0.5
def test_loo_of_several_responses_leaves_units_out(unit):
    joint = fit_of_both(rescor=True, jitter=0.01)
    found = bm.loo(joint, unit=unit)
    logs = bm.log_likelihood(joint, integrate=None if unit == "observation" else unit)
    values = logs.values.reshape(-1, logs.shape[-1])
    exact = -np.log(np.mean(np.exp(-values), axis=0))  # draws differ little, so that weights need no smoothing
    np.testing.assert_allclose(found.elpd_i.values, exact, atol=0.02 if unit == "observation" else 0.1)
    assert found.elpd_i.attrs["estimand"].startswith("all responses of ")
    assert list(found.elpd_i[unit if unit == "g" else "row"].values) == list(logs[logs.dims[-1]].values)


def test_rows_with_the_same_label_are_refused():
    data = table().set_index(np.zeros(40, dtype=int))
    with pytest.raises(bm.DataError, match=r"Two rows of 'y1' have the label 0"):
        joint_row_logs(fit_of_both(prepared(data)))
