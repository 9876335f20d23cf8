"""PIT values and their bands."""

import numpy as np
import pytest
from family_cases import SINGLE
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.summaries.checks.transforms import ecdf_difference, pit_values


def test_pit_values_of_a_continuous_response_are_its_distribution_function():
    y = np.random.default_rng(1).normal(3.0, 2.0, 50)
    fit = fit_at(bm.prepare("y ~ 1", {"y": y}), {"beta": 3.0, "sigma": 2.0})
    np.testing.assert_allclose(pit_values(fit, seed=1), stats.norm.cdf(y, 3.0, 2.0))


def test_pit_values_of_counts_lie_in_the_jump_of_the_distribution_function():
    y = np.random.default_rng(1).poisson(2.0, 400)
    fit = fit_at(bm.prepare(bm.from_formula("y ~ 1", family="poisson"), {"y": y}), {"beta": np.log(2.0)})
    values = pit_values(fit, seed=1)
    low, high = stats.poisson.cdf(y - 1, 2.0), stats.poisson.cdf(y, 2.0)
    place = (values - low) / (high - low)
    assert np.all((place >= 0) & (place <= 1))
    assert stats.kstest(place, "uniform").pvalue > 0.001
    assert stats.kstest(values, "uniform").pvalue > 0.001
    np.testing.assert_array_equal(values, pit_values(fit, seed=1))


def test_pit_values_with_effects_of_rows_integrate_them_out():
    generator = np.random.default_rng(2)
    y = generator.poisson(np.exp(1.0 + 0.9 * generator.standard_normal(300)))
    fit = fit_at(bm.prepare(bm.from_formula("y ~ 1 + obs()", family="poisson"), {"y": y}), {"beta": 1.0, "sd_obs": 0.9})
    assert stats.kstest(pit_values(fit, seed=1), "uniform").pvalue > 0.001


def test_the_band_holds_whole_uniform_curves_with_its_probability():
    values = np.random.default_rng(3).random((2000, 60))
    band = ecdf_difference(values[0], seed=1)
    curves = np.mean(values[:, None, :] <= band.points[:, None], axis=-1) - band.points
    held = np.all((curves >= band.lower) & (curves <= band.upper), axis=1)
    # Binomial error of 2000 curves, and of the 2000 that made the band.
    assert abs(np.mean(held) - 0.95) < 4 * np.sqrt(2 * 0.95 * 0.05 / 2000)


def test_the_band_is_that_of_arviz():
    from arviz_stats.ecdf_utils import ecdf_pit

    values = np.random.default_rng(4).random(60)
    own = ecdf_difference(values, seed=1)
    points, ecdf, lower, upper = (a[1:-1] for a in ecdf_pit(values, 0.95, 2000, rng=np.random.default_rng(5)))
    np.testing.assert_allclose(points, own.points)
    np.testing.assert_allclose(ecdf - points, own.difference)
    # Simulated levels differ by at most one count of 60.
    assert np.max(np.abs(lower - points - own.lower)) <= 1.01 / 60
    assert np.max(np.abs(upper - points - own.upper)) <= 1.01 / 60


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_a_wrong_scale_leaves_the_band(sigma):
    y = np.random.default_rng(1).normal(0.0, 1.0, 200)
    fit = fit_at(bm.prepare("y ~ 1", {"y": y}), {"beta": 0.0, "sigma": sigma})
    assert len(ecdf_difference(pit_values(fit)).outside) > 10


@pytest.mark.parametrize("family", SINGLE.values(), ids=list(SINGLE))
def test_pit_values_of_draws_are_uniform_for_every_family(family):
    trials = 12.0 if family.has_trials else 1.0
    values = {
        p.name: p.lower + 0.35 * (p.upper - p.lower)
        if np.isfinite(p.upper)
        else p.lower + 2.5
        if np.isfinite(p.lower)
        else 0.4
        for p in family.parameters
    }
    generator = np.random.default_rng(7)
    y = family.random(generator, values, trials, (2000,))
    upper, lower = (family.cdf(at, values, trials) for at in (y, np.nextafter(y, -np.inf)))
    assert stats.kstest(lower + generator.random(2000) * (upper - lower), "uniform").pvalue > 0.001


def test_the_share_of_samples_that_stray_as_far_is_uniform_itself():
    generator = np.random.default_rng(8)
    p = [ecdf_difference(generator.random(50)).p for _ in range(200)]
    assert abs(np.mean(np.array(p) < 0.1) - 0.1) < 4 * np.sqrt(0.09 / 200)
