"""Modes of effects given the parameters, and slopes of Laplace's approximation there."""

import warnings

import numpy as np
import pytest
from conditional_cases import MODELS, TABLE, differences

import bayesmixed as bm
from bayesmixed.estimation.conditional_models import ConditionalModel, MarginalParameters
from bayesmixed.estimation.effect_modes import determinant, find_effect_mode, slopes_of, value_of


def parameters_of(formula: str, options: dict) -> MarginalParameters:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return MarginalParameters(bm.prepare(formula, TABLE, **options))


def laplace_at(model: ConditionalModel, *, joint=False, restricted=False):
    pattern, _, _ = model.system(joint=joint)
    mode = find_effect_mode(model, np.zeros(pattern.size), joint=joint)
    factor = determinant(model, mode, expected=False, restricted=restricted)
    return value_of(model, mode, factor, restricted), lambda: slopes_of(model, mode, factor)


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
