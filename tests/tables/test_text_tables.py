"""Text tables: what a spreadsheet writes anywhere is read as what it means, or refused by name."""

import bz2
import gzip
import itertools
import lzma
import warnings

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import bayesmixed as bm
from bayesmixed.cli import app
from bayesmixed.tables.frames import read_table


def write(folder, content, name="table.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def made(seed):
    """Return a table with columns of every kind that a CSV can hold."""
    draw = np.random.default_rng(seed)
    rows = int(draw.integers(3, 60))
    digits = int(draw.integers(1, 6))
    words = [
        "plain",
        "with blank",
        "o'neil",
        "3rd",
        "semi;colon",
        "com,ma",
        'quo"te',
        "tab\tbed",
        "line\nbreak",
        "é",
        "None",
        "1-2",
    ]
    columns = {
        "x": draw.normal(size=rows).round(digits) * 10.0 ** draw.integers(-6, 7),
        "whole": draw.integers(-5000, 5_000_000, rows),
        "f": draw.choice(words, rows),
        "flag": draw.random(rows) < 0.5,
        "day": pd.date_range("2020-01-01", periods=rows).astype(str),
        "gaps": np.where(draw.random(rows) < 0.3, np.nan, draw.normal(size=rows)),
        "yield, t/ha": draw.uniform(1, 9, rows).round(2),
        "id": [f"{k:04d}" for k in range(rows)],
    }
    names = list(draw.permutation(list(columns)))
    return pd.DataFrame({name: columns[name] for name in names})


@pytest.mark.parametrize("seed", range(30))
def test_a_table_written_in_any_dialect_is_read_as_it_was(seed, tmp_path):
    data = made(seed)
    dialects = list(
        itertools.product([",", ";", "\t", "|"], [".", ","], ["utf-8", "utf-8-sig", "utf-16", "cp1252"], ["\n", "\r\n"])
    )
    for choice in np.random.default_rng(seed).choice(len(dialects), 6, replace=False):
        separator, decimal, encoding, end = dialects[choice]
        path = tmp_path / "table.csv"
        data.to_csv(path, sep=separator, decimal=decimal, encoding=encoding, lineterminator=end, index=False)
        named = {} if encoding.startswith("utf-8") else {"encoding": encoding}
        found = read_table(path, text=["id"], **named)
        for name in data:
            written = data[name].map(lambda text: text.replace("\r\n", "\n")) if name == "f" else data[name]
            pd.testing.assert_series_equal(
                found[name], written, check_dtype=False, rtol=1e-15, obj=str(dialects[choice])
            )


@pytest.mark.parametrize("thousands", [" ", "\u00a0", "\u202f", "'", ".", ","])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_thousands_are_read_whatever_stands_between_them(thousands, separator, tmp_path):
    decimal = "," if thousands != "," else "."
    numbers = [1234567.25, 1000.0, 12.5, -98765.75, 0.5]
    texts = [f"{v:,.2f}".translate(str.maketrans({",": thousands, ".": decimal})) for v in numbers]
    lines = [separator.join(row) for row in zip(["x", *texts], ["g", *"abcde"], strict=True)]
    assert read_table(write(tmp_path, "\n".join(lines)))["x"].tolist() == numbers


def test_a_date_column_does_not_turn_decimal_commas_off(tmp_path):
    rows = [f"{k + 1:02}.03.2021;{k},5;{'ab'[k % 2]}" for k in range(28)]
    path = write(tmp_path, "datum;x;g\n" + "\n".join(rows))
    assert read_table(path)["x"].tolist() == [k + 0.5 for k in range(28)]


def test_a_decimal_comma_far_down_is_found(tmp_path):
    path = write(tmp_path, "x;g\n" + "1;a\n" * 3000 + "1,5;b\n")
    assert read_table(path)["x"].iloc[-1] == 1.5


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ('x,y\n"1,234",2\n"2,345",3\n', {"decimal": ","}, [1.234, 2.345]),
        ('x,y\n"1,234",2\n"2,345",3\n', {"thousands": ","}, [1234, 2345]),
        ('x,y\n"1,234",2.5\n"2,345",3\n', {}, [1234, 2345]),
        ('x,y\n"1,234,567",2\n"2,345",3\n', {}, [1234567, 2345]),
        ("x;y\n1,234;2\n2,345;3\n", {}, [1.234, 2.345]),
        ("x;y\n1.234;2,5\n2.345;3,5\n", {"thousands": "."}, [1234, 2345]),
        ("x:y\n1.5:2\n2.5:3\n", {"separator": ":"}, [1.5, 2.5]),
        ("x,y\n\u22121.5,2\n3,3\n", {}, [-1.5, 3]),
        ("x,y\n 1.5 ,2\n3 ,3\n", {}, [1.5, 3]),
        ("x,y\n1e-3,2\n3,3\n", {}, [0.001, 3]),
        ("x,y\n1,2,\n3,4,\n", {}, [1, 3]),
        ("x;y;;\n1,5;2;;\n3;4;;\n;;;\n;;;\n", {}, [1.5, 3]),
        ("sep=;\nx;y\n1;2\n3;4\n", {}, [1, 3]),
        ("# made by\n# a logger\nx,y\n1,2\n3,4\n", {}, [1, 3]),
        ("\n\nx,y\n\n1,2\n3,4\n\n", {}, [1, 3]),
        ('"x" "y"\n"1" 1 2\n"2" 3 4\n', {}, [1, 3]),
        ("x y\n1 2\n3 4\n", {}, [1, 3]),
        ("x\ty\r1\t2\r3\t4\r", {}, [1, 3]),
        ("x,y\nn.d.,2\n3,4\n", {"na": "n.d."}, [np.nan, 3]),
        ("x,y\n-999,2\n3,4\n", {"na": [-999]}, [np.nan, 3]),
        ("x;y\n n.d. ;2\n3,5;4\n", {"na": ["n.d."]}, [np.nan, 3.5]),
        ("x,y\nNone,2\n3,4\n", {}, [np.nan, 3]),
    ],
)
def test_what_programs_write_is_read(content, options, expected, tmp_path):
    found = read_table(write(tmp_path, content, "table.txt"), **options)
    assert found["x"].tolist() == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("x,x\n1,2\n", {}, "more than one column named 'x'"),
        ("x, x\n1,2\n", {}, "more than one column named 'x'"),
        ('x,y\n"1,234",2\n"2,345",3\n', {}, r"can be read in two ways: '1,234' may have decimals or thousands"),
        ("x;y\n1.234;2,5\n2.345;3,5\n", {}, "can be read in two ways: '1.234'"),
        ("x,y\n1,5,2\n1,7,3\n", {}, "decimal commas in a table separated by commas must be in quotes"),
        ("x,y\n1,2,3,4\n2,3,4,5\n", {}, "longer than its header"),
        ("x,y\n1,2\n", {"separator": "ab"}, "must be a single symbol"),
        ("x,y\n1,2\n", {"decimal": 5}, "must be a single symbol"),
        ("x,y\n1,2\n", {"decimal": ",", "thousands": ","}, "two different marks"),
        ("x,y\n1,2\n", {"encoding": "nope"}, "encoding='nope' is not known"),
        ("x,y\n1,2\n", {"encoding": "rot13"}, "is not known"),
        (b"PK\x03\x04\xff\xfe\n", {}, "an archive or a workbook"),
        (b"x,y\n\x00\x01,\xff\n", {}, "UTF"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_say(content, options, message, tmp_path):
    with pytest.raises(bm.DataError, match=message):
        read_table(write(tmp_path, content), **options)


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("latin-1", "latin-1"),
        ("cp1252", "latin-1"),
    ],
)
def test_another_encoding_is_named_and_can_be_given(encoding, named, tmp_path):
    path = write(tmp_path, "land,y\nCôte,1\nTürkiye,2\n", encoding=encoding)
    with pytest.raises(bm.DataError, match=f'encoding="{named}"'):
        read_table(path)
    assert read_table(path, encoding=encoding)["land"].tolist() == ["Côte", "Türkiye"]


def test_a_level_called_none_is_a_level(tmp_path):
    assert read_table(write(tmp_path, "f,y\nNone,1\nN,2\n"))["f"].tolist() == ["None", "N"]


def test_the_command_line_takes_the_options_of_read_table(tmp_path):
    rows = "\n".join(f"{'abcd'[k % 4]}:{k * 37 % 11},{k}:{'k.A.' if k == 3 else f'{k * k},5'}" for k in range(24))
    path = write(tmp_path, f"g:y:x\nä{rows}", encoding="latin-1")
    command = ["check", "y ~ x + (1 | g)", "--data", str(path)]
    assert "latin-1" in CliRunner().invoke(app, command).stderr
    said = [*command, "--separator", ":", "--encoding", "latin-1"]
    assert 'na=["k.A."]' in CliRunner().invoke(app, [*said, "--decimal", ","]).stderr.replace("\n", " ")
    told = CliRunner().invoke(app, [*said, "--decimal", ",", "--na", "k.A.", "--missing", "drop"])
    assert told.exit_code == 0, told.stderr
    assert "The data suit the model" in told.stdout


def test_columns_of_a_file_with_decimal_commas_are_numbers_in_a_model(tmp_path):
    rows = "\n".join(f"{k + 1:02}.03.2021;{k * 37 % 11},{k};{k * k},5;{'abcd'[k % 4]}" for k in range(28))
    path = write(tmp_path, f"datum;y;x;g\n{rows}\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        assert bm.prepare("y ~ x + (1 | g)", path).mu.population.labels == ("Intercept", "x")


FOREIGN = ["tokeniz", "C error", "No columns", "Unnamed", "EOF", "gzip", "codec", "magic", "pyarrow", "Parquet input"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"\n \n", "is empty"),
        ("t.csv", b"\xef\xbb\xbf", "is empty"),
        ("t.csv", b"a,b\n1,2\n3,4,5\n", "line 3 has 3 fields, lines before it have 2"),
        ("t.csv", b"# note\na,b\n" + 300 * b"1,2\n" + b"3,4,5,6\n", "line 303 has 4 fields"),
        ("t.csv", b'a,b\n1,"2\n3,4\n', "quotation mark is opened and not closed"),
        ("t.csv", b'a,b\n"' + 200_000 * b"x" + b'",2\n', "131,072"),
        ("t.csv.gz", gzip.compress(3000 * b"a,b\n1,2\n")[:-20], "is damaged"),
        ("t.csv.xz", lzma.compress(3000 * b"a,b\n1,2\n")[:-40], "is damaged"),
        ("t.csv", b"PK\x03\x04....", "an archive or a workbook"),
        ("t.csv", b"PAR1" + bytes(range(256)), "a Parquet file"),
        ("t.csv", b"<!DOCTYPE html>\n<html>", "a web page"),
        ("t.csv", b'{"a": [1, 2]}', "JSON"),
        ("t.parquet", b"PAR1....", "not a Parquet file, or it is damaged"),
        ("t.parquet", b"", "not a Parquet file, or it is damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_that_are_no_tables_are_refused_in_words_of_ours(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(bm.DataError, match=words) as refused:
        read_table(tmp_path / name)
    assert not [word for word in FOREIGN if word in str(refused.value)]


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.csv.xz"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_compressed_tables_are_known_by_their_content_not_by_their_name(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(b"a;b\n1,5;2\n"))
    assert read_table(tmp_path / name).to_dict("list") == {"a": [1.5], "b": [2]}


def test_columns_without_a_name_are_called_by_their_place_and_dropped_if_empty(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("column_2,,x,\n1,2,3,\n4,5,6,\n")
    assert list(read_table(path).columns) == ["column_2", "column_2_", "x"]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1,234e-01", "5,678e+02"], [0.1234, 567.8]),
        (["٠٫٥", "١٢٫٢٥"], [0.5, 12.25]),
        (["१.५", "२"], [1.5, 2.0]),
        (["１，２３４.5".replace("，", ","), "2.5"], [1234.5, 2.5]),
    ],
)
def test_exponents_follow_no_thousands_and_digits_of_all_scripts_are_numbers(tmp_path, cells, values):
    path = write(tmp_path, "y;x\n" + "".join(f"{k}.5;{cell}\n" for k, cell in enumerate(cells)))
    assert read_table(path)["x"].tolist() == values
