"""Joint coordinates of coefficients and effects: the same density, and its gradient, in other coordinates."""

import numpy as np
import pytest
from kernels.joint.test_density import ROWS, check_slope, prepared

import bayesmixed as bm
from bayesmixed.engines import joint_layout
from bayesmixed.engines.kernel import lay_out
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
    ("y ~ 1 + (1 + x || g) + (x | h)", "student", {"crossed": ["h"]}),
    ("y ~ x + (x | g) + (z | k)", "gamma", {"priors": {"beta[x]": 0.3, "sd_k[z]": 0.4}}),
    ("count ~ x + (1 | g) + (1 | k) + obs()", "poisson", {"crossed": ["g"]}),
    ("yes ~ 0 + x + (0 + x + z | h)", "bernoulli", {}),
    ("rating ~ x + (1 | g) + (1 | k)", "cumulative", {"crossed": ["g"]}),
    ("count | trials(n) ~ s(x, k=6) + s(z, k=5, by=f) + (1 | g)", "binomial", {}),
    ("y ~ s(x, k=6)", "gamma", {}),
    ("count ~ x + mm(g, h)", "poisson", {}),
    ("y ~ x + (1 | g)", "gamma", {"shape": "~ x + (1 | h)"}),
]


def laid_out_jointly(formula, family, options):
    design = prepared(bm.from_formula(formula, family=family, **options), ROWS)
    mode = quasi_likelihood_mode(design)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joint_layout, "ENOUGH", 100)
        return lay_out(design, mode, choose_parameterisation(design, mode, guides=True)), mode


def variables_at(layout, points):
    """Return the draws of all variables at points, (S, numbers)."""
    found = decode(layout, np.atleast_2d(points))
    return np.concatenate([values.reshape(len(values), -1) for _, values in found.values()], axis=1)


def joint_slots(layout):
    terms = layout.predictors[layout.design.mu.parameter].terms
    place = layout.joint.eliminated
    effects = range(terms[place].effects.start, terms[place].effects.stop) if place >= 0 else []
    return np.array([*layout.joint.slots, *effects])


def affine(layout, x, slots):
    """Return the variables where these coordinates are zero, and their derivatives in the coordinates: affine."""
    origin = np.where(np.isin(np.arange(len(x)), slots), 0.0, x)
    points = np.tile(origin, (len(slots) + 1, 1))
    points[np.arange(1, len(slots) + 1), slots] = 1.0
    values = variables_at(layout, points)
    return values[0], (values[1:] - values[0]).T


@pytest.mark.parametrize(("formula", "family", "options"), MODELS)
def test_joint_coordinates_change_no_density(formula, family, options):
    layout, _ = laid_out_jointly(formula, family, options)
    slots = joint_slots(layout)
    plain = lay_out_coordinates(layout.design, {})
    generator = np.random.default_rng(2)
    for _ in range(3):
        x = 0.5 * generator.normal(size=layout.dimension)
        start, matrix = affine(plain, x, slots)
        _, joint_matrix = affine(layout, x, slots)
        change, *_ = np.linalg.lstsq(matrix, joint_matrix, rcond=None)
        np.testing.assert_allclose(matrix @ change, joint_matrix, atol=1e-8 * np.abs(joint_matrix).max())
        same = x.copy()
        same[slots] = np.linalg.lstsq(matrix, variables_at(layout, x)[0] - start, rcond=None)[0]
        np.testing.assert_allclose(variables_at(plain, same), variables_at(layout, x), atol=1e-8)
        jacobian = np.linalg.slogdet(change)[1]
        assert evaluate(pack(layout), x)[0] == pytest.approx(evaluate(pack(plain), same)[0] + jacobian, rel=1e-8)


@pytest.mark.parametrize(("formula", "family", "options"), MODELS)
def test_the_gradient_in_joint_coordinates_is_that_of_the_density(formula, family, options):
    check_slope(laid_out_jointly(formula, family, options)[0])


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_joint_coordinates_of_crossed_normal_rows_are_standard_normal_at_every_sd(scale):
    data = ROWS | {"y": ROWS["y"] + 2.0 * (np.arange(60) % 6)}
    design = prepared(bm.from_formula("y ~ x + (x | g) + (1 | k)", priors={"corr_g": "LKJ(2)"}), data)
    mode = quasi_likelihood_mode(design)
    layout = lay_out(design, mode, choose_parameterisation(design, mode, guides=True))
    x = 0.2 * np.random.default_rng(1).normal(size=layout.dimension)
    for term in layout.predictors["mu"].terms:
        x[term.sd.places] = np.log(scale * mode.sds[term.placement.group.name])
    x[layout.scalars["sigma"].places] = np.log(mode.values["sigma"])
    slots = joint_slots(layout)
    x[slots] = 0.0
    assert len(slots) == 2 + 12 + 3
    for direction in np.eye(layout.dimension)[slots]:
        slopes = [(evaluate(pack(layout), x + step * direction)[1])[slots] for step in (1.0, -1.0)]
        np.testing.assert_allclose((slopes[0] - slopes[1]) / 2, -direction[slots], atol=0.015)
        np.testing.assert_allclose((slopes[0] + slopes[1]) / 2, 0.0, atol=2e-2)
