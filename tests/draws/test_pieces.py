"""Draws some at a time: the same answers as all at once, in little memory."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.draws import pieces

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def fit_of(rows, family="gaussian", groups=20):
    generator = np.random.default_rng(1)
    y = generator.integers(0, 2, rows) if family == "bernoulli" else generator.normal(size=rows)
    if family == "cumulative":
        y = pd.Categorical(generator.choice(["low", "mid", "top"], rows), ordered=True)
    data = pd.DataFrame({"y": y, "x": generator.normal(size=rows), "g": np.arange(rows) % groups})
    data["g"] = data["g"].astype(str)
    design = bm.prepare(bm.from_formula("y ~ x + (1 | g)", family=family), data)
    return fit_at(design, {"sd_g": 0.5, "sigma": 1.0, "threshold": [-1.0, 1.0]}, jitter=0.05)


@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
@pytest.mark.parametrize("kind", ["mean", "response", "linear"])
def test_predictions_in_pieces_are_those_at_once(family, kind, monkeypatch):
    fit = fit_of(60, family)
    whole = bm.predict(fit, kind=kind, seed=3)
    monkeypatch.setattr(pieces, "NUMBERS", 60 * 7)
    parts = bm.predict(fit, kind=kind, seed=3)
    xr.testing.assert_allclose(parts, whole, rtol=1e-13, atol=1e-13)
    assert parts.attrs == whole.attrs


def test_probabilities_in_pieces_are_those_at_once(monkeypatch):
    fit = fit_of(60, "cumulative")
    whole = bm.predict(fit, kind="probability", groups="average")
    monkeypatch.setattr(pieces, "NUMBERS", 60 * 7)
    parts = bm.predict(fit, kind="probability", groups="average")
    xr.testing.assert_allclose(parts, whole, rtol=1e-13)
    assert whole["probability"].dims == ("chain", "draw", "row", "category")


def test_new_groups_are_the_same_for_all_rows_of_a_draw_also_in_pieces(monkeypatch):
    fit = fit_of(60)
    rows = {"x": np.zeros(6), "g": ["new", "other"] * 3}
    monkeypatch.setattr(pieces, "NUMBERS", 12)
    drawn = bm.predict(fit, rows, groups="new", kind="linear", seed=1)["linear"].values
    np.testing.assert_array_equal(drawn[..., :2], drawn[..., 4:])
    assert np.std(drawn[..., 0]) > 0.3


@pytest.mark.parametrize(
    ("name", "arrays"),
    [
        ("predict", 1),
        ("posterior_predictive", 1),
        ("r2", 0),
        ("icc", 0),
        ("variance_dossier", 0),
        ("posterior_checks", 0),
    ],
)
def test_answers_take_little_more_memory_than_they_hold(name, arrays, monkeypatch):
    rows, draws = 20_000, 100
    fit = fit_of(rows)
    verb = getattr(bm, name)
    verb(fit_of(100))
    monkeypatch.setattr(pieces, "NUMBERS", rows)
    tracemalloc.start()
    verb(fit)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * rows * (arrays * draws + 40)


def test_a_result_that_does_not_fit_into_memory_is_refused_with_what_to_ask_for(monkeypatch):
    fit = fit_of(60)
    monkeypatch.setattr(pieces, "machine_memory", lambda: 60_000)
    with pytest.raises(bm.SpecError, match="draws=62"):
        bm.predict(fit)
    assert bm.predict(fit, draws=62)["mean"].size == 62 * 60
    with pytest.raises(bm.SpecError, match="Replicates of 100 draws for 60 rows"):
        bm.posterior_predictive(fit)


def test_shrinkage_by_quadrature_takes_little_memory_and_is_the_same_in_pieces(monkeypatch):
    rows = 4_000
    fit = fit_of(rows, "bernoulli")
    whole = bm.shrinkage(fit_of(200, "bernoulli")), bm.shrinkage(fit)
    monkeypatch.setattr(pieces, "NUMBERS", 2 * rows)
    tracemalloc.start()
    parts = bm.shrinkage(fit)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(parts["factor"], whole[1]["factor"], rtol=1e-9)
    assert peak < 8 * rows * 80
