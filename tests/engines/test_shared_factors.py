"""Draws by one factor: their density is what it is said to be, and close to that of the model they stand for."""

import numpy as np
import pytest
from gaussian_models import MODELS, each_model, prepared, table

from bayesmixed.engines import shared_factors
from bayesmixed.engines.estimated_densities import estimate_density
from bayesmixed.engines.normal_models import eliminate
from bayesmixed.engines.shared_factors import Shared
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed


def estimates(name, few=64, monkeypatch=None):
    monkeypatch.setattr(shared_factors, "_FEW", few)
    collapsed = lay_out_collapsed(prepared(MODELS[name][0], table(), MODELS[name][1]))
    middle = np.random.default_rng(1).normal(scale=0.4, size=len(collapsed.kept))
    return estimate_density(collapsed, middle), middle


def dense_precision(target, point):
    """Return P at one point by dense products."""
    model, roots = target.shared.model, target.roots(point[None])
    levels, width = model.level_sums.shape
    left = eliminate(model, roots).left[..., 0]
    spread = np.zeros((levels * width, levels * width))
    for j, block in enumerate(left):
        spread[j * width : (j + 1) * width, j * width : (j + 1) * width] = block
    unit = np.eye(len(model.rest_sums))
    for (start, count, k), root in zip(model.places, roots.terms, strict=False):
        for at in range(start, start + count * k, k):
            unit[at : at + k, at : at + k] = root[0]
    weight, cross = roots.weight[0], model.cross.toarray()
    inside = weight * model.rest.toarray() - weight**2 * cross.T @ spread @ cross
    return unit.T @ inside @ unit + np.eye(len(unit))


@each_model
@pytest.mark.parametrize("few", [0, 64])
def test_draws_have_the_precision_of_the_model_where_the_factor_was_made(name, few, monkeypatch):
    target, middle = estimates(name, few, monkeypatch)
    precision = dense_precision(target, middle)
    assert target.shared.covariance() @ precision == pytest.approx(np.eye(len(precision)), abs=1e-6)
    roots = target.roots(np.repeat(middle[None], len(precision) + 1, axis=0))
    levels = eliminate(target.shared.model, roots)
    noise = np.vstack([np.zeros(len(precision)), np.eye(len(precision))])
    borders, densities = target.shared.draw(roots, levels, noise)
    steps = borders[1:] - borders[0]
    assert steps.T @ steps @ precision == pytest.approx(np.eye(len(precision)), abs=1e-6)
    law = 0.5 * np.linalg.slogdet(precision)[1] - 0.5 * len(precision) * np.log(2 * np.pi)
    assert densities == pytest.approx(law - 0.5 * np.sum(noise**2, axis=1))


@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize("name", ["crossed slopes", "crossed", "three factors"])
def test_densities_of_draws_are_those_of_the_map_from_noise(name, bent, monkeypatch):
    target, middle = estimates(name, 0, monkeypatch)
    shared, size = target.shared, target.kept
    generator = np.random.default_rng(3)
    if bent:
        nothing = np.zeros(target.shared.model.level_sums.shape), np.zeros(size)
        shared.correct(*nothing, generator.normal(scale=3.0, size=size), shared.covariance())
    for scale in (0.0, 0.5, 3.0):
        point, noise = middle + scale * generator.normal(size=len(middle)), generator.normal(size=size)
        step = 1e-5 * np.eye(size)
        many = np.vstack([noise, noise + step, noise - step])
        roots = target.roots(np.repeat(point[None], len(many), axis=0))
        borders, densities = shared.draw(roots, eliminate(shared.model, roots), many)
        slopes = (borders[1 : size + 1] - borders[size + 1 :]) / 2e-5
        normal = -0.5 * np.sum(noise**2) - 0.5 * size * np.log(2 * np.pi)
        assert densities[0] == pytest.approx(normal - np.linalg.slogdet(slopes)[1], abs=1e-5)


def test_the_mean_of_draws_solves_the_model_at_any_point(monkeypatch):
    target, middle = estimates("crossed slopes", 0, monkeypatch)
    monkeypatch.setattr(shared_factors, "_CLOSE", 1e-18)
    shared = Shared(target.shared.model, target.roots(middle[None]))
    point = middle + np.random.default_rng(4).normal(size=len(middle))
    roots = target.roots(point[None])
    found = shared.draw(roots, eliminate(shared.model, roots), np.zeros((1, target.kept))).borders[0]
    model = shared.model
    left = eliminate(model, roots).left[..., 0]
    taken = np.einsum("jab,jb->ja", left, model.level_sums).ravel()
    weight = roots.weight[0]
    right = (weight * model.rest_sums - weight**2 * model.cross.T @ taken)[:, None]
    right = shared.apply_roots(roots, right, True)[:, 0] + model.means
    assert dense_precision(target, point) @ found == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e3, 1e9])
def test_at_any_sd_draws_are_finite_and_estimates_near_the_density(scale, monkeypatch):
    target, middle = estimates("crossed slopes", 0, monkeypatch)
    points = np.repeat(middle[None] + np.log(scale) * (np.arange(len(middle)) == 2), 50, axis=0)
    logs, borders = target.evaluate(points, np.random.default_rng(5))
    assert np.all(np.isfinite(logs))
    assert np.all(np.isfinite(borders))


def test_a_point_without_a_density_gets_none_and_leaves_the_others_theirs(monkeypatch):
    target, middle = estimates("crossed slopes", 0, monkeypatch)
    points = np.vstack([middle, np.full(len(middle), 1e4), middle])
    logs, _ = target.evaluate(points, np.random.default_rng(5))
    assert logs[1] == -np.inf
    assert logs[0] == pytest.approx(logs[2])
