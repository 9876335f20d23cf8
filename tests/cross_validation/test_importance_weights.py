"""Weights of draws where a unit is left out, at their limits."""

import numpy as np
import pytest
import xarray as xr
from scipy import special

import bayesmixed as bm
from bayesmixed.cross_validation.importance_weights import relative_efficiency, smooth_weights


def test_draws_of_a_chain_that_did_not_move_have_no_tail_to_be_smoothed():
    values = np.random.default_rng(1).normal(size=(4, 100, 2))
    values[3, :, 0] = -9.0
    weights, k = smooth_weights(xr.DataArray(values, dims=("chain", "draw", "row"), coords={"row": [0, 1]}))
    assert np.isinf(k[0])
    assert k[1] < 0.7
    raw = weights.values[..., 0].ravel()
    np.testing.assert_allclose(np.exp(raw), special.softmax(-values[..., 0].ravel()))


@pytest.mark.parametrize("count", [2, 5, 24])
def test_too_few_draws_are_said_to_be_too_few(count):
    draws = xr.DataArray(np.arange(2.0 * count).reshape(1, count, 2), dims=("chain", "draw", "row"))
    with pytest.raises(bm.SpecError, match=f"at least 25 draws; there are {count}"):
        smooth_weights(draws.assign_coords(row=[0, 1]))


def test_many_units_at_once_have_the_weights_and_the_k_of_arviz():
    from arviz_stats.base import array_stats

    generator = np.random.default_rng(2)
    spreads = np.geomspace(1e-3, 8.0, 430)
    values = generator.standard_normal((2, 300, 432)) * [*spreads, 1.0, 1.0]
    values[..., -2] = np.round(values[..., -2], 1)
    values[..., -1] = -generator.standard_t(1.0, (2, 300))
    weights, k = smooth_weights(xr.DataArray(values, dims=("chain", "draw", "row"), coords={"row": np.arange(432)}))
    efficiency = relative_efficiency(values[..., ::2])
    assert efficiency == pytest.approx(1.0, abs=0.05)
    for unit in (0, 100, 199, 200, 429, 430, 431):
        expected, its_k = array_stats.psislw(values[..., unit].ravel(), r_eff=efficiency)
        np.testing.assert_allclose(weights.values[..., unit].ravel(), expected, atol=1e-10)
        assert k.values[unit] == pytest.approx(float(its_k), abs=1e-10)
