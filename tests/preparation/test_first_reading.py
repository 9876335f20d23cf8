"""The first reading of a file finds what a reading of the whole table finds."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.errors import DataError
from bayesmixed.preparation import first_reading
from bayesmixed.preparation.first_reading import survey
from bayesmixed.tables import row_sources
from bayesmixed.tables.found_sources import as_source

ROWS = 400


@pytest.fixture
def table():
    stream = np.random.default_rng(6)
    return pd.DataFrame(
        {
            "y": stream.normal(size=ROWS),
            "x": stream.normal(size=ROWS),
            "g": np.array([f"level {k}" for k in np.arange(ROWS) // 9]),
            "f": np.where(np.arange(ROWS) == ROWS - 2, "rare", "common"),
        }
    )


@pytest.fixture
def found(table, tmp_path, monkeypatch):
    monkeypatch.setattr(row_sources, "BATCH", 41)
    monkeypatch.setattr(first_reading, "DRAWN", 30)
    table.to_parquet(tmp_path / "rows.parquet")
    spec = bm.from_formula("y ~ x + f + (1 | g)")
    return survey(spec, as_source(tmp_path / "rows.parquet"), list(table), "error")


def test_response_and_labels_are_those_of_all_rows(table, found):
    np.testing.assert_array_equal(found.response, table["y"])
    assert list(found.rows) == list(range(ROWS))
    assert found.dropped == 0


def test_examples_are_rows_of_the_table_and_hold_every_combination_and_every_extreme(table, found):
    same = table.loc[found.examples.index]
    for name in table:
        assert list(found.examples[name].astype(same[name].dtype)) == list(same[name])
    assert set(zip(found.examples["g"], found.examples["f"], strict=True)) == set(
        zip(table["g"], table["f"], strict=True)
    )
    for ends in (table["x"].idxmin(), table["x"].idxmax(), *table.groupby("g")["x"].idxmax()):
        assert ends in found.examples.index
    assert found.drawn == 30
    assert len(found.examples) < ROWS


def test_rows_with_missing_values_are_refused_or_left_out_and_counted(table, tmp_path):
    table.loc[[3, 200], "x"] = np.nan
    table.to_parquet(tmp_path / "gaps.parquet")
    spec = bm.from_formula("y ~ x + (1 | g)")
    with pytest.raises(DataError, match="missing"):
        survey(spec, as_source(tmp_path / "gaps.parquet"), ["y", "x", "g"], "error")
    found = survey(spec, as_source(tmp_path / "gaps.parquet"), ["y", "x", "g"], "drop")
    assert found.dropped == 2
    assert len(found.response) == ROWS - 2
