"""The columns and functions that a formula names."""

import pytest

import bayesmixed as bm
from bayesmixed.formulas.names import (
    calls_in,
    check_functions,
    expression_columns,
    factors_in,
    formula_columns,
    group_mean_expressions,
    read_columns,
    refuse_stateful,
    strip_factor_calls,
    whole_column,
)

COLUMNS = ["y", "x", "z", "f", "g", "a b", "x + z", "log(x)"]


def test_a_formula_reads_the_columns_in_it_with_and_without_those_that_name_groups():
    formula = "C(f) + within(x, g) + log(z) + `a b`"
    assert formula_columns(formula, COLUMNS) == {"f", "x", "g", "z", "a b"}
    assert formula_columns(formula, COLUMNS, grouping=False) == {"f", "x", "z", "a b"}


@pytest.mark.parametrize(
    ("expression", "whole"),
    [("y", "y"), ("`x + z`", "x + z"), ("x + z", None), ("log(x)", None), ("a b", "a b"), ("q", None)],
)
def test_what_can_be_computed_from_columns_is_computed_and_else_names_a_column(expression, whole):
    assert whole_column(expression, COLUMNS) == whole


def test_an_expression_reads_its_columns_whether_data_have_them_or_not():
    assert expression_columns("log(x) + z", COLUMNS) == {"x", "z"}
    assert read_columns("log(q)", COLUMNS) == ("q",)
    with pytest.raises(bm.SpecError, match=r"Column 'q' in .* is not in the data"):
        expression_columns("log(q)", COLUMNS)


def test_the_number_pi_is_asked_for_in_figures_unless_a_column_has_its_name():
    with pytest.raises(bm.SpecError, match="For the number write 3"):
        formula_columns("sin(2 * pi * x)", COLUMNS)
    assert formula_columns("pi", ["pi"]) == {"pi"}


def test_a_name_with_blanks_is_asked_for_in_backticks():
    with pytest.raises(bm.SpecError, match="write it in backticks: `a b`"):
        formula_columns("x + a", COLUMNS)
    with pytest.raises(bm.SpecError, match="write it in backticks: `a b`"):
        formula_columns("x + a b", COLUMNS)


def test_functions_are_known_by_the_language_or_by_the_user():
    check_functions("log(x) + half(z)", COLUMNS, {"half": abs}, formula=True)
    with pytest.raises(bm.SpecError, match="Function 'half'"):
        check_functions("log(x) + half(z)", COLUMNS, {}, formula=True)
    assert calls_in("C(f) + C(f, contr.sum) + log(x)", formula=True) == ["C", "log"]


def test_factors_and_means_of_groups_are_found_in_a_formula():
    assert factors_in("C(f) + factor(g):x") == ("f", "g")
    assert group_mean_expressions("within(log(x), g) + between(log(x), g) + between(z, g)") == ("log(x)", "z")
    assert strip_factor_calls("C(f)") == ("f", ("f",))
    assert strip_factor_calls("f") == ("f", ())


def test_what_learns_from_data_is_refused_where_it_would_be_forgotten():
    refuse_stateful("log(y)", "Response")
    with pytest.raises(bm.SpecError, match=r"Response: scale\(\) learns from the data"):
        refuse_stateful("scale(y)", "Response")
