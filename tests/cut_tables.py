"""Tables that are cut into pieces and given as files, datasets, dask data frames and relations of DuckDB."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

import bayesmixed as bm

ROWS = 240
NORMAL = "rt ~ x * f + (x | word) + (1 | block)"
KINDS = ["folder", "dataset", "dask", "duckdb"]


def trials():
    """Return rows of which one word and one level of f occur in the last rows only."""
    generator, i = np.random.default_rng(4), np.arange(ROWS)
    f = np.where(i > ROWS - 8, "late", np.array(["low", "high"])[i % 2])
    x = generator.normal(2.0, 1.5, ROWS)
    return pd.DataFrame(
        {
            "rt": 3.0 + 0.1 * x + generator.normal(0, 0.3, ROWS),
            "hit": generator.integers(0, 2, ROWS),
            "count": generator.poisson(3.0, ROWS),
            "tried": 12,
            "x": x,
            "z": generator.integers(0, 4, ROWS),
            "f": f,
            "c": pd.Categorical(f, categories=["low", "late", "high"]),
            "word": np.where(i > ROWS - 4, "last", np.array([f"w{k}" for k in generator.integers(0, 6, ROWS)])),
            "block": generator.integers(1, 5, ROWS),
        }
    )


def parts(table, edges):
    """Return the rows before the first edge, those between edges, and the rest."""
    return [table.iloc[start:end] for start, end in zip([0, *edges], [*edges, len(table)], strict=True)]


def cut(table, seed):
    """Return the rows in pieces of random sizes, some of them empty, in random order."""
    generator = np.random.default_rng(seed)
    edges = np.sort(generator.choice(len(table), 3 + seed % 4, replace=False))
    pieces = [table.iloc[:0], *parts(table, edges)]
    return [pieces[k] for k in generator.permutation(len(pieces))]


def given(kind, pieces, folder):
    """Return pieces as a source of some kind, and the table that they are."""
    for number, piece in enumerate(pieces):
        pq.write_table(pa.Table.from_pandas(piece, preserve_index=False), folder / f"part{number}.parquet")
    names = [folder / f"part{number}.parquet" for number in range(len(pieces))]
    if kind == "folder":
        return folder
    if kind == "dataset":
        return pyarrow.dataset.dataset([str(name) for name in names])
    if kind == "dask":
        return pytest.importorskip("dask.dataframe").read_parquet([str(name) for name in names])
    duck = pytest.importorskip("duckdb").connect()
    return duck.read_parquet([str(name) for name in names], union_by_name=True)


def prepared(spec, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(spec, data, **options)


def same_priors(one, other):
    assert list(one.priors) == list(other.priors)
    for key, entry in one.priors.items():
        assert entry.prior.name == other.priors[key].prior.name
        assert entry.prior.arguments == pytest.approx(other.priors[key].prior.arguments, rel=1e-10, abs=1e-10)
