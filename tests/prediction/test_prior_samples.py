"""Draws of the prior in the layout of a posterior."""

import numpy as np
import pytest
from conftest import classic

import bayesmixed as bm
from bayesmixed.design.prior_draws import draw_priors
from bayesmixed.draws.linear_predictors import covariances_at_centre
from bayesmixed.draws.tree import top_level_names
from bayesmixed.prediction.prior_samples import as_posterior, sample_prior


@pytest.fixture(scope="module")
def design():
    return bm.prepare("Reaction ~ Days + (Days | Subject)", classic("lme4", "sleepstudy"))


def test_the_variables_are_those_of_the_posterior_without_effects(design):
    posterior = sample_prior(design, draws=50).posterior
    assert set(posterior.data_vars) == set(top_level_names(design))
    assert posterior.sizes == {"chain": 1, "draw": 50, "beta_effect": 2, "Subject_effect": 2, "Subject_effect_2": 2}


def test_coefficients_as_written_make_the_predictor_of_those_at_the_centre(design):
    prior = draw_priors(design, 200, seed=3)
    fit = sample_prior(design, draws=200, seed=3)
    eta = prior.coefficients(design.mu) @ design.mu.centred_matrix.T
    np.testing.assert_allclose(bm.predict(fit, kind="linear", groups="typical")["linear"].values[0], eta)


def test_covariances_as_written_are_those_at_the_centre_moved(design):
    prior = draw_priors(design, 200, seed=3)
    group = design.mu.groups[0]
    there = covariances_at_centre(design.mu, group, as_posterior(prior, np.random.default_rng(0)))[0]
    np.testing.assert_allclose(there, prior.covariance(design.mu, group), rtol=1e-8, atol=1e-6)
