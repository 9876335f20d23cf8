"""Coordinates of priors in fits of earlier versions."""

import warnings

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.design.earlier_coordinates import origins_of, place_at_origins
from bayesmixed.design.thresholds import threshold_shift


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("y ~ x * f + (x | g)", "gaussian"),
        ("y ~ 0 + f + (1 | g)", "gaussian"),
        ("y ~ s(x) + f + (f | g)", "gaussian"),
        ("o ~ x * f + (x | g)", "cumulative"),
    ],
)
def test_coordinates_at_origins_are_coefficients_as_written_but_for_the_constant(formula, family):
    generator = np.random.default_rng(4)
    data = {
        "y": generator.normal(size=60),
        "o": np.arange(60) % 4,
        "x": generator.normal(9.0, 1.0, 60),
        "f": generator.choice(list("abc"), 60),
        "g": generator.choice(list("abcdefgh"), 60),
    }
    with warnings.catch_warnings(action="ignore"):
        design = bm.prepare(bm.from_formula(formula, family=family), data)

    def moves(block):
        return "Intercept" in block.labels or bool(design.family.cuts)

    mu, group = design.mu, design.mu.groups[0]
    blocks = {mu.beta: mu.population, mu.b(group): group}
    origins = {
        name: {label: generator.normal() * moves(block) * (label != "Intercept") for label in block.labels}
        for name, block in blocks.items()
    }
    placed = place_at_origins(design.spec, design.family, mu, origins)
    assert origins_of(placed) == origins
    z = generator.normal(size=len(placed.keys))
    beta, origin = placed.transform @ z, np.array([*origins[mu.beta].values()])
    fixed = np.array(mu.population.labels) == "Intercept"
    np.testing.assert_allclose(beta[~fixed], z[~fixed], atol=1e-9)
    np.testing.assert_allclose(beta[fixed], (z[fixed] - origin @ beta if fixed.any() else []), atol=1e-9)
    shift = threshold_shift(design.__class__(**_fields(design) | {"predictors": {"mu": placed}}), beta)
    expected = mu.population.matrix @ beta - (shift if design.family.cuts else 0.0)
    np.testing.assert_allclose(placed.centred_matrix @ z, expected, atol=1e-9)


def _fields(record):
    return {name: getattr(record, name) for name in record.__dataclass_fields__}
