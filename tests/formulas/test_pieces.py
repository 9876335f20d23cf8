import time

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.formulas.evaluation import evaluate
from bayesmixed.formulas.expressions import parse_expression
from bayesmixed.formulas.pieces import learn_formula, read_power
from bayesmixed.formulas.written import read_formula
from bayesmixed.tables.factors import as_table

FRAME = pd.DataFrame(
    {
        "f": list("bcabcab"),
        "g": list("uvvuuvu"),
        "x": np.arange(7.0) + 1990,
        "a b": np.arange(7.0) ** 2,
        "t": [True, False, True, True, False, False, True],
    }
)
TABLE = as_table(FRAME, [], FRAME.columns)


@pytest.mark.parametrize(
    ("text", "power"),
    [
        ("I(x ** 2)", ("x", 2)),
        ("I((x)**3)", ("x", 3)),
        ("x ** 4", ("x", 4)),
        ("I(`a b` ** 2)", ("a b", 2)),
        ("x", None),
        ("I(x ** 1)", None),
        ("I(x ** 0.5)", None),
        ("I(x ** -2)", None),
        ("I(log(x) ** 2)", None),
        ("I(x * x)", None),
        ("I(2 ** x)", None),
        ("I(x ** True)", None),
        ("`a b`", None),
    ],
)
def test_whole_powers_of_columns_are_read_from_the_expression(text, power):
    assert read_power(parse_expression(text)) == power


@pytest.mark.parametrize(
    "coding",
    [
        "f",
        "C(f, contr.sum)",
        "C(f, contr.helmert)",
        "C(f, contr.poly)",
        "C(f, contr.treatment('b'))",
        "C(f, contr.diff)",
        "C(f, levels=['c', 'b', 'a'])",
    ],
)
def test_a_factor_has_indicators_of_all_its_levels_whatever_its_coding(coding):
    state = evaluate(f"1 + {coding}", TABLE).state
    (piece,) = state.pieces.values()
    indicators = state.piece_values(TABLE)[piece.text]
    assert sorted(piece.levels) == ["a", "b", "c"]
    for level, column in zip(piece.levels, indicators.T, strict=True):
        np.testing.assert_array_equal(column, FRAME["f"] == level)


def test_written_terms_hold_their_pieces_and_their_columns():
    state = evaluate("1 + f*x + poly(x, 2):t + I(x^2) + `a b`", TABLE).state
    found = {term.pieces: term.positions for term in state.terms}
    labels = state.labels
    assert [labels[k] for k in found[()]] == ["Intercept"]
    assert [labels[k] for k in found[("f", "x")]] == ["f[T.b]:x", "f[T.c]:x"]
    assert len(found[("poly(x, 2)", "t")]) == 4
    assert found[("a b",)]
    assert state.pieces["I(x ** 2)"].power == ("x", 2)
    assert state.pieces["t"].levels == ("False", "True")
    assert sorted(p for positions in found.values() for p in positions) == list(range(len(labels)))


def test_values_of_pieces_replay_what_was_learned():
    state = evaluate("1 + center(x)*f", TABLE).state
    rows = as_table(FRAME.iloc[:2], [], FRAME.columns, like=TABLE)
    found = state.piece_values(rows)
    np.testing.assert_allclose(found["center(x)"][:, 0], [-3.0, -2.0])
    np.testing.assert_array_equal(found["f"], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def identified(rows, levels):
    """Return rows with a factor of so many levels, as text `id` and as number `k`."""
    k = np.append(np.arange(levels), np.arange(rows - levels) % levels)
    generator = np.random.default_rng(1)
    columns = {"y": generator.normal(size=rows), "x": generator.normal(size=rows), "g": k % 7}
    return pd.DataFrame(columns | {"id": [f"p{i}" for i in k], "k": k})


@pytest.mark.parametrize(
    "formula", ["y ~ id", "y ~ x*id", "y ~ C(k)", "y ~ x + (id | g)", "y ~ s(x, by=id)", "y ~ 0 + C(id, contr.sum)"]
)
def test_an_identifier_is_no_factor_of_the_population_part(formula):
    started = time.process_time()
    with pytest.raises(bm.DataError, match=r"has 9,000 levels in 10,000 rows.* Write \(1 \| .*(id|k)"):
        bm.prepare(formula, identified(10_000, 9_000))
    assert time.process_time() - started < 5.0


@pytest.mark.parametrize(("rows", "levels"), [(12, 6), (20, 19), (60, 30), (1100, 550)])
def test_a_factor_of_some_or_many_levels_is_a_factor(rows, levels):
    learn_formula(read_formula("1 + id"), as_table(identified(rows, levels), (), ["id"]))
    if rows < 100:
        bm.prepare("y ~ id", identified(rows, levels))


def test_a_factor_with_hardly_more_rows_than_levels_is_noted():
    with pytest.warns(bm.StatisticsWarning, match=r"'id' has 70 levels in 100 rows.*\(1 \| id\) would share"):
        bm.prepare("y ~ x + id", identified(100, 70))


def test_columns_that_no_memory_holds_are_refused_before_they_are_made():
    table = as_table(identified(30_000, 10_000).assign(f=np.arange(30_000) % 5_000), ("f",), ["id", "f"])
    with pytest.raises(bm.DataError, match=r"has about 50,015,001 columns of 30,000 rows"):
        learn_formula(read_formula("1 + id*f"), table)
