"""The joint prior of steps: draws, the distribution of one step, and its density as stated."""

import numpy as np
import pytest
from scipy import integrate, stats

from bayesmixed.design.coefficient_priors import READERS
from bayesmixed.design.monotonic_priors import MonotonicOnData
from bayesmixed.design.variance_parts import Part
from bayesmixed.prior_texts import as_prior

KEYS = ("beta[mo(x)[b]]", "beta[mo(x)[c]]", "beta[mo(x)[d]]")


def joint(average="Normal(0.5, 2)", shares=(2.0, 1.0, 3.0)):
    identity = tuple(tuple(map(float, row)) for row in np.eye(len(shares)))
    return MonotonicOnData((Part("mo(x)", KEYS[: len(shares)], identity),), (as_prior(average),), (shares,))


@pytest.mark.parametrize("average", ["Normal(0.5, 2)", "HalfNormal(1)"])
def test_one_step_alone_has_the_distribution_of_its_draws(average):
    prior = joint(average)
    draws = prior.draw(np.ones(200_000), {}, np.random.default_rng(1))
    for key in KEYS:
        levels = np.array([0.1, 0.5, 0.9])
        assert np.allclose(prior.implied(key).cdf(np.quantile(draws[key], levels)), levels, atol=0.005)
        assert np.allclose(prior.implied(key).ppf(levels), np.quantile(draws[key], levels), atol=0.03)
    total = sum(draws.values())
    assert np.allclose(np.mean(draws[KEYS[2]] / total), 0.5, atol=0.005)


def test_one_step_is_the_average():
    prior = joint(shares=(1.0,))
    assert prior.implied(KEYS[0]).cdf(1.0) == pytest.approx(stats.norm(0.5, 2).cdf(1.0))


def test_the_density_is_that_of_average_and_shares():
    prior, rng = joint(), np.random.default_rng(2)
    averages, shares = rng.normal(size=5), rng.dirichlet([1, 1, 1], 5)
    found = prior.log_density_as_stated(0, 3 * averages[:, None] * shares)
    expected = stats.norm(0.5, 2).logpdf(averages) + stats.dirichlet([2, 1, 3]).logpdf(shares.T)
    assert np.ptp(found - expected) < 1e-10
    assert integrate.quad(lambda x: prior.implied(KEYS[0]).pdf(x), -30, 30, limit=400)[0] == pytest.approx(
        1.0, abs=1e-3
    )


def test_lists_give_the_prior_back():
    prior = joint()
    assert READERS[prior.KIND](prior.to_lists()) == prior
    assert prior.with_scale(lambda one: one.rescale(2.0)).averages[0].arguments == (1.0, 4.0)
