"""Results as data frames that print as a reader needs them."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.display.columns_of_text import WIDTH
from bayesmixed.display.result_tables import ResultTable, as_result

FIT = bm.load_fit("herd_period")
TABLES = {
    "icc": bm.icc,
    "r2": bm.r2,
    "tidy": bm.tidy,
    "population_effects": bm.population_effects,
    "group_effects": bm.group_effects,
    "variance_components": bm.variance_components,
    "implied_covariance": bm.implied_covariance,
    "shrinkage": bm.shrinkage,
    "negligible_sds": bm.negligible_sds,
    "typical_ratios": bm.typical_ratios,
    "effective_groups": bm.effective_groups,
    "pooling_curve": bm.pooling_curve,
    "residuals": bm.residuals,
    "check_residuals": bm.check_residuals,
    "prior_sensitivity": bm.prior_sensitivity,
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_results_print_all_columns_within_80_columns(name):
    table = TABLES[name](FIT)
    assert isinstance(table, ResultTable)
    lines = repr(table).splitlines()
    assert max(map(len, lines)) <= WIDTH
    shown = {word for line in lines for word in line.split()}
    blank = {column for column in ("term", "level", "effect") if column in table and (table[column] == "").all()}
    assert {*map(str, table.columns)} - blank <= shown
    assert "<table" in table._repr_html_()


def test_the_digits_are_those_that_errors_support():
    row = bm.icc(FIT).iloc[[0]]
    assert f"{row['mean'].item():.2f}" in repr(bm.icc(FIT)).splitlines()[1].split()
    broom, own = bm.tidy(FIT), bm.population_effects(FIT)
    assert {*repr(own).splitlines()[1].split()[2:-1]} <= {*repr(broom).split()}, "the same numbers have the same digits"


def test_a_table_keeps_its_numbers_and_what_is_computed_from_it_is_plain():
    table = bm.shrinkage(FIT)
    assert table["factor"].to_numpy().dtype == float
    assert type(table[table["rows"] > 1]) is pd.DataFrame
    assert type(table.to_dict()) is dict
    for same in (pickle.loads(pickle.dumps(table)), copy.deepcopy(table)):
        pd.testing.assert_frame_equal(pd.DataFrame(same), pd.DataFrame(table))


def test_long_tables_show_what_pandas_would_and_say_so():
    table = as_result(pd.DataFrame({"level": [f"g{i}" for i in range(1000)], "mean": np.arange(1000.0)}))
    lines = repr(table).splitlines()
    assert len(lines) == 1 + pd.get_option("display.min_rows") + 1
    assert "of 1,000 rows" in lines[-1]
    with pd.option_context("display.max_rows", None):
        assert len(repr(table).splitlines()) == 1001


@pytest.mark.parametrize("labels", [2, 3, 4])
def test_long_labels_beside_each_other_are_shortened_until_a_column_fits(labels):
    names = ["term", "level", "effect", "group"][:labels]
    frame = pd.DataFrame({name: [f"The long name of {name} number {i}" for i in (1, 2)] for name in names})
    lines = repr(as_result(frame.assign(mean=[1.5, 2.5], note="a remark of some words"))).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[1] != lines[2]
    assert repr(as_result(frame[["term"]].assign(mean=1.5))).splitlines()[1].split("  ")[0] == frame["term"].iloc[0]


def test_notes_and_names_of_rows_are_shown_and_markup_is_text():
    frame = pd.DataFrame({"level": ["$a$ <b>", "x" * 200], "mean": [1.0, np.nan]}, index=pd.Index([7, 9], name="plot"))
    frame.attrs["note"] = "no data scale: <why>"
    table = as_result(frame)
    assert repr(table).splitlines()[-1] == "Note: no data scale: <why>"
    assert repr(table).splitlines()[0].split()[0] == "plot"
    assert max(map(len, repr(table).splitlines())) <= WIDTH
    html = table._repr_html_()
    assert "<b>" not in html
    assert "mathjax_ignore" in html
    assert "&lt;why&gt;" in html


def test_an_empty_table_prints_its_columns():
    assert repr(as_result(pd.DataFrame(columns=["term", "mean"]))).split() == ["term", "mean"]


def test_frames_of_any_columns_print():
    frame = pd.DataFrame(
        {
            ("a", 1): [True, False],
            5: [None, "x"],
            "ess": [np.nan, 1e6],
            "when": pd.to_datetime(["2020-01-01", None]),
            "big": [1e300, -np.inf],
            "kind": pd.Categorical(["u", "v"]),
        }
    )
    assert max(map(len, repr(as_result(frame)).splitlines())) <= WIDTH
