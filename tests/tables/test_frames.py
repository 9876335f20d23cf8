"""Tables at the border: files and foreign frames in, pandas frames out."""

import gzip
import importlib

import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.errors import DataError
from bayesmixed.tables.frames import as_frame, complete_rows, read_table


def write(tmp_path, content, name="data.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_text(content, encoding=encoding)
    return path


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    path = write(tmp_path, "herd,y\n01,1\n02,2\n", encoding="utf-8-sig")
    data = read_table(path, text=["herd"])
    assert list(data.columns) == ["herd", "y"]
    assert data["herd"].tolist() == ["01", "02"]


def test_empty_trailing_columns_are_dropped(tmp_path):
    data = read_table(write(tmp_path, "herd,y,,\na,1,,\nb,2,,\n"))
    assert list(data.columns) == ["herd", "y"]


def test_a_column_of_row_names_is_kept(tmp_path):
    data = read_table(write(tmp_path, ",herd,y\n1,a,1\n2,b,2\n"))
    assert data.shape == (2, 3)


@pytest.mark.parametrize(
    ("ids", "labels"), [("001 1", ["001", "1"]), ("1.10 1.1", ["1.10", "1.1"]), ("1e3 1000", ["1e3", "1000"])]
)
def test_ids_read_as_text_stay_what_they_are(tmp_path, ids, labels):
    first, second = ids.split()
    data = read_table(write(tmp_path, f"id,y\n{first},1\n{second},2\n"), text=["id", "not there"])
    assert data["id"].tolist() == labels


def test_an_id_that_is_absent_stays_missing(tmp_path):
    data = read_table(write(tmp_path, "id,y\n1,1\n,2\n"), text=["id"])
    assert data["id"].isna().tolist() == [False, True]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found(tmp_path, separator):
    rows = [["herd", "y"], ["a", "1"], ["b", "2"], ["c", "3"]]
    data = read_table(write(tmp_path, "\n".join(separator.join(row) for row in rows), name="data.txt"))
    assert data["y"].tolist() == [1, 2, 3]


def test_names_lose_blanks_around_them(tmp_path):
    assert list(read_table(write(tmp_path, "herd , y\na,1\nb,2\n")).columns) == ["herd", "y"]


def test_accents_survive(tmp_path):
    assert read_table(write(tmp_path, "country,y\nCôte d'Ivoire,1\nTürkiye,2\n"))["country"][1] == "Türkiye"


def test_a_compressed_table_is_read(tmp_path):
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(b"herd,y\na,1\nb,2\n"))
    assert read_table(path).shape == (2, 2)


def test_a_table_of_one_column_is_read(tmp_path):
    assert read_table(write(tmp_path, "y\n1\n2\n3\n"))["y"].tolist() == [1, 2, 3]


def test_parquet_keeps_text_ids_and_categories(tmp_path):
    data = pd.DataFrame({"id": ["001", "010"], "g": pd.Categorical(["low", "high"], ["low", "high"]), "y": [1.5, 2.0]})
    data.to_parquet(tmp_path / "data.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "data.parquet", text=["id"]), data)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.csv", None, "does not exist"),
        ("data.xlsx", "a", "unknown kind. Accepted: .csv"),
        ("data.csv", "", "is empty"),
        ("data.parquet", "no parquet", "cannot be read"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, name, content, message):
    path = tmp_path / name if content is None else write(tmp_path, content, name)
    with pytest.raises(DataError, match=message):
        read_table(path)


COLUMNS = {"g": ["a", "b"], "y": [1, 2]}


@pytest.mark.parametrize(
    ("library", "make"),
    [
        ("builtins", lambda library: COLUMNS),
        ("pandas", lambda library: library.DataFrame(COLUMNS)),
        ("polars", lambda library: library.DataFrame(COLUMNS)),
        ("polars", lambda library: library.LazyFrame(COLUMNS)),
        ("pyarrow", lambda library: library.table(COLUMNS)),
    ],
)
def test_every_kind_of_frame_becomes_a_pandas_frame(library, make):
    frame = as_frame(make(importlib.import_module(library)))
    assert isinstance(frame, pd.DataFrame)
    assert frame["g"].tolist() == ["a", "b"]
    assert frame["y"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1, 2, 3], "are a list; give a data frame"),
        (pd.DataFrame({"y": []}), "have no rows"),
        (pd.DataFrame([[1, 2]], columns=["y", "y"]), "more than one column named 'y'"),
    ],
)
def test_what_is_no_table_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        as_frame(data)


def test_rows_with_missing_values_are_refused_or_dropped():
    data = pd.DataFrame({"y": [1.0, None, 3.0], "g": ["a", "b", None]}, index=["r1", "r2", "r3"])
    with pytest.raises(
        DataError, match=r"2 of 3 rows have missing values \(first: row r2\), by column: 'y' \(1\), 'g' \(1\)"
    ):
        complete_rows(data, "error")
    kept, dropped = complete_rows(data, "drop")
    assert (list(kept.index), dropped) == (["r1"], 2)


def test_infinite_values_are_refused():
    with pytest.raises(DataError, match=r"Column 'x' is infinite in 1 of 2 rows \(first: row 1\)"):
        complete_rows(pd.DataFrame({"x": [1.0, float("inf")]}), "error")


def test_decimal_commas_are_read_where_columns_are_separated_by_semicolons(tmp_path):
    data = read_table(write(tmp_path, "g;y\na;1,5\nb;2,25\n"))
    assert data["y"].tolist() == [1.5, 2.25]
    assert read_table(write(tmp_path, 'g,y\n"a,1",1.5\n"b;2",2.25\n'))["y"].tolist() == [1.5, 2.25]


def test_a_column_that_cannot_be_read_is_named_and_addresses_are_to_be_downloaded():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"y": [1.0, 2.0], "x": [1, 2]}).with_columns(pl.col("x").cast(pl.Int128))
    with pytest.raises(bm.DataError, match="Column 'x' is of type Int128"):
        bm.prepare("y ~ x", frame)
    with pytest.raises(bm.DataError, match="download it first"):
        bm.prepare("y ~ x", "https://example.org/a.csv")
