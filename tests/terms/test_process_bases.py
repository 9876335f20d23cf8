"""Hilbert-space approximations of Gaussian processes agree with the exact processes, by dense algebra."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from bayesmixed.terms.process_bases import PROCESS_COVARIANCES, ProcessSpectrum, learn_box, range_prior

EXACT = {
    "exp_quad": lambda r: np.exp(-(r**2) / 2),
    "matern52": lambda r: (1 + np.sqrt(5) * r + 5 * r**2 / 3) * np.exp(-np.sqrt(5) * r),
    "matern32": lambda r: (1 + np.sqrt(3) * r) * np.exp(-np.sqrt(3) * r),
}
POINTS = 100 + np.random.default_rng(0).uniform(0, 1, (60, 2)) * [10, 6]


def covariance(name, points, scale, counts=0, factor=0.0):
    record, dimensions = PROCESS_COVARIANCES[name], points.shape[1]
    box = learn_box(points, record, (counts,) * dimensions, factor)
    spectrum = ProcessSpectrum("gp(x)", record, box.frequencies, box.unit, dimensions)
    columns = box.columns(points) * spectrum.sds({"range": np.array([scale])}, np)
    return columns @ columns.T


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("dimensions", [1, 2])
def test_the_default_functions_give_the_covariance_at_the_length_scales_of_the_prior(name, dimensions):
    points = POINTS[:, :dimensions]
    law = range_prior(float(np.ptp(points, axis=0).max())).frozen()
    for probability in (0.025, 0.5, 0.9) if dimensions == 1 else (0.25, 0.5, 0.75):
        scale = law.ppf(probability)
        made = covariance(name, points, scale)
        np.testing.assert_allclose(made, EXACT[name](cdist(points, points) / scale), atol=0.015 * dimensions)


@pytest.mark.parametrize("name", EXACT)
def test_conditional_means_and_variances_are_those_of_the_exact_process(name):
    x = np.linspace(-3, 4, 25)[:, None]
    y, scale, sd, sigma = np.sin(x[:, 0]), 1.6, 1.3, 0.4
    results = []
    for k in (sd**2 * covariance(name, x, scale, 120, 5.0), sd**2 * EXACT[name](cdist(x, x) / scale)):
        weights = np.linalg.solve(k + sigma**2 * np.eye(25), np.column_stack([y, k]))
        results.append(np.append(k @ weights[:, 0], np.diag(k - k @ weights[:, 1:])))
    np.testing.assert_allclose(results[0], results[1], atol=2e-3)


def test_the_prior_of_the_length_scale_holds_its_scale_in_any_unit():
    law = range_prior(7.0).frozen()
    np.testing.assert_allclose(law.ppf([0.025, 0.975]), [0.7, 7.0], rtol=1e-4)
    for name in EXACT:
        plain = covariance(name, POINTS, 1.5)
        np.testing.assert_allclose(covariance(name, 1e9 + 1e3 * POINTS, 1.5e3), plain, atol=1e-6)
        np.testing.assert_allclose(covariance(name, 1e-150 * POINTS, 1.5e-150), plain, atol=1e-9)


def test_beyond_the_box_a_process_is_zero():
    box = learn_box(POINTS[:, :1], PROCESS_COVARIANCES["exp_quad"], (0,), 0.0)
    edge = box.centre + box.halves * box.factors[0]
    np.testing.assert_allclose(box.columns(np.array([edge, edge + 5.0, edge + 500.0])), 0.0, atol=1e-12)


def test_pairs_of_functions_lie_within_an_ellipse():
    box = learn_box(POINTS, PROCESS_COVARIANCES["exp_quad"], (4, 9), 2.0)
    numbers = {tuple(pair) for pair in box.numbers}
    assert {(4, 1), (1, 9), (1, 1), (3, 5)} <= numbers
    assert not {(4, 9), (4, 5), (3, 8)} & numbers
    np.testing.assert_allclose(
        box.frequencies.min(), np.linalg.norm(np.pi / (2 * 2.0 * box.halves / box.halves.max())), rtol=1e-12
    )
