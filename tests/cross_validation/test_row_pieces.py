"""Rows in pieces of whole units."""

import numpy as np
import pytest

from bayesmixed.cross_validation.row_pieces import whole_units


@pytest.mark.parametrize("most", [1, 3, 7, 100])
def test_pieces_are_whole_units_and_all_of_the_rows(most):
    units = np.array([3, 1, 1, 0, 3, 3, 2, 0, 3, 3])
    found = list(whole_units(np.array([0, 1, 2, 3, 4, 5, 7, 8, 9]), units, most))
    assert sorted(np.concatenate(found)) == [0, 1, 2, 3, 4, 5, 7, 8, 9]
    inside = [set(units[rows]) for rows in found]
    assert sum(len(one) for one in inside) == len(set().union(*inside)) == 3
    assert all(len(rows) <= most or len(set(units[rows])) == 1 for rows in found)
