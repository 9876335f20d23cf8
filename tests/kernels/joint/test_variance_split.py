"""The compiled density of joint priors of SDs: that in NumPy, which a numerical change of variables gives, and its gradient."""

import warnings

import numpy as np
import pytest
from uncompiled import as_records, uncompiled

import bayesmixed as bm
from bayesmixed.engines.marginal_layout import lay_out_marginal
from bayesmixed.estimation.log_priors import LogPrior
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed
from bayesmixed.kernels.joint.density import log_priors
from bayesmixed.kernels.joint.layouts import lay_out_coordinates
from bayesmixed.kernels.joint.packed_designs import pack

PLACES = np.arange(60)
ROWS = {
    "y": PLACES % 7 + 0.5,
    "count": PLACES % 6,
    "x": np.sin(PLACES.astype(float)),
    "z": np.cos(PLACES.astype(float)) * 0.6,
    "g": np.array(list("abcdef"))[PLACES % 6],
    "h": np.array([f"h{i}" for i in range(12)])[PLACES % 12],
    "n": PLACES % 5 + 6,
}
density = uncompiled(log_priors)
TOTAL = "VarianceSplit(total=HalfStudentT(4, 0, 2), shares="
MODELS = {
    "one factor": ("y ~ x + (1 | g)", "gaussian", "Dirichlet(0.7, 2))"),
    "three parts": ("y ~ x + (1 | g) + (1 | h)", "gaussian", '{"sigma": 2, "h": 0.5, "g": 1})'),
    "correlated slopes": ("y ~ x + (x | g) + (1 | h)", "gaussian", "Dirichlet(1, 2, 3))"),
    "three correlated columns": ("y ~ x + (x + z | h)", "gaussian", "Dirichlet(1, 2))"),
    "independent slopes": ("y ~ x + (x || g)", "gaussian", "Dirichlet(1.5, 0.5))"),
    "a curve": ("y ~ s(x, k=5) + (1 | g)", "gaussian", "Dirichlet(1, 1, 1))"),
    "no residual": ("count ~ x + (1 | g) + (1 | h)", "poisson", "Dirichlet(1, 2))"),
    "weights": ("y | weights(n, \"precision\") ~ x + (1 | g)", "gaussian", "Dirichlet(1, 2))"),
    "effects of rows": ("count ~ x + (1 | g) + obs()", "poisson", "Dirichlet(1, 2))"),
}  # fmt: skip
each_model = pytest.mark.parametrize(("formula", "family", "shares"), MODELS.values(), ids=MODELS)


def prepared(formula, family, shares):
    return default(formula, family, priors={"variance": TOTAL + shares})


def default(formula, family, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(formula, ROWS, family=family, **options)


@each_model
def test_the_compiled_density_differs_from_that_of_default_priors_as_in_numpy(formula, family, shares):
    layouts = [
        lay_out_coordinates(design, {}) for design in (prepared(formula, family, shares), default(formula, family))
    ]
    packed = [as_records(pack(layout).data) for layout in layouts]
    generator = np.random.default_rng(1)
    for _ in range(4):
        x = generator.normal(0.0, 0.7, layouts[0].dimension)
        compiled = [density(x, np.zeros(len(x)), data) for data in packed]
        in_numpy = [LogPrior(layout)(x[None])[0] for layout in layouts]
        assert compiled[0] - compiled[1] == pytest.approx(in_numpy[0] - in_numpy[1], abs=1e-8)


@each_model
def test_the_gradient_is_that_of_differences(formula, family, shares):
    layout = lay_out_coordinates(prepared(formula, family, shares), {})
    data = as_records(pack(layout).data)
    x = np.random.default_rng(2).normal(0.0, 0.7, layout.dimension)
    gradient, ignored = np.zeros(layout.dimension), np.zeros(layout.dimension)
    density(x, gradient, data)
    for place in range(layout.dimension):
        step = np.zeros(layout.dimension)
        step[place] = 1e-6
        slope = (density(x + step, ignored, data) - density(x - step, ignored, data)) / 2e-6
        assert gradient[place] == pytest.approx(slope, abs=2e-6), place


@pytest.mark.parametrize("lay_out", [lay_out_collapsed, lay_out_marginal])
def test_every_engine_with_integrated_effects_has_the_same_prior(lay_out):
    design = prepared("y ~ x + (1 | h) + (x | g)", "gaussian", "Dirichlet(1, 2, 3))")
    layout = lay_out(design)
    data = as_records(layout.packed.data)
    whole = as_records(pack(layout.full).data)
    generator, found = np.random.default_rng(3), []
    for _ in range(3):
        x = np.zeros(layout.full.dimension)
        x[layout.full.outer] = generator.normal(0.0, 0.7, len(layout.full.outer))
        kept = x[layout.kept]
        found.append(density(kept, np.zeros(len(kept)), data) - density(x, np.zeros(len(x)), whole))
    assert found == pytest.approx([found[0]] * 3, abs=1e-9)
