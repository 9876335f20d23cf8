"""Rows in which one column changes: what is refused, and how their predictions are averaged."""

import tracemalloc

import numpy as np
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.summaries.marginal.changed_rows import Where, change_rows

DATA = {"y": np.arange(6.0), "x": np.arange(6.0), "f": list("aabbbb")}


@pytest.fixture(scope="module")
def fit():
    return fit_at(bm.prepare("y ~ x + f", DATA), {"beta": [1.0, 2.0, 5.0], "sigma": 1.0})


def test_predictions_are_averaged_over_the_rows_of_each_cell_and_state(fit):
    where = Where("f", True, "rows", None, None, "mean", "average", None)
    cells = where.cells(fit, {"x": False})
    found = change_rows(fit, where, cells, [{"x": cells.rows["x"]}, {"x": cells.rows["x"] + 10.0}])
    for place in (0, 1):
        means = found.average(found.draws.values, place).values[0, 0]
        np.testing.assert_allclose(means, [1 + 2 * (0.5 + 10 * place), 6 + 2 * (3.5 + 10 * place)])


def test_too_many_rows_are_refused_with_the_way_out(fit):
    rows = {"x": np.linspace(0, 1, 200_001), "f": ["a"] * 200_001}
    with pytest.raises(bm.SpecError, match=r"200,001 different rows.*over='grid'"):
        bm.slopes(fit, "x", data=rows)


def test_memory_grows_with_the_number_of_cells_and_not_with_its_square(fit):
    rows = {"x": np.linspace(0, 1, 3_000), "f": ["a", "b", "b"] * 1_000}
    where = Where(None, False, "rows", rows, None, "mean", "average", None)
    cells = where.cells(fit, {"x": False})
    found = change_rows(fit, where, cells, [{"x": cells.rows["x"]}, {"x": cells.rows["x"] + 1.0}])
    tracemalloc.start()
    told, lost = found.find_told(0, 1, "mean", curved=False)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert told.all()
    assert not lost
    assert most < 8 * len(cells.labels) * 100


def test_the_range_that_is_no_difference_is_around_the_null(fit):
    table = bm.comparisons(fit, {"x": 1}, rope=(1.5, 2.5)).table
    assert table["in_rope"].tolist() == [1.0]
    assert bm.comparisons(fit, {"x": 1}, rope=(0, 1)).table["in_rope"].tolist() == [0.0]
