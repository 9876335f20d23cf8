"""What is not part of the formula language is refused with what to write instead."""

import pytest
from formula_tables import FRAME

import bayesmixed as bm
from bayesmixed.errors import BayesMixedError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I(x - np.mean(x))", r"center\(x\)"),
        ("I(cumsum(x))", "computed from all rows"),
        ("np.max(x)", "computed from all rows"),
        ("I(x / max(x))", "computed from all rows"),
        ("rank(x)", "computed from all rows"),
        ("I(diff(x))", "computed from all rows"),
        ("np.quantile(x, 0.5)", r"cut\(x, breaks"),
        ("lag(x)", "computed from all rows"),
        ("I(x / np.std(x))", r"scale\(x\)"),
        ("x %in% z", "write the interaction x:z"),
        ("I(x:z)", "goes outside function calls"),
        ("x > 1", r"inside I\(\)"),
        ("x + ()", "the brackets .* are empty"),
        ("(x + z) * ()", "the brackets .* are empty"),
        ("(x*) + z", r"nothing follows the '\*'"),
        ("x:(z + x:)", "nothing follows the ':'"),
        ("x:(*z)", r"nothing precedes the '\*'"),
        ("(1 + x + z)^2", r"1 \+ \(x \+ z\)\^2"),
        ("log(k, 2)", r"log2\(x\)"),
        ("log(k, base=3)", r"I\(log\(x\) / log\(3\)\)"),
        ("bs(x, knots=c(1, 2))", r"is written \[1, 2\] here"),
        ("C(f, levels=c('b]', 'T.b'))", r"is written \['b\]', 'T.b'\] here"),
        ("c(x, z)", "a list|option of a function"),
        ("bs(x, df=3, knots=[1])", "df or knots"),
        ("bs(x, df=2)", "must not be below 3"),
        ("cc(x, knots=[9, 9, 9])", "its options do not suit"),
        ("x^2", r"I\(x\^2\)"),
        ("2", "only 0 and 1"),
        ("x z", "next to each other"),
        ("I(f + 1)", "holds text"),
        ("log(f)", "holds text"),
        ("I(x == 'a')", "holds numbers but is compared with text"),
        ("I(x & z)", "is not a condition"),
        ("I(f > 'a')", "== and !="),
        ("C(k / 0)", "not finite"),
        ("scale(poly(x, 2))", "several columns"),
        ("poly(k, 7)", "different values"),
        ("cr(x)", "either df"),
        ("cut(x, [0.5, 1])", "in no interval"),
        ("C(f, contr.sum(1))", "takes no option"),
        ("C(f, Treatment('c'))", "no such level"),
        ("C(f, x)", "not a coding"),
        ("log(x, out=z)", "option 'out'"),
        ("dose(x)", "functions="),
        ("Q('x')", "backticks"),
        ("I(x % 2)", r"floor\(x/24\)"),
    ],
)
def test_what_formulas_do_not_hold_is_refused_with_what_to_write(text, words):
    with pytest.raises(BayesMixedError, match=words):
        bm.prepare(f"y ~ {text}", FRAME)
