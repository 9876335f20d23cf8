"""Moments of the response over its groups, against closed forms."""

import numpy as np
import pandas as pd
import pytest
from crossed_fits import V_G, V_H, V, crossed_fit
from fixed_draws import fit_at
from variance_fits import one

import bayesmixed as bm
from bayesmixed.summaries.variance import group_moments
from bayesmixed.summaries.variance.group_moments import (
    distinct_rows,
    response_moments,
    shared_covariance,
    take_apart,
    thin_for,
)

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def test_rows_are_averaged_before_the_ratio_is_taken():
    fit = crossed_fit(
        "poisson", formula="~ x + (x | g)", values={"beta": [0.4, 0.5], "sd_g": [0.6, 0.4], "corr_g": np.eye(2)}
    )
    x = np.asarray(fit.design.table.data["x"])
    v = 0.36 + 0.16 * x**2
    m = np.exp(0.4 + 0.5 * x + v / 2)
    expected = np.mean(m**2 * np.expm1(v)) / np.mean(m + m**2 * np.expm1(v))
    assert one(bm.icc(fit, scale="data")) == pytest.approx(expected, rel=1e-6)


def test_effects_in_two_predictors_both_count():
    fit = crossed_fit(
        "gaussian", "log", "~ 1 + (1 | g)", {"sd_g": 0.7, "beta_sigma": 0.2, "sd_g_sigma": 0.5}, sigma="~ 1 + (1 | g)"
    )
    m2, v = np.exp(0.8 + 0.49), 0.49
    within = np.exp(2 * 0.2 + 2 * 0.25)
    assert one(bm.icc(fit)) == pytest.approx(m2 * np.expm1(v) / (m2 * np.expm1(v) + within), rel=1e-8)


def test_a_modelled_residual_variance_is_averaged_over_its_groups():
    fit = crossed_fit("gaussian", None, "~ 1 + (1 | g)", {"beta_sigma": 0.2, "sd_h_sigma": 0.5}, sigma="~ 1 + (1 | h)")
    residual = np.exp(2 * 0.2 + 2 * 0.25)
    assert one(bm.icc(fit), effect="icc") == pytest.approx(V_G / (V_G + residual), rel=1e-8)


def test_too_many_predictors_with_effects_are_refused_in_words():
    fit = crossed_fit(
        "student",
        None,
        "~ 1 + (1 | g) + (1 | h)",
        {"sd_g_sigma": 0.1, "sd_h_sigma": 0.1, "beta_nu": 2.0, "sd_g_nu": 0.1, "sd_h_nu": 0.1},
        sigma="~ 1 + (1 | g) + (1 | h)",
        nu="~ 1 + (1 | g) + (1 | h)",
    )
    with pytest.raises(bm.SpecError, match="6 dimensions"):
        bm.icc(fit, scale="data")


def parts_of(fit):
    """Return the predictors of the first draw of all rows, taken apart."""
    rows = np.arange(fit.design.rows)
    return next(take_apart(fit.design, fit.posterior.isel(chain=[0], draw=[0]), rows))


def test_moments_of_a_count_are_those_of_a_log_normal_mean():
    fit = crossed_fit("poisson")
    mean, between, within = response_moments(parts_of(fit), 1.0)[:, 0, 0]
    expected = np.exp(0.4 + V / 2)
    assert (mean, between, within) == pytest.approx((expected, expected**2 * np.expm1(V), expected), rel=1e-9)


@pytest.mark.parametrize(("shared", "variance"), [({"g"}, V_G), ({"h"}, V_H), ({"g", "h"}, V), (set(), 0.0)])
def test_the_covariance_of_two_counts_is_that_of_the_log_normal_effects_that_they_share(shared, variance):
    found = shared_covariance(parts_of(crossed_fit("poisson")), shared, 1.0)[0, 0]
    assert found == pytest.approx(np.exp(0.8 + V) * np.expm1(variance), rel=1e-9, abs=1e-12)


def test_two_responses_that_share_all_effects_vary_together_as_much_as_groups_do():
    parts = parts_of(crossed_fit("bernoulli"))
    between = response_moments(parts, 1.0)[1]
    np.testing.assert_allclose(shared_covariance(parts, {"g", "h"}, 1.0), between, rtol=1e-6)


def test_rows_of_the_same_columns_are_counted_once_with_their_share():
    x = np.repeat([0.0, 1.0, 3.0], [2, 3, 5])
    design = bm.prepare("y ~ x + (x | g)", {"y": np.arange(10.0), "x": x, "g": list("abcdeabcde")})
    rows, shares = distinct_rows(design)
    assert dict(zip(x[rows], shares, strict=True)) == pytest.approx({0.0: 0.2, 1.0: 0.3, 3.0: 0.5})


def test_thinned_draws_are_at_least_a_hundred():
    fit = crossed_fit("gaussian")
    assert fit.posterior.sizes["chain"] * thin_for(fit.design, fit.posterior, 10**9).sizes["draw"] == 100


@pytest.mark.parametrize(
    ("family", "link"),
    [("bernoulli", "logit"), ("bernoulli", "cloglog"), ("poisson", "log"), ("gaussian", "identity"), ("gamma", "log")],
)
def test_means_over_very_many_rows_are_those_of_their_places(family, link, monkeypatch):
    generator = np.random.default_rng(2)
    rows = group_moments.MANY + 100
    y = {"bernoulli": lambda: generator.integers(0, 2, rows), "poisson": lambda: generator.poisson(1.0, rows)}
    made = y.get(family, lambda: generator.gamma(2.0, 1.0, rows))()
    data = pd.DataFrame({"y": made, "x": generator.standard_t(4, rows), "g": (np.arange(rows) % 30).astype(str)})
    spec = bm.from_formula("y ~ x + (1 | g)", family=family, link=link)
    values = {"beta": [0.2, 0.4], "sd_g": 0.7, "sigma": 1.0, "shape": 2.0, "phi": 2.0, "alpha": 2.0}
    fit = fit_at(bm.prepare(spec, data), values, jitter=0.02, draws=2)
    places = bm.r2(fit, scale="data"), bm.icc(fit, scale="data")
    monkeypatch.setattr(group_moments, "MANY", rows)
    for found, expected in zip(places, (bm.r2(fit, scale="data"), bm.icc(fit, scale="data")), strict=True):
        np.testing.assert_allclose(found["mean"], expected["mean"], rtol=1e-9)
        np.testing.assert_allclose(found["lower"], expected["lower"], rtol=1e-9)
