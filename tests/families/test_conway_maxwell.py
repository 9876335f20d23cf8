"""The Conway-Maxwell Poisson family, against sums over its support and glmmTMB's likelihood."""

import numpy as np
import pytest
from scipy import optimize, special

import bayesmixed as bm

FAMILY = bm.FAMILIES["conway_maxwell_poisson"]


def by_sum(mu, phi):
    """Return counts and their probabilities: the rate is found from the mean by bisection."""
    counts = np.arange(60.0 + 3.0 * mu + 60.0 * np.sqrt((mu + mu**2) * min(phi, 4.0)))

    def chances(log_rate):
        logs = counts * log_rate - special.gammaln(counts + 1.0) / phi
        return np.exp(logs - special.logsumexp(logs))

    low, high = np.log(mu) - np.log1p(mu) - 1.0, max(1.0, 1.0 / phi) * np.log1p(mu) + 1.0
    rate = optimize.brentq(lambda t: np.log(chances(t) @ counts / mu), low, high, xtol=1e-14, rtol=1e-14)
    return counts, chances(rate)


@pytest.mark.parametrize("phi", [0.02, 0.3, 1.0, 4.0, 30.0])
@pytest.mark.parametrize("mu", [0.05, 1.3, 9.0, 70.0, 600.0])
def test_probabilities_and_variance_are_those_of_sums(mu, phi):
    counts, chances = by_sum(mu, phi)
    values, below = {"mu": mu, "phi": phi}, np.cumsum(chances)
    y = np.unique(np.searchsorted(below, [1e-4, 0.1, 0.5, 0.9, 0.9999]))
    np.testing.assert_allclose(FAMILY.logp(counts[y], values, 1.0), np.log(chances[y]), atol=2e-9)
    np.testing.assert_allclose(FAMILY.cdf(counts[y], values, 1.0), below[y], atol=1e-9)
    assert float(FAMILY.variance(values, 1.0)) == pytest.approx(chances @ (counts - mu) ** 2, rel=1e-7)


def test_without_dispersion_it_is_the_poisson_family():
    y, values = np.array([0.0, 1.0, 5.0, 40.0]), {"mu": np.array([0.3, 2.0, 90.0])[:, None]}
    found = FAMILY.logp(y, {**values, "phi": 1.0}, 1.0)
    np.testing.assert_allclose(found, bm.FAMILIES["poisson"].logp(y, values, 1.0), atol=1e-9)


@pytest.mark.parametrize(
    ("y", "estimates", "log_likelihood"),
    [
        ([3, 4, 2, 5, 6, 3, 7, 4, 2, 9, 5, 3], [1.288529338531, 0.421550308667, 0.191736196241], -16.1852175493),
        ([3, 0, 12, 1, 25, 0, 7, 4, 0, 30, 1, 3], [1.21513090236, 1.03121361645, 11.5813354939], -31.3282725157),
    ],
)
def test_the_likelihood_is_that_of_glmmtmb(y, estimates, log_likelihood):
    """glmmTMB 1.1.5: m <- glmmTMB(y ~ x, family = compois); fixef(m)$cond; sigma(m); logLik(m)."""
    x = np.array([-1, -0.5, 0, 0.2, 1.5, 0.3, 1.2, -0.2, -0.8, 2, 0.9, -0.1])
    values = {"mu": np.exp(estimates[0] + estimates[1] * x), "phi": estimates[2]}
    assert float(np.sum(FAMILY.logp(np.array(y, dtype=float), values, 1.0))) == pytest.approx(log_likelihood, abs=1e-6)


def test_the_gradient_in_mean_and_dispersion_is_the_slope_of_the_log_density():
    import pytensor
    import pytensor.tensor as pt

    y = np.array([0, 1, 4, 30, 120])
    variables = {name: pt.dscalar(name) for name in ("mu", "phi")}
    total = FAMILY.pytensor_logp(pt.as_tensor_variable(y), variables, 1.0).sum()
    slopes = pytensor.function(list(variables.values()), pt.grad(total, list(variables.values())), mode="FAST_COMPILE")
    for at in ({"mu": 3.0, "phi": 0.4}, {"mu": 40.0, "phi": 6.0}, {"mu": 0.2, "phi": 2.0}):
        for name, slope in zip(at, slopes(**at), strict=True):
            step = 1e-5 * at[name]
            ahead, behind = (FAMILY.logp(y, {**at, name: at[name] + sign * step}, 1.0).sum() for sign in (1, -1))
            assert float(slope) == pytest.approx((ahead - behind) / (2.0 * step), rel=2e-5, abs=1e-4)


def test_draws_have_the_probabilities_of_the_family():
    values = {"mu": 2.3, "phi": 0.4}
    y = FAMILY.random(np.random.default_rng(5), values, 1.0, (100_000,))
    chances = np.exp(FAMILY.logp(np.arange(7.0), values, 1.0))
    found = np.bincount(y.astype(int), minlength=7)[:7] / len(y)
    assert np.all(np.abs(found - chances) < 5.0 * np.sqrt(chances / len(y)))


@pytest.mark.slow
def test_the_engine_samples_it_and_finds_underdispersion():
    generator = np.random.default_rng(4)
    x, g = generator.normal(size=60), np.arange(60) % 6
    y = FAMILY.random(generator, {"mu": np.exp(1.3 + 0.4 * x), "phi": 0.3}, 1.0, (60,))
    fit = bm.fit(
        "y ~ x + (1 | g)",
        {"y": y, "x": x, "g": g},
        family=FAMILY.name,
        draws=150,
        tune=300,
        chains=2,
        seed=1,
        progress=False,
    )
    phi = fit.posterior["phi"].values
    assert np.quantile(phi, 0.01) < 0.3 < np.quantile(phi, 0.99) < 0.8
    assert bm.diagnose(fit).divergences == 0
