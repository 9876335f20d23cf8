"""Rows in cells: those of the fit, of a table, and copies with other values."""

import numpy as np
import pandas as pd
import pytest
from empty_cell_tables import prepared
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.formulas.group_means import ANY
from bayesmixed.summaries.marginal.row_cells import grid_cells, observed_cells

DATA = pd.DataFrame({"f": list("bbaab"), "x": [1.0, 1.0, 2.0, 3.0, 4.0], "g": list("uvuvu"), "y": np.arange(5.0)})
DATA = DATA.set_axis(pd.Index([10, 20, 30, 40, 50]))


@pytest.fixture(scope="module")
def fit():
    return fit_at(prepared("y ~ f + x + (1 | g)", DATA), {"beta": [0.0, 1.0, 2.0], "sd_g": 1.0, "sigma": 1.0})


def test_equal_rows_are_one_with_their_shares_added_up(fit):
    found = observed_cells(fit, None, ("f",), None, "average", average=True)
    assert found.labels["f"].tolist() == ["a", "b"]
    assert found.starts.tolist() == [0, 2]
    assert found.rows["g"].unique().tolist() == [ANY]
    np.testing.assert_allclose(found.shares, [1 / 2, 1 / 2, 2 / 3, 1 / 3])
    own = observed_cells(fit, None, ("f",), None, "existing", average=True)
    assert sorted(own.rows["g"]) == ["u", "u", "u", "v", "v"]


def test_each_row_keeps_its_label_once_for_every_value_in_at(fit):
    found = observed_cells(fit, None, (), {"x": [7.0, 5.0]}, "existing", average=False)
    assert found.labels["row"].tolist() == np.repeat([10, 20, 30, 40, 50], 2).tolist()
    assert found.labels["x"].tolist() == [7.0, 5.0] * 5
    assert found.rows["f"].tolist() == list("bbbbaaaabb")


def test_values_in_at_are_averaged_over_unless_by_names_the_column(fit):
    over = observed_cells(fit, None, (), {"x": [7.0, 5.0]}, "typical", average=True)
    assert over.labels.shape == (1, 0)
    assert over.shares.sum() == pytest.approx(1.0)
    apart = observed_cells(fit, None, ("x",), {"x": [7.0, 5.0]}, "typical", average=True)
    assert apart.labels["x"].tolist() == [7.0, 5.0]
    assert "In all rows x = 7 and 5." in apart.notes


def test_the_grid_has_one_level_of_the_factor_that_will_move(fit):
    found = grid_cells(fit, (), None, "average", "f")
    assert len(found.rows) == 1
    assert found.notes == ("At x = 2.2 (mean).",)
    assert grid_cells(fit, ("f",), None, "average", "x").notes == ()


def test_a_table_without_the_grouping_column_will_do_where_groups_do_not_enter(fit):
    rows = DATA.drop(columns="g")
    found = bm.comparisons(fit, "f", data=rows, groups="typical")
    np.testing.assert_allclose(found.draws.values, 1.0)
