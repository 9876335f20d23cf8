"""Flat blocks hold what was added to them, where they say."""

import ctypes

import numpy as np
from uncompiled import as_records

from bayesmixed.kernels.packing import Block, JointGuide, Whitening, close, pack_joint, pack_whitening, whiten
from bayesmixed.kernels.records import MODEL, PARAMETER, PRIOR, TERM

RNG = np.random.default_rng(1)


def packed(block):
    return close(block, np.zeros(1, dtype=MODEL), *(np.zeros(2, dtype=kind) for kind in (PARAMETER, TERM, PRIOR)))


def test_arrays_stand_where_the_block_says_in_the_order_of_c():
    block, first, second = Block(), RNG.normal(size=(3, 2)), RNG.normal(size=4)
    places = block.add_numbers(first), block.add_numbers(second.astype("f4")), block.add_numbers([])
    assert places == (0, 6, 10)
    assert (block.add_integers([5, 7]), block.add_integers(np.array([[True]]))) == (0, 2)
    data = packed(block).data
    np.testing.assert_array_equal(data.numbers[:6].reshape(3, 2), first)
    np.testing.assert_array_equal(data.numbers[6:], second.astype("f4"))
    np.testing.assert_array_equal(data.integers, [5, 7, 1])


def test_the_record_holds_addresses_and_lengths():
    found = packed(Block())
    for (address, size), array in zip(found.record.reshape(-1, 2), found.data, strict=True):
        assert size == array.size
        held = (ctypes.c_byte * array.nbytes).from_address(int(address))
        assert bytes(held) == array.tobytes()


WHITENING = Whitening(np.array([3, 1]), np.array([0.5, -1.0]), np.array([[2.0, 0.0], [0.3, 1.5]]))


def test_restored_points_are_the_centre_plus_the_factor_times_coordinates():
    points = RNG.normal(size=(2, 3, 5))
    found = WHITENING.restore(points)
    np.testing.assert_allclose(found[..., 3], 0.5 + 2.0 * points[..., 3])
    np.testing.assert_allclose(found[..., 1], -1.0 + 0.3 * points[..., 3] + 1.5 * points[..., 1])
    np.testing.assert_array_equal(found[..., [0, 2, 4]], points[..., [0, 2, 4]])


def test_whitened_data_keep_all_numbers_and_add_the_map():
    block = Block()
    block.add_numbers([1.0, 2.0])
    block.add_integers([4])
    plain = packed(block)
    data = as_records(whiten(plain, WHITENING).data)
    own = data.model[0].whitening
    assert own["size"] == 2
    assert plain.data.model["whitening"]["size"][0] == 0
    np.testing.assert_array_equal(data.numbers[:2], [1.0, 2.0])
    np.testing.assert_array_equal(data.integers[own.slots : own.slots + 2], [3, 1])
    np.testing.assert_array_equal(data.numbers[own.centre : own.centre + 2], WHITENING.centre)
    np.testing.assert_array_equal(data.numbers[own.factor : own.factor + 4].reshape(2, 2), WHITENING.factor)
    again = pack_whitening(Block(), WHITENING)
    assert again["size"] == 2


def test_a_joint_guide_is_packed_with_the_places_of_its_terms():
    guide = JointGuide(
        slots=np.arange(5),
        terms=((2, 1, 2),),
        eliminated=0,
        precision=RNG.normal(size=(5, 5)),
        pull=RNG.normal(size=5),
        blocks=RNG.normal(size=(3, 2, 2)),
        pulls=RNG.normal(size=(3, 2)),
        pointers=np.array([0, 1, 1, 2]),
        columns=np.array([4, 0]),
        cross=RNG.normal(size=(2, 2)),
    )
    block = Block()
    record = pack_joint(block, guide, 10, [2])
    data = packed(block).data
    assert tuple(record[name] for name in ("size", "levels", "width", "entries", "terms")) == (5, 3, 2, 2, 1)
    for name, values in (("precision", guide.precision), ("pull", guide.pull), ("blocks", guide.blocks)):
        np.testing.assert_array_equal(data.numbers[record[name] : record[name] + values.size], values.ravel())
    np.testing.assert_array_equal(data.integers[record["table"] : record["table"] + 3], [1, 2, 2])
    np.testing.assert_array_equal(data.integers[record["places"] : record["places"] + 2], [12, 10])
    np.testing.assert_array_equal(data.integers[record["columns"] : record["columns"] + 2], guide.columns)
