"""SDs near 0 sampled as s |sinh w|: the same density with its Jacobian, even and smooth at 0."""

import numpy as np
import pytest
from nested_classes import DATA, RNG

import bayesmixed as bm
from bayesmixed.engines.sd_coordinates import fold
from bayesmixed.kernels.collapsed.compiled import evaluate
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed


@pytest.fixture(scope="module", params=["y ~ x + (1 | school) + (1 | class)", "y ~ x + (x | school)"])
def collapsed(request):
    return lay_out_collapsed(bm.prepare(request.param, DATA))


def folded(collapsed, scale=0.7):
    scales = np.zeros(len(collapsed.kept))
    scales[:2] = scale
    return fold(collapsed.packed, scales), scales


def density(packed, point):
    return evaluate(packed, point)


@pytest.mark.parametrize("w", [1e-3, 0.2, 1.0, 6.0])
def test_the_density_is_that_of_the_log_sd_times_the_jacobian(collapsed, w):
    packed, scales = folded(collapsed)
    point = RNG.normal(scale=0.3, size=len(scales))
    point[:2] = w, -0.8
    plain = point.copy()
    plain[:2] = np.log(0.7 * np.sinh(np.abs(point[:2])))
    expected = density(collapsed.packed, plain)[0] + np.sum(np.log(1.0 / np.tanh(np.abs(point[:2]))))
    assert density(packed, point)[0] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("w", [-1.5, -0.01, 0.02, 0.9, 4.0])
def test_the_gradient_is_that_of_finite_differences(collapsed, w):
    packed, scales = folded(collapsed)
    point = np.full(len(scales), 0.3)
    point[0] = w
    steps = 1e-5 * np.eye(len(scales))
    numeric = [(density(packed, point + s)[0] - density(packed, point - s)[0]) / 2e-5 for s in steps]
    np.testing.assert_allclose(density(packed, point)[1], numeric, rtol=1e-5, atol=1e-5)


def test_the_density_is_even_and_finite_at_zero(collapsed):
    packed, scales = folded(collapsed)
    point = np.full(len(scales), 0.4)
    other = point.copy()
    other[1] = -0.4
    assert density(packed, point)[0] == density(packed, other)[0]
    point[1], other[1] = 0.0, 1e-4
    at_zero, beside = density(packed, point), density(packed, other)
    assert np.all(np.isfinite(at_zero[1]))
    assert at_zero[0] == pytest.approx(beside[0], abs=1e-3)
