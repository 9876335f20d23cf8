"""Complete pooling against ridge algebra, and against the maximum of the posterior density by SciPy."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

import bayesmixed as bm
from bayesmixed.estimation.complete_pooling import fit_pooled, residual_scale

STREAM = np.random.default_rng(8)
TABLE = pd.DataFrame({"x": STREAM.normal(size=40), "g": np.repeat(list("abcd"), 10), "n": 6})
TABLE["y"] = 1.0 + 0.7 * TABLE["x"] + STREAM.normal(size=40)
TABLE["k"] = STREAM.binomial(6, special.expit(0.8 * TABLE["x"]))
PRIORS = {"beta[Intercept]": "Normal(0, 3)", "beta[x]": "Normal(0.5, 2)", "sd_g": "HalfNormal(1)"}
DESIGN = np.column_stack([np.ones(40), TABLE["x"]])
PRECISION, LOCATION = np.array([1 / 9, 1 / 4]), np.array([0.0, 0.5])


def test_normal_responses_have_the_mode_of_a_ridge_regression():
    design = bm.prepare("y ~ x + (1 | g)", TABLE, priors=PRIORS | {"sigma": "HalfNormal(2)"})
    found = fit_pooled(design)
    sigma = float(found.values["sigma"])
    curvature = DESIGN.T @ DESIGN / sigma**2 + np.diag(PRECISION)
    beta = np.linalg.solve(curvature, DESIGN.T @ TABLE["y"] / sigma**2 + PRECISION * LOCATION)
    np.testing.assert_allclose(found.beta, beta, rtol=1e-4)
    assert sigma == pytest.approx(np.sqrt(np.mean((TABLE["y"] - DESIGN @ beta) ** 2)), rel=1e-4)
    np.testing.assert_allclose(found.information, 1 / sigma**2)


def test_events_have_the_mode_of_their_posterior_density():
    design = bm.prepare("k | trials(n) ~ x + (1 | g)", TABLE, family="binomial", priors=PRIORS)
    found = fit_pooled(design)

    def loss(beta):
        density = stats.binom.logpmf(TABLE["k"], 6, special.expit(DESIGN @ beta)).sum()
        return -density + 0.5 * np.sum(PRECISION * (beta - LOCATION) ** 2)

    np.testing.assert_allclose(found.beta, optimize.minimize(loss, np.zeros(2), tol=1e-12).x, atol=1e-4)
    p = special.expit(DESIGN @ found.beta)
    np.testing.assert_allclose(found.information, 6 * p * (1 - p), rtol=1e-6)
    np.testing.assert_allclose(found.residual, (TABLE["k"] - 6 * p) / (6 * p * (1 - p)), rtol=1e-5, atol=1e-8)


def test_a_residual_scale_takes_off_degrees_of_freedom_and_weighs_rows():
    plain = bm.prepare("y ~ x", TABLE)
    residual = TABLE["y"].to_numpy()
    assert residual_scale(plain, residual, 2.0) == pytest.approx(np.sqrt(np.sum(residual**2) / 38))
    weighted = bm.prepare("y | weights(n, 'frequency') ~ x", TABLE)
    assert residual_scale(weighted, residual) == pytest.approx(np.sqrt(np.mean(residual**2)))
