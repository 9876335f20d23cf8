"""Equal rows of a large table are counted: the design is that of the whole table."""

import numpy as np
import pandas as pd
import pytest
from cut_tables import KINDS, ROWS, cut, given, parts, prepared, same_priors, trials

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.preparation import counted_rows
from bayesmixed.tables import row_sources


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(row_sources, "BATCH", 60)


def counted(kind, family, response, tmp_path, seed):
    factor = "f" if kind == "duckdb" else "c"  # DuckDB reads codes of categories as text
    spec = bm.from_formula(f"{response} ~ z + {factor} + (1 | word)", family=family)
    whole = prepared(spec, trials())
    return whole, prepared(spec, given(kind, cut(trials(), seed), tmp_path), stream=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("family", "response"), [("bernoulli", "hit"), ("poisson", "count"), ("binomial", "count | trials(tried)")]
)
def test_equal_rows_in_pieces_are_counted_and_have_the_design_of_the_table(tmp_path, kind, family, response, capsys):
    whole, design = counted(kind, family, response, tmp_path, seed=5)
    assert design.observed.row_counts.sum() == ROWS
    assert design.rows < ROWS
    assert f"{ROWS} rows, {design.rows} of them different" in capsys.readouterr().err
    same_priors(design, whole)
    assert design.mu.coords() == whole.mu.coords()
    names = [name for name in design.table.data if name != "rows"]
    often = design.table.data.iloc[np.repeat(np.arange(design.rows), design.observed.row_counts.astype(int))]
    ours, theirs = (
        table[names].astype(str).sort_values(names, ignore_index=True) for table in (often, whole.table.data)
    )
    pd.testing.assert_frame_equal(ours, theirs)


def test_too_many_different_rows_and_models_that_cannot_count_are_refused_or_read_whole(tmp_path, monkeypatch, capsys):
    source = given("folder", parts(trials(), [100]), tmp_path)
    monkeypatch.setattr(counted_rows, "MOST_DIFFERENT", 50)
    for formula, message in (("hit ~ x", "more than 50 of them are different"), ("hit ~ z + obs()", "obs")):
        with pytest.raises(SpecError, match=message):
            prepared(bm.from_formula(formula, family="poisson"), source, stream=True)
    monkeypatch.setattr("bayesmixed.preparation.streaming.LARGE", 100)
    assert prepared(bm.from_formula("hit ~ x", family="bernoulli"), source).rows == ROWS
    assert "is read whole, not in pieces" in capsys.readouterr().err
