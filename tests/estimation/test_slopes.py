"""Derivatives of Laplace's approximation against its differences, and factors of precisions against dense ones."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.estimation import climbs
from bayesmixed.estimation.conditional_models import ConditionalModel, MarginalParameters
from bayesmixed.estimation.effect_modes import determinant, find_effect_mode, slopes_of, value_of
from bayesmixed.estimation.maximisation import maximise
from bayesmixed.estimation.precisions import PrecisionPattern
from bayesmixed.families import FAMILIES

N = 90


def table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"x": rng.normal(size=N), "z": rng.normal(size=N), "w": rng.integers(1, 4, N)})
    for name, levels in (("g", 9), ("h", 6), ("k", 5)):
        data[name] = [f"{name}{level}" for level in rng.permutation(np.arange(N) % levels)]
    data["inner"] = data["g"] + (np.arange(N) % 2).astype(str)
    eta = 0.3 + 0.5 * data["x"] + 0.6 * rng.normal(size=9)[data["g"].str[1:].astype(int)]
    data["y"] = eta + 0.7 * rng.normal(size=N)
    data["n"] = rng.poisson(np.exp(eta))
    data["b"] = rng.binomial(5, 1 / (1 + np.exp(-eta)))
    data["p"] = np.exp(data["y"])
    data["s"] = 1 / (1 + np.exp(-data["y"]))
    data["r"] = np.digitize(data["y"], [-0.5, 0.5, 1.2])
    return data


TABLE = table()
MODELS = {
    "slopes": ("y ~ x + (x | g)", {}),
    "slopes apart, a modelled sigma": ("y ~ x + (x || g)", {"sigma": "~ z"}),
    "crossed": ("b | trials(5) ~ x + (1 | g) + (x | h)", {"family": "binomial", "crossed": ["h"]}),
    "cloglog, nested": ("b | trials(5) ~ x + (1 | g/inner)", {"family": "binomial", "link": "cloglog"}),
    "rows": ("n ~ x + (1 | g) + obs()", {"family": "poisson"}),
    "members": ("n ~ x + (x | mm(g, h))", {"family": "negbin", "theta": "~ z"}),
    "curves": ("n ~ x + s(z, by=k) + (1 | g)", {"family": "negbin1"}),
    "a curve": ("p ~ s(z) + offset(0.3 * x) + (1 | g)", {"family": "gamma"}),
    "precision weights": ("y | weights(w, 'precision') ~ x + (1 | g)", {}),
    "frequency weights": ("n | weights(w, 'frequency') ~ k + (1 | g)", {"family": "poisson"}),
    "categories": ("r ~ x + (1 | g) + (1 | h)", {"family": "cumulative", "crossed": ["h"]}),
    "shares": ("s ~ x + (1 | g)", {"family": "beta", "phi": "~ z"}),
    "t": ("y ~ x + (1 | g)", {"family": "student"}),
    "zeros": ("n ~ x + (1 | g)", {"family": "zero_inflated_negbin", "zi": "~ z"}),
    "hurdle": ("n ~ x + (1 | g)", {"family": "hurdle_negbin"}),
    "fixed numbers": ("y ~ x + (x || g)", {"priors": {"sd_g[x]": 0.4, "beta[x]": 0.2, "sigma": 0.8}}),
    "no effects": ("n ~ x", {"family": "generalised_poisson"}),
}


def parameters_of(formula: str, options: dict) -> MarginalParameters:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return MarginalParameters(bm.prepare(formula, TABLE, **options))


def laplace_at(model: ConditionalModel, *, joint=False, restricted=False):
    pattern, _, _ = model.system(joint=joint)
    mode = find_effect_mode(model, np.zeros(pattern.size), joint=joint)
    factor = determinant(model, mode, expected=False, restricted=restricted)
    return value_of(model, mode, factor, restricted), lambda: slopes_of(model, mode, factor)


def differences(value, point, step=1e-4):
    steps = step * np.eye(len(point))
    return np.array([(value(point + e) - value(point - e)) / (2.0 * step) for e in steps])


@pytest.mark.parametrize("name", MODELS)
def test_slopes_are_differences(name):
    parameters = parameters_of(*MODELS[name])
    point = np.random.default_rng(5).uniform(-0.4, 0.4, len(parameters.places))
    found = laplace_at(parameters.at(point))[1]()
    slope = differences(lambda at: laplace_at(parameters.at(at))[0], point)
    np.testing.assert_allclose(found, slope, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "restricted"), [("slopes", True), ("slopes", False), ("rows", False)])
def test_slopes_are_differences_where_coefficients_are_sought_with_the_effects(name, restricted):
    parameters = parameters_of(*MODELS[name])
    point = np.random.default_rng(5).uniform(-0.4, 0.4, len(parameters.places))
    own = parameters.of_coefficients
    point[own] = 0.0

    def value(at):
        return laplace_at(parameters.at(at), joint=True, restricted=restricted)

    found = value(point)[1]()
    np.testing.assert_allclose(found[~own], differences(lambda at: value(at)[0], point)[~own], rtol=1e-5, atol=1e-5)


def test_slopes_of_a_wrong_third_derivative_are_none(monkeypatch):
    parameters = parameters_of(*MODELS["rows"])
    point = np.full(len(parameters.places), 0.2)
    slope = differences(lambda at: laplace_at(parameters.at(at))[0], point)
    honest = ConditionalModel.derivatives

    def wrong(model, eta, *, mixed=False):
        return honest(model, eta, mixed=mixed) * np.array([1.0, 1.0, 1.0, 1.3])

    monkeypatch.setattr(ConditionalModel, "derivatives", wrong)
    assert np.max(np.abs(laplace_at(parameters.at(point))[1]() - slope)) > 1e-3


@pytest.mark.parametrize(
    "takes",
    [
        lambda rng: [rng.integers(0, 9, N)],
        lambda rng: [rng.integers(0, 20, N), 20 + rng.integers(0, 11, N)],
        lambda rng: [np.arange(N), N + np.arange(N) // 6, N + 15 + np.arange(N) // 30],
        lambda rng: [rng.integers(0, 12, N), rng.integers(0, 12, N), 12 + rng.integers(0, 40, N)],
        lambda rng: list(rng.integers(0, 60, (5, N))),
    ],
)
def test_factors_of_precisions_are_those_of_dense_matrices(takes):
    rng = np.random.default_rng(1)
    indices = np.column_stack(takes(rng)).astype(np.int64)
    size = int(indices.max()) + 1
    values, weight, penalty = rng.normal(size=indices.shape), rng.uniform(0.1, 1, N), rng.uniform(0.5, 2, size)
    rows = np.zeros((N, size))
    np.add.at(rows, (np.arange(N)[:, None], indices), values)
    dense = rows.T @ (weight[:, None] * rows) + np.diag(penalty)
    pattern = PrecisionPattern(indices, size)
    factor, inverse = pattern.factor(values, weight, penalty), np.linalg.inv(dense)
    assert factor.log_determinant == pytest.approx(np.linalg.slogdet(dense)[1], rel=1e-12)
    right = rng.normal(size=size)
    np.testing.assert_allclose(factor.solve(right), inverse @ right, atol=1e-12)
    np.testing.assert_allclose(factor.of_rows(), np.take_along_axis(rows @ inverse, indices, axis=1), atol=1e-12)
    own = np.arange(size)
    np.testing.assert_allclose(factor.covariances(own, own), np.diagonal(inverse), atol=1e-12)
    assert pattern.factor(values, -10.0 * weight, penalty) is None


@pytest.mark.parametrize("name", ["crossed", "rows", "categories", "t", "zeros"])
def test_a_factor_from_elsewhere_leads_to_the_same_mode(name):
    parameters = parameters_of(*MODELS[name])
    far, point = np.random.default_rng(6).uniform(-0.4, 0.4, (2, len(parameters.places)))
    start = np.zeros(parameters.effects)
    elsewhere = find_effect_mode(parameters.at(far), start)
    model = parameters.at(point)
    plain = find_effect_mode(model, start)
    led = find_effect_mode(model, elsewhere.place, near=elsewhere.factor)
    np.testing.assert_allclose(led.place, plain.place, atol=1e-6)
    values = [value_of(model, mode, mode.factor, False) for mode in (plain, led)]
    assert values[0] == pytest.approx(values[1], abs=1e-8)


@pytest.mark.parametrize("method", ["joint", "laplace"])
@pytest.mark.parametrize("name", ["shares", "crossed", "rows", "cloglog, nested", "a curve"])
def test_a_climb_takes_slopes_of_what_it_climbs(monkeypatch, name, method):
    """Observed and expected information, which differ in general, are the same for shares at a predictor of 0."""
    formula, options = MODELS[name]
    taken = []

    def look(values, start, scale, slopes):
        point = start + 0.3 * scale @ np.ones(len(start))
        if slopes is not None:
            taken.append((slopes(point)[1], differences(lambda at: values(at[None])[0], point)))
        return maximise(values, start, scale, slopes)

    monkeypatch.setattr(climbs, "maximise", look)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        bm.approximate(formula, TABLE, method=method, **options)
    assert bool(taken) == (method == "laplace" or name in ("crossed", "rows"))
    for found, slope in taken:
        np.testing.assert_allclose(found, slope, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["laplace", "joint"])
def test_a_family_without_compiled_rows_has_the_same_maximum(method):
    own = replace(FAMILIES["gamma"], name="own")
    found, compiled = (bm.approximate("p ~ x + (1 | g)", TABLE, family=f, method=method) for f in (own, "gamma"))
    assert found.log_likelihood == pytest.approx(compiled.log_likelihood, abs=1e-6)
    for name, error in compiled.standard_errors.items():
        assert found.standard_errors[name] == pytest.approx(error, rel=1e-3)
