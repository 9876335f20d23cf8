"""Sums over classes of equal levels give what going through all levels gives: density, gradient and draws."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.kernels.collapsed.compiled import evaluate
from bayesmixed.kernels.collapsed.exact_draws import draw_integrated
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
MODELS = [
    "y ~ x + (1 | g)",
    "y ~ x + (x | g)",
    "y ~ x + w + (x | g) + (w | h)",
    "y ~ x + w + (x + w | g) + (1 | h) + (1 | k)",
]


def balanced():
    """Return 20 levels of g that meet the same x and w, two of them one row less, and crossed factors."""
    generator = np.random.default_rng(5)
    i = np.arange(160)
    columns = {"g": i // 8, "x": (i % 8) ** 2.0, "w": i % 3 * 1.5, "h": i % 5, "k": generator.integers(0, 7, 160)}
    columns["w"] = columns["w"][:8].tolist() * 20
    y = generator.normal(size=160) + generator.normal(size=20)[columns["g"]]
    rows = (i != 3) & (i != 11)
    labels = {name: [f"{name}{value}" for value in np.asarray(columns[name])[rows]] for name in "ghk"}
    return {**{name: np.asarray(columns[name])[rows] for name in "xw"}, **labels, "y": y[rows]}


@pytest.fixture(params=MODELS)
def both(request):
    """Return the same density twice: by classes, and by levels."""
    design = bm.prepare(request.param, balanced())
    by_classes, by_levels = lay_out_collapsed(design), lay_out_collapsed(design)
    assert by_classes.packed.data.model["classes"] == 2
    by_levels.packed.data.model["classes"] = 0
    return by_classes, by_levels


def points(collapsed):
    return np.random.default_rng(6).normal(scale=0.7, size=(4, len(collapsed.kept)))


def test_density_and_gradient_by_classes_are_those_by_levels(both):
    for x in points(both[0]):
        value, gradient = evaluate(both[0].packed, x)
        expected, slopes = evaluate(both[1].packed, x)
        assert value == pytest.approx(expected, rel=1e-11)
        np.testing.assert_allclose(gradient, slopes, rtol=1e-9, atol=1e-9)


def test_draws_by_classes_are_those_by_levels(both):
    noise = np.random.default_rng(7).normal(size=(4, both[0].size))
    drawn, expected = (draw_integrated(one, points(one), noise) for one in both)
    np.testing.assert_allclose(drawn, expected, rtol=1e-8, atol=1e-9)
    assert np.all(drawn.std(axis=0) > 0)
