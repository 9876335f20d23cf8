"""Coordinates of draws are those from which the draws are decoded."""

import warnings

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.cross_validation.encoding import encode
from bayesmixed.kernels.joint.decoding import as_posterior
from bayesmixed.kernels.joint.layouts import lay_out_coordinates

PLACE = np.arange(60)
ROWS = pd.DataFrame(
    {
        "y": np.cos(PLACE * 1.7) + 2.0,
        "rating": PLACE * 7 % 11 // 3 + 1,
        "x": np.sin(PLACE),
        "z": np.cos(PLACE * 0.6),
        "g": [f"g{i}" for i in PLACE % 6],
        "h": [f"h{i}" for i in PLACE % 12],
    }
)
MODELS = [
    ("y ~ x + (x + z | g) + (1 | h)", "gaussian", {}),
    ("y ~ x + (x + z || g)", "student", {"priors": {"beta[x]": 0.5, "sd_g[x]": 0.3}}),
    ("y ~ s(z, k=5) + (1 | g)", "gamma", {"shape": "~ x + (x | g)"}),
    ("rating ~ x + (x | g) + obs()", "poisson", {"priors": {"sd_g[x]": "HalfNormal(1)"}}),
    ("rating ~ x + (x | g)", "cumulative", {}),
]


@pytest.mark.parametrize(("formula", "family", "further"), MODELS, ids=[f"{row[1]}: {row[0]}" for row in MODELS])
def test_draws_go_to_coordinates_and_back(formula, family, further):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        layout = lay_out_coordinates(bm.prepare(bm.from_formula(formula, family=family, **further), ROWS), {})
    points = np.random.default_rng(1).normal(0, 0.5, (2, 3, layout.dimension))
    draws = as_posterior(layout, points.copy())
    np.testing.assert_allclose(encode(layout, draws), points, atol=1e-8)


@pytest.mark.parametrize(("formula", "family", "further"), MODELS, ids=[f"{row[1]}: {row[0]}" for row in MODELS])
def test_a_layout_places_every_coordinate_once_and_knows_its_maps(formula, family, further):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        layout = lay_out_coordinates(bm.prepare(bm.from_formula(formula, family=family, **further), ROWS), {})
    effects = [np.arange(layout.dimension)[t.effects] for p in layout.predictors.values() for t in p.terms]
    places = np.concatenate([*(slots.own for slots in layout.slots), *effects])
    assert sorted(places) == list(range(layout.dimension))
    point = np.random.default_rng(1).normal(0, 0.5, layout.dimension)
    for slots in layout.slots:
        values = slots.read(point)
        again = np.zeros(layout.dimension)
        slots.write(again, values)
        np.testing.assert_allclose(again[slots.own], point[slots.own], atol=1e-12)
        np.testing.assert_array_equal(values[~slots.free], slots.fixed[~slots.free])
