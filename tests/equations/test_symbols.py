"""Symbols, and how their combinations are written."""

from equations.test_listing import CBPP, SLEEP, absent, equations_of

import bayesmixed as bm
from bayesmixed.equations import list_equations, write_mathml
from bayesmixed.equations.latex import LATEX
from bayesmixed.equations.mathml import MATHML
from bayesmixed.equations.symbols import TEXT, Expression, Symbol
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
