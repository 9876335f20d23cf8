"""Weights of draws where a unit is left out, at their limits."""

import numpy as np
import pytest
import xarray as xr
from scipy import special

import bayesmixed as bm
from bayesmixed.cross_validation.importance_weights import smooth_weights


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
