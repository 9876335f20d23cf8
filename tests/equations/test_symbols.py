"""Symbols, and how their combinations are written."""

import pytest
from equations.test_listing import CBPP, SLEEP, absent, equations_of

import bayesmixed as bm
from bayesmixed.equations import list_equations, write_mathml
from bayesmixed.equations.latex import LATEX
from bayesmixed.equations.mathml import MATHML
from bayesmixed.equations.symbols import TEXT, Expression, Symbol, symbols_in
from bayesmixed.preparation.preparing import prepare
from bayesmixed.spec.files import load_spec


def test_equations_are_symbols_before_they_are_text():
    equation = list_equations(prepare(load_spec("herd"), CBPP).outline()).model[2]
    variance = Symbol("sigma", label="herd", squared=True)
    assert equation.right == Expression("call", (Symbol("0"), variance), "N")
    assert equation.left.write(TEXT) == "b_i"


def test_a_column_named_like_a_greek_letter_keeps_its_name():
    data = SLEEP.rename(columns={"Days": "beta"})
    assert absent(["μ_i = β0 + β1·beta_i"], equations_of("Reaction ~ beta", data)) == []


def test_a_sum_has_no_plus_before_a_minus():
    assert "<mo>+</mo><mrow><mo>−</mo>" not in write_mathml(bm.load_spec("sleepstudy"))


def test_the_forms_of_all_notations_are_the_same():
    assert set(MATHML.forms) == set(LATEX.forms) == set(TEXT.forms)


A, B = Symbol("beta", number="1", index="ij"), Symbol("sigma", label="herd", squared=True)


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (A, "β1_ij"),
        (B, "σ²_herd"),
        (Symbol("sigma", label="g", column="x", parameter="nu"), "σ_g_nu[x]"),
        (Symbol("beta", word=True), "beta"),
        (Expression("sum", (A, Expression("minus", (B,)))), "β1_ij - σ²_herd"),
        (Expression("sum", ()), "0"),
        (Expression("product", (A, B)), "β1_ij·σ²_herd"),
        (Expression("ratio", (A, Expression("product", (A, B)))), "β1_ij/(β1_ij·σ²_herd)"),
        (Expression("call", (A, B), "N"), "N(β1_ij, σ²_herd)"),
        (Expression("total", (A, B), "l"), "sum_l β1_ij·σ²_herd"),
        (Expression("given", (A, B, B)), "β1_ij | σ²_herd, σ²_herd"),
    ],
)
def test_symbols_and_their_combinations_are_written_as_text(node, text):
    assert node.write(TEXT) == text


def test_the_symbols_of_an_expression_come_from_all_its_depths_in_order():
    node = Expression("sum", (A, Expression("product", (B, Expression("minus", (A,))))))
    assert list(symbols_in(node)) == [A, B, A]
