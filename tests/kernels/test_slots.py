"""Coordinates and the numbers that they stand for."""

import numpy as np
import pytest
from uncompiled import uncompiled

from bayesmixed.families.links import LINKS
from bayesmixed.kernels.rows.priors import below as compiled_below
from bayesmixed.kernels.slots import LOG, ORDERED, PARTIAL, REAL, STEPS, Allocation, below, on_link

MAPS = {
    "real": REAL,
    "log": LOG,
    "partial": PARTIAL,
    "ordered": ORDERED,
    "steps": STEPS,
    "below 3": below(3.0),
    "logit": on_link(LINKS["logit"]),
}
POINTS = np.random.default_rng(1).normal(size=(2, 7, 3))


@pytest.mark.parametrize("name", MAPS)
def test_coordinates_are_those_of_their_values(name):
    values = MAPS[name].to_values(POINTS)
    np.testing.assert_allclose(MAPS[name].to_coordinates(values), POINTS, atol=1e-12)


def test_values_have_the_range_of_their_map():
    assert np.all(LOG.to_values(POINTS) > 0)
    assert np.all(np.abs(PARTIAL.to_values(POINTS)) < 1)
    assert np.all(np.diff(ORDERED.to_values(POINTS), axis=-1) > 0)
    np.testing.assert_array_equal(ORDERED.to_values(POINTS)[..., 0], POINTS[..., 0])


def test_a_number_below_another_comes_to_it_and_the_compiled_map_is_the_same():
    values = below(3.0).to_values(np.array([-700.0, 0.0, 40.0]))
    np.testing.assert_allclose(values, [0.0, 1.5, 3.0], atol=1e-15)
    number, rise, log_rise, bend = uncompiled(compiled_below)(np.log(3.0), 0.7)
    assert number == pytest.approx(np.log(below(3.0).to_values(np.array(0.7))))
    ahead, behind = (uncompiled(compiled_below)(np.log(3.0), at) for at in (0.7 + 1e-5, 0.7 - 1e-5))
    assert rise == pytest.approx(np.exp(log_rise))
    assert [rise, bend] == pytest.approx([(ahead[k] - behind[k]) / 2e-5 for k in (0, 2)])
    assert uncompiled(compiled_below)(np.inf, 0.7) == (0.7, 1.0, 0.0, 0.0)


def allocated():
    room = Allocation()
    taken = room.take(2)
    slots = room.place(("a", "b", "c"), [None, 0.3, None], LOG)
    return room, taken, slots


def test_coordinates_are_given_out_one_after_the_other_and_none_to_fixed_numbers():
    room, taken, slots = allocated()
    assert (taken, room.dimension) == (slice(0, 2), 4)
    np.testing.assert_array_equal(slots.places, [2, -1, 3])
    np.testing.assert_array_equal(slots.own, [2, 3])
    np.testing.assert_array_equal(slots.free, [True, False, True])
    assert len(slots) == 3


def test_values_that_are_written_are_read_again_and_fixed_ones_stay():
    _, _, slots = allocated()
    points = np.zeros((5, 4))
    values = np.exp(np.random.default_rng(2).normal(size=(5, 3)))
    slots.write(points, values)
    found = slots.read(points)
    np.testing.assert_allclose(found[:, [0, 2]], values[:, [0, 2]])
    np.testing.assert_array_equal(found[:, 1], 0.3)
    np.testing.assert_array_equal(points[:, :2], 0.0)
    assert Allocation().place((), [], REAL).read(points).shape == (5, 0)


def test_moved_slots_read_the_same_numbers_from_other_places():
    _, _, slots = allocated()
    points, places = np.random.default_rng(3).normal(size=(2, 4)), np.array([3, 2, 0, 1, -1])
    other = np.empty_like(points)
    other[:, places[:4]] = points
    np.testing.assert_array_equal(slots.moved(places).read(other), slots.read(points))
