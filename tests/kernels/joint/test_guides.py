"""Guided coordinates: the same density in other coordinates, which stay near standard normal at every SD."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import classic
from kernels.joint.test_density import ROWS, check_slope, prepared

import bayesmixed as bm
from bayesmixed.engines.kernel import lay_out_levels
from bayesmixed.engines.parameterisation import choose_parameterisation
from bayesmixed.estimation.quasi_likelihood import quasi_likelihood_mode
from bayesmixed.kernels.joint.compiled import evaluate
from bayesmixed.kernels.joint.decoding import decode
from bayesmixed.kernels.joint.layouts import lay_out_coordinates
from bayesmixed.kernels.joint.packed_designs import pack

MODELS = [
    ("count ~ x + (1 | k/g)", "poisson", {"crossed": ["g"]}),
    ("count ~ x + inside_h + (1 | h)", "negbin", {}),
    ("count ~ x + f + (x | g)", "poisson", {}),
    ("y ~ x*inside_h + (x + z | h)", "gamma", {}),
    ("y ~ x + (1 + x || g) + (1 | h)", "student", {"crossed": ["h"]}),
    ("count ~ x + (1 | g) + obs()", "poisson", {}),
    ("yes ~ x + (0 + x + z | h)", "bernoulli", {}),
]


def laid_out_by_the_engine(formula, family, options):
    design = prepared(bm.from_formula(formula, family=family, **options), ROWS)
    mode = quasi_likelihood_mode(design)
    return replace(
        lay_out_levels(design, mode, choose_parameterisation(design, mode, guides=True)), whitening=None
    ), mode


def effects_at(layout, points):
    """Return all effects of the first parameter, (S, effects)."""
    found = decode(layout, np.atleast_2d(points))
    return np.concatenate([v.reshape(len(v), -1) for n, (_, v) in found.items() if n.startswith("b_")], axis=1)


def effects_by_coordinate(layout, x, slots):
    """Return effects at coordinates of zero, and the matrix that takes coordinates to effects: they are affine."""
    origin = np.where(np.isin(np.arange(len(x)), slots), 0.0, x)
    points = np.tile(origin, (len(slots) + 1, 1))
    points[np.arange(1, len(slots) + 1), slots] = 1.0
    effects = effects_at(layout, points)
    return effects[0], (effects[1:] - effects[0]).T


@pytest.mark.parametrize(("formula", "family", "options"), MODELS)
def test_a_guide_changes_coordinates_and_not_the_density(formula, family, options):
    layout, _ = laid_out_by_the_engine(formula, family, options)
    plain = lay_out_coordinates(layout.design, {})
    terms = layout.predictors[layout.design.mu.parameter].terms
    assert all(np.any(term.guide) for term in terms)
    slots = np.concatenate([np.arange(term.effects.start, term.effects.stop) for term in terms])
    generator = np.random.default_rng(2)
    for _ in range(5):
        x = 0.5 * generator.normal(size=layout.dimension)
        start, matrix = effects_by_coordinate(plain, x, slots)
        _, guided_matrix = effects_by_coordinate(layout, x, slots)
        same = x.copy()
        same[slots] = np.linalg.solve(matrix, effects_at(layout, x)[0] - start)
        jacobian = np.linalg.slogdet(guided_matrix)[1] - np.linalg.slogdet(matrix)[1]
        assert evaluate(pack(layout), x)[0] == pytest.approx(evaluate(pack(plain), same)[0] + jacobian, rel=1e-8)


@pytest.mark.parametrize(("formula", "family", "options"), MODELS)
def test_the_gradient_in_guided_coordinates_is_that_of_the_density(formula, family, options):
    check_slope(laid_out_by_the_engine(formula, family, options)[0])


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_guided_coordinates_of_normal_rows_are_standard_normal_at_every_sd(scale):
    formula, data = "y ~ 1 + (1 | g)", ROWS | {"y": ROWS["y"] + 2.0 * (np.arange(60) % 6)}
    design = prepared(bm.from_formula(formula), data)
    mode = quasi_likelihood_mode(design)
    layout = lay_out_levels(design, mode, choose_parameterisation(design, mode, guides=True))
    (term,) = layout.predictors["mu"].terms
    x = np.zeros(layout.dimension)
    x[term.sd.places], x[layout.scalars["sigma"].places] = np.log(scale * mode.sds["g"]), np.log(mode.values["sigma"])
    for direction in np.eye(layout.dimension)[term.effects]:
        slopes = [(evaluate(pack(layout), x + step * direction)[1])[term.effects] for step in (1.0, -1.0)]
        np.testing.assert_allclose((slopes[0] - slopes[1]) / 2, -direction[term.effects], atol=1e-5)
        np.testing.assert_allclose((slopes[0] + slopes[1]) / 2, 0.0, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_guided_coordinates_reach_every_sd_where_that_of_the_quick_mode_goes_to_zero(scale):
    design = prepared(bm.from_formula("y ~ V4 + (V4 | subject)", family="negbin"), classic("MASS", "epil"))
    mode = quasi_likelihood_mode(design)
    layout = lay_out_levels(design, mode, choose_parameterisation(design, mode, guides=True))
    (term,) = layout.predictors["mu"].terms
    assert mode.sds["subject"][1] < 0.01
    assert np.all(np.linalg.eigvalsh(mode.precisions["subject"]) > 0.0)
    point = np.zeros(layout.dimension)
    point[term.sd.places] = np.log(scale)
    assert np.isfinite(evaluate(pack(layout), point)[0])
