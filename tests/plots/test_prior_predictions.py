"""The picture of what the priors expect, beside the data."""

import numpy as np
import pytest

import bayesmixed as bm

PRIORS = {"beta[Intercept]": "Normal(2, 1)", "sd_g": "HalfNormal(3)", "sigma": "HalfNormal(2)"}
Y = 2.0 + np.random.default_rng(1).random(80)
G = np.repeat(np.arange(8), 10)


def expected(**changed):
    return bm.prior_predictive("y ~ 1 + (1 | g)", {"y": Y, "g": G}, priors=PRIORS | changed, draws=100, seed=2)


@pytest.fixture(scope="module")
def prior():
    return expected()


def test_the_thick_lines_are_the_data_and_the_means_of_their_groups(prior):
    axes = bm.plot_prior_predictive(prior).axes
    np.testing.assert_allclose(axes[0].lines[-1].get_xdata(), np.sort(Y))
    np.testing.assert_allclose(axes[1].lines[-1].get_xdata(), np.sort(Y.reshape(8, 10).mean(axis=1)))
    assert axes[0].lines[-1].get_linewidth() > 2 * axes[0].lines[0].get_linewidth()


def test_the_thin_lines_are_sixty_data_sets_from_the_priors(prior):
    axes = bm.plot_prior_predictive(prior).axes
    assert [len(own.lines) for own in axes] == [61, 61]
    for line, made in zip(axes[1].lines[:-1], prior.replicates[:60], strict=True):
        np.testing.assert_allclose(line.get_xdata(), np.sort(made.reshape(8, 10).mean(axis=1)))


def test_the_axis_is_logarithmic_where_the_priors_reach_much_farther_than_the_data(prior):
    assert bm.plot_prior_predictive(prior).axes[0].get_xscale() == "symlog"
    tight = expected(sd_g="HalfNormal(0.1)", sigma="HalfNormal(0.3)", **{"beta[Intercept]": "Normal(2, 0.1)"})
    assert bm.plot_prior_predictive(tight).axes[0].get_xscale() == "linear"
