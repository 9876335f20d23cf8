"""Incomplete gamma and beta functions in log space against SciPy, and their derivatives against differences."""

import numpy as np
import pytest
from scipy import special
from uncompiled import uncompiled

from bayesmixed.kernels.rows.incomplete import incomplete_beta, incomplete_gamma

GAMMA, BETA = uncompiled(incomplete_gamma), uncompiled(incomplete_beta)


def slopes(function, arguments, places):
    """Return the derivatives of a logarithm in some of its arguments."""
    found = []
    for place in places:
        step = 1e-3 * abs(arguments[place])
        moved = [[a + m * step * (k == place) for k, a in enumerate(arguments)] for m in (1, -1, 2, -2)]
        ahead, behind, far, back = (np.log(function(*one)) for one in moved)
        found.append((8.0 * (ahead - behind) - (far - back)) / (12.0 * step))
    return found


@pytest.mark.parametrize(
    ("a", "x"), [(2.0, 0.01), (0.3, 2.0), (7.0, 7.9), (7.0, 8.1), (40.0, 90.0), (900.0, 700.0), (1.0, 300.0)]
)
def test_incomplete_gamma_functions_have_the_logarithms_and_slopes_of_scipy(a, x):
    below, below_a, below_x, above, above_a, above_x = GAMMA(a, np.log(x))
    for function, value, *own in (
        (special.gammainc, below, below_a, below_x),
        (special.gammaincc, above, above_a, above_x),
    ):
        exact = function(a, x)
        assert value == pytest.approx(np.log(exact), rel=1e-11, abs=1e-15)
        if 1e-290 < exact < 1.0 - 1e-5:
            numeric = slopes(function, (a, x), (0, 1))
            np.testing.assert_allclose(own, [numeric[0], x * numeric[1]], rtol=1e-7)


@pytest.mark.parametrize(
    ("a", "b", "x"),
    [(2.0, 5.0, 0.1), (0.4, 3.0, 0.9), (3.5, 0.5, 0.2), (60.0, 4.0, 0.5), (2.0, 80.0, 0.3), (500.0, 700.0, 0.4)],
)
def test_incomplete_beta_functions_have_the_logarithms_and_slopes_of_scipy(a, b, x):
    below, *below_slopes, above, above_a, above_b, above_x = BETA(a, b, x, 1.0 - x)
    for function, value, own in (
        (special.betainc, below, below_slopes),
        (special.betaincc, above, [above_a, above_b, above_x]),
    ):
        exact = function(a, b, x)
        assert value == pytest.approx(np.log(exact), rel=1e-10, abs=1e-15)
        if exact < 1.0 - 1e-5:
            np.testing.assert_allclose(own, slopes(function, (a, b, x), (0, 1, 2)), rtol=1e-6)


def test_probabilities_that_are_no_numbers_any_more_keep_their_logarithms():
    assert GAMMA(1.0, np.log(5000.0))[3] == pytest.approx(-5000.0, rel=1e-12)
    assert GAMMA(3.0, -400.0)[0] == pytest.approx(-1200.0 - np.log(6.0), rel=1e-12)
    assert BETA(200.0, 1.0, 1e-3, 0.999)[0] == pytest.approx(200.0 * np.log(1e-3), rel=1e-12)
