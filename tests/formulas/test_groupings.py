"""Grouping factors as formulas write them."""

import random

import pytest
from formulaic import Formula

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.formulas.groupings import read_groupings


def written(generator: random.Random, depth: int = 0) -> str:
    if depth > 2 or generator.random() < 0.35:
        return generator.choice("abcd")
    left, right = (written(generator, depth + 1) for _ in range(2))
    joined = f"{left} {generator.choice(['+', '*', '/', ':'])} {right}"
    return f"({joined})" if generator.random() < 0.5 else joined


@pytest.mark.parametrize("seed", range(120))
def test_signs_between_grouping_factors_mean_what_they_mean_between_terms(seed):
    text = written(random.Random(seed))
    terms = [frozenset(f.expr for f in term.factors) for term in Formula(f"0 + {text}")]
    assert {frozenset(by.split(":")) for by in read_groupings(text)} == set(terms), text


@pytest.mark.parametrize(
    ("by", "factors"),
    [
        ("a/b", ["a", "a:b"]),
        ("a + b", ["a", "b"]),
        ("a*b", ["a", "b", "a:b"]),
        ("a/(b + c)", ["a", "a:b", "a:c"]),
        ("a:a", ["a"]),
        ("factor(a)/C(b)", ["a", "a:b"]),
        ("as.factor(`a b`)", ["a b"]),
        ("interaction(a, b)", ["a:b"]),
        ("`a*b` + `c+d`", ["`a*b`", "`c+d`"]),
        ("my herd", ["my herd"]),
    ],
)
def test_grouping_factors_expand_in_their_order(by, factors):
    assert read_groupings(by) == factors
    spec = bm.from_formula(f"y ~ x + (x | {by})")
    terms = (bm.Fixed(formula="x"), *(bm.Group(by=factor, formula="x") for factor in factors))
    assert spec == bm.ModelSpec(response="y", predictors={"mu": terms})
    table = [{"kind": "fixed", "formula": "x"}, {"kind": "group", "by": by, "formula": "x"}]
    assert spec == bm.ModelSpec(response="y", predictors={"mu": table})
    assert bm.from_formula(spec.formula) == spec


@pytest.mark.parametrize("by", ["log(a)", "a + ", "*a", "a/", "factor(a, b)", "(a", "a b + f(c)", "+", "factor()"])
def test_what_is_not_made_of_columns_is_refused(by):
    with pytest.raises(SpecError):
        bm.from_formula(f"y ~ (1 | {by})")


def test_a_product_of_many_factors_is_refused_in_time():
    with pytest.raises(SpecError, match="more than 100 factors"):
        read_groupings(" * ".join(f"g{k}" for k in range(12)) + " + h")
