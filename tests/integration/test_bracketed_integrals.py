"""Integrals over effects at any SD beside adaptive quadrature of SciPy."""

import numpy as np
import pytest
from sharp_designs import exact, random_design

from bayesmixed.integration.bracketed_integrals import integrate_bracketed
from bayesmixed.integration.nested_quadrature import TOLERANCE, integrate_doubting


def check(design):
    expected = exact(design)
    usual, doubt = integrate_doubting(design.rows, design.etas, design.layers)
    assert abs(usual[0, 0] - expected) < TOLERANCE or doubt[0, 0] > TOLERANCE
    sure, doubt = integrate_bracketed(design.rows, design.etas, design.layers)
    assert abs(sure[0, 0] - expected) < TOLERANCE
    assert doubt[0, 0] < TOLERANCE


@pytest.mark.parametrize("seed", range(12))
def test_integrals_over_one_effect_are_right_or_in_doubt_at_any_sd_and_count(seed):
    check(random_design(np.random.default_rng(seed), 1))


@pytest.mark.parametrize("seed", [pytest.param(s, marks=() if s < 1 else pytest.mark.calibration) for s in range(30)])
def test_integrals_over_two_effects_are_right_or_in_doubt_at_any_sd_and_count(seed):
    check(random_design(np.random.default_rng(seed), 2))
