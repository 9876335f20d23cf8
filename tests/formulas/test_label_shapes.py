"""Labels of columns that a changed formula may not give are those that formulas give on no data."""

import numpy as np
import pandas as pd
import pytest

from bayesmixed.formulas.evaluation import evaluate
from bayesmixed.formulas.label_shapes import lost_labels
from bayesmixed.tables.factors import as_table

FRAME = pd.DataFrame({"x": np.arange(6.0), "z": np.cos(np.arange(6.0)), "f": list("abcabc"), "h": list("uvuvvu")})
TABLE = as_table(FRAME, [], FRAME.columns)
PAIRS = [
    ("1 + x + f", "1 + x"),
    ("1 + x + f", "0 + x + f"),
    ("1 + f*h", "1 + f + h"),
    ("0 + f + h", "0 + h + f"),
    ("1 + x:f", "1 + f/x"),
    ("1 + poly(x, 2) + z", "1 + poly(x, 3)"),
    ("1 + C(f, contr.sum)", "1 + f"),
]


@pytest.mark.parametrize(("before", "after"), [*PAIRS, *[(b, a) for a, b in PAIRS]])
def test_with_all_factors_known_the_lost_labels_are_those_of_the_data(before, after):
    old, new = (set(evaluate(formula, TABLE).labels) for formula in (before, after))
    found = lost_labels(old, [before], [after], ["f", "h"])
    # A basis has more or fewer columns by its options, which labels do not tell.
    assert {label for label in found if not label.startswith("poly")} == {
        label for label in old - new if not label.startswith("poly")
    }


def test_a_label_that_would_stay_under_one_view_of_a_column_only_is_lost():
    assert lost_labels(["x"], ["1 + x"], ["0 + x"], []) == set()
    assert lost_labels(["x[b]"], ["0 + x"], ["1 + x"], []) == {"x[b]"}
    assert lost_labels(["Intercept"], ["1 + x"], ["0 + x"], []) == {"Intercept"}


def test_texts_that_are_no_labels_of_a_formula_are_not_lost():
    assert lost_labels(["w", "f[T.b]:x"], ["1 + x + f"], ["1"], ["f"]) == set()
