"""Proposals draw from the densities that they state."""

import numpy as np
import pytest
from scipy import integrate, stats

from bayesmixed.engines import proposals
from bayesmixed.engines.proposals import HeavyTails, Kernels, Proposal, Scales, first_proposal, fit_proposal

ONE = Scales(np.ones(1), np.ones(1))


@pytest.mark.parametrize("power", [1.0, -0.5])
@pytest.mark.parametrize("part", ["log", "natural", "folded", "heavy"])
def test_parts_of_a_proposal_have_their_densities(part, power):
    scales, none = Scales(np.array([power]), np.array([0.4])), np.zeros(0, dtype=np.int64)
    centres, root = np.array([[0.3], [1.2]]), np.array([[0.5]])
    one = {
        "log": Kernels(centres, root, False, none),
        "natural": Kernels(centres, root, True, none),
        "folded": Kernels(centres, root, True, np.array([0])),
        "heavy": HeavyTails(centres[0], root, np.array([2.0])),
    }[part]
    points = one.draw(scales, 20_000, np.random.default_rng(1))[:, 0]
    points = points[np.isfinite(points)]
    for low, high in ((-np.inf, -1.0), (-1.0, 0.5), (0.5, np.inf)):
        ends = np.clip([low, high], -40.0, 40.0)
        grid = np.linspace(*ends, 20_001)
        mass = integrate.trapezoid(np.exp(one.log_density(scales, grid[:, None])), grid)
        share = np.sum((points > low) & (points <= high)) / 20_000
        assert share == pytest.approx(mass, abs=4.5 * np.sqrt(max(mass, 1e-4) / 20_000))


def test_a_fitted_proposal_has_its_density_in_several_coordinates():
    generator = np.random.default_rng(2)
    scales = Scales(np.array([1.0, 0.0, -0.5]), np.ones(3))
    points = generator.normal(size=(400, 3)) * [0.3, 1.0, 2.0]
    one = fit_proposal(scales, points, np.zeros(400), generator)
    drawn = one.draw(20_000, generator)
    own = np.all(np.isfinite(drawn), axis=1)
    law = stats.multivariate_t(np.zeros(3), 6.0 * np.diag([0.3, 1.0, 2.0]) ** 2, df=3)
    weights = np.where(
        own, np.exp(law.logpdf(np.nan_to_num(drawn)) - np.where(own, one.log_density(drawn), np.inf)), 0.0
    )
    assert weights.mean() == pytest.approx(1.0, abs=4.5 * weights.std() / np.sqrt(20_000))


def test_a_mixture_has_shares_of_its_parts():
    parts = first_proposal(ONE, np.zeros(1), np.eye(1))
    alone = Proposal(ONE, parts.parts[:1], np.ones(1))
    points = np.linspace(-3, 3, 7)[:, None]
    assert np.all(parts.log_density(points) >= alone.log_density(points) + np.log(1.0 - proposals.FIRST_HEAVY))
    assert np.all(alone.log_density(np.array([[np.nan]])) == -np.inf)


@pytest.mark.parametrize("seed", range(4))
def test_an_sd_that_may_be_zero_is_reached_though_no_pilot_was_there(seed):
    """Two hundredths of the mass are near 0, where no point of a pilot is: kernels and heavy tails alone give weights of 20."""
    generator, scales = np.random.default_rng(seed), Scales(np.ones(3), np.ones(3))
    laws = stats.norm(0.5, 0.11), stats.norm(0.8, 0.13), stats.norm(0.55, 0.05)
    pilot = np.log(np.abs(generator.normal([0.5, 0.8, 0.55], [0.11, 0.13, 0.05], size=(150, 3))))
    one = fit_proposal(scales, pilot, np.zeros(150), generator)
    points = one.draw(4000, generator)
    points = points[np.all(np.isfinite(points), axis=1)]
    v = np.exp(points)
    densities = [0.98 * laws[0].pdf(v[:, 0]) + 0.02 * stats.uniform(0.0, 0.3).pdf(v[:, 0])]
    densities += [law.pdf(v[:, k + 1]) for k, law in enumerate(laws[1:])]
    weights = np.prod(densities, axis=0) * np.exp(points.sum(axis=1) - one.log_density(points))
    assert weights.sum() / 4000 == pytest.approx(1.0, abs=0.05)
    assert weights.max() < 6.0
    assert weights.sum() ** 2 / np.sum(weights**2) > 0.7 * 4000
