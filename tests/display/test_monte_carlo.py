"""Monte Carlo errors of many means: those of ArviZ for each."""

import arviz_stats
import numpy as np
import pytest
import xarray as xr

from bayesmixed.display import monte_carlo
from bayesmixed.display.monte_carlo import errors_of_means


def chains(phi, shape, seed=1):
    generator = np.random.default_rng(seed)
    found = generator.standard_normal(shape)
    for draw in range(1, shape[1]):
        found[:, draw] += phi * found[:, draw - 1]
    return found


def arviz(draws):
    return arviz_stats.mcse(xr.Dataset({"x": (("chain", "draw", "j"), draws)}), method="mean")["x"].values


@pytest.mark.parametrize(
    "shape", [(4, 250, 40), (1, 100, 40), (2, 7, 60), (2, 8, 60), (3, 4, 60), (2, 9, 60), (2, 51, 90)]
)
@pytest.mark.parametrize("phi", [-0.95, -0.4, 0.0, 0.6, 0.98])
def test_errors_are_those_of_arviz(shape, phi):
    draws = chains(phi, shape)
    np.testing.assert_allclose(errors_of_means(draws), arviz(draws), rtol=1e-9)


def test_blocks_far_units_and_chains_that_disagree_change_nothing(monkeypatch):
    draws = chains(0.5, (4, 100, 23)) * np.geomspace(1e-100, 1e100, 23) + np.arange(4)[:, None, None]
    whole = errors_of_means(draws)
    np.testing.assert_allclose(whole, arviz(draws), rtol=1e-9)
    monkeypatch.setattr(monte_carlo, "_NUMBERS", 900)
    np.testing.assert_allclose(errors_of_means(draws), whole, rtol=1e-12)


def test_what_has_no_error_is_that_of_arviz():
    draws = chains(0.0, (2, 50, 4))
    draws[..., 0], draws[1, 3, 1] = 2.5, np.nan
    np.testing.assert_allclose(errors_of_means(draws)[[0, 2, 3]], arviz(draws)[[0, 2, 3]], rtol=1e-9)
    assert np.isnan(errors_of_means(draws)[1])
    assert np.isnan(errors_of_means(draws[:, :3])).all()
