"""Columns that depend on each other, and columns that do not."""

import numpy as np
import pytest

from bayesmixed.terms.directions import are_apart, find_directions


def test_a_column_depends_on_others_also_where_large_multiples_of_these_add_up_to_it():
    year = 2000.0 + np.arange(11.0)
    powers = np.column_stack([year**power for power in range(4)])
    found, _ = find_directions(np.column_stack([powers, (year - 2005.0) ** 3, year % 2.0]))
    assert found == [0, 1, 2, 3, 5]


@pytest.mark.parametrize("seed", range(20))
def test_columns_that_a_cheap_look_holds_to_be_independent_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(200, 5)) * 10.0 ** rng.uniform(-60.0, 60.0, 5) + 0.0
    assert are_apart(columns, centred=True)
    assert are_apart(columns, centred=False)
    moved = columns + 1e6 * columns.std(axis=0)
    assert are_apart(moved, centred=True)
    unit = columns / columns.std(axis=0)
    with_sum = np.column_stack([unit, unit @ rng.normal(size=5)]) * 10.0 ** rng.uniform(-60.0, 60.0, 6)
    assert not are_apart(with_sum, centred=False)
    with_constant = np.column_stack([columns, np.full(200, 10.0 ** rng.uniform(-60.0, 60.0))])
    assert are_apart(with_constant, centred=False)
    assert not are_apart(with_constant, centred=True)
