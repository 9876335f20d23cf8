"""Columns of formulas, and their labels."""

import pytest
from formula_tables import FRAME, TABLE, x, z

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError
from bayesmixed.formulas.evaluation import evaluate


@pytest.mark.parametrize(
    ("formula", "labels"),
    [
        ("1 + x + `a:b` + `a/b`", ["Intercept", "x", "a:b", "a/b"]),
        ("1 + `Intercept`", ["Intercept", "`Intercept`"]),
        ("1 + I(x^2) + poly(z,degree=2)", ["Intercept", "I(x ** 2)", "poly(z, degree=2)[1]", "poly(z, degree=2)[2]"]),
        ("1 + I((x>1)&(z<1))", ["Intercept", "I((x > 1) & (z < 1))"]),
        ("1 + I(x > 1 & z < 1)", ["Intercept", "I((x > 1) & (z < 1))"]),
        ("1 + f", ["Intercept", "f[T.T.b]", "f[T.b]]", "f[T.o'neil]"]),
        ("0 + f:x", ["f[(0, 9]]:x", "f[T.b]:x", "f[b]]:x", "f[o'neil]:x"]),
        ("1 + C(f, contr.sum)", ["Intercept", *(f"C(f, contr.sum)[S.{v}]" for v in ("(0, 9]", "T.b", "b]"))]),
        (
            "1 + C(f, Treatment('b]'))",
            ["Intercept", *(f"C(f, Treatment('b]'))[T.{v}]" for v in ("(0, 9]", "T.b", "o'neil"))],
        ),
        ("1 + log(`a/b`)", ["Intercept", "log(`a/b`)"]),
        (
            "1 + C(k, contr.poly)",
            ["Intercept", *(f"C(k, contr.poly)[{v}]" for v in (".L", ".Q", ".C", "^4", "^5", "^6"))],
        ),
        ("1 + cut(x, [0, 1, 2.5])", ["Intercept", "cut(x, [0, 1, 2.5])[T.(1, 2.5]]"]),
    ],
)
def test_labels_are_those_of_the_contract_and_levels_are_never_parsed(formula, labels):
    assert list(evaluate(formula, TABLE).labels) == labels


def test_two_columns_of_one_name_are_refused():
    frame = FRAME.assign(a=x, b=z)
    with pytest.raises(SpecError, match="two columns of the name 'a:b'"):
        bm.prepare("y ~ a:b + `a:b`", frame)


def test_a_level_that_the_fit_did_not_see_is_refused_in_factors_that_expressions_make():
    design = bm.prepare("y ~ C(round(x), contr.sum)", FRAME)
    with pytest.raises(DataError, match="not fitted to"):
        bm.prepare(design.spec, {"x": [9.0]}, like=design)
