"""Random formulas, right and damaged, end in a design or in one of our errors."""

import time

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.errors import BayesMixedError
from bayesmixed.formulas.evaluation import evaluate
from bayesmixed.tables.factors import as_table

SEED, COUNT = 20261127, 1_500
ROWS = pd.DataFrame(
    {
        "y": np.sin(np.arange(30.0)),
        "x": np.arange(30.0) / 7 + 0.1,
        "k": np.arange(30) % 5,
        "f": [("a", "o'neil", "b]", "(0, 9]")[i % 4] for i in range(30)],
        "g": [("u", "v", "w")[i % 3] for i in range(30)],
        "a b": np.cos(np.arange(30.0)),
        "t": np.arange(30) % 2 == 0,
    }
)
NUMBERS = ["x", "k", "`a b`", "t", "1", "2.5", "-3", "1e300", "0"]
FUNCTIONS = [
    "log",
    "sqrt",
    "exp",
    "abs",
    "round",
    "floor",
    "logit",
    "I",
    "tanh",
    "center",
    "scale",
    "np.log",
    "mean",
    "where",
]
SIGNS = ["+", "-", "*", "/", "^", "**", "==", "<", ">=", "&", "|", "!="]
CALLS = [
    *(
        "poly(x, {n})",
        "bs(x, df={n})",
        "cr(x, df={n})",
        "cc(x, df={n})",
        "ns(x, df={n})",
        "cut(x, {n})",
        "C(k)",
        "C(f)",
    ),
    *("C(f, contr.sum)", "C(f, Treatment('b]'))", "C(k, contr.poly)", "within(x, g)", "between(k, g)", "level(x, g)"),
    *("C(I(k + {n}))", "ifelse(f == 'a', x, k)", "C(f, levels=['a', {n}])", "clip(x, {n})", "s(x, k={n})", "offset(x)"),
]
DAMAGE = [*"()[]{}'\"`~:;.,^*/+-|&!=<>@#%$\\ \n\0x1é", "**", "np.", "contr.", "__class__", "C(", "lambda", "None"]


def expression(rng, depth=0):
    """Return the text of a random expression, most often one that means something."""
    choice = rng.integers(6)
    if depth > 3 or choice == 0:
        return str(rng.choice(NUMBERS))
    inner = expression(rng, depth + 1)
    if choice < 3:
        return f"{inner} {rng.choice(SIGNS)} {expression(rng, depth + 1)}"
    if choice == 3:
        return f"({inner})"
    return f"{rng.choice(FUNCTIONS)}({inner})"


def piece(rng):
    """Return the text of a random column or call."""
    choice = rng.integers(4)
    if choice == 0:
        return str(rng.choice(["x", "k", "f", "g", "`a b`", "t"]))
    if choice == 1:
        return str(rng.choice(CALLS)).replace("{n}", str(rng.choice([0, 1, 2, 3, 5, 99])))
    return f"I({expression(rng)})"


def formula(rng):
    """Return the text of a random right-hand side, every other one damaged."""
    text = piece(rng)
    for _ in range(rng.integers(3)):
        text += f" {rng.choice(['+', ':', '*', '-', '/'])} {piece(rng)}"
    if rng.integers(5) == 0:
        text += f" + ({piece(rng)} | g)"
    if rng.integers(2):
        for _ in range(rng.integers(1, 4)):
            place = int(rng.integers(len(text) + 1))
            text = text[:place] + str(rng.choice(DAMAGE)) + text[place + int(rng.integers(2)) :]
    return text


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_random_formulas_end_in_columns_or_in_our_errors():
    rng = np.random.default_rng(SEED)
    table = as_table(ROWS, [], ROWS.columns)
    started, done, longest = time.process_time(), 0, 0
    for number in range(COUNT):
        text = formula(rng)
        try:
            if number % 10:
                made = evaluate(text, table)
                assert np.all(np.isfinite(made.matrix)), text
                again = evaluate(text, as_table(ROWS.iloc[:7], [], ROWS.columns, like=table), made.state)
                if "between" not in text and "within" not in text:
                    np.testing.assert_allclose(again.matrix, made.matrix[:7], rtol=1e-9, err_msg=text)
            else:
                bm.prepare(f"y ~ {text}", ROWS)
            done += 1
        except BayesMixedError as error:
            longest = max(longest, len(str(error)))
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} from {text!r}") from error
    assert done > COUNT / 10
    assert longest < 1_500
    assert time.process_time() - started < 120
