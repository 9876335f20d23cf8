"""Coordinates that move with the shift of responses: the density is that of the plain model."""

import numpy as np
import pytest
from model_densities import log_density

import bayesmixed as bm
from bayesmixed.engines import choose
from bayesmixed.model.pymc_models import build_to_sample

GENERATOR = np.random.default_rng(3)
DATA = {
    "y": 2.0 + np.exp(GENERATOR.normal(size=20)),
    "x": GENERATOR.normal(size=20) + 3.0,
    "g": np.arange(20) % 7,
}


@pytest.mark.parametrize(
    ("formula", "options", "way"),
    [
        ("y ~ x + (1 | g)", {}, "hierarchical"),
        ("y ~ x + (1 | g)", {"priors": {"beta[Intercept]": "Normal(0, 3)", "sigma": "Exponential(1)"}}, "centred"),
        ("y ~ 1", {"sigma": "~ x"}, "centred"),
    ],
)
def test_the_density_is_that_of_the_plain_model(formula, options, way):
    design = bm.prepare(bm.from_formula(formula, family="shifted_lognormal", **options), DATA)
    ways = {p.b(g): way for p, g in design.normal_blocks()}
    plain, moved = bm.build(design, parameterisation=ways), build_to_sample(design, ways)
    beta = next(v.name for v in plain.free_RVs if v.name.endswith("beta"))
    ndt, slopes = 1.3, [0.2] * (plain[beta].eval().size - 1)
    rest = np.log(DATA["y"] - ndt)
    free = {"ndt": ndt, beta: [0.6, *slopes]}
    own = {"ndt": ndt, f"distance_{beta}": [0.6 - rest.mean(), *slopes]}
    slope = 0.0
    if "sigma" in [v.name for v in plain.free_RVs]:
        free |= {"sigma": 0.8}
        own |= {"multiple_sigma": 0.8 / rest.std()}
        slope = np.log(rest.std())
    for variable in plain.free_RVs:
        if variable.name not in free:
            value = np.full(np.shape(variable.eval()), 0.4)
            free[variable.name] = value
            moves = variable.name.startswith("coefficient")
            own[variable.name] = value - rest.mean() if moves else value
    assert log_density(moved, own) == pytest.approx(log_density(plain, free) + slope, abs=1e-8)


def test_a_shift_that_is_given_leaves_the_plain_coordinates():
    design = bm.prepare(bm.from_formula("y ~ x", family="shifted_lognormal", priors={"ndt": 0.5}), DATA)
    assert {v.name for v in build_to_sample(design, {}).free_RVs} == {v.name for v in bm.build(design).free_RVs}


def test_the_engine_with_these_coordinates_is_taken():
    chosen = [
        choose(bm.prepare(bm.from_formula("y ~ x", family="shifted_lognormal", priors=priors), DATA))[0]
        for priors in ({}, {"ndt": 0.5})
    ]
    assert chosen == ["pymc", "kernel"]
