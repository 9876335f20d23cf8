"""Columns of times and of levels in order."""

import numpy as np
import pandas as pd
import pytest

from bayesmixed.errors import DataError
from bayesmixed.tables.factors import as_table
from bayesmixed.terms.covariances import find_covariance
from bayesmixed.terms.places import place_columns

AR1, OWN = find_covariance("ar1"), find_covariance("heterogeneous_ar1")


def table(values, name="t"):
    return as_table(pd.DataFrame({name: values}), (), [name])


def test_times_in_equal_steps_have_a_column_each_whatever_their_origin_unit_and_order():
    found = place_columns("0 + t", AR1, table([2.3, 2.0, 2.9, 2.3]), None)
    assert found.labels == ("t[2]", "t[2.3]", "t[2.9]")
    np.testing.assert_allclose(found.structure.places, [[0], [1], [3]])
    np.testing.assert_array_equal(found.matrix, [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]])


def test_unequal_steps_are_refused_with_what_to_do():
    with pytest.raises(DataError, match=r"1 to 3.5 is 2.5 times the smallest step, 1"):
        place_columns("0 + t", AR1, table([0.0, 1.0, 3.5]), None)


@pytest.mark.parametrize(("formula", "values"), [("0 + factor(t)", [0.0, 1.0, 3.5]), ("0 + t", ["a", "b", "c"])])
def test_levels_in_order_are_one_step_apart(formula, values):
    found = place_columns(formula, AR1, table(values), None)
    np.testing.assert_allclose(found.structure.places, [[0], [1], [2]])


def test_later_times_and_times_between_stand_behind_those_of_the_fit():
    fitted = place_columns("0 + t", AR1, table([10.0, 12.0, 14.0]), None).structure
    found = place_columns("0 + t", AR1, table([12.0, 20.0, 13.0]), fitted)
    assert found.structure.names == ("10", "12", "14", "13", "20")
    np.testing.assert_allclose(found.structure.places, [[0], [1], [2], [1.5], [5]])
    np.testing.assert_array_equal(found.matrix.argmax(axis=1), [1, 4, 3])


@pytest.mark.parametrize(
    ("times", "far"),
    [([0.0, 1.0, 2.0000001, 3.0], 1000.0), ([0.1, 0.2, 0.3], 200.1), ([1.7e9, 1.7e9 + 1], 1.7e9 + 1e6)],
)
def test_times_that_are_far_away_are_whole_steps_away_too(times, far):
    fitted = place_columns("0 + t", AR1, table(times), None).structure
    place = place_columns("0 + t", AR1, table([far]), fitted).structure.places[-1][0]
    assert place == round((far - times[0]) / (times[1] - times[0]))


@pytest.mark.parametrize(
    ("formula", "covariance", "words"),
    [("0 + t", OWN, "each has an SD of its own"), ("0 + factor(t)", AR1, "levels in order")],
)
def test_a_time_without_sd_or_place_is_refused(formula, covariance, words):
    fitted = place_columns(formula, covariance, table([0.0, 1.0]), None).structure
    with pytest.raises(DataError, match=words):
        place_columns(formula, covariance, table([2.0]), fitted)


def test_too_many_times_are_refused():
    with pytest.raises(DataError, match="at most 30"):
        place_columns("0 + t", find_covariance("toeplitz"), table([0.0, 1.0, 40.0]), None)
    with pytest.raises(DataError, match="at most 100"):
        place_columns("0 + t", AR1, table(np.arange(101.0)), None)


def test_names_in_backticks_are_kept():
    assert place_columns("0 + `a b`", AR1, table([0.0, 1.0], "a b"), None).labels == ("`a b`[0]", "`a b`[1]")


def test_times_of_a_process_may_have_any_distance():
    ou = place_columns("0 + t", find_covariance("ou"), table([0.3, 0.0, 7.0]), None).structure
    assert ou.places == ((0.0,), (0.3,), (7.0,))
    new = place_columns("0 + t", find_covariance("ou"), table([0.5, 7.0]), ou).structure
    assert new.places == (*ou.places, (0.5,))


def test_distances_need_numbers():
    with pytest.raises(DataError, match="holds no numbers"):
        place_columns("0 + t", find_covariance("ou"), table(["a", "b"]), None)


def test_places_have_coordinates_and_new_ones_stand_behind_those_of_the_fit():
    def places(x, y):
        return as_table(pd.DataFrame({"x": x, "y y": y}), (), ["x", "y y"])

    formula, gaussian = "0 + x + `y y`", find_covariance("gaussian")
    fitted = place_columns(formula, gaussian, places([0.5, 0.0, 0.5], [1.0, 2.0, 1.0]), None)
    assert fitted.labels == ("(x, `y y`)[0, 2]", "(x, `y y`)[0.5, 1]")
    assert fitted.structure.places == ((0.0, 2.0), (0.5, 1.0))
    assert fitted.structure.label == "gau(x + `y y`)"
    np.testing.assert_array_equal(fitted.matrix, [[0, 1], [1, 0], [0, 1]])
    new = place_columns(formula, gaussian, places([0.1 + 0.2, 0.0], [1e-7, 2.0]), fitted.structure)
    assert new.structure.places == (*fitted.structure.places, (0.1 + 0.2, 1e-7))
    np.testing.assert_array_equal(new.matrix.argmax(axis=1), [2, 0])
    with pytest.raises(DataError, match="up to 200 at a time"):
        place_columns(formula, gaussian, places(np.arange(300.0), np.ones(300)), fitted.structure)
    with pytest.raises(DataError, match=r"'x' holds no numbers.*\(0 \+ x \+ y"):
        place_columns(formula, gaussian, places(["(1,2)", "b"], [1.0, 2.0]), None)
    with pytest.raises(DataError, match=r"101 distinct values; .* gp"):
        place_columns(formula, gaussian, places(np.arange(101.0), np.zeros(101)), None)
