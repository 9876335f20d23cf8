"""The generalised Poisson family."""

import numpy as np
import pytest
from scipy import special

from bayesmixed.families import FAMILIES


@pytest.mark.parametrize(("mu", "phi"), [(0.3, 1.2), (4.0, 4.127), (250.0, 3.0)])
def test_the_generalised_poisson_is_that_of_glmmtmb(mu, phi):
    # dgenpois of glmmTMB 1.1 (src/distrib.h), called with theta = mu / sqrt(phi) and lambda = 1 - 1 / sqrt(phi).
    y = np.arange(0.0, 600.0, 7.0)
    theta, lam = mu / np.sqrt(phi), 1.0 - 1.0 / np.sqrt(phi)
    expected = np.log(theta) + (y - 1) * np.log(theta + lam * y) - theta - lam * y - special.gammaln(y + 1)
    family = FAMILIES["generalised_poisson"]
    np.testing.assert_allclose(family.logp(y, {"mu": mu, "lam": lam}, 1.0), expected, rtol=1e-10)
    assert float(family.variance({"mu": mu, "lam": lam}, 1.0)) == pytest.approx(phi * mu)


def test_the_generalised_poisson_without_overdispersion_is_the_poisson():
    y, values = np.arange(30.0), {"mu": 7.0, "lam": 1e-13}
    for function in ("logp", "cdf", "score"):
        found = getattr(FAMILIES["generalised_poisson"], function)(y, values, 1.0)
        np.testing.assert_allclose(
            found, getattr(FAMILIES["poisson"], function)(y, {"mu": 7.0}, 1.0), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize(
    ("mu", "lam"), [(3.0, 0.9), (150.0, 0.1), (400.0, 0.3), (900.0, 0.0001), (1e4, 0.9), (50.0, 0.97), (100.0, 0.99)]
)
def test_the_distribution_function_of_large_counts_is_the_cumulated_density(mu, lam):
    family, values = FAMILIES["generalised_poisson"], {"mu": mu, "lam": lam}
    y = np.arange(np.floor(mu + 40.0 * mu**0.5 / (1.0 - lam)) + 400.0)
    cumulated = np.cumsum(np.exp(family.logp(y, values, 1.0)))
    np.testing.assert_allclose(family.cdf(y, values, 1.0), cumulated, atol=2e-7)
    assert float(family.cdf(np.inf, values, 1.0)) == pytest.approx(1.0, abs=2e-7)
