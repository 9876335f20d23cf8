"""What is missing: by column, together, and by group."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.survey.missing_values import UNNAMED, find_missing


@pytest.fixture
def data():
    frame = pd.DataFrame(
        {"y": np.arange(12.0), "x": np.arange(12.0) ** 2, "g": [1.0, 2.0, 3.0] * 4, "rows": list("ab") * 6}
    )
    frame.loc[[0, 3], "x"] = np.nan
    frame.loc[0, "y"] = np.nan
    frame.loc[5, "g"] = np.nan
    return frame


def test_counts_follow_the_columns_their_combinations_and_the_groups(data):
    found = find_missing(data, [("g",), ("g", "rows")])
    assert found.columns[["column", "missing"]].to_numpy().tolist() == [["x", 2], ["y", 1], ["g", 1]]
    assert found.columns["share"].tolist() == pytest.approx([1 / 6, 1 / 12, 1 / 12])
    assert dict(found.patterns.itertuples(index=False)) == {"": 9, "x, y": 1, "x": 1, "g": 1}
    table = found.groups["g"].set_index("group")
    assert table.loc["1", ["rows", "incomplete", "x", "y"]].tolist() == [4, 2, 2, 1]
    assert table.loc[UNNAMED, ["rows", "incomplete", "g"]].tolist() == [1, 1, 1]
    assert found.groups["g"]["group"][0] == "1"
    assert found.groups["g:rows"]["rows"].sum() == 12
    assert find_missing(data[["rows"]], []) is None


def test_a_column_may_have_the_name_of_a_heading(data):
    data.loc[[0, 1], "rows"] = None
    table = find_missing(data, [("g",)]).groups["g"]
    assert table["missing rows"].sum() == 2
    assert table["rows"].sum() == 12


def test_check_data_shows_where_values_are_missing(data):
    report = bm.check_data("y ~ x + (1 | g)", data)
    text = str(report)
    assert "Missing together" in text
    assert "2 of 4 groups have incomplete rows, 1 have no complete row" in text
    assert report.missing == {"x": 2, "y": 1, "g": 1}
    whole = bm.check_data("y ~ x", data.drop(index=[0, 3, 5]))
    assert whole.absent is None
    assert "No value is missing" in str(whole)
