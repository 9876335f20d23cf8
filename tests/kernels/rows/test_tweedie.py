"""Tweedie rows: series summed in full, and loops that end whatever is given."""

import numpy as np
import pytest
from scipy import special
from uncompiled import uncompiled

from bayesmixed.kernels.rows import tweedie as rows

series, row, log_gamma = (uncompiled(getattr(rows, name)) for name in ("_series", "tweedie", "_log_gamma"))


@pytest.mark.parametrize("power", [1.03, 1.4, 1.9])
@pytest.mark.parametrize("largest", [1e-3, 0.7, 6.0, 90.0, 3e4])
def test_the_series_has_the_sum_of_all_summands_and_their_means(power, largest):
    shape = (2.0 - power) / (power - 1.0)
    # Summands are largest where log z is the derivative of what they are divided by.
    log_z = np.log(largest) + shape * np.log(shape * largest)
    number = np.arange(1.0, 200.0 + 3.0 * largest)
    logs = number * log_z - special.gammaln(1.0 + number) - special.gammaln(shape * number)
    weight = np.exp(logs - special.logsumexp(logs))
    found = series(np.float64(log_z), shape, np.float64(largest))
    slope = -np.sum(weight * number * special.psi(shape * number))
    np.testing.assert_allclose(found, [special.logsumexp(logs), weight @ number, slope], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("x", [1e-6, 0.3, 1.0, 7.99, 8.0, 1e4])
def test_log_gamma_and_its_slope_are_scipys(x):
    np.testing.assert_allclose(log_gamma(x), [special.gammaln(x), special.psi(x)], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "at", [(np.nan, 0.0, 0.0), (800.0, 0.0, 0.0), (0.0, 800.0, 0.0), (0.0, -800.0, 0.0), (0.0, 0.0, 60.0)]
)
@pytest.mark.parametrize("y", [0.0, 1e-300, 1.0, 1e300])
def test_a_row_ends_whatever_its_predictors(at, y):
    with np.errstate(all="ignore"):
        try:
            found = row(np.float64(y), *map(np.float64, at))
        except (OverflowError, ZeroDivisionError, ValueError):  # of Python's math, which compiled code has as infinity
            return
    assert len(found) == 10
