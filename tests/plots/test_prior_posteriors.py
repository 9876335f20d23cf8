"""The picture of priors and posteriors."""

import numpy as np
import pytest
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm


@pytest.fixture(scope="module")
def herds():
    return bm.load_fit("herd_period")


def densities(axes):
    """Return the edges and the heights of the prior and of the posterior in a panel."""
    return [(patch.get_data().edges, patch.get_data().values) for patch in axes.patches]


def test_the_grey_line_is_the_density_of_the_prior_and_the_area_that_of_the_draws(herds):
    axes = bm.plot_prior_posterior(herds, ["sd_herd[Intercept]"]).axes[0]
    (edges, prior), (_, posterior) = densities(axes)
    exact = 2 * np.diff(stats.t(4).cdf(edges)) / np.diff(edges)
    np.testing.assert_allclose(prior, exact, atol=0.04)
    draws = herds.posterior["sd_herd"].values.ravel()
    within = np.mean((draws >= edges[0]) & (draws <= edges[-1]))
    assert np.sum(posterior * np.diff(edges)) == pytest.approx(within)
    assert within > 0.99


def test_every_parameter_has_a_panel_and_effects_have_none(herds):
    titles = [axes.get_title(loc="left") for axes in bm.plot_prior_posterior(herds).axes]
    assert titles == [*(f"beta[{name}]" for name in herds.design.mu.population.labels), "sd_herd[Intercept]"]


def test_correlations_have_a_panel_for_each_pair():
    design = bm.prepare("sleepstudy", bm.datasets.load("sleepstudy"))
    values = {"beta": [250.0, 10.0], "sd_Subject": [25.0, 6.0], "sigma": 25.0, "corr_Subject": [[1, 0.3], [0.3, 1]]}
    fit = fit_at(design, values, jitter=0.01)
    titles = [axes.get_title(loc="left") for axes in bm.plot_prior_posterior(fit).axes]
    assert "corr_Subject[Intercept, Days]" in titles
    assert "sigma" in titles


def test_an_unknown_parameter_gets_a_proposal(herds):
    with pytest.raises(bm.SpecError, match=r"Did you mean 'sd_herd\[Intercept\]'"):
        bm.plot_prior_posterior(herds, ["sd_herd[Intercep]"])
