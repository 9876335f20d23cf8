"""Designs whose correlations of residuals the rows do not tell."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError, StatisticsWarning


def trial(visits: int = 4) -> pd.DataFrame:
    """Return subjects with some visits each."""
    generator = np.random.default_rng(1)
    rows = [(f"s{s}", v, f"k{s % 3}") for s in range(9) for v in range(1, visits + 1)]
    return pd.DataFrame(rows, columns=["s", "v", "site"]).assign(y=lambda d: generator.normal(size=len(d)))


@pytest.mark.parametrize("residual", ["homcs(1 | s)", "cs(v | s)", "us(v | s)", "homtoep(v | s)"])
def test_an_intercept_of_the_same_groups_is_refused_where_residuals_can_hold_it(residual: str) -> None:
    with pytest.raises(DataError, match="not identified together"):
        bm.prepare("y ~ 1 + (1 | s)", trial(), residual=residual)


def test_other_effects_are_accepted() -> None:
    bm.prepare("y ~ 1 + (1 | s)", trial(), residual="ar1(v | s)")
    bm.prepare(
        "y ~ 1 + (1 | site)",
        trial().assign(site=lambda d: d["s"].str[-1:].map(lambda i: f"k{int(i) % 6}")),
        residual="us(v | s)",
    )
    with pytest.raises(DataError, match="not identified together"):
        bm.prepare("y ~ 1 + (1 | s)", trial(2), residual="ar1(v | s)")
    with pytest.raises(DataError, match="is the same in all rows of a v"):
        bm.prepare("y ~ 1 + (0 + v | s)", trial(), residual="us(v | s)")


def test_one_row_in_each_group_is_refused() -> None:
    with pytest.raises(DataError, match="Every 's' has one row"):
        bm.prepare("y ~ 1", trial(1), residual="ar1(v | s)")


def test_visits_with_one_row_and_pairs_without_rows_are_told() -> None:
    rare = pd.concat([trial(), pd.DataFrame({"s": ["s0"], "v": [9], "site": ["k0"], "y": [0.0]})], ignore_index=True)
    with pytest.raises(DataError, match="Fewer than two rows are at v '9'"):
        bm.prepare("y ~ 1", rare, residual="us(v | s)", sigma="~ 1")
    apart = trial()[lambda d: (d["v"] < 3) == (d["s"] < "s4")]
    with pytest.warns(StatisticsWarning, match="'1 and 3', '1 and 4', '2 and 3'"):
        bm.prepare("y ~ 1", apart, residual="us(v | s)")


def test_columns_are_looked_for() -> None:
    with pytest.raises(SpecError, match="Column 'w' of residual"):
        bm.prepare("y ~ 1", trial(), residual="us(w | s)")
    with pytest.raises(SpecError, match="is in residual"):
        bm.prepare("y ~ 1", trial(), residual="ou(y | s)")
    with pytest.raises(SpecError, match="name that the results use"):
        bm.prepare("y ~ 1 + (1 | residual)", trial().rename(columns={"site": "residual"}), residual="ar1(v | s)")
    with pytest.raises(SpecError, match="not possible with mi"):
        bm.prepare("y ~ mi(x)", trial().assign(x=1.0), residual="ar1(v | s)")
