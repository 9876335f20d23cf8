"""Values of expressions are those of R, and functions of the user may stand in them."""

import numpy as np
import pytest
from formula_tables import FRAME, TABLE, k, x, z

import bayesmixed as bm
from bayesmixed.errors import BayesMixedError, SpecError
from bayesmixed.formulas.evaluation import evaluate, evaluate_expression


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
