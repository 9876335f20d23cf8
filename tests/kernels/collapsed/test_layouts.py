"""A layout gives the same density wherever response and covariates begin, and in whatever order rows come."""

import numpy as np
from gaussian_models import density, prepared, table

from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed

SLOPES = "y ~ x + (x | g) + (1 | h)"


def values_at(data, formula=SLOPES, priors=None):
    collapsed = lay_out_collapsed(prepared(formula, data, priors))
    x = 0.5 * np.random.default_rng(5).normal(size=len(collapsed.kept))
    value, gradient = density(collapsed, x)
    return np.array([value, *gradient])


def test_a_shifted_response_changes_nothing():
    data = table()
    np.testing.assert_allclose(values_at(data | {"y": data["y"] + 1e7}), values_at(data), rtol=1e-7)


def test_a_shifted_response_changes_nothing_under_a_wide_prior_of_the_user():
    data = table()
    priors = {"beta[Intercept]": "Normal(0, 1e12)", "beta[x]": "Normal(0, 3)", "sigma": "HalfNormal(2)"}
    priors |= {"sd_g": "HalfNormal(2)", "sd_h": "HalfNormal(1)"}
    np.testing.assert_allclose(
        values_at(data | {"y": data["y"] + 1e7}, priors=priors), values_at(data, priors=priors), rtol=1e-6
    )


def test_a_shifted_covariate_changes_nothing():
    data = table()
    np.testing.assert_allclose(values_at(data | {"x": data["x"] + 2000}), values_at(data), rtol=1e-9)


def test_permuted_rows_change_nothing():
    data, order = table(), np.random.default_rng(6).permutation(48)
    np.testing.assert_allclose(values_at({k: v[order] for k, v in data.items()}), values_at(data), rtol=1e-9)
