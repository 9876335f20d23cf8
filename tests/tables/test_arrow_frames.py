"""Columns whose pieces have several types or orders of categories."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pytest
from cut_tables import ROWS, given, parts, prepared, trials

import bayesmixed as bm
from bayesmixed.errors import DataError
from bayesmixed.tables import row_sources
from bayesmixed.tables.arrow_frames import merge_orders


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(row_sources, "BATCH", 60)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"word": np.arange(ROWS - 100)},
            r"Column 'word' of .* holds text in 'part0.parquet' and numbers in 'part1.parquet'",
        ),
        ({"z": np.arange(ROWS - 100) % 2 > 0}, "'z' of .* holds numbers in 'part0.parquet' and truth values in"),
        ({"z": pd.Timestamp("2026-01-01")}, "'z' of .* holds numbers in 'part0.parquet' and dates or times in"),
        ({"z": None}, "missing values"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_a_column_of_another_type_in_a_second_file_is_refused(tmp_path, change, message, stream):
    first, second = parts(trials(), [100])
    source = given("folder", [first, second.assign(**change)], tmp_path)
    with pytest.raises(DataError, match=message):
        prepared("rt ~ z + (1 | word)", source, stream=stream)


def test_a_column_that_a_file_lacks_is_refused(tmp_path):
    first, second = parts(trials(), [100])
    with pytest.raises(DataError, match=r"'z' of .* is not in 'part1.parquet', but in 'part0.parquet'"):
        prepared("rt ~ z + (1 | word)", given("folder", [first, second.drop(columns="z")], tmp_path), stream=True)


@pytest.mark.parametrize("stream", [True, False])
def test_categories_keep_an_order_that_agrees_with_all_files(tmp_path, stream):
    first, second = parts(trials(), [ROWS - 8])
    first = first.assign(c=first["c"].cat.set_categories(["low", "high"]))
    other = second.assign(c=second["c"].cat.set_categories(["low", "late"]))
    design = prepared("rt ~ c + (1 | word)", given("folder", [first, second], tmp_path), stream=stream)
    assert design.mu.population.labels == ("Intercept", "c[T.late]", "c[T.high]")
    design = prepared("rt ~ c + (1 | word)", given("folder", [first, other.dropna()], tmp_path), stream=stream)
    assert design.mu.population.labels == ("Intercept", "c[T.high]", "c[T.late]")
    wrong = second.assign(c=second["c"].cat.set_categories(["high", "late", "low"]))
    with pytest.raises(DataError, match="categories of column 'c' have another order in another place"):
        prepared("rt ~ c + (1 | word)", given("folder", [first, wrong], tmp_path), stream=stream)


def test_orders_are_merged_into_one_that_agrees_with_all_and_is_natural_where_they_leave_it_open():
    assert merge_orders("f", [("b", "a")]) == ["b", "a"]
    assert merge_orders("f", [("a2", "a10"), ("a1",)]) == ["a1", "a2", "a10"]
    assert merge_orders("f", [("c", "a"), ("a", "b"), ("c", "b")]) == ["c", "a", "b"]
    many = [(f"g{k}", f"g{k + 1}") for k in range(5000)]
    assert merge_orders("f", many[::-1]) == [f"g{k}" for k in range(5001)]
    with pytest.raises(DataError, match="another order"):
        merge_orders("f", [("a", "b"), ("b", "c"), ("c", "a")])


def test_more_labels_than_the_codes_of_a_piece_hold_are_counted(tmp_path):
    table = pd.DataFrame({"hit": np.arange(300) % 2, "word": [f"w{k:03}" for k in np.arange(300) // 2]})
    spec = bm.from_formula("hit ~ 1 + (1 | word)", family="bernoulli")
    design = prepared(spec, given("folder", parts(table, [150]), tmp_path), stream=True)
    assert list(design.mu.coords()["word"]) == list(prepared(spec, table).mu.coords()["word"])


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1, 2, None], "numbers"), ([Decimal("0.5")], "numbers"), ([True], "truth"), ([date(2026, 1, 1)], "dates")],
)
def test_objects_of_dask_that_are_no_text_are_not_taken_for_labels(values, kind):
    dask, frames = pytest.importorskip("dask"), pytest.importorskip("dask.dataframe")
    objects = np.resize(np.array(values, dtype=object), ROWS)
    with dask.config.set({"dataframe.convert-string": False}):
        source = frames.from_pandas(trials().assign(z=objects), npartitions=2)
        with pytest.raises(DataError, match=rf"Column 'z' holds {kind}.*Python objects.*astype\(\{{\"z\": float"):
            prepared("rt ~ z + (1 | word)", source, stream=True, missing="drop")


def test_cells_that_hold_several_values_are_refused_and_codes_of_numbers_keep_their_order():
    arrow = pa.Table.from_pandas(trials())
    nested = arrow.append_column("q", pa.array([[1, 2]] * ROWS))
    spec = bm.from_formula("hit ~ 1 + (1 | q)", family="bernoulli")
    with pytest.raises(DataError, match=r"'q' of .* holds list<.*Make a column of each part"):
        prepared(spec, pyarrow.dataset.dataset(nested), stream=True)
    coded = arrow.append_column("q", pa.array(np.resize([5, 3, 9], ROWS)).dictionary_encode())
    for own in (spec, "rt ~ x + (1 | q)"):
        assert list(prepared(own, pyarrow.dataset.dataset(coded), stream=True).mu.coords()["q"]) == ["5", "3", "9"]
