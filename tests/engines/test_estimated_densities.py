"""Estimates of the collapsed density: without bias at every point, and draws of levels that are those of the model."""

import numpy as np
import pytest
from gaussian_models import MODELS, density, each_model, prepared, table

import bayesmixed as bm
from bayesmixed.engines import collapsed as engine
from bayesmixed.engines.estimated_densities import estimate_density
from bayesmixed.kernels.collapsed.exact_draws import draw_integrated
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed

DRAWS = 400


@each_model
def test_estimates_have_the_mean_of_the_density(name):
    collapsed = lay_out_collapsed(prepared(MODELS[name][0], table(), MODELS[name][1]))
    generator = np.random.default_rng(2)
    middle = generator.normal(scale=0.3, size=len(collapsed.kept))
    target = estimate_density(collapsed, middle)
    for scale in (0.0, 0.1, 0.4):
        point = middle + scale * generator.normal(size=len(middle))
        logs, borders = target.evaluate(np.repeat(point[None], DRAWS, axis=0), generator)
        weights = np.exp(logs - density(collapsed, point)[0])
        assert borders.shape == (DRAWS, target.kept)
        if scale == 0.0:
            assert weights == pytest.approx(1.0, abs=1e-6)
        assert weights.mean() == pytest.approx(1.0, abs=4.5 * weights.std() / np.sqrt(DRAWS) + 1e-6)


@pytest.mark.parametrize("name", ["correlated", "crossed slopes", "nested", "several levels", "smooth"])
def test_levels_given_the_border_are_those_of_the_model(name):
    collapsed = lay_out_collapsed(prepared(MODELS[name][0], table(), MODELS[name][1]))
    point = np.random.default_rng(3).normal(scale=0.3, size=len(collapsed.kept))
    target = estimate_density(collapsed, point)
    size = collapsed.size
    split = size - target.kept
    # Exact draws are a linear function of noise: mean and root of the covariance of levels and border.
    exact = draw_integrated(
        collapsed, np.repeat(point[None], size + 1, axis=0), np.vstack([np.zeros(size), np.eye(size)])
    )
    covariance = (exact[1:] - exact[0]).T @ (exact[1:] - exact[0])
    inner, beside, border = covariance[:split, :split], covariance[:split, split:], covariance[split:, split:]
    step = np.linspace(-1.0, 1.0, target.kept)
    given = np.repeat((exact[0, split:] + step)[None], 20_000, axis=0)
    drawn = target.draw_levels(np.repeat(point[None], len(given), axis=0), given, np.random.default_rng(4))
    if not split:
        assert drawn.shape == (len(given), 0)
        return
    mean = exact[0, :split] + beside @ np.linalg.solve(border, step)
    left = inner - beside @ np.linalg.solve(border, beside.T)
    error = np.sqrt(np.diagonal(left) / len(given))
    assert np.abs((drawn.mean(axis=0) - mean) / error).max() < 4.5
    assert np.cov(drawn.T) == pytest.approx(left, abs=0.06 * np.diagonal(left).max())


def test_a_large_border_is_estimated_whatever_acceptance_is_asked_for(monkeypatch):
    monkeypatch.setattr(engine, "SMALL_REST", 3)
    data = table()
    options = {"draws": 60, "tune": 100, "chains": 2, "seed": 1, "progress": False, "target_accept": 0.9}
    fit = bm.fit("y ~ x + (1 | inner) + (1 | h)", data, **options)
    again = bm.fit("y ~ x + (1 | inner) + (1 | h)", data, **options)
    assert "independence sampling" in fit.engine.decisions[1]
    assert "target_accept=0.9 means nothing" in fit.engine.decisions[2]
    assert fit.posterior.equals(again.posterior)


@pytest.mark.slow
def test_posteriors_by_estimates_are_those_of_the_exact_density(monkeypatch):
    generator = np.random.default_rng(6)
    a, b = generator.integers(0, 160, 1200), generator.integers(0, 110, 1200)
    effects = generator.normal(size=160)[a] + 0.05 * generator.normal(size=110)[b]
    data = {"y": effects + generator.normal(size=1200), "a": a.astype(str), "b": b.astype(str)}
    options = {"draws": 500, "chains": 4, "seed": 1, "progress": False}
    formula = "y ~ 1 + (1 | a) + (1 | b)"
    found = bm.fit(formula, data, **options)
    monkeypatch.setattr(engine, "SMALL_REST", 1000)
    exact = bm.fit(formula, data, **options)
    assert "estimates" in found.engine.decisions[0]
    assert "estimates" not in exact.engine.decisions[0]
    for name in ("beta", "sd_a", "sd_b", "sigma", "b_a", "b_b"):
        one, other = (fit.posterior[name] for fit in (exact, found))
        error = np.hypot(*(x.std(("chain", "draw")) for x in (one, other))) / np.sqrt(500)
        away = abs(one.mean(("chain", "draw")) - other.mean(("chain", "draw")))
        assert bool((away < 5.0 * error + 1e-12).all()), name
    logs = [float(bm.evidence(fit).table["log_evidence"].iloc[0]) for fit in (found, exact)]
    assert logs[0] == pytest.approx(logs[1], abs=0.15)
