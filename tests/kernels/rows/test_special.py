import numpy as np
import pytest
from scipy import special

from bayesmixed.kernels.rows.special import (
    log1m_exp_slopes,
    log_gamma_slopes,
    log_normal_cdf_slopes,
    polygammas,
    rising,
)


@pytest.mark.parametrize("x", [1e-8, 0.03, 0.7, 1.0, 5.5, 9.999, 10.0, 47.0, 1e4, 1e12])
def test_polygammas_are_those_of_scipy(x):
    expected = [special.polygamma(order, x) for order in range(3)]
    np.testing.assert_allclose(polygammas.py_func(x), expected, rtol=1e-13)


@pytest.mark.parametrize("y", [0.0, 1.0, 16.0, 17.0, 2.5, 1e3, 1e5])
@pytest.mark.parametrize("x", [1e-3, 0.4, 7.0, 999.0, 1001.0, 1e5, 1e10])
def test_rising_powers_keep_their_digits(x, y):
    """Sums over the factors x, x + 1, ... where there are such, in place of differences of polygammas."""
    found = rising.py_func(np.log(x), y)
    if y == np.floor(y):
        k = np.arange(y)
        share, rest = x / (x + k), k / (x + k)
        expected = [np.log(x + k), share, share * rest, share * rest * (rest - share)]
        np.testing.assert_allclose(found, [part.sum() for part in expected], rtol=1e-11, atol=1e-11 * max(y, 1.0))
    else:
        np.testing.assert_allclose(found[0], np.log(special.poch(x, y)), rtol=1e-8)


def test_logarithms_keep_their_digits_in_the_tail():
    """The normal tail by Mills' ratio, 1 / (x (1 + 1/x^2 - ...)), and shares of small hazards by their series."""
    value, first, second, third = log_normal_cdf_slopes.py_func(-40.0)
    assert value == pytest.approx(special.log_ndtr(-40.0), rel=1e-15)
    assert first == pytest.approx(np.exp(-800.0 - 0.5 * np.log(2.0 * np.pi) - special.log_ndtr(-40.0)), rel=1e-12)
    assert second == pytest.approx(-1.0 + 40.0**-2 - 6.0 * 40.0**-4 + 50.0 * 40.0**-6, rel=1e-9)
    assert third == pytest.approx(2.0 * 40.0**-3 - 24.0 * 40.0**-5, abs=310.0 * 40.0**-7)
    assert log1m_exp_slopes.py_func(1e-9)[2:] == pytest.approx((-5e-10, -5e-10), rel=1e-8)
    assert log_gamma_slopes.py_func(-100.0)[:3] == pytest.approx((100.0, -1.0, 0.0), abs=1e-12)
