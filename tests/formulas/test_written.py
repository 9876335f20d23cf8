"""Formulas taken apart: pieces, terms and the columns that they read."""

import pytest

import bayesmixed as bm
from bayesmixed.formulas.written import MOST_TERMS, piece_text, read_formula


@pytest.mark.parametrize(
    ("formula", "terms"),
    [
        ("1", ["Intercept"]),
        ("0 + x", ["x"]),
        ("x*z", ["Intercept", "x", "z", "x:z"]),
        ("a/b", ["Intercept", "a", "a:b"]),
        ("(a + b + c)^2 - a:b", ["Intercept", "a", "b", "c", "a:c", "b:c"]),
        ("a*b*c - a:b:c", ["Intercept", "a", "b", "c", "a:b", "a:c", "b:c"]),
        ("poly(x, 2) + C(f) + `a b`", ["Intercept", "poly(x, 2)", "f", "a b"]),
    ],
)
def test_terms_are_those_of_the_algebra_of_r(formula, terms):
    assert read_formula(formula).terms() == terms


def test_columns_factors_and_columns_that_only_name_groups_are_told_apart():
    written = read_formula("C(f) + within(x, school) + log(z):factor(g) + x")
    assert written.columns == ("f", "x", "school", "z", "g")
    assert written.factors == ("f", "g")
    assert written.grouping == ("school",)
    assert read_formula("between(x, g) + g").grouping == ()


def test_a_piece_that_stands_twice_is_one_piece():
    written = read_formula("log(x) + log( x ):f + `f`")
    assert [piece_text(piece) for piece in written.pieces.values()] == ["log(x)", "f"]


def test_a_formula_of_more_terms_than_a_table_has_columns_is_refused():
    factors = "*".join(f"x{i}" for i in range(13))
    assert MOST_TERMS < 2**13
    with pytest.raises(bm.SpecError, match="expands to more than 5,000 terms"):
        read_formula(factors).terms()
    assert len(read_formula("*".join(f"x{i}" for i in range(8))).terms()) == 2**8


@pytest.mark.parametrize(
    ("formula", "message"),
    [("x 'a'", "text in quotes is not a term"), ("x z", "next to each other"), ("x^z", "whole number from 1 to 20")],
)
def test_what_is_no_formula_is_refused(formula, message):
    with pytest.raises(bm.SpecError, match=message):
        read_formula(formula)
