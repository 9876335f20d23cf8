"""The Tweedie family, against sums over numbers of amounts and glmmTMB's likelihood."""

import numpy as np
import pytest
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.families.records import OTHER_SHAPE
from bayesmixed.summaries.checks.alternatives import list_families

FAMILY = bm.FAMILIES["tweedie"]


def by_sum(y, mu, phi, power):
    """Return log-density and distribution function at y > 0: gamma amounts, averaged over their Poisson number."""
    rate, shape = mu ** (2.0 - power) / (phi * (2.0 - power)), (2.0 - power) / (power - 1.0)
    scale, number = phi * (power - 1.0) * mu ** (power - 1.0), np.arange(1, 4000)
    chance = stats.poisson.logpmf(number, rate)
    density = special.logsumexp(chance + stats.gamma.logpdf(y, number * shape, scale=scale))
    return density, np.exp(-rate) + np.exp(chance) @ stats.gamma.cdf(y, number * shape, scale=scale)


@pytest.mark.parametrize("power", [1.04, 1.3, 1.55, 1.8, 1.97])
@pytest.mark.parametrize("rate", [0.05, 3.0, 90.0, 1500.0])
def test_density_and_distribution_function_are_averages_over_the_number_of_amounts(power, rate):
    mu = 3.7
    phi = mu ** (2.0 - power) / (rate * (2.0 - power))
    values = {"mu": mu, "phi": phi, "power": power}
    for y in mu + np.sqrt(phi * mu**power) * np.array([-0.9, -0.1, 0.4, 3.0]):
        if y > 0.0:
            density, below = by_sum(y, **values)
            assert FAMILY.logp(np.array([y]), values, 1.0)[0] == pytest.approx(density, rel=1e-9, abs=1e-9)
            assert FAMILY.cdf(np.array([y]), values, 1.0)[0] == pytest.approx(below, abs=1e-9)
    assert FAMILY.logp(np.zeros(1), values, 1.0)[0] == pytest.approx(-rate, rel=1e-12)


def test_the_maximum_likelihood_is_that_of_glmmtmb():
    """glmmTMB 1.1.5: y <- c(0, 0.4, 2.3, 0, 7.1, 1.2, 0.05, 15, 3.3, 0); x <- c(-1, -.5, 0, .2, 1.5, .3, -.8, 2, .9, -.1);
    m <- glmmTMB(y ~ x, family = tweedie); fixef(m)$cond; sigma(m); family_params(m); logLik(m)."""
    y = np.array([0, 0.4, 2.3, 0, 7.1, 1.2, 0.05, 15, 3.3, 0])
    x = np.array([-1, -0.5, 0, 0.2, 1.5, 0.3, -0.8, 2, 0.9, -0.1])
    estimates = [-0.401107882444, 1.580752253919, 0.800527085659, 1.35857021295]
    mu = np.exp(estimates[0] + estimates[1] * x)
    density = FAMILY.logp(y, {"mu": mu, "phi": estimates[2], "power": estimates[3]}, 1.0)
    assert float(np.sum(density)) == pytest.approx(-14.9515191517, abs=1e-8)
    found = bm.approximate("y ~ x", {"y": y, "x": x}, family="tweedie")
    assert found.log_likelihood == pytest.approx(-14.9515191517, abs=1e-4)
    np.testing.assert_allclose(list(found.estimates.values()), estimates, rtol=3e-3)


def test_the_gradient_in_every_parameter_is_the_slope_of_the_log_density():
    """The nodes of the series are constants for gradients, also where their steps are wide."""
    import pytensor
    import pytensor.tensor as pt

    y = np.array([0.0, 0.02, 1.3, 8.0, 900.0])
    at = {"mu": 1.4, "phi": 0.2, "power": 1.55}
    variables = {name: pt.dscalar(name) for name in at}
    total = FAMILY.pytensor_logp(pt.as_tensor_variable(y), variables, 1.0).sum()
    slopes = pytensor.function(list(variables.values()), pt.grad(total, list(variables.values())), mode="FAST_COMPILE")
    step = 1e-5
    for name, slope in zip(at, slopes(**at), strict=True):
        ahead, behind = (FAMILY.logp(y, {**at, name: at[name] + sign * step}, 1.0).sum() for sign in (1, -1))
        assert float(slope) == pytest.approx((ahead - behind) / (2.0 * step), rel=1e-6)


def test_a_power_outside_of_its_range_is_refused():
    for prior in (1.0, 2.5):
        with pytest.raises(bm.SpecError, match=r"outside its range \(1, 2\)"):
            bm.prepare("y ~ 1", {"y": [0.0, 1.0, 3.0, 2.0]}, family="tweedie", priors={"power": prior})
    truth = {"beta[Intercept]": 1.0, "phi": 1.0, "power": 0.5}
    with pytest.raises(bm.SpecError, match=r"'power' .* is 0.5, outside its range \(1, 2\)"):
        bm.simulate("y ~ 1", data={"u": [1, 2]}, family="tweedie", truth=truth)


def test_data_that_do_not_tell_a_power_are_noticed():
    at = {"mu": 2.0, "phi": 1.0}
    far, near = (FAMILY.logp(np.array([1.0, 2.0, 3.0]), at | {"power": power}, 1.0).sum() for power in (1.01, 1.0001))
    assert near > far + 5.0
    for y, said in (([0.0, 1.0, 3.0, 2.0], "small whole numbers only"), ([0.1, 1.0, 3.0, 2.0], "no zeros")):
        with pytest.warns(bm.StatisticsWarning, match=said):
            design = bm.prepare("y ~ 1", {"y": y}, family="tweedie")
        assert "tweedie" not in {one.name for one in list_families(bm.prepare("y ~ 1", {"y": y}), OTHER_SHAPE)}
        bm.prepare("y ~ 1", {"y": y}, family="tweedie", priors={"power": 1.5})
    for y in ([0.0, 1500.0, 700.0, 1200.0], [0.0, 1.5, 0.7, 1.2]):
        design = bm.prepare("y ~ 1", {"y": y}, family="tweedie")
        assert not design.notes
