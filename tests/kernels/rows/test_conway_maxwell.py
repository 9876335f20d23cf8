"""Conway-Maxwell Poisson rows: sums with few nodes are sums over all counts, and the mean is what it is asked to be."""

import numpy as np
import pytest
from scipy import special, stats
from uncompiled import uncompiled

from bayesmixed.kernels.rows import conway_maxwell as rows

solve, moments, row = (uncompiled(getattr(rows, name)) for name in ("_solve", "_moments", "conway_maxwell"))


@pytest.mark.parametrize("mode", [0.2, 3.0, 29.0, 300.0, 5000.0])
@pytest.mark.parametrize("nu", [0.03, 0.4, 1.0, 6.0])
def test_moments_are_those_of_all_counts(mode, nu):
    y = np.arange(0.0, mode + 12.0 * np.sqrt(mode / nu) + 1500.0)
    fall, log_rate, about = special.gammaln(y + 1.0), nu * np.log(mode), 1.1 * mode
    logs = y * log_rate - nu * fall
    total = special.logsumexp(logs)
    share = np.exp(logs - total)
    mean, of_fall = share @ y, share @ fall
    powers = [share @ (y - about) ** k for k in (2, 3, 4)]
    crossed = [share @ ((y - about) ** k * (fall - of_fall)) for k in (1, 2, 3)]
    expected = np.array([total, mean, of_fall, *powers, *crossed])
    found = np.array(moments(np.float64(log_rate), nu, np.float64(about)))
    scale = np.array([1.0, 1.0, 1.0, *(share @ np.abs(y - about) ** k for k in (2, 3, 4))])
    crossed_scale = [share @ np.abs((y - about) ** k * (fall - of_fall)) for k in (1, 2, 3)]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10 * np.max([*scale[3:], *crossed_scale]))
    np.testing.assert_allclose(found[:6], expected[:6], rtol=1e-9, atol=0.0 if mode > 1.0 else 1e-9)


@pytest.mark.parametrize("mu", [1e-8, 0.4, 7.0, 300.0])
@pytest.mark.parametrize("nu", [0.05, 0.9, 12.0])
def test_the_rate_gives_the_mean(mu, nu):
    log_rate = solve(np.float64(mu), np.float64(nu))
    assert moments(log_rate, nu, np.float64(mu))[1] == pytest.approx(mu, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("y", [0.0, 3.0, 40.0])
def test_at_a_dispersion_of_one_counts_are_poisson(y):
    found = row(np.float64(y), np.float64(6.0), np.float64(0.0))
    slopes = [y / 6.0 - 1.0, -y / 36.0, 2.0 * y / 216.0]
    np.testing.assert_allclose(found[:4], [stats.poisson.logpmf(y, 6.0), *slopes], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("at", [(np.nan, 0.0), (np.inf, 0.0), (1e300, -3.0), (3.0, np.nan), (1e-320, 0.0)])
def test_a_row_ends_whatever_its_parameters(at):
    with np.errstate(all="ignore"):
        try:
            found = row(np.float64(2.0), *map(np.float64, at))
        except (OverflowError, ValueError):  # of Python's math, which compiled code has as infinity
            return
    assert len(found) == 7
