"""Means over normal effects in several predictors, against sums over a dense grid."""

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bayesmixed.errors import SpecError
from bayesmixed.families import FAMILIES, Parameter
from bayesmixed.families.links import LINKS
from bayesmixed.families.ordinal import cumulative
from bayesmixed.integration.averages import Spread, average_mean, parameters_of_mean

POISSON = FAMILIES["poisson"]
EXTRA = Parameter("extra", "probability", "logit", ("logit",), 0.0, 1.0)
INFLATED = replace(
    POISSON,
    name="inflated",
    parameters=(*POISSON.parameters, EXTRA),
    mean=lambda values, trials: (1 - values["extra"]) * values["mu"],
)
HURDLE = replace(
    POISSON,
    name="hurdle",
    parameters=(*POISSON.parameters, EXTRA),
    mean=lambda values, trials: (1 - values["extra"]) * values["mu"] / -np.expm1(-values["mu"]),
)
LOGNORMAL = replace(
    POISSON,
    name="lognormal",
    parameters=(Parameter("mu", "mean", "identity", ("identity",)), Parameter("sigma", "SD", "log", ("log",), 0.0)),
    mean=lambda values, trials: np.exp(values["mu"] + 0.5 * values["sigma"] ** 2),
)
GRID = np.linspace(-9, 9, 2001)
WEIGHT = np.exp(-0.5 * GRID**2) / np.exp(-0.5 * GRID**2).sum()


def spread(link, mean, variance=None):
    shape = (1, 1, 1)
    return Spread(LINKS[link], np.full(shape, mean), None if variance is None else np.full(shape, variance))


def on_a_grid(family, mu, extra):
    """Return the mean by brute force; mu and extra are (mean, variance) of the predictors."""
    rates = np.exp(mu[0] + np.sqrt(mu[1]) * GRID)[:, None]
    shares = LINKS["logit"].inverse(extra[0] + np.sqrt(extra[1]) * GRID)[None, :]
    return WEIGHT @ family.mean({"mu": rates, "extra": shares}, 1.0) @ WEIGHT


@pytest.mark.parametrize("family", [INFLATED, HURDLE], ids=["linear in both parameters", "curved in the mean"])
@pytest.mark.parametrize(("mu", "extra"), [((0.3, 0.64), (-1.0, 1.2)), ((-1.0, 0.25), (0.5, 0.09))])
def test_effects_in_two_predictors_are_integrated_over_both(family, mu, extra):
    found = average_mean(family, {}, {"mu": spread("log", *mu), "extra": spread("logit", *extra)})
    np.testing.assert_allclose(found, on_a_grid(family, mu, extra), rtol=1e-7)


@pytest.mark.parametrize("family", [INFLATED, HURDLE], ids=["linear in both parameters", "curved in the mean"])
def test_effects_in_one_of_two_predictors_leave_the_other_as_it_is(family):
    found = average_mean(family, {}, {"mu": spread("log", 0.3, 0.64), "extra": spread("logit", -1.0)})
    np.testing.assert_allclose(found, on_a_grid(family, (0.3, 0.64), (-1.0, 0.0)), rtol=1e-9)


def test_the_mean_at_the_averages_of_a_curved_mean_would_be_wrong():
    at_averages = HURDLE.mean({"mu": np.exp(0.3 + 0.32), "extra": 0.0}, 1.0)
    assert abs(at_averages - on_a_grid(HURDLE, (0.3, 0.64), (-40.0, 0.0))) > 0.02


def test_effects_in_a_parameter_that_the_mean_ignores_are_not_integrated():
    calls = []
    family = replace(HURDLE, mean=lambda values, trials: calls.append(1) or HURDLE.mean(values, trials))
    family = replace(family, parameters=(*family.parameters, Parameter("idle", "nothing", "log", ("log",), 0.0)))
    spreads = {"mu": spread("log", 0.3, 0.64), "extra": spread("logit", -1.0), "idle": spread("log", 0.0, 1.0)}
    found = average_mean(family, {}, spreads)
    np.testing.assert_allclose(found, on_a_grid(HURDLE, (0.3, 0.64), (-1.0, 0.0)), rtol=1e-9)
    assert len(calls) < 300


def test_a_mean_that_is_infinite_over_the_groups_is_refused():
    with pytest.raises(SpecError, match=r"it may be infinite\. Use groups='typical'"):
        average_mean(LOGNORMAL, {}, {"mu": spread("identity", 1.0, 0.1), "sigma": spread("log", 0.5, 0.5)})


def test_rules_are_nested_where_the_mean_is_curved_in_two_parameters():
    found = average_mean(LOGNORMAL, {}, {"mu": spread("identity", 1.0, 0.3), "sigma": spread("log", -0.5, 0.02)})
    # Over a range where the density is not negligible; beyond it exp(sigma^2 / 2) outgrows the normal density.
    sigma = np.exp(-0.5 + np.sqrt(0.02) * GRID)
    np.testing.assert_allclose(found, np.exp(1.0 + 0.15) * (WEIGHT @ np.exp(0.5 * sigma**2)), rtol=1e-7)


@pytest.mark.parametrize("name", FAMILIES)
def test_parameters_of_the_mean_are_all_that_move_it(name):
    family, generator = FAMILIES[name], np.random.default_rng(1)
    if not family.parameters or family.template:
        return
    moving = set()
    for _ in range(20):
        values = {
            p.name: generator.uniform(max(p.lower, -1.5) + 0.1, min(p.upper, max(p.lower, -1.5) + 3.0) - 0.1)
            for p in family.parameters
        }
        for p in family.parameters:
            other = {**values, p.name: values[p.name] + 1e-3}
            moving |= {p.name} if abs(family.mean(other, 1.0) - family.mean(values, 1.0)) > 1e-9 else set()
    assert parameters_of_mean(family) == moving


@pytest.mark.parametrize("directions", [4, 6])
def test_means_over_many_predictors_are_those_of_a_normal_variable(directions):
    """Thresholds and mu move together: F of a sum of normal numbers has a closed form under a probit."""
    own, names = cumulative("probit"), [f"cut{k}" for k in range(directions - 1)]
    family = replace(own, parameters=(own.parameters[0], *(replace(own.parameters[1], name=name) for name in names)))
    centres = np.array([[-0.9], [0.4]]) + np.linspace(0.0, 2.0, directions - 1)
    predictors = {
        name: Spread(LINKS["identity"], centres[:, [k]], np.full((2, 1), 0.3)) for k, name in enumerate(names)
    }
    predictors["mu"] = Spread(LINKS["identity"], np.array([[0.2], [0.5]]), np.full((2, 1), 0.7))
    shares = stats.norm.cdf((centres - np.array([[0.2], [0.5]])) / np.sqrt(1.0 + 0.3 + 0.7))
    started = time.process_time()
    found = average_mean(family, {}, {"mu": predictors.pop("mu"), **predictors})
    assert time.process_time() - started < 2.0
    np.testing.assert_allclose(found[:, 0], 1.0 + np.sum(1.0 - shares, axis=1), atol=5e-3)
