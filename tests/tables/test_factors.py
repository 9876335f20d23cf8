"""Levels of factors: their labels, their order, and the codes of rows."""

from datetime import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from bayesmixed.errors import DataError
from bayesmixed.tables.factors import (
    as_label,
    as_table,
    encode,
    group_levels,
    is_date,
    is_number,
    natural_key,
    recode,
    refuse_identifier,
)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (3.0, "3"),
        (2.5, "2.5"),
        (1e300, "1e+300"),
        (Decimal("4.00"), "4"),
        (Decimal("4.50"), "4.5"),
        (b"caf\xc3\xa9", "café"),
        ("a\0b", "a\\x00b"),
        (datetime(2024, 3, 1), "2024-03-01"),
        (datetime(2024, 3, 1, 12), "2024-03-01 12:00:00"),
        (True, "True"),
    ],
)
def test_a_value_has_a_label_that_every_file_can_hold(value, label):
    assert as_label(value) == label


def test_labels_are_ordered_by_the_numbers_in_them():
    labels = ["plot10", "plot2", "b", "1e3", "20", "-3", "plot2b", "a"]
    assert sorted(labels, key=natural_key) == ["-3", "20", "1e3", "a", "b", "plot2", "plot2b", "plot10"]


@pytest.mark.parametrize(
    "column",
    [["b", "a", None, "b"], [2.0, 1.0, np.nan, 2.0], [True, False, None, True]],
    ids=["text", "numbers", "truth"],
)
def test_codes_give_the_labels_of_the_rows_back(column):
    codes, labels = encode(pd.Series(column))
    assert codes[2] == -1
    assert [labels[code] for code in codes[[0, 1, 3]]] == [as_label(column[i]) for i in (0, 1, 3)]
    assert list(labels) == sorted(labels, key=natural_key)


def test_a_categorical_keeps_its_order_and_loses_what_no_row_has():
    column = pd.Series(pd.Categorical(["low", "high", "low"], categories=["high", "none", "low"]))
    codes, labels = encode(column)
    assert labels == ("high", "low")
    np.testing.assert_array_equal(codes, [1, 0, 1])


def test_combinations_of_factors_are_groups_and_ambiguous_labels_are_refused():
    data = pd.DataFrame({"a": ["x", "y", "x"], "b": [1, 2, 2]})
    codes, labels = group_levels(data, ("a", "b"))
    assert [labels[code] for code in codes] == ["x:1", "y:2", "x:2"]
    with pytest.raises(DataError, match="give the label 'p:q:r'"):
        group_levels(pd.DataFrame({"a": ["p", "p:q"], "b": ["q:r", "r"]}), ("a", "b"))


def test_codes_of_labels_become_those_of_known_labels_and_new_ones_stand_behind():
    codes, levels = recode(np.array([0, 1, 2, 0]), ("c", "a", "new"), ("a", "b", "c"))
    assert levels == ("a", "b", "c", "new")
    np.testing.assert_array_equal(codes, [2, 0, 3, 2])


def test_new_rows_have_the_levels_of_the_fit_and_unknown_ones_are_refused():
    data = pd.DataFrame({"f": ["b", "a", "c"], "x": [1, 2, 3]})
    table = as_table(data, ["x"], ["f", "x"])
    assert table.levels == {"f": ("a", "b", "c"), "x": ("1", "2", "3")}
    new = as_table(data.iloc[2:], [], ["f", "x"], like=table)
    assert list(new.data["f"].cat.codes) == [2]
    with pytest.raises(DataError, match=r"Factor 'f' holds .*d.*, which the model was not fitted to"):
        as_table(pd.DataFrame({"f": ["d"], "x": [1]}), [], ["f", "x"], like=table)
    with pytest.raises(DataError, match="'x' held numbers"):
        as_table(pd.DataFrame({"f": ["a"], "x": ["q"]}), [], ["f", "x"], like=as_table(data, [], ["f", "x"]))


def test_numbers_truth_values_and_dates_are_told_apart():
    columns = [pd.Series([1, 2]), pd.Series([True, False]), pd.Series(pd.to_datetime(["2024-01-01"])), pd.Series(["a"])]
    assert [is_number(column) for column in columns] == [True, False, False, False]
    assert [is_date(column) for column in columns] == [False, False, True, False]


def test_a_factor_of_hardly_more_rows_than_levels_is_an_identifier():
    refuse_identifier("id", 500, 501)
    refuse_identifier("id", 501, 1002)
    with pytest.raises(DataError, match=r"Write \(1 \| id\)"):
        refuse_identifier("id", 501, 1001)
