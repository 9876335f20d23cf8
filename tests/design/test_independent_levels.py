"""Designs of related levels written on independent ones: the same predictors, and the same draws back."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.design.independent_levels import independent_effects, related_effects, with_independent_levels

LEVELS = list("abcdef")
GRAPH = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("e", "d"), ("e", "f")]


def table(rows=60, seed=2):
    rng = np.random.default_rng(seed)
    g = np.array(LEVELS)[np.append(np.arange(6), rng.integers(0, 6, rows - 6))]
    return pd.DataFrame({"g": g, "x": rng.normal(size=rows), "y": rng.normal(size=rows)})


def given(formula):
    """Return a fit whose draws all hold the same effects."""
    design = bm.prepare(formula, table(), known={"A": GRAPH})
    (block,) = design.mu.groups
    effects = block.root @ np.random.default_rng(1).normal(size=(block.root.shape[1], block.width))
    return fit_at(design, {"sd_g": 0.8, "sigma": 0.6, "b_g": effects})


def test_effects_are_those_of_independent_levels_and_the_root():
    fit = given("y ~ x + (x || gr(g, graph=A))")
    posterior = fit.posterior
    own = independent_effects(fit.design, posterior)
    assert own["b_g"].sizes["g_root"] == 5
    assert np.allclose(related_effects(fit.design, own)["b_g"].values, posterior["b_g"].values)
    assert list(related_effects(fit.design, own)["b_g"].coords["g"].values) == LEVELS
    working = with_independent_levels(fit.design)
    (block,) = working.mu.groups
    there = block.contribution(own["b_g"].values, written=True)
    assert np.allclose(there, fit.design.mu.groups[0].contribution(posterior["b_g"].values, written=True))
    assert np.allclose(block.sparse_columns().toarray() @ own["b_g"].values[0, 0].ravel(), there[0, 0])
    assert with_independent_levels(working) is working


def test_a_design_without_related_levels_stays_as_it_is():
    design = bm.prepare("y ~ x + (1 | g)", table())
    assert with_independent_levels(design) is design


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["collapsed", "kernel"])
def test_draws_of_effects_have_the_mean_and_the_variance_of_the_dense_normal_distribution(engine):
    data = table()
    design = bm.prepare(
        "y ~ x + (1 | gr(g, graph=A))", data, known={"A": GRAPH}, priors={"sd_g": 0.7, "beta[x]": "Normal(0, 1)"}
    )
    fit = bm.sample(design, engine=engine, seed=1, progress=False)
    (block,) = design.mu.groups
    z = block.indicators()
    prior = 0.49 * block.level_covariances
    sigma, beta = (fit.posterior[name].values.reshape(4000, -1) for name in ("sigma", "beta"))
    found = []
    for own, coefficients in zip(sigma[::20, 0], beta[::20], strict=True):
        gain = prior @ z.T @ np.linalg.inv(z @ prior @ z.T + own**2 * np.eye(60))
        found.append(gain @ (data["y"] - coefficients[0] - coefficients[1] * data["x"]))
    drawn = fit.posterior["b_g"].values.reshape(4000, 6)
    assert np.allclose(drawn.sum(axis=1), 0.0, atol=1e-9)
    assert np.allclose(drawn.mean(axis=0), np.mean(found, axis=0), atol=0.03)
