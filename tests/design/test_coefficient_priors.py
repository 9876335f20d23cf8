"""Joint priors of coefficients: draws against the distributions that they imply, and against their definition."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bayesmixed.design.coefficient_priors import READERS, ExplainedOnData, HorseshoeOnData
from bayesmixed.design.correlation_draws import draw_correlations
from bayesmixed.design.variance_parts import Part
from bayesmixed.design.variance_splits import part_prior
from bayesmixed.prior_texts import as_prior

X, F = Part("x", ("beta[x]",), ((2.0,),)), Part("f", ("beta[f #1]", "beta[f #2]"), ((0.7,),))
G = Part("g", ("sd_g[a]", "sd_g[b]"), ((1.0, 0.4), (0.4, 2.0)), (((0, 1), 2.0),), "corr_g")
EXPLAINED = ExplainedOnData(as_prior("Beta(2, 3)"), (0.5, 1.0, 2.0), (X, F, G), as_prior("HalfNormal(2)"))
SHRUNKEN = HorseshoeOnData(
    as_prior("Horseshoe(relevant=1, slab_scale=2)"), (X, F), 0.05, 3.0, as_prior("HalfNormal(2)")
)
COUNT = 40_000


def drawn():
    generator = np.random.default_rng(1)
    sigma = np.abs(generator.normal(0.0, 2.0, COUNT))
    correlations = {"corr_g": draw_correlations(2, 2.0, COUNT, generator)}
    return sigma, correlations["corr_g"], EXPLAINED.draw(sigma, correlations, generator)


def test_terms_explain_r2_of_the_variance_in_dirichlet_shares():
    sigma, correlation, values = drawn()
    sds = np.stack([values[key] for key in G.keys], axis=-1)
    own = G.variance(sds[:, :, None] * correlation * sds[:, None, :])
    # Of what g explains, share times R2 / (1 - R2): the share is Beta(2, 1.5).
    generator = np.random.default_rng(2)
    r2 = generator.beta(2, 3, COUNT)
    assert stats.ks_2samp(own / sigma**2, generator.beta(2, 1.5, COUNT) * r2 / (1 - r2)).pvalue > 0.01
    # Given all scales, the coefficients of f have variances that sum to share / 0.7 times their number 2.
    explained = (values["beta[f #1]"] ** 2 + values["beta[f #2]"] ** 2) * 0.35 / sigma**2
    normal = generator.chisquare(2, COUNT) / 2
    assert stats.ks_2samp(explained, normal * generator.beta(1.0, 2.5, COUNT) * r2 / (1 - r2)).pvalue > 0.01


LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])


@pytest.mark.parametrize("key", ["beta[x]", "beta[f #2]", "sd_g[b]"])
def test_the_distribution_of_one_number_is_that_of_its_draws(key):
    _, _, values = drawn()
    found = part_prior(EXPLAINED, key).frozen()
    assert np.mean(values[key][:, None] < found.ppf(LEVELS), axis=0) == pytest.approx(LEVELS, abs=0.015)
    assert found.cdf(found.ppf(LEVELS)) == pytest.approx(LEVELS)
    low, high = part_prior(EXPLAINED, key).support
    assert (low, high) == ((0.0, np.inf) if key.startswith("sd") else (-np.inf, np.inf))


def test_quantiles_of_one_number_are_close_to_those_of_many_draws_and_alike_for_what_is_alike():
    generator = np.random.default_rng(9)
    sigma = np.abs(generator.normal(0.0, 2.0, 400_000))
    tail = np.array([0.9, 0.975])
    for joint, values in (
        (EXPLAINED, EXPLAINED.draw(sigma, {}, generator)),
        (SHRUNKEN, SHRUNKEN.draw(sigma, {}, generator)),
    ):
        for key in ("beta[x]", "beta[f #1]", "beta[f #2]"):
            found = part_prior(joint, key).frozen().ppf(tail)
            assert found == pytest.approx(np.quantile(np.abs(values[key]), 2.0 * tail - 1.0), rel=0.03)
        first, second = (part_prior(joint, f"beta[f #{number}]").frozen().ppf(tail) for number in (1, 2))
        assert first == pytest.approx(second)


def test_the_horseshoe_is_a_cauchy_scale_that_a_slab_bounds():
    generator = np.random.default_rng(3)
    sigma = np.abs(generator.normal(0.0, 2.0, COUNT))
    values = SHRUNKEN.draw(sigma, {}, generator)
    for key in ("beta[x]", "beta[f #1]"):
        found = part_prior(SHRUNKEN, key).frozen()
        assert np.mean(values[key][:, None] < found.ppf(LEVELS), axis=0) == pytest.approx(LEVELS, abs=0.015)
    # Far out a coefficient of a column of variance 1 is Student-t with 4 degrees of freedom and the scale 3.
    wide = replace(SHRUNKEN, scale=1e9, sigma=None)
    standard = wide.draw(sigma, {}, generator)["beta[x]"] * np.sqrt(2.0)
    assert stats.kstest(standard, stats.t(4, 0, 3.0).cdf).pvalue > 0.01
    # Without the slab it is a normal number with the scale tau times a half-Cauchy one.
    bare = replace(SHRUNKEN, slab=1e9, scale=1.0, sigma=None)
    plain = generator.standard_normal(COUNT) * np.abs(
        generator.standard_cauchy(COUNT) * generator.standard_cauchy(COUNT)
    )
    assert stats.ks_2samp(bare.draw(sigma, {}, generator)["beta[x]"] * np.sqrt(2.0), plain).pvalue > 0.01


@pytest.mark.parametrize(
    "joint", [EXPLAINED, SHRUNKEN, replace(SHRUNKEN, sigma=None)], ids=["R2D2M2", "Horseshoe", "known"]
)
def test_joint_priors_are_read_back_and_move_with_the_unit(joint):
    assert READERS[joint.KIND](joint.to_lists()) == joint
    one = part_prior(joint, "beta[x]")
    assert one.rescale(3.0).frozen().ppf(0.9) == pytest.approx(3.0 * one.frozen().ppf(0.9))
