"""Several Parquet files are one table: what is missing, of another type, damaged or gone in one of them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cut_tables import NORMAL, given, parts, prepared, trials

import bayesmixed as bm
from bayesmixed.errors import DataError
from bayesmixed.tables import row_sources


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(row_sources, "BATCH", 60)


def test_missing_values_are_those_of_the_whole_table(tmp_path):
    table = trials()
    table.loc[[3, 100], "z"] = np.nan
    table.loc[100, "word"] = None
    source = given("folder", parts(table, [50, 150]), tmp_path)
    spec = bm.from_formula("hit ~ z + (1 | word)", family="bernoulli")
    for formula in (spec, "rt ~ z + (1 | word)"):
        with pytest.raises(
            DataError, match=r"2 of 240 rows have missing values \(first: row 3\), .*'z' \(2\), 'word' \(1\)"
        ):
            prepared(formula, source, stream=True)
    assert prepared(spec, source, stream=True, missing="drop").dropped == 2
    assert prepared("rt ~ z + (1 | word)", source, stream=True, missing="drop").dropped == 2


@pytest.mark.parametrize("formula", ["rt ~ z + (1 | word)", "rt ~ z + s(x, k=4)"])
def test_text_that_should_be_numbers_is_refused_by_counts_over_all_pieces(tmp_path, formula):
    table = trials().assign(z=trials()["z"].astype(str))
    table.loc[200:210, "z"] = "unknown"
    with pytest.raises(
        DataError, match=r"'z' holds numbers, but 11 of 240 values are text \(first: row 200, 'unknown'"
    ):
        prepared(formula, given("folder", parts(table, [205, 208]), tmp_path), stream=True)


@pytest.mark.parametrize("formula", [NORMAL, "rt ~ z + s(z, k=3)"])
def test_a_damaged_file_and_one_that_vanishes_are_one_error(tmp_path, formula, monkeypatch):
    source = given("folder", parts(trials(), [100, 200]), tmp_path)
    last = tmp_path / "part2.parquet"
    content = last.read_bytes()
    last.write_bytes(content[:200])
    with pytest.raises(DataError, match=r"part2\.parquet' cannot be read"):
        prepared(formula, source, stream=True)
    last.write_bytes(content)
    whole = row_sources.ParquetFiles.tables

    def vanish(self, columns):
        for number, table in enumerate(whole(self, columns)):
            yield table
            if number == 0:
                last.unlink(missing_ok=True)

    monkeypatch.setattr(row_sources.ParquetFiles, "tables", vanish)
    with pytest.raises(DataError, match=r"part2\.parquet' cannot be read: .*No such file"):
        prepared(formula, source, stream=True)


def test_pages_that_changed_on_the_way_are_noticed_where_the_file_has_checksums(tmp_path):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pandas(trials(), preserve_index=False), path, write_page_checksum=True)
    content = bytearray(path.read_bytes())
    content[100:110] = b"\xff" * 10
    path.write_bytes(content)
    for stream in (True, False):
        with pytest.raises(DataError, match="cannot be read"):
            prepared(NORMAL, path, stream=stream)
