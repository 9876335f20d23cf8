"""Formulas of R, written as those of this package."""

import pytest

from bayesmixed.errors import SpecError
from bayesmixed.translation.r_formulas import split_formula, write
from bayesmixed.translation.r_text import parse_r


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("y ~ x*z - 1 + (1 + x || g/h)", "y ~ x*z - 1 + (1 + x || g/h)"),
        ("~ poly(x, degree = 2, raw = TRUE)", "~ poly(x, degree=2, raw=TRUE)"),
        ("bs(x, knots = c(1, 2.5))", "bs(x, knots=[1, 2.5])"),
        ("mm(a, b, weights = cbind(u, v))", "mm(a, b, weights=[u, v])"),
        ("diag(1 + x | g) + us(x | h)", "(1 + x || g) + (x | h)"),
        ("diag(x)", "diag(x)"),
        ("gr(g)", "g"),
        ("gr(g, by = f)", "gr(g, by=f)"),
        ("exp(numFactor(x, y) + 0 | g)", "exp(x + y + 0 | g)"),
        ("exp(x) + mat(x)", "exp(x) + mat(x)"),
        ("log(x, 2) + log(z, base = 10) + log(u)", "log2(x) + log10(z) + log(u)"),
        ("log(x, 3)", "log(x, 3)"),
        ("relevel(f, ref = 'b')", 'C(f, contr.treatment("b"))'),
        ("I(x^2) + `a b` + .z + f.", "I(x^2) + `a b` + `.z` + `f.`"),
        ("s(x, k = 5L, bs = 'cr')", 's(x, k=5, bs="cr")'),
        ("scale(x)[, 1]", "scale(x)[, 1]"),
        ("0 + Intercept + .", "0 + Intercept + ."),
        ("x == 'it''s'", None),
        ('x == "it\'s"', 'x == "it\'s"'),
    ],
)
def test_formulas_are_written_with_the_names_here(text, meant):
    if meant is None:
        with pytest.raises(SpecError):
            parse_r(text)
    else:
        assert write(parse_r(text)) == meant


def test_what_is_no_formula_is_refused():
    with pytest.raises(SpecError, match="'form' is not a formula"):
        split_formula(parse_r("form"))
    assert [write(side) for side in split_formula(parse_r("~ x"))] == ["", "x"]


def test_a_smoothness_that_glmmtmb_estimates_is_to_be_stated():
    with pytest.raises(SpecError, match=r"mat\(x \+ y \+ 0 \| g, nu=1.5\)"):
        write(parse_r("z + mat(numFactor(x, y) + 0 | g)"))
