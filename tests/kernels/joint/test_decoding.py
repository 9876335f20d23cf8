"""Coordinates are decoded to the variables of the model."""

import numpy as np
import pytest
from conftest import classic, read_reference
from coordinate_models import MODELS, laid_out
from kernels.joint.test_density import as_pymc_point, prepared, shapes_of
from kernels.joint.test_density import laid_out as laid_out_in

import bayesmixed as bm
from bayesmixed.design.centring import HIERARCHICAL, NONCENTRED
from bayesmixed.kernels.joint import decoding
from bayesmixed.kernels.joint.decoding import correlation_factor, decode
from bayesmixed.kernels.joint.layouts import lay_out_coordinates

(CHECK,) = (check for check in read_reference("sharp_checks")["checks"] if check["id"] == "E1")


@pytest.mark.parametrize("way", [HIERARCHICAL, NONCENTRED])
def test_coordinates_are_decoded_to_the_variables_of_the_model(way):
    import pymc as pm

    data = classic("lme4", "sleepstudy")
    design = prepared("Reaction ~ Days + (Days | Subject)", data)
    layout = laid_out_in(design, way)
    model = bm.build(design, parameterisation={"b_Subject": way})
    x = 0.3 * np.random.default_rng(2).normal(size=layout.dimension)
    names = ["beta", "sd_Subject", "corr_Subject", "b_Subject", "sigma"]
    variables = model.replace_rvs_by_values([model[name] for name in names])
    point = as_pymc_point(layout, model, shapes_of(model), x)
    inputs = list(model.value_vars)
    function = pm.compile(inputs, variables, mode="FAST_COMPILE", on_unused_input="ignore")
    expected = function(*(point[value.name] for value in inputs))
    found = decode(layout, x[None])
    for name, value in zip(names, expected, strict=True):
        np.testing.assert_allclose(found[name][1][0], value, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("weight", [0, 1])
def test_group_effects_have_mean_zero_and_the_sd_of_the_model_whatever_the_coordinates(weight):
    """With v ~ N(w m, sd^w) the group coefficient m + sd^(1 - w) (v - w m) has mean m and standard deviation sd."""
    given = CHECK["inputs"]
    data = {"y": np.arange(20.0), "g": np.repeat(list("abcde"), 4)}
    design = bm.prepare("y ~ 1 + (1 | g)", data)
    layout = lay_out_coordinates(design, {"b_g": np.full(5, bool(weight))})
    predictor = layout.predictors["mu"]
    rng = np.random.default_rng(2)
    points = np.zeros((100_000, layout.dimension))
    points[:, predictor.beta.places] = given["m"]
    points[:, predictor.terms[0].sd.places] = np.log(given["sd"])
    v = rng.normal(weight * given["m"], given["sd"] ** weight, size=(len(points), 5))
    points[:, predictor.terms[0].effects] = v
    effects = decode(layout, points)["b_g"][1][..., 0]
    np.testing.assert_allclose(effects, given["sd"] ** (1 - weight) * (v - weight * given["m"]), atol=1e-12)
    assert np.mean(effects) == pytest.approx(0.0, abs=0.005)
    assert np.std(effects) == pytest.approx(given["sd"], abs=0.005)


@pytest.mark.parametrize("at_once", [1, 700, 1e9])
def test_draws_decoded_some_at_a_time_are_those_decoded_at_once(monkeypatch, at_once):
    monkeypatch.setattr(decoding, "_DECODED_AT_ONCE", at_once)
    layout = laid_out(*MODELS[0], {"b_g": np.arange(6) % 2 == 0})
    points = 0.3 * np.random.default_rng(1).standard_normal((2, 7, layout.dimension))
    expected = decoding.decode(layout, points.reshape(14, -1))
    posterior = decoding.as_posterior(layout, points.copy())
    for name, (dims, values) in expected.items():
        assert posterior[name].dims == ("chain", "draw", *dims)
        np.testing.assert_allclose(posterior[name].values.reshape(values.shape), values, rtol=1e-12)


def test_correlations_of_three_columns_are_those_of_their_partial_correlations():
    layout = laid_out(*MODELS[0])
    term = next(t for t in layout.predictors["mu"].terms if t.placement.group.name == "g")
    points = np.random.default_rng(4).normal(size=(3, layout.dimension))
    factor = correlation_factor(points, term.placement.group, term.partials)
    correlation = factor @ factor.swapaxes(1, 2)
    np.testing.assert_allclose(np.diagonal(correlation, axis1=1, axis2=2), 1.0)
    first, second, partial = np.moveaxis(term.partials[0].read(points), 1, 0)
    between = correlation[:, 2, 1] - first * second
    np.testing.assert_allclose(partial, between / np.sqrt((1 - first**2) * (1 - second**2)), rtol=1e-10)
