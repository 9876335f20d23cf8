"""Thin plates of two covariates, against mgcv 1.9 at its smoothing parameters.

m <- gam(y ~ s(x, z, k = k), data = d, sp = 0.01), with the rows below; fitted(m)[1:4], sum(m$edf),
predict(m, data.frame(x = c(.5, 1.2), z = c(.5, .3))), m$smooth[[1]]$S.scale. x spans a range of 1, the unit of mgcv.
"""

import numpy as np
import pytest

from bayesmixed.terms.thin_plates import MOST_KNOTS, _energies, learn_plate

NUMBERS = np.arange(40)
POINTS = np.column_stack([np.round((NUMBERS * 0.618034) % 1, 3), np.round((NUMBERS * 0.754878) % 1, 3)])
POINTS[:2, 0] = 0.0, 1.0
Y = np.round(np.sin(3 * POINTS[:, 0]) * POINTS[:, 1] + np.cos(7 * NUMBERS) / 10, 3)
MGCV = {
    12: (
        [0.09735470606, 0.15351140897, 0.35147386721, 0.14584718131],
        11.68623,
        [0.48221970391, -0.02530591488],
        35.50137,
    ),
    25: (
        [0.09789919865, 0.16980079946, 0.34469211391, 0.10361648645],
        23.27323,
        [0.47696762599, 0.01163923842],
        92.07499,
    ),
}


def stiffness(plate):
    """Return the bending energy of each penalised column, for which all have the same penalty."""
    energy = plate.map.T @ _energies(plate.knots, plate.knots) @ plate.map
    np.testing.assert_allclose(energy, energy[0, 0] * np.eye(len(energy)), atol=1e-10 * energy[0, 0])
    return energy[0, 0]


@pytest.mark.parametrize("k", MGCV)
def test_penalised_fits_are_those_of_mgcv(k):
    plate, (fitted, edf, predicted, scale) = learn_plate(POINTS, k), MGCV[k]

    def columns(points):
        return np.column_stack([np.ones(len(points)), points - plate.centre, plate.penalised(points)])

    penalty = 0.01 / scale * stiffness(plate) * np.diag([0.0] * 3 + [1.0] * (k - 3))
    square = columns(POINTS).T @ columns(POINTS)
    beta = np.linalg.solve(square + penalty, columns(POINTS).T @ Y)
    np.testing.assert_allclose(columns(POINTS[:4]) @ beta, fitted, atol=1e-7)
    np.testing.assert_allclose(columns(np.array([[0.5, 0.5], [1.2, 0.3]])) @ beta, predicted, atol=1e-7)
    assert np.trace(np.linalg.solve(square + penalty, square)) == pytest.approx(edf, abs=1e-4)


def test_columns_are_orthogonal_to_planes_and_have_mean_square_one():
    columns = learn_plate(POINTS, 15).penalised(POINTS)
    planes = np.column_stack([np.ones(40), POINTS])
    np.testing.assert_allclose(planes.T @ columns, 0.0, atol=1e-9)
    assert np.mean(np.sum(columns**2, axis=1)) == pytest.approx(1.0)


@pytest.mark.parametrize("unit", [1e-200, 1e-6, 1e6, 1e150])
def test_the_columns_do_not_depend_on_the_unit_and_the_origin(unit):
    expected = learn_plate(POINTS, 15).penalised(POINTS)
    moved = (POINTS + 7.0) * unit
    np.testing.assert_allclose(learn_plate(moved, 15).penalised(moved), expected, atol=1e-7)


def test_turning_the_map_turns_the_surface():
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    one, other = learn_plate(POINTS, 40), learn_plate(POINTS @ turn, 40)
    for plate, points in ((one, POINTS), (other, POINTS @ turn)):
        assert plate.unit == pytest.approx(np.ptp(points, axis=0).max())
    # with all points as knots the space is the same, and so are penalised fits: their covariance is.
    covariances = [
        plate.penalised(points) @ plate.penalised(points).T / stiffness(plate) * plate.unit**2
        for plate, points in ((one, POINTS), (other, POINTS @ turn))
    ]
    np.testing.assert_allclose(covariances[1], covariances[0], rtol=1e-6, atol=1e-8 * np.abs(covariances[0]).max())


def test_repeated_and_many_points_give_the_same_plate_each_time():
    points = np.random.default_rng(2).uniform(size=(MOST_KNOTS + 300, 2))
    one, other = learn_plate(points, 8), learn_plate(points, 8)
    assert len(one.knots) == MOST_KNOTS
    np.testing.assert_array_equal(one.map, other.map)
    twice = np.repeat(POINTS, 2, axis=0)
    np.testing.assert_allclose(
        learn_plate(twice, 9).penalised(POINTS), learn_plate(POINTS, 9).penalised(POINTS), atol=1e-9
    )
