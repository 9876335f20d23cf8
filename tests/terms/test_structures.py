"""Structures of covariances on data: against maximum likelihood of glmmTMB, and at places beyond those of the fit."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesmixed as bm
from bayesmixed.terms.structures import Structure

COLUMNS = {
    "x": "1.76 0.03 0.88 0.83 2.44 0.78 2.17 2.72 2.85 0.22 2.26 0.86",
    "y": "0.3 2.86 1.25 1.37 2.91 1.75 2.89 2.29 2.14 2.99 1.52 1.47",
    "z": "0.59 -0.28 1.26 0.91 -0.93 1.24 0.15 1.05 -0.75 -1.48 0.86 -0.4 "
    "-0.23 0.93 -0.47 -0.64 1.34 0.18 1.29 -1.69 -0.82 -0.86 0.1 -0.38",
    "r": "1.963 0.268 1.285 1.13 0.618 1.96 2.228 1.394 1.298 1.558 1.497 1.619 "
    "1.055 2.702 0.472 2.075 2.707 1.945 1.552 0.705 2.145 1.777 1.681 1.118",
}
ROWS = pd.DataFrame({name: np.array(COLUMNS[name].split(), float) for name in "zr"}).assign(
    g="one", **{name: np.repeat(np.array(COLUMNS[name].split(), float), 2) for name in "xy"}
)
GLMMTMB = {
    "exp": [-20.9527393379, 1.513716000892, 0.285816505665, 0.565690895167, -2.042905762696, -0.145495800973],
    "gau": [-20.7841299206, 1.486325908843, 0.310333682674, 0.546575511762, -1.588892580149, 0.301220986747],
    "mat": [-20.8733227972, 1.499935069813, 0.302776695118, 0.552823424427, -1.696940127083, -0.59377142663],
}
"""glmmTMB 1.1.5, R 4.2.2, glmmTMB(r ~ z + exp(numFactor(x, y) + 0 | g)), with the smoothness of mat() held at 1.5: the
log-likelihood, coefficients, residual SD, log SD and log range."""


@pytest.mark.parametrize("call", GLMMTMB)
def test_the_likelihood_at_the_estimates_of_glmmtmb_is_its_own(call):
    design = bm.prepare(f"r ~ z + {call}(0 + x + y | g)", ROWS)
    (group,) = design.mu.groups
    expected, intercept, slope, sigma, log_sd, log_range = GLMMTMB[call]
    corr = design.mu.structured_correlations(group, {"range_g": np.exp(log_range)})
    covariance = np.exp(2 * log_sd) * group.matrix @ corr @ group.matrix.T + sigma**2 * np.eye(len(ROWS))
    found = stats.multivariate_normal(intercept + slope * ROWS["z"], covariance).logpdf(ROWS["r"])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_default_priors_follow_the_unit_of_the_coordinates():
    def prior(unit):
        data = ROWS.assign(x=ROWS["x"] * unit, y=ROWS["y"] * unit)
        priors = bm.prepare("r ~ z + gau(0 + x + y | g)", data).priors
        return priors["range_g"].prior.arguments, priors["sd_g[gau(x + y)]"].prior

    (location, scale), sd = prior(1.0)
    for unit in (1e-200, 1e-9, 1e12, 1e200):
        (moved, same), other = prior(unit)
        np.testing.assert_allclose([moved - np.log(unit), same], [location, scale], rtol=1e-9)
        assert other == sd


def test_places_far_from_the_origin_and_very_near_each_other_have_a_root():
    near = tuple((1e6 + 1e-6 * k, 0.0) for k in range(6))
    for name in ("exponential", "gaussian", "matern32", "matern52"):
        one = Structure(name, "x + y", near, tuple("abcdef"), 1.0)
        for span in (1e-6, 1.0, 1e9):
            root = one.root({"range": np.full((1, 1), span)}, np)
            np.testing.assert_allclose(root @ root.T, one.correlations({"range": np.array(span)}), atol=1e-12)
            assert np.all(np.isfinite(root))


def test_a_place_is_found_by_its_name():
    one = Structure("gaussian", "x + y", ((0.0, 1.0), (1e-7, -2.0)), ("0, 1", "1e-07, -2"), 1.0)
    assert [one.place_of(name) for name in one.names] == list(one.places)
    assert one.extends
    assert one.label == "gau(x + y)"


def test_coordinates_in_different_units_are_pointed_out():
    bm.prepare("r ~ z + mat(0 + x + y | g)", ROWS)
    bm.prepare("r ~ z + mat(0 + x + y | g)", ROWS.assign(y=1.0))
    with pytest.warns(bm.StatisticsWarning, match=r"x has range 2.82e\+03 and y"):
        bm.prepare("r ~ z + mat(0 + x + y | g)", ROWS.assign(x=1000 * ROWS["x"]))


def test_a_group_at_one_place_each_is_told_what_a_group_is():
    with pytest.raises(bm.DataError, match="a column with one label in all rows"):
        bm.prepare("r ~ z + exp(0 + x + y | site)", ROWS.assign(site=ROWS["x"].astype(str)))
