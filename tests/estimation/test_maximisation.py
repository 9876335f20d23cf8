"""Maxima of functions whose maximum and curvature are known."""

import numpy as np
import pytest

from bayesmixed.estimation.maximisation import maximise

CURVATURE = np.array([[3.0, 0.8, 0.0], [0.8, 1.5, -0.4], [0.0, -0.4, 0.5]])
TOP = np.array([0.3, -1.2, 2.0])


def bowl(points):
    away = points - TOP
    return 4.0 - 0.5 * np.einsum("...i,ij,...j->...", away, CURVATURE, away)


def slopes(point):
    return float(bowl(point[None])[0]), -CURVATURE @ (point - TOP)


@pytest.mark.parametrize("known", [None, slopes], ids=["by differences", "by slopes"])
@pytest.mark.parametrize("scale", [np.eye(3), np.diag([0.1, 2.0, 5.0])], ids=["unit", "uneven"])
def test_a_quadratic_has_its_top_and_the_inverse_of_its_curvature(known, scale):
    found = maximise(bowl, np.zeros(3), scale, known)
    assert found.found
    assert found.value == pytest.approx(4.0, abs=1e-8)
    np.testing.assert_allclose(found.point, TOP, atol=1e-5)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(CURVATURE), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.root @ found.root.T, found.covariance, rtol=1e-6)
    np.testing.assert_allclose(found.standard_errors(np.eye(3)), np.sqrt(np.diag(np.linalg.inv(CURVATURE))), rtol=1e-4)


def test_a_number_that_moves_where_the_function_is_flat_has_no_standard_error():
    found = maximise(lambda x: -0.5 * (x[:, 0] + x[:, 1] - 1.0) ** 2, np.zeros(2), np.eye(2))
    total, first = found.standard_errors(np.array([[1.0, 1.0], [1.0, 0.0]]))
    assert total == pytest.approx(1.0, rel=1e-4)
    assert np.isnan(first)


def test_a_function_that_rises_for_ever_has_no_maximum():
    assert not maximise(lambda x: x[:, 0], np.zeros(1), np.eye(1)).found
    assert not maximise(lambda x: np.full(len(x), -np.inf), np.zeros(1), np.eye(1)).found


def test_a_function_of_nothing_is_its_value():
    found = maximise(lambda x: np.full(len(x), 7.0), np.zeros(0), np.zeros((0, 0)))
    assert found.value == 7.0
    assert found.found
