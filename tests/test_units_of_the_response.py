"""Quick modes and the scale of residuals follow the unit of the response."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.approximation import quick_mode
from bayesmixed.engines.collapsed_layout import lay_out_collapsed
from bayesmixed.pooled import fit_pooled

RNG = np.random.default_rng(1)
GROUP = np.repeat(np.arange(12), 6)
X = RNG.normal(size=72)
Y = 4.0 + 0.5 * X + RNG.normal(size=12)[GROUP] + 0.6 * RNG.normal(size=72)


def design_in(unit):
    return bm.prepare("y ~ x + (1 | g)", {"y": Y * unit, "x": X, "g": [f"g{i}" for i in GROUP]})


@pytest.mark.parametrize("unit", [1e-30, 1e-12, 1e12, 1e30])
def test_starting_fits_follow_the_unit_of_the_response(unit):
    plain, scaled = design_in(1.0), design_in(unit)
    np.testing.assert_allclose(fit_pooled(scaled).beta, unit * fit_pooled(plain).beta, rtol=1e-6)
    np.testing.assert_allclose(
        fit_pooled(scaled).residual, unit * fit_pooled(plain).residual, rtol=1e-5, atol=1e-8 * unit
    )
    ours, theirs = quick_mode(scaled), quick_mode(plain)
    np.testing.assert_allclose(ours.beta, unit * theirs.beta, rtol=1e-5)
    np.testing.assert_allclose(ours.sds["g"], unit * theirs.sds["g"], rtol=1e-5)
    np.testing.assert_allclose(ours.factors("g"), theirs.factors("g"), rtol=1e-5)
    assert lay_out_collapsed(scaled).residual == pytest.approx(unit * lay_out_collapsed(plain).residual, rel=1e-6)
