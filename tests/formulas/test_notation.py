"""Text of formulas is split where a statistician splits it, and names go to keys and back."""

import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.formulas.notation import (
    call_arguments,
    has_bar,
    is_balanced,
    join_factors,
    keyword_arguments,
    normalise,
    split_factors,
    split_signed,
    split_top,
    summands,
)


def stripped(pieces):
    return [(sign, piece.strip()) for sign, piece in pieces]


def test_a_text_is_split_at_signs_outside_of_brackets_quotes_and_backticks():
    assert stripped(split_signed("a + f(b + c) - `d + e` + 'x - y'")) == [
        *[("", "a"), ("+", "f(b + c)"), ("-", "`d + e`"), ("+", "'x - y'")]
    ]
    assert [piece.strip() for piece in split_top("a, f(b, c), [d, e]", (",",))] == ["a", "f(b, c)", "[d, e]"]


@pytest.mark.parametrize("text", ["f(x", "x)", "`a", "'a", "[x"])
def test_brackets_and_quotes_that_are_not_closed_are_refused(text):
    assert not is_balanced(text)
    with pytest.raises(bm.SpecError, match="is not closed"):
        split_signed(text)


def test_brackets_that_only_add_are_opened_and_others_are_not():
    assert stripped(summands("x + (0 + z) - (a + b) + (1 | g)")) == [
        *[("", "x"), ("+", "0"), ("+", "z"), ("-", "(a + b)"), ("+", "(1 | g)")]
    ]
    assert stripped(summands("(x - z)")) == [("", "x"), ("-", "z")]


@pytest.mark.parametrize(
    ("piece", "bar"),
    [("(1 | g)", True), ("(x || g)", True), ("I(a | b)", False), ("(f(a | b) + x)", False), ("x", False)],
)
def test_a_bar_makes_a_group_term_only_outside_of_calls(piece, bar):
    assert has_bar(piece) is bar


@pytest.mark.parametrize("names", [("a",), ("a", "b"), ("a:b", "c"), ("x/y", "z w", "(q)")])
def test_joined_names_of_factors_are_split_again(names):
    assert split_factors(join_factors(names)) == names


@pytest.mark.parametrize("text", ["log(x)", "a+b", "a:", "'a'"])
def test_an_expression_is_no_grouping_factor(text):
    with pytest.raises(bm.SpecError, match="is not a column name"):
        split_factors(text)


def test_arguments_of_a_call_are_those_between_its_brackets():
    assert call_arguments("offset(log(x, 2))", "offset") == ["log(x, 2)"]
    assert call_arguments("obs()", "obs") == []
    assert call_arguments("offset(x) + 1", "offset") is None
    assert call_arguments("x", "x") is None
    assert keyword_arguments(["x", "k=5", "y == 1"]) == (["x", "y == 1"], {"k": "5"})


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0 + Intercept + x", "1 + x"),
        ("Intercept + x - 1", "1 + x"),
        ("0 + (Intercept + x)", "1 + x"),
        ("0 + `Intercept` + x", "0 + `Intercept` + x"),
        ("Intercept + x", "1 + Intercept + x"),
        ("0 + Intercept:x", "0 + Intercept:x"),
    ],
)
def test_the_intercept_of_brms_is_the_constant(text, meant):
    assert normalise(text) == meant
    assert normalise(meant) == meant


@pytest.mark.parametrize("text", [". + x", "log(.)", "x + ."])
def test_a_dot_is_read_only_where_it_is_meant_and_outside_of_calls(text):
    with pytest.raises(SpecError, match=r"'\.' is not read here"):
        normalise(text)
    if "log" not in text:
        assert "." in normalise(text, dots=True)
