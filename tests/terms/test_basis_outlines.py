"""What is said of default priors without data is what data make of them."""

import re

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.equations import write_equations
from bayesmixed.terms.basis_outlines import outline_population

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
ROWS = np.arange(120)
DATA = pd.DataFrame(
    {
        "y": np.sin(ROWS),
        "f": np.array(list("abc"))[ROWS % 3],
        "h": np.array(["T.u", "v"])[ROWS // 3 % 2],
        "x": 2000 + np.cos(ROWS),
        "z": np.sqrt(1 + ROWS),
        "g": ROWS // 10,
    }
)
STATED = [
    ("0 + f + x", ["f[a]_centred", "f[b]_centred"]),
    ("0 + f + x", ["f[a]", "f[c]"]),
    ("0 + h + x", ["h[T.u]_centred"]),
    ("0 + h + x", ["h[T.u]"]),
    ("f*x", ["f[T.b]:x"]),
    ("f*x", ["x"]),
    ("x*f", ["f[T.c]"]),
    ("f*h", ["f[T.b]"]),
    ("f*h + x", ["f[T.b]:h[T.v]", "x"]),
    ("f + x", ["x"]),
    ("f + x", ["Intercept"]),
    ("f/x", ["f[b]:x"]),
    ("0 + f + f:x", ["f[a]_centred"]),
    ("x*z", ["x"]),
    ("x*z", ["x:z"]),
    ("x*z", ["x_centred"]),
    ("x + I(x**2) + I(x**3)", ["I(x ** 2)"]),
    ("x + I(x**2)", ["x"]),
    ("x + I(x**3)", ["x"]),
    ("f:x", ["f[a]:x"]),
    ("poly(x, 2) + f", ["poly(x, 2)[1]"]),
    ("bs(x, df=4)*h", ["h[T.v]"]),
    ("C(f, contr.sum)*x", ["C(f, contr.sum)[S.a]"]),
    ("f + x", ["f #1"]),
]


@pytest.mark.parametrize(("formula", "labels"), STATED)
def test_a_default_is_said_to_be_conditional_without_data_where_it_is_with_data(formula, labels):
    keys = [f"beta[{label}]" for label in labels]
    plain = bm.prepare(f"y ~ {formula}", DATA).mu.keys
    stated = bm.prepare(bm.from_formula(f"y ~ {formula}", priors=dict.fromkeys(keys, "Normal(0, 1)")), DATA).mu.keys
    terms = outline_population(formula, ["f", "h"], "beta", keys)
    for term in terms:
        own = [k for k in plain if re.fullmatch(rf"beta\[{re.escape(term.label)}(_centred)?( #\d+)?\]", k)]
        assert own
        given = any(key not in stated or key in keys for key in own)
        assert bool(term.given) == (given and not (term.key in labels or term.label in labels == ["Intercept"])), term


@pytest.mark.parametrize("declared", [["f"], []])
def test_equations_without_data_print_no_default_beside_stated_means_of_levels_as_if_it_held(declared):
    priors = {f"beta[f[{level}]_centred]": "Normal(0, 1)" for level in "abc"}
    text = write_equations(bm.from_formula("y ~ 0 + f + x", priors=priors, factors=declared))
    text = re.sub(r"\n {10,}", " ", text)  # notes that do not fit beside their prior are below
    lines = [line for line in text.splitlines() if re.match(r" +(beta\[f #k\]|beta\[Intercept_centred\]|β)", line)]
    assert len(lines) == 3
    assert [", given beta[f[a]_centred], " in line for line in lines] == [False, True, True]
    table = bm.prior_table(bm.from_formula("y ~ 0 + f + x", priors=priors, factors=declared))
    assert "".join(str(table).split()).count("givenbeta[f[a]_centred]") == 2  # lines may break within


@pytest.mark.parametrize("covariance", ["|", "||"])
@pytest.mark.parametrize("formula", ["f", "0 + f", "f*x", "poly(x, 2)", "x", "x + z"])
def test_sds_of_columns_only_data_tell_have_no_step_in_their_rule(formula, covariance):
    text = write_equations(bm.from_formula(f"y ~ x + ({formula} {covariance} g)", factors=["f"]))
    several = "f" in formula or "poly" in formula
    assert ("c_k·s" in text) == (several and covariance == "||")
    assert ("K columns" in text) == (several and covariance == "|")
