"""What all kinds of terms keep: which columns they read, who owns a label, and the factors of several terms."""

import pytest

import bayesmixed as bm
from bayesmixed.terms.contract import known_factors, population_formulas


def terms_of(formula):
    return bm.from_formula(formula).predictors["mu"]


def test_a_term_is_grouped_by_its_factor_under_the_names_of_formulas_and_results():
    (group,) = (term for term in terms_of("y ~ x + (1 | a:b)") if term.factor_columns)
    assert group.factor_columns == ("a", "b")
    assert group.is_grouped_by("a:b")
    assert not group.is_grouped_by("a")
    assert not any(term.is_grouped_by("x") for term in terms_of("y ~ x") if not term.factor_columns)


def test_only_the_population_terms_have_population_formulas():
    assert population_formulas(terms_of("y ~ x + offset(z) + (w | g)")) == ("1 + x",)


def test_factors_are_those_that_terms_declare_or_the_user_names():
    found = known_factors(terms_of("y ~ C(f) + x + (C(h) | g)"), ["k"], ())
    assert {"f", "h", "k"} <= found
    assert not found & {"x", "y"}


def test_a_smooth_owns_its_straight_line_and_nothing_else():
    (smooth,) = (term for term in terms_of("y ~ x + s(z)") if term.lines)
    assert all(smooth.owns(label) for label in smooth.lines)
    assert not smooth.owns("x")


@pytest.mark.parametrize(
    ("formula", "columns"),
    [
        ("y ~ x*z", {"x", "z"}),
        ("y ~ 1 + (x | g)", {"x", "g"}),
        ("y ~ s(x, by=f)", {"x", "f"}),
        ("y ~ offset(log(e))", {"e"}),
    ],
)
def test_terms_read_the_columns_that_their_text_names(formula, columns):
    available = ["y", "x", "z", "g", "f", "e"]
    assert set().union(*(term.columns(available) for term in terms_of(formula))) == columns
