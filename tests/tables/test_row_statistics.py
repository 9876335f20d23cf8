"""Statistics of columns over rows that come some at a time are those of all rows at once."""

import numpy as np
import pytest

from bayesmixed.tables.row_statistics import RowStatistics, join_statistics, sum_rows
from bayesmixed.terms.piece_bases import column_step

RNG = np.random.default_rng(3)
COLUMNS = {
    "population": np.column_stack([np.ones(50), RNG.normal(2.0, 3.0, 50), np.arange(50) % 2 + 4.0]),
    "response": RNG.normal(size=(50, 1)),
}


@pytest.fixture(params=[[50], [1, 2, 47], [20, 0, 30]], ids=["at once", "one row first", "no row in between"])
def statistics(request):
    found, start = None, 0
    for size in request.param:
        part = slice(start, start + size)
        more = sum_rows({name: values[part] for name, values in COLUMNS.items()})
        found, start = join_statistics(found, more), start + size
    return found


def test_products_means_and_factors_are_those_of_all_rows(statistics):
    whole = np.hstack([COLUMNS["response"], COLUMNS["population"]])
    assert statistics.count == 50
    np.testing.assert_allclose(statistics.means("population"), COLUMNS["population"].mean(axis=0))
    np.testing.assert_allclose(statistics.products("response"), np.mean(COLUMNS["response"] ** 2, keepdims=True))
    factor = statistics.factor("response", "population")
    np.testing.assert_allclose(factor.T @ factor, whole.T @ whole, rtol=1e-10, atol=1e-10)


def test_steps_are_two_sds_or_the_distance_of_two_values(statistics):
    expected = [column_step(column) for column in COLUMNS["population"].T]
    np.testing.assert_allclose(statistics.steps("population"), expected)


def test_statistics_are_the_same_after_they_were_written_as_lists(statistics):
    again = RowStatistics.from_lists(statistics.to_lists())
    for name in COLUMNS:
        np.testing.assert_array_equal(again.products(name), statistics.products(name))
        np.testing.assert_array_equal(again.steps(name), statistics.steps(name))
        assert again.place(name) == statistics.place(name)
    with pytest.raises(KeyError):
        again.place("another")
