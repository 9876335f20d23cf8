"""Integrals over effects at any SD beside adaptive quadrature of SciPy."""

import numpy as np
import pytest
from scipy import special, stats
from sharp_designs import exact, random_design

from bayesmixed.families import FAMILIES
from bayesmixed.integration.bracketed_integrals import integrate_bracketed
from bayesmixed.integration.layers import Layer, Source
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


@pytest.mark.parametrize("sd", [5.0, 20.0, 50.0])
@pytest.mark.parametrize("family", ["zero_inflated_poisson", "bernoulli"])
def test_densities_that_are_cut_off_beside_a_plateau_are_integrated(family, sd):
    # Zero-inflated zeros, and the arctangent of a Cauchy distribution, are not log-concave in the effect.
    generator = np.random.default_rng(int(sd))
    index = np.repeat(np.arange(20), generator.integers(1, 8, 20))
    eta, z = generator.normal(size=len(index)), np.linspace(-9.0, 9.0, 20_001)
    y = (
        np.zeros(len(index))
        if family == "zero_inflated_poisson"
        else np.repeat(generator.integers(0, 2, 20), np.bincount(index))
    )
    inverse = np.exp if family == "zero_inflated_poisson" else (lambda x: 0.5 + np.arctan(x) / np.pi)

    def rows(etas):
        with np.errstate(all="ignore"):
            return FAMILIES[family].logp(y, {"mu": inverse(etas["mu"]), "zi": 0.3}, 1.0)

    layers = [Layer(index, (Source("mu", np.full((1, len(index), 1), sd)),), ("g",))]
    found, doubt = integrate_bracketed(rows, {"mu": eta[None]}, layers)
    mass = stats.norm.logpdf(z) + np.log(z[1] - z[0])
    grid = np.add.reduceat(rows({"mu": eta + sd * z[:, None]}), np.flatnonzero(np.diff(index, prepend=-1)), axis=1)
    np.testing.assert_allclose(found[0], special.logsumexp(grid + mass[:, None], axis=0), atol=TOLERANCE)
    assert np.all(doubt < TOLERANCE)
