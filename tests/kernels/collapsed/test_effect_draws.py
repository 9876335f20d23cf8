"""Exact draws of effects and coefficients have the mean and covariance of dense linear algebra."""

import numpy as np
import pytest
from gaussian_models import MODELS, dense_model, density, each_model, prepared, sharp_check, table

from bayesmixed.kernels.collapsed.exact_draws import draw_integrated, place_effects
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed
from bayesmixed.kernels.joint.decoding import decode


@each_model
def test_exact_draws_have_the_mean_and_covariance_of_dense_linear_algebra(name):
    design = prepared(MODELS[name][0], table(), MODELS[name][1])
    collapsed = lay_out_collapsed(design)
    x = np.random.default_rng(3).normal(size=len(collapsed.kept))
    noise = np.vstack([np.zeros(collapsed.size), np.eye(collapsed.size)])
    points = np.tile(x, (len(noise), 1))
    full = np.zeros((len(noise), collapsed.full.dimension))
    full[:, collapsed.kept] = points
    place_effects(collapsed, draw_integrated(collapsed, points, noise), full)
    found = decode(collapsed.full, full)
    pieces = [found["beta"][1] @ np.linalg.inv(design.mu.transform).T] if "beta" in found else []
    for group in design.mu.normal_blocks:
        effects = found[f"b_{group.name}"][1]
        effects = effects if group.takes == "all" else effects @ np.linalg.inv(group.transform).T
        pieces.append(effects.reshape(len(noise), -1))
    drawn = np.hstack(pieces)
    sigma, w, mean, covariance = dense_model(collapsed, x)
    gain = covariance @ w.T @ np.linalg.inv(w @ covariance @ w.T + sigma**2 * np.eye(design.rows))
    expected = mean + gain @ (design.response - design.mu.offset - w @ mean)
    np.testing.assert_allclose(drawn[0], expected, rtol=1e-8, atol=1e-8)
    root = drawn[1:] - drawn[0]
    np.testing.assert_allclose(root.T @ root, covariance - gain @ w @ covariance, rtol=1e-7, atol=1e-8)


def test_evidence_and_exact_draws_of_nine_rows_are_those_worked_out_by_hand():
    data, priors, expected = sharp_check()
    collapsed = lay_out_collapsed(prepared("y ~ 1 + (1 | group)", data, priors))
    assert density(collapsed, [])[0] == pytest.approx(expected["log_p_y"], abs=1e-7)
    noise = np.vstack([np.zeros(collapsed.size), np.eye(collapsed.size)])
    full = np.zeros((len(noise), collapsed.full.dimension))
    place_effects(collapsed, draw_integrated(collapsed, np.zeros((len(noise), 0)), noise), full)
    found = decode(collapsed.full, full)
    for name, values in (("beta", found["beta"][1][:, 0]), ("b", found["b_group"][1][:, :, 0])):
        np.testing.assert_allclose(values[0], expected[f"{name}_mean"], atol=1e-7)
        spread = np.sqrt(np.sum((values[1:] - values[0]) ** 2, axis=0))
        np.testing.assert_allclose(spread, expected[f"{name}_sd"], atol=1e-7)
