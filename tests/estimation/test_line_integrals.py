"""Integrals over one effect of each level: derivatives beside differences, values beside the sharp ones and other routes."""

import numpy as np
import pandas as pd
import pytest
from conftest import CHECKS
from quiet_designs import quietly
from scipy import special

import bayesmixed as bm
from bayesmixed.estimation import line_integrals
from bayesmixed.estimation.conditional_models import MarginalParameters
from bayesmixed.estimation.effect_modes import find_effect_mode, laplace
from bayesmixed.estimation.integrals import LevelIntegrals
from bayesmixed.estimation.line_integrals import by_draws, by_nodes

X = np.cos(np.arange(20.0))
G = np.repeat(np.arange(4), 5)
ETA = 0.3 + 0.5 * X + np.array([-0.8, 0.1, 0.4, 1.2])[G]
STREAM = np.random.default_rng(4)
DATA = pd.DataFrame(
    {
        "count": STREAM.poisson(np.exp(ETA)),
        "yes": (STREAM.uniform(size=20) < special.expit(ETA)).astype(int),
        "y": np.exp(ETA) * STREAM.gamma(4.0, 0.25, 20),
        "share": special.expit(ETA + 0.5 * STREAM.normal(size=20)),
        "x": X,
        "g": np.array(list("abcd"))[G],
        "w": np.tile([1, 2], 10),
        "level": np.tile([1, 2, 3, 2], 5),
    }
)
MODELS = {
    "poisson": ("count ~ x + (1 | g)", {"family": "poisson"}),
    "slope": ("count ~ x + (0 + x | g)", {"family": "poisson"}),
    "events": ("yes ~ x + (1 | g)", {"family": "bernoulli"}),
    "probit": ("yes ~ x + (1 | g)", {"family": "bernoulli", "link": "probit"}),
    "negbin": ("count | weights(w, frequency) ~ x + (1 | g)", {"family": "negbin"}),
    "a modelled dispersion": ("y ~ x + (1 | g)", {"family": "gamma", "shape": "~ x"}),
    "not concave": ("share ~ x + (1 | g)", {"family": "beta"}),
    "ordered": ("level ~ x + (1 | g)", {"family": "cumulative"}),
    "zeros": ("count ~ x + (1 | g)", {"family": "zero_inflated_poisson"}),
    "normal": ("y ~ x + (1 | g)", {"family": "gaussian"}),
}


def integrals(parameters):
    noise = np.random.default_rng(1).uniform(size=(40, parameters.effects))
    for adaptive in (True, False):
        yield by_nodes(parameters, 5, adaptive=adaptive)
        yield by_draws(parameters, noise, adaptive=adaptive)


@pytest.mark.parametrize("name", MODELS)
def test_derivatives_are_those_of_differences(name):
    parameters = MarginalParameters(quietly(MODELS[name][0], DATA, **MODELS[name][1]))
    size = len(parameters.places)
    point = np.random.default_rng(2).normal(scale=0.3, size=size)
    steps = 1e-5 * np.eye(size)
    for lines in integrals(parameters):
        value, gradient = lines.slopes(point)
        assert value == pytest.approx(lines.estimates(point[None]).value[0], rel=1e-9)
        up, down = (lines.estimates(point + sign * steps).value for sign in (1.0, -1.0))
        np.testing.assert_allclose(gradient, (up - down) / 2e-5, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["poisson", "slope", "negbin", "ordered"])
def test_values_are_those_of_quadrature_level_by_level(name):
    parameters = MarginalParameters(quietly(MODELS[name][0], DATA, **MODELS[name][1]))
    point = np.random.default_rng(2).normal(scale=0.3, size=(1, len(parameters.places)))
    exact = LevelIntegrals(parameters).quadrature(point, nodes=31, adaptive=True).value
    for adaptive, nodes, error in ((True, 31, 1e-6), (False, 101, 1e-3)):
        found = by_nodes(parameters, nodes, adaptive=adaptive).estimates(point)
        np.testing.assert_allclose(found.value, exact, atol=error)
        assert found.error[0] == 0.0
    drawn = by_draws(parameters, np.random.default_rng(3).uniform(size=(4000, 4)), adaptive=True).estimates(point)
    assert abs(drawn.value[0] - exact[0]) < 4.0 * drawn.error[0] < 0.2


@pytest.mark.parametrize(
    ("case", "y", "n", "b0", "sd"), [("case1", 1, 1, 0.0, 1.0), ("case2", 3, 3, 0.0, 2.0), ("case3", 0, 4, -1.0, 3.0)]
)
def test_a_cluster_has_the_sharp_values_of_every_rule(case, y, n, b0, sd):
    """Beside it in the design stands the cluster 1, 0, whose mode is at -b0 and whose integrals are taken off."""
    expected, point = CHECKS["L1"]["expected"][case], np.array([b0, np.log(sd)])

    def parameters_of(first):
        data = pd.DataFrame({"y": [*first, 1.0, 0.0], "g": ["a"] * len(first) + ["b"] * 2})
        return MarginalParameters(quietly("y ~ 1 + (1 | g)", data, family="bernoulli"))

    both, twice = parameters_of([1.0] * y + [0.0] * (n - y)), parameters_of([1.0, 0.0])

    def alone(value):
        return value(both) - 0.5 * value(twice)

    def by_laplace(parameters):
        model = parameters.at(point)
        return laplace(model, find_effect_mode(model, np.zeros(2)))

    mode = find_effect_mode(both.at(point), np.zeros(2)).place[0] * sd
    assert mode == pytest.approx(expected["mode"], abs=1e-8)
    assert alone(by_laplace) == pytest.approx(expected["laplace"], abs=1e-8)
    for nodes, key in ((1, "laplace"), (5, "agq5"), (15, "agq15"), (25, "agq25")):
        found = alone(lambda p, nodes=nodes: by_nodes(p, nodes, adaptive=True).estimates(point[None]).value[0])
        assert found == pytest.approx(expected[key], abs=2e-9)
    bend = 1.0 + sd**2 * n * special.expit(b0 + mode) * special.expit(-b0 - mode)
    assert 1.0 - 1.0 / bend == pytest.approx(expected["lambda_laplace"], abs=1e-8)


def test_the_laplace_approximation_of_rows_with_an_effect_of_their_own_is_the_sharp_one():
    check = CHECKS["O1"]
    data = pd.DataFrame({"y": [int(y) for y in check["expected"]["laplace"]]})
    parameters = MarginalParameters(quietly("y ~ 1 + obs()", data, family="poisson"))
    point = np.array([[check["inputs"]["eta"], np.log(check["inputs"]["sd_obs"])]])
    for nodes, key in ((1, "laplace"), (41, "log_p")):
        found = by_nodes(parameters, nodes, adaptive=True).estimates(point).value[0]
        assert found == pytest.approx(sum(check["expected"][key].values()), abs=1e-7)


def test_a_point_where_rows_overflow_has_no_density():
    parameters = MarginalParameters(quietly("count ~ x + (1 | g)", DATA, family="poisson"))
    lines = by_nodes(parameters, 5, adaptive=True)
    assert lines.estimates(np.full((1, 3), 1e4)).value[0] == -np.inf
    assert lines.slopes(np.full(3, 1e4))[0] == -np.inf


def test_few_nodes_and_draws_have_a_maximum_of_their_own():
    design = quietly("count ~ x + (1 | g)", DATA, family="poisson")
    for asked in ({"method": "agq", "points": 2}, {"method": "mc", "draws": 20}):
        found = bm.approximate(design, **asked)
        assert found.converged
        assert found.log_likelihood == pytest.approx(bm.approximate(design).log_likelihood, abs=0.5)


def test_derivatives_that_are_not_kept_are_found_again(monkeypatch):
    parameters = MarginalParameters(quietly("count ~ x + (1 | g)", DATA, family="negbin"))
    lines, point = by_nodes(parameters, 5, adaptive=True), np.array([0.2, 0.4, -0.3, 0.5])
    kept = lines.slopes(point)
    monkeypatch.setattr(line_integrals, "_KEPT", 0)
    again = lines.slopes(point)
    assert again[0] == pytest.approx(kept[0], rel=1e-12)
    np.testing.assert_allclose(again[1], kept[1], rtol=1e-8)
