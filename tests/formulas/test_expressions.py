import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.errors import BayesMixedError, DataError, SpecError
from bayesmixed.formulas.evaluation import evaluate, evaluate_expression
from bayesmixed.formulas.expressions import parse_expression
from bayesmixed.tables.factors import as_table

K = np.arange(1, 25)
FRAME = pd.DataFrame(
    {
        "y": np.sin(K),
        "k": K % 7,
        "small": (K % 7).astype(np.int8),
        "x": K / 10.0,
        "z": np.cos(K) + 2.0,
        "f": [("o'neil", "b]", "T.b", "(0, 9]")[i % 4] for i in K],
        "t": K % 2 == 0,
        "lambda": K * 0.5,
        "a/b": K * 1.5,
        "a:b": np.cos(K),
        "1": K * 2.0,
        'a"b': K * 3.0,
        "x~y": K * 5.0,
        "Intercept": K**0.5,
        "big": 2**53 + K,
    }
)
TABLE = as_table(FRAME, [], [name for name in FRAME.columns if name != "big"])
k, x, z = FRAME["k"].to_numpy(dtype=float), FRAME["x"].to_numpy(), FRAME["z"].to_numpy()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I((k-3)^2)", (k - 3) ** 2),
        ("I((small-3)^2)", (k - 3) ** 2),
        ("I(2*k^2)", 2 * k**2),
        ("I(-k^2)", -(k**2)),
        ("I(x + k^2)", x + k**2),
        ("I(2^-k)", 2.0**-k),
        ("I(2^k^2 / 1e9)", 2.0 ** (k**2) / 1e9),
        ("I(0 < x < 1)", (x > 0) & (x < 1)),
        ("I(x > 0 & z < 1)", (x > 0) & (z < 1)),
        ("I(x > 1 | z < 1 & k == 2)", (x > 1) | ((z < 1) & (k == 2))),
        ("I(!x > 1)", ~(x > 1)),
        ("I(!(x > 1) & z < 2)", ~(x > 1) & (z < 2)),
        ("I((x > 1) + (z < 2))", (x > 1) * 1.0 + (z < 2)),
        ('I(f == "o\'neil")', FRAME["f"] == "o'neil"),
        ("I(f != 'b]')", FRAME["f"] != "b]"),
        ("I(!t)", ~FRAME["t"]),
        ("I(t * x)", FRAME["t"] * x),
        ("I(x^(1/2))", np.sqrt(x)),
        ("I((k + 1)^-1)", 1 / (k + 1)),
        ("I((small + 1)^(1/2))", np.sqrt(k + 1)),
        ("log2(x)", np.log2(x)),
        ("np.log(x)", np.log(x)),
        ("logit(x / 10)", np.log(x / 10) - np.log1p(-x / 10)),
        ("where(x > 1, k, -z)", np.where(x > 1, k, -z)),
        ("ifelse(t, 1, 0)", FRAME["t"] * 1.0),
        ("clip(k, 1, 3)", np.clip(k, 1, 3)),
        ("clip(k, upper=3)", np.minimum(k, 3)),
        ("minimum(x, z)", np.minimum(x, z)),
        ("round(x, 0)", np.round(x)),
        ("floor(x) + ceil(z)", None),
        ("I(floor(x) + ceil(z) + abs(-k) + tanh(x))", np.floor(x) + np.ceil(z) + k + np.tanh(x)),
        ("log(`lambda`)", np.log(FRAME["lambda"])),
        ("log(lambda)", np.log(FRAME["lambda"])),
        ('I(`a/b` * `1` - `a"b`)', FRAME["a/b"] * FRAME["1"] - FRAME['a"b']),
        ("`x~y`", FRAME["x~y"]),
        ("`1`", FRAME["1"]),
    ],
)
def test_expressions_mean_what_they_mean_in_r(text, expected):
    if expected is None:
        expected = np.floor(x) + np.ceil(z)
        np.testing.assert_allclose(evaluate_expression(text, TABLE), expected)
        return
    np.testing.assert_allclose(
        evaluate_expression(text, TABLE).to_numpy(dtype=float), np.asarray(expected, dtype=float)
    )
    np.testing.assert_allclose(evaluate(f"0 + {text}", TABLE).matrix[:, -1], np.asarray(expected, dtype=float))


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
        ("I(x:z)", "stands outside of function calls"),
        ("x > 1", r"inside of I\(\)"),
        ("x + ()", "nothing stands between the brackets"),
        ("(x + z) * ()", "nothing stands between the brackets"),
        ("(x*) + z", r"nothing stands behind the '\*'"),
        ("x:(z + x:)", "nothing stands behind the ':'"),
        ("x:(*z)", r"nothing stands in front of the '\*'"),
        ("(1 + x + z)^2", r"1 \+ \(x \+ z\)\^2"),
        ("log(k, 2)", r"log2\(x\)"),
        ("log(k, base=3)", r"I\(log\(x\) / log\(3\)\)"),
        ("bs(x, knots=c(1, 2))", r"is written \[1, 2\] here"),
        ("C(f, levels=c('b]', 'T.b'))", r"is written \['b\]', 'T.b'\] here"),
        ("c(x, z)", "a list|option of a function"),
        ("as.factor(k)", r"written C\(x\)"),
        ("bs(x, df=3, knots=[1])", "df or knots"),
        ("bs(x, df=2)", "must not be below 3"),
        ("cc(x, knots=[9, 9, 9])", "its options do not suit"),
        ("x^2", r"I\(x\^2\)"),
        ("2", "only 0 and 1"),
        ("x z", "side by side"),
        ("I(f + 1)", "holds text"),
        ("log(f)", "holds text"),
        ("I(x == 'a')", "holds numbers and is compared with text"),
        ("I(x & z)", "is no condition"),
        ("I(f > 'a')", "== and !="),
        ("C(k / 0)", "not finite"),
        ("scale(poly(x, 2))", "several columns"),
        ("poly(k, 7)", "different values"),
        ("cr(x)", "either df"),
        ("cut(x, [0.5, 1])", "in no interval"),
        ("C(f, contr.sum(1))", "takes no option"),
        ("C(f, Treatment('c'))", "no such level"),
        ("C(f, x)", "no coding"),
        ("log(x, out=z)", "option 'out'"),
        ("dose(x)", "functions="),
        ("Q('x')", "backticks"),
        ("I(x % 2)", r"floor\(x/24\)"),
    ],
)
def test_what_formulas_do_not_hold_is_refused_with_what_to_write(text, words):
    with pytest.raises(BayesMixedError, match=words):
        bm.prepare(f"y ~ {text}", FRAME)


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


@pytest.mark.parametrize("basis", ["cr(x, df=4)", "cc(x, df=4)", "ns(x, df=4)", "bs(x, df=5)", "poly(x, 3)"])
def test_every_basis_is_identified_beside_an_intercept_and_replayed_row_by_row(basis):
    found = evaluate(f"1 + {basis}", TABLE)
    assert np.linalg.matrix_rank(found.matrix) == found.matrix.shape[1]
    for rows in ([3], [5, 2, 20]):
        again = evaluate(f"1 + {basis}", as_table(FRAME.iloc[rows], [], FRAME.columns[:5], like=TABLE), found.state)
        np.testing.assert_allclose(again.matrix, found.matrix[rows])


@pytest.mark.parametrize("basis", ["cr(x, df=4)", "cc(x, df=3)"])
def test_columns_of_constrained_splines_have_mean_0(basis):
    np.testing.assert_allclose(evaluate(f"1 + {basis}", TABLE).matrix[:, 1:].mean(axis=0), 0.0, atol=1e-12)


def test_natural_splines_are_those_of_r_and_straight_beyond_the_outer_knots():
    # R 4.x: splines::ns(c(1, 2, 3.5, 5, 7, 8, 10), df = 3), rows 2, 4 and 7.
    table = as_table(pd.DataFrame({"x": [1, 2, 3.5, 5, 7, 8, 10]}), [], ["x"])
    found = evaluate("1 + ns(x, df=3)", table)
    expected = [
        [-0.074768267, 0.260222968, -0.178047294],
        [0.240817860, 0.501282040, -0.327366486],
        [-0.137809187, 0.436395760, 0.701413428],
    ]
    np.testing.assert_allclose(found.matrix[[1, 3, 6], 1:], expected, atol=1e-6)
    beyond = as_table(pd.DataFrame({"x": [10.0, 11, 12, 13, 1, 0, -1]}), [], ["x"], like=table)
    values = evaluate("1 + ns(x, df=3)", beyond, found.state).matrix[:, 1:]
    np.testing.assert_allclose(np.diff(values[:4], n=2, axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.diff(values[4:], n=2, axis=0), 0.0, atol=1e-12)


def test_two_columns_of_one_name_are_refused():
    frame = FRAME.assign(a=x, b=z)
    with pytest.raises(SpecError, match="two columns of the name 'a:b'"):
        bm.prepare("y ~ a:b + `a:b`", frame)


def test_a_level_that_the_fit_did_not_see_is_refused_in_factors_that_expressions_make():
    design = bm.prepare("y ~ C(round(x), contr.sum)", FRAME)
    with pytest.raises(DataError, match="not fitted to"):
        bm.prepare(design.spec, {"x": [9.0]}, like=design)


def test_centring_is_learned_and_a_mean_of_new_rows_is_none():
    design = bm.prepare("y ~ center(x)", FRAME)
    new = bm.prepare(design.spec, {"x": [14.0]}, like=design)
    assert new.mu.population.matrix[0, 1] == pytest.approx(14 - x.mean())


def test_a_function_of_the_users_own_is_called_and_kept_by_name():
    def dose(amount, weight, unit=1.0):
        return unit * amount / weight

    spec = bm.from_formula("y ~ dose(x, z, unit=2)", functions={"dose": dose})
    design = bm.prepare(spec, FRAME)
    np.testing.assert_allclose(design.mu.population.matrix[:, 1], 2 * x / z)
    new = bm.prepare(spec, {"x": [3.0], "z": [2.0]}, like=design)
    assert new.mu.population.matrix[0, 1] == 3.0


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda v: v - np.mean(v), "other rows are absent"),
        (lambda v: v[:3], "one number for each row"),
        (lambda v: "text", "one number for each row"),
        (lambda v: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_function_of_the_users_own_must_work_row_by_row(function, words):
    with pytest.raises(SpecError, match=words):
        bm.prepare(bm.from_formula("y ~ own(x)", functions={"own": function}), FRAME)


def test_a_fit_with_a_function_of_the_users_own_asks_for_it_when_it_is_read(tmp_path):
    from fixed_draws import fit_at

    spec = bm.from_formula("y ~ dose(x)", functions={"dose": np.sqrt})
    path = bm.save_fit(fit_at(bm.prepare(spec, FRAME), {"sigma": 1.0, "beta": 0.5}), tmp_path / "fit.nc")
    with pytest.raises(BayesMixedError, match=r"functions=\{\"dose\": f\}"):
        bm.load_fit(path)
    loaded = bm.load_fit(path, functions={"dose": np.sqrt})
    np.testing.assert_allclose(loaded.design.mu.population.matrix[:, 1], np.sqrt(x))


@pytest.mark.parametrize("name", ["1", "a/b", "a:b", 'a"b', "x~y"])
def test_a_name_in_backticks_is_that_column_as_response_too(name):
    design = bm.prepare(f"`{name}` ~ z", FRAME)
    np.testing.assert_allclose(design.response, FRAME[name])
    again = bm.prepare(bm.from_formula(**design.spec.as_formula()), FRAME)
    np.testing.assert_allclose(again.response, FRAME[name])


@pytest.mark.parametrize(
    "text", ["I(x ** 2)", "I((x > 1) & (z < 1) | !t)", "cut(x, [0, 1], labels=['a'])", "log(`a b`)"]
)
def test_what_labels_show_is_read_back_to_the_same(text):
    assert parse_expression(parse_expression(text).text).text == parse_expression(text).text
