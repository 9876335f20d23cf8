"""Records have no gaps, so that compiled code finds every number by its place."""

import numpy as np
import pytest

from bayesmixed.kernels import records

KINDS = {name: kind for name, kind in vars(records).items() if isinstance(kind, np.dtype)}


def leaves(kind):
    """Return the plain types of a record, records in it opened."""
    return [leaf for field, _ in (kind.fields or {}).values() for leaf in (leaves(field) if field.fields else [field])]


@pytest.mark.parametrize("name", KINDS)
def test_a_record_is_whole_and_plain_numbers_of_eight_bytes_without_gaps(name):
    kind = KINDS[name]
    assert set(leaves(kind)) <= {np.dtype(np.int64), np.dtype(np.float64)}
    assert kind.itemsize == 8 * len(leaves(kind))


def test_codes_in_the_place_of_a_coordinate_are_no_coordinates_and_differ():
    codes = (records.FIXED, records.MODELLED, records.UPPER_END, records.LOWER_END)
    assert max(codes) < 0
    assert len(set(codes)) == 4


def test_both_kinds_of_models_hold_a_whitening_and_there_is_none_by_default():
    for kind in (records.MODEL, records.COLLAPSED):
        assert kind["whitening"] == records.WHITENING
        assert np.zeros(1, dtype=kind)["whitening"]["size"][0] == 0
