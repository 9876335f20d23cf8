"""The collapsed density is the dense normal density of the responses times the priors, with its gradient."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import classic, read_reference
from gaussian_models import CHECKS, MODELS, dense_model, density, each_model, log_priors, prepared, sharp_check, table
from scipy import stats

from bayesmixed.design.design import RealisedPrior
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed
from bayesmixed.prior_texts import as_prior

EXACT = read_reference("exact_posteriors")["models"]


@each_model
def test_the_density_is_the_dense_normal_density_times_the_priors(name):
    formula, priors = MODELS[name]
    design = prepared(formula, table(), priors)
    collapsed = lay_out_collapsed(design)
    generator = np.random.default_rng(1)
    for _ in range(5):
        x = generator.normal(size=len(collapsed.kept))
        sigma, w, mean, covariance = dense_model(collapsed, x)
        law = stats.multivariate_normal(
            design.mu.offset + w @ mean, w @ covariance @ w.T + sigma**2 * np.eye(design.rows)
        )
        assert density(collapsed, x)[0] == pytest.approx(
            law.logpdf(design.response) + log_priors(collapsed, x), rel=1e-9
        )


@each_model
def test_the_gradient_is_that_of_finite_differences(name):
    collapsed = lay_out_collapsed(prepared(MODELS[name][0], table(), MODELS[name][1]))
    x = np.random.default_rng(2).normal(size=len(collapsed.kept))
    gradient = density(collapsed, x)[1]
    for k, unit in enumerate(np.eye(len(x))):
        slope = (density(collapsed, x + 1e-5 * unit)[0] - density(collapsed, x - 1e-5 * unit)[0]) / 2e-5
        assert slope == pytest.approx(gradient[k], rel=1e-6, abs=1e-6)


def test_the_sharp_check_of_the_gradient():
    data, priors, expected = sharp_check()
    design = prepared("y ~ 1 + (1 | group)", data, priors)
    flat = {"sd_group[Intercept]": "LogNormal(0, 1)", "sigma": "LogNormal(0, 1)"}
    free = {key: RealisedPrior(as_prior(text), "user", "") for key, text in flat.items()}
    given = CHECKS["G2"]["inputs"]
    x = np.log([given["sd_group"], given["sigma"]])
    # A log-normal prior on an SD is standard normal on its logarithm.
    collapsed = lay_out_collapsed(replace(design, priors={**design.priors, **free}))
    np.testing.assert_allclose(
        density(collapsed, x)[1] + x, [expected["d_dlog_sd_group"], expected["d_dlog_sigma"]], atol=1e-6
    )


def test_the_density_integrates_to_the_evidence():
    exact = EXACT["dyestuff"]
    priors = {"beta[Intercept]": "Normal(1500, 100)", "sd_Batch": "HalfNormal(100)", "sigma": "HalfNormal(100)"}
    collapsed = lay_out_collapsed(prepared("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff"), priors))
    sds, sigmas = np.linspace(-8, 7, 400), np.linspace(2.5, 6, 150)
    values = np.array([[density(collapsed, [a, b])[0] for b in sigmas] for a in sds])
    peak = values.max()
    total = np.trapezoid(np.trapezoid(np.exp(values - peak), sigmas, axis=1), sds)
    assert peak + np.log(total) == pytest.approx(exact["log_evidence"], abs=2e-4)


def test_an_sd_of_zero_is_an_ordinary_point():
    collapsed = lay_out_collapsed(prepared("y ~ x + (x | g)", table()))
    x = np.array([-30.0, -30.0, 20.0, 1.0])
    value, gradient = density(collapsed, x)
    nearby, slopes = density(collapsed, x - np.array([1.0, 1.0, 0.0, 0.0]))
    assert np.isfinite(value)
    assert gradient[:2] == pytest.approx([1.0, 1.0], abs=1e-9)
    assert slopes[3] == pytest.approx(gradient[3], rel=1e-9)
    assert nearby == pytest.approx(value - 2, abs=1e-9)
