"""A table in pieces of any kind, in any order, is the table: its design, its numbers and its errors."""

import warnings

import numpy as np
import pandas as pd
import pytest
from cut_tables import KINDS, NORMAL, ROWS, cut, given, parts, prepared, same_priors, trials

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError
from bayesmixed.tables import row_sources
from bayesmixed.tables.found_sources import Gone, as_source


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(row_sources, "BATCH", 60)


@pytest.mark.parametrize(("kind", "seed"), [*((kind, 3) for kind in KINDS), ("folder", 1), ("folder", 2)])
def test_normal_rows_in_pieces_have_the_design_of_the_table(tmp_path, kind, seed):
    whole, design = (
        prepared(NORMAL, trials()),
        prepared(NORMAL, given(kind, cut(trials(), seed), tmp_path), stream=True),
    )
    assert design.streamed is not None
    assert design.rows == ROWS
    same_priors(design, whole)
    assert design.notes == whole.notes
    assert design.mu.coords() == whole.mu.coords()
    assert np.sort(design.response) == pytest.approx(np.sort(whole.response))
    assert design.mu.population.means == pytest.approx(whole.mu.population.means, rel=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [True, False])
def test_whole_numbers_are_exact_however_wide_and_with_missing_ones(tmp_path, kind, stream):
    table = trials()
    table["block"] = pd.array(2**53 + table["block"].to_numpy(), dtype="Int64")
    table.loc[5, "block"] = pd.NA
    table["z"] = table["z"].to_numpy(dtype=np.int8) + np.int8(120)
    first, second = parts(table, [100])
    pieces = [first, second.assign(z=second["z"].astype(np.int64) + 1000, block=second["block"].astype(np.int64))]
    if kind == "dataset":
        pieces = [one.assign(z=one["z"].astype(np.int64)) for one in pieces]
    design = prepared("rt ~ I(z^2) + (1 | block)", given(kind, pieces, tmp_path), stream=stream, missing="drop")
    assert design.mu.groups[0].levels == tuple(str(2**53 + k) for k in range(1, 5))
    exact = np.delete(pd.concat(pieces)["z"].to_numpy(dtype=float) ** 2, 5)
    assert design.mu.population.means[1] == pytest.approx(exact.mean())


def test_folders_and_patterns_without_files_and_what_is_no_source_are_refused(tmp_path):
    for path, message in (
        (tmp_path, "holds no Parquet files"),
        (tmp_path / "a*.parquet", "No file agrees with the pattern"),
    ):
        with pytest.raises(DataError, match=message):
            prepared(NORMAL, path, stream=True)
    with pytest.raises(DataError, match="Only Parquet files, datasets"):
        prepared(NORMAL, trials(), stream=True)
    with pytest.raises(DataError, match=r"Several files are pyarrow\.dataset\.dataset"):
        prepared(NORMAL, ["a.parquet", "b.parquet"], stream=True)
    given("folder", [trials().iloc[:0]], tmp_path)
    for stream in (True, False):
        with pytest.raises(DataError, match="no rows"):
            prepared(NORMAL, tmp_path, stream=stream)


def test_a_pattern_names_files_in_their_natural_order(tmp_path):
    given("folder", parts(trials(), np.arange(20, ROWS, 20)), tmp_path)
    source = as_source(tmp_path / "part*.parquet")
    assert [path.name for path in source.files] == [f"part{k}.parquet" for k in range(12)]
    design = prepared(NORMAL, tmp_path / "part*.parquet")
    assert np.asarray(design.response) == pytest.approx(trials()["rt"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_read_by_a_library_is_our_error(tmp_path, kind):
    source = given(kind, parts(trials(), [100]), tmp_path)
    for path in tmp_path.glob("*.parquet"):
        path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read"):
        prepared(NORMAL, source, stream=True)


def test_sources_work_where_tables_do(tmp_path):
    source = given("folder", parts(trials(), [100]), tmp_path)
    assert bm.check_data(NORMAL, source) is not None
    with pytest.raises(SpecError, match="Did you mean 'word'"):
        prepared("rt ~ x + (1 | wrd)", source, stream=True)


@pytest.mark.parametrize("ask", [Gone.count, lambda gone: gone.tables([]), lambda gone: gone.whole([])])
def test_rows_that_are_gone_say_so_whatever_is_asked_of_them(ask):
    with pytest.raises(DataError, match="are not in the file of a fit"):
        ask(Gone("a relation of DuckDB", {}))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dask", "duckdb"])
def test_a_fit_to_a_source_is_the_fit_to_its_table(tmp_path, kind):
    options = {"seed": 4, "chains": 2, "draws": 40, "tune": 60, "progress": False}
    source = given(kind, parts(trials(), [100]), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        fit = bm.sample(prepared("rt ~ x + (1 | word)", source, stream=True), **options)
        whole = bm.fit("rt ~ x + (1 | word)", trials(), **options)
    one, other = (bm.population_effects(found)["mean"].to_numpy() for found in (fit, whole))
    assert one == pytest.approx(other, abs=0.1)
    loaded = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    assert str(bm.summary(loaded)) == str(bm.summary(fit))
    with pytest.raises(DataError, match="are not in the file of a fit"):
        bm.sample(loaded.design, progress=False)
