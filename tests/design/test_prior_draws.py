"""Draws from priors follow the laws of the priors, cut off where the parameters end."""

import numpy as np
import pytest
from conftest import classic
from scipy import stats

import bayesmixed as bm
from bayesmixed.design.correlation_draws import draw_correlations
from bayesmixed.design.prior_draws import draw_priors, prior_quantile

DATA = {
    "y": np.arange(40.0) % 7,
    "x": np.tile(np.arange(8.0), 5),
    "z": np.arange(40.0) % 3,
    "g": np.repeat(np.arange(5), 8),
}


@pytest.mark.parametrize(("width", "concentration"), [(2, 2.0), (3, 1.5), (4, 1.0), (5, 3.0)])
def test_every_correlation_of_the_lkj_law_has_its_beta_marginal(width, concentration):
    matrices = draw_correlations(width, concentration, 4000, np.random.default_rng(1))
    shape = concentration - 1 + width / 2
    np.testing.assert_allclose(matrices[:, range(width), range(width)], 1.0)
    for first in range(width):
        for second in range(first):
            found = stats.kstest(matrices[:, first, second], stats.beta(shape, shape, -1, 2).cdf)
            assert found.pvalue > 1e-4


def test_numbers_have_the_quantiles_of_their_prior():
    design = bm.prepare("Reaction ~ Days + (Days | Subject)", classic("lme4", "sleepstudy"))
    draws = draw_priors(design, 4000)
    s = design.priors["sigma"].prior.arguments[1]
    levels = np.array([0.05, 0.5, 0.95])
    half_t = s * stats.t(4).ppf((1 + levels) / 2)
    np.testing.assert_allclose(prior_quantile(design, "sigma", levels), half_t)
    np.testing.assert_allclose(np.quantile(draws.values["sigma"], levels), half_t, rtol=0.01)
    assert set(draws.values) | set(draws.correlations) == set(design.priors)


def test_degrees_of_freedom_are_cut_off_at_one():
    design = bm.prepare(bm.from_formula("y ~ x", family="student"), DATA)
    assert draw_priors(design, 4000).values["nu"].min() > 1
    law = stats.gamma(2, scale=10)
    assert prior_quantile(design, "nu", 0.5) == pytest.approx(law.isf(0.5 * law.sf(1)))


def test_a_correlation_is_reported_for_the_width_of_its_term():
    design = bm.prepare(bm.from_formula("y ~ x + z + (x + z | g)", priors={"corr_g": "LKJ(1)"}), DATA)
    assert prior_quantile(design, "corr_g", 0.975) == pytest.approx(stats.beta(1.5, 1.5, -1, 2).ppf(0.975))


def test_fixed_numbers_and_independent_parts_stay_as_they_are():
    spec = bm.from_formula("y ~ x + z + (0 + x | g) + (z | g)", priors={"sigma": 2, "sd_g[x]": 0.5})
    design = bm.prepare(spec, DATA)
    draws = draw_priors(design, 500)
    covariance = draws.covariance(design.mu, design.mu.groups[0])
    assert set(draws.values["sigma"]) == {2.0}
    np.testing.assert_allclose(covariance[:, 0, 0], 0.25)
    np.testing.assert_allclose(covariance[:, 0, 1:], 0.0)
    assert np.ptp(covariance[:, 1, 2]) > 0


def test_the_same_seed_gives_the_same_draws():
    design = bm.prepare("y ~ x + (x | g)", DATA)
    first, second = draw_priors(design, 100), draw_priors(design, 100)
    np.testing.assert_array_equal(first.values["sigma"], second.values["sigma"])
    np.testing.assert_array_equal(first.correlations["corr_g"], second.correlations["corr_g"])
