"""Log-densities of rows and of groups, on demand."""

import numpy as np
import pytest
from fixed_draws import fit_at
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.cross_validation.log_densities import log_mean, standard_error


def test_the_log_likelihood_of_rows_is_that_of_the_family(fitted):
    fit = fitted("herd")
    found = bm.log_likelihood(fit, draws=40)
    posterior = fit.posterior.sel(draw=found["draw"])
    eta = posterior["beta"].values[..., 0, None] + posterior["b_herd"].values[..., fit.design.mu.groups[0].index, 0]
    data = fit.design.table.data
    expected = stats.binom.logpmf(data["incidence"], data["size"], special.expit(eta))
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert found.dims == ("chain", "draw", "row")
    assert list(found["row"].values) == list(data.index)


def test_a_fit_whose_effects_are_integrated_needs_none_of_their_draws(fitted):
    fit = fitted("herd")
    found = bm.log_likelihood(fit, integrate="herd", draws=20)
    assert found.dims == ("chain", "draw", "herd")
    assert list(found["herd"].values) == [str(i) for i in range(1, 16)]


def test_groups_of_a_normal_response_have_a_multivariate_normal_density():
    data = {"y": np.random.default_rng(1).normal(size=20), "g": np.repeat(list("abcde"), 4)}
    fit = fit_at(bm.prepare("y ~ 1 + (1 | g)", data), {"beta": 0.3, "sd_g": 0.7, "sigma": 1.2})
    found = bm.log_likelihood(fit, integrate="g", draws=10)
    law = stats.multivariate_normal(np.full(4, 0.3), 0.49 + 1.44 * np.eye(4))
    np.testing.assert_allclose(found[0, 0], law.logpdf(data["y"].reshape(5, 4)), atol=1e-9)


def test_the_mean_density_over_draws_does_not_overflow():
    logs = np.random.default_rng(1).normal(size=(2, 30, 4))
    np.testing.assert_allclose(log_mean(logs), np.log(np.exp(logs).mean(axis=(0, 1))))
    np.testing.assert_allclose(log_mean(logs + 2000.0), log_mean(logs) + 2000.0)


def test_the_error_of_a_sum_is_that_of_independent_values():
    values = np.random.default_rng(2).normal(size=50)
    assert standard_error(values) == pytest.approx(np.sqrt(50) * values.std())
