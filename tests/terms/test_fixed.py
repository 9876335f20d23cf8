"""The population term: its columns, and the same columns on new rows."""

import numpy as np
import pytest
from designs import design_of, small

from bayesmixed.errors import SpecError
from bayesmixed.terms.fixed import Fixed


def test_a_formula_says_its_columns_and_factors():
    term = Fixed(formula="1 + C(f) + log(x)")
    assert term.columns(["f", "x", "z"]) == {"f", "x"}
    assert term.factors() == ("f",)
    assert Fixed(formula=str(term)) == term


def test_columns_of_new_rows_are_those_of_the_fit():
    design, term = design_of("y ~ g*x", small()), Fixed(formula="1 + g*scale(x)")
    fitted = term.build(design.table)
    again = term.build(design_of("y ~ g*x", small().iloc[[5, 0]], like=design).table, fitted)
    np.testing.assert_allclose(again.matrix, fitted.matrix[[5, 0]])
    np.testing.assert_allclose(again.columns, fitted.columns[[5, 0]])
    np.testing.assert_array_equal(again.means, fitted.means)


def test_without_the_constant_the_intercept_goes_after_coding():
    table = design_of("y ~ g", small()).table
    block = Fixed(formula="1 + g").build(table, constant=False)
    assert block.labels == ("g[T.b]", "g[T.c]")
    with pytest.raises(SpecError, match="removes the intercept"):
        Fixed(formula="0 + g").build(table, constant=False)
