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


def test_equal_correlations_of_one_group_are_refused() -> None:
    one = trial().query("s == 's1'")
    for residual in ("homcs(1 | s)", "cs(v | s)"):
        with pytest.raises(DataError, match="cannot be told from the intercept"):
            bm.prepare("y ~ 1", one, residual=residual, sigma="~ 1")
    bm.prepare("y ~ 1", one, residual="ar1(v | s)")


WORDS = {1: "pre", 2: "mid", 3: "post", 4: "later"}


def test_the_order_of_visits_is_said_where_their_names_do_not_tell_it(recwarn: pytest.WarningsRecorder) -> None:
    named = trial().assign(v=lambda d: d["v"].map(WORDS))
    for residual in ("ar1(v | s)", "hetar1(v | s)", "homtoep(v | s)"):
        with pytest.warns(StatisticsWarning, match="in the order 'later', 'mid', 'post', 'pre'"):
            bm.prepare("y ~ 1", named, residual=residual)
    recwarn.clear()
    in_order = named.assign(v=pd.Categorical(named["v"], WORDS.values(), ordered=True))
    for rows in (
        in_order,
        named.assign(v=in_order["v"].cat.as_unordered()),
        trial().assign(v=lambda d: "week " + (d["v"] * 5).astype(str)).sample(frac=1, random_state=1),
        trial().assign(v=lambda d: np.where(d["v"] == 1, "base", "week " + (d["v"] * 5).astype(str))),
    ):
        bm.prepare("y ~ 1", rows, residual="ar1(v | s)")
    bm.prepare("y ~ 1", named, residual="cs(v | s)")
    assert not [one for one in recwarn if "in the order" in str(one.message)]


@pytest.mark.parametrize("residual", ["us(C(v) | s)", "ar1(factor(v) | s)", "diag(C(v) | s)"])
def test_dates_are_visits_where_they_are_said_to_be_levels(residual: str) -> None:
    dated = trial().assign(v=lambda d: pd.Timestamp("2024-01-01") + pd.to_timedelta(7 * d["v"], unit="D"))
    found = bm.prepare("y ~ 1", dated, residual=residual)
    plain = bm.prepare("y ~ 1", trial(), residual=residual)
    if plain.residual is not None and found.residual is not None:
        np.testing.assert_array_equal(found.residual.places, plain.residual.places)
    with pytest.raises(DataError, match=r"say C\(v\)"):
        bm.prepare("y ~ 1", dated, residual="us(v | s)")
