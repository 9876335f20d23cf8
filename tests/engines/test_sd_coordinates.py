"""Coordinates of SDs: folded where they may be zero, and back to log-SDs."""

from dataclasses import replace

import numpy as np
import pytest
from nested_classes import DATA, RNG

import bayesmixed as bm
from bayesmixed.engines.sd_coordinates import find_coordinates
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed
from bayesmixed.kernels.packing import Whitening


def scales_of(formula, data, **priors):
    return find_coordinates(lay_out_collapsed(bm.prepare(bm.from_formula(formula, priors=priors), data))).scales


def test_an_sd_that_may_be_zero_is_folded_and_a_clear_one_is_not():
    many = np.repeat(np.arange(60), 2)
    clear = {"y": 5.0 * RNG.normal(size=60)[many] + RNG.normal(size=120), "g": [f"g{i}" for i in many]}
    assert scales_of("y ~ x + (1 | class)", DATA)[0] > 0
    assert not np.any(scales_of("y ~ 1 + (1 | g)", clear))


@pytest.mark.parametrize(
    ("formula", "prior"),
    [("(x | class)", None), ("(1 | class)", "Gamma(0.5, 1)"), ("(1 | class)", "InverseGamma(2, 1)")],
)
def test_sds_with_correlations_or_with_a_prior_that_is_not_flat_at_zero_stay_logarithms(formula, prior):
    assert not np.any(scales_of(f"y ~ x + {formula}", DATA, **({"sd_class": prior} if prior else {})))


def test_restored_points_are_log_sds():
    found = find_coordinates(lay_out_collapsed(bm.prepare("y ~ x + (1 | class)", DATA)))
    points = np.array([[[0.0, 0.0], [-3.0, 0.0]]])
    same = replace(found, whitening=Whitening(np.arange(2), np.zeros(2), np.eye(2)))
    restored = same.restore(points + np.array([0.5, 1.0]))
    s = found.scales[0]
    np.testing.assert_allclose(restored[0, :, 0], np.log(s * np.sinh([0.5, 2.5])), rtol=1e-12)
    np.testing.assert_allclose(restored[0, :, 1], 1.0)
