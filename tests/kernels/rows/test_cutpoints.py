"""Thresholds of ordered categories: shares between them, ends of intervals, and their priors."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from uncompiled import uncompiled

from bayesmixed.kernels.records import FIRST_CUT, UPPER_END
from bayesmixed.kernels.rows import cutpoints
from bayesmixed.kernels.rows.cutpoints import INDUCED
from bayesmixed.kernels.rows.links import LINK_CODES
from bayesmixed.kernels.rows.priors import DISTRIBUTION_CODES

log_share, fill_ends, ends_back = (uncompiled(getattr(cutpoints, n)) for n in ("log_share", "fill_ends", "ends_back"))
whole_prior = uncompiled(cutpoints.log_prior)
LATENT = {"logit": stats.logistic, "probit": stats.norm, "cloglog": stats.gumbel_l}
X = np.array([9.0, -0.8, 0.3, -0.5])
CUTS = np.cumsum([-0.8, np.exp(0.3), np.exp(-0.5)])
"""The first threshold and the logarithms of the distances begin at place 1 of the coordinates."""


def data_of(link="logit", code=INDUCED, arguments=(2.5, 0.0, 0.0, 0.0), scalar=UPPER_END):
    numbers = np.array([1.0, 2.0, 3.0, 4.0, 2.0, *arguments])
    parameter = SimpleNamespace(
        first_cut=1, width=3, cut_prior=code, cut_numbers=5, link=LINK_CODES[link], scalar=scalar
    )
    return SimpleNamespace(model=[SimpleNamespace(response=0)], parameters=[parameter], numbers=numbers)


def log_prior(x, data):
    return ends_back(x, np.zeros((5, 2)), 0, 5, data, np.zeros(4))


@pytest.mark.parametrize("link", LATENT)
@pytest.mark.parametrize("ends", [(-1.2, 0.4), (0.6, 2.0), (-np.inf, -0.3), (0.7, np.inf)])
def test_a_share_is_a_difference_of_distribution_functions(link, ends):
    value, below, above = log_share(LINK_CODES[link], *map(np.float64, ends))
    distribution = LATENT[link]
    share = distribution.cdf(ends[1]) - distribution.cdf(ends[0])
    assert value == pytest.approx(np.log(share), rel=1e-12)
    assert below == pytest.approx(-distribution.pdf(ends[0]) / share, abs=1e-12)
    density = distribution.pdf(ends[1]) if np.isfinite(ends[1]) else 0.0
    assert above == pytest.approx(density / share, abs=1e-12)


def test_a_share_in_the_far_tail_keeps_its_digits():
    found = log_share(LINK_CODES["probit"], np.float64(20.0), np.float64(21.0))[0]
    assert found == pytest.approx(
        stats.norm.logsf(20.0) + np.log1p(-np.exp(stats.norm.logsf(21) - stats.norm.logsf(20)))
    )


def test_each_response_gets_the_ends_of_its_interval():
    eta = np.zeros((5, 3))
    fill_ends(X, eta, 1, 5, SimpleNamespace(**{**vars(data_of()), "parameters": [None, *data_of().parameters]}))
    whole = np.array([-np.inf, *CUTS, np.inf])
    np.testing.assert_allclose(eta[:, 1], whole[[1, 2, 3, 4, 2]])
    np.testing.assert_allclose(eta[:, 2], whole[[0, 1, 2, 3, 1]])


@pytest.mark.parametrize("link", LATENT)
def test_the_induced_prior_is_a_dirichlet_density_of_the_shares(link):
    distribution = LATENT[link]
    shares = np.diff(distribution.cdf([-np.inf, *CUTS, np.inf]))
    expected = 1.5 * np.sum(np.log(shares)) + np.sum(distribution.logpdf(CUTS))
    assert log_prior(X, data_of(link)) == pytest.approx(expected + X[2] + X[3], rel=1e-12)


def test_a_prior_of_each_threshold_is_summed_with_the_jacobian_of_the_distances():
    data = data_of(code=DISTRIBUTION_CODES["Normal"], arguments=(0.5, 2.0, 0.0, -1.0))
    assert log_prior(X, data) == pytest.approx(-1.0 - np.sum(((CUTS - 0.5) / 2.0) ** 2) / 2.0 + X[2] + X[3])


@pytest.mark.parametrize("link", LATENT)
def test_derivatives_in_the_coordinates_are_differences_of_likelihood_and_prior(link):
    data, ends = data_of(link), np.zeros((5, 2))

    def total(x):
        fill_ends(x, ends, 0, 5, data)
        shares = np.array([log_share(LINK_CODES[link], lower, upper) for upper, lower in ends])
        gradient = np.zeros(4)
        value = ends_back(x, shares[:, [2, 1]], 0, 5, data, gradient)
        return np.sum(shares[:, 0]) + value, gradient

    slopes = [(total(X + step)[0] - total(X - step)[0]) / 2e-5 for step in 1e-5 * np.eye(4)]
    np.testing.assert_allclose(total(X)[1], slopes, rtol=1e-7, atol=1e-8)


def test_free_thresholds_are_columns_whose_distances_are_coordinates():
    data = data_of(code=DISTRIBUTION_CODES["Normal"], arguments=(0.5, 2.0, 0.0, -1.0), scalar=FIRST_CUT)
    weights = np.random.default_rng(1).normal(size=(5, 3))

    def total(x):
        columns, gradient = np.zeros((5, 3)), np.zeros(4)
        fill_ends(x, columns, 0, 5, data)
        np.testing.assert_allclose(columns, np.tile(np.cumsum(x[1:]), (5, 1)))
        value = ends_back(x, weights, 0, 5, data, gradient)
        assert value == pytest.approx(-1.0 - np.sum(((np.cumsum(x[1:]) - 0.5) / 2.0) ** 2) / 2.0)
        assert value == pytest.approx(whole_prior(x, data.parameters[0], data.numbers))
        return np.sum(weights * columns) + value, gradient

    slopes = [(total(X + step)[0] - total(X - step)[0]) / 2e-5 for step in 1e-5 * np.eye(4)]
    np.testing.assert_allclose(total(X)[1], slopes, rtol=1e-7, atol=1e-8)
