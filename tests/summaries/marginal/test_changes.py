"""Changes of columns: which values are compared, and how that is written."""

import numpy as np
import pytest
from empty_cell_tables import prepared
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.summaries.marginal.changes import changes_of, read_variables

X = np.array([0.0, 1.0, 2.0, 3.0, 14.0, 16.0])
DATA = {"y": np.arange(6.0), "x": X, "b": [0, 1] * 3, "f": list("pqrpqr"), "t": X + 1.0, "g": [1, 1, 2, 2, 3, 3]}


@pytest.fixture(scope="module")
def fit():
    design = prepared("y ~ x + b + f + offset(log(t)) + (1 | g)", DATA)
    return fit_at(design, {"beta": np.zeros(5), "sd_g": 1.0, "sigma": 1.0})


@pytest.mark.parametrize(
    ("name", "how", "label", "low", "high"),
    [
        ("x", None, "+1", X, X + 1),
        ("x", -2.5, "-2.5", X, X - 2.5),
        ("x", "sd", "9.536 - 2.464 (sd)", 6 - X.std(ddof=1) / 2, 6 + X.std(ddof=1) / 2),
        ("x", "2sd", "13.07 - (-1.071) (2sd)", 6 - X.std(ddof=1), 6 + X.std(ddof=1)),
        ("x", "iqr", "11.25 - 1.25 (iqr)", 1.25, 11.25),
        ("x", "range", "16 - 0 (range)", 0.0, 16.0),
        ("x", [1, 2], "2 - 1", 1.0, 2.0),
        ("b", None, "1 - 0", 0.0, 1.0),
        ("f", None, "q - p", "p", "q"),
        ("f", ["r", "q"], "q - r", "r", "q"),
    ],
)
def test_a_column_takes_the_values_that_the_label_says(fit, name, how, label, low, high):
    found = changes_of(fit, name, how, "-")
    text, first, second = found.pairs[0]
    assert text == label
    for place, expected in ((first, low), (second, high)):
        value = found.of(place, fit.design.table.data)
        assert value == expected if isinstance(expected, str) else np.allclose(value, expected)


def test_pairs_of_levels_are_those_of_contrasts(fit):
    for how in ("reference", "consecutive", "pairwise"):
        pairs = [label for label, *_ in changes_of(fit, "f", how, "/").pairs]
        assert pairs == bm.contrasts(fit, "f", method=how, ratio=False).table["contrast"].str.replace("-", "/").tolist()


def test_without_a_name_all_columns_that_formulas_read_are_changed_but_no_offset_and_no_group(fit):
    assert list(read_variables(fit, None)) == ["f", "x", "b"]
    assert list(read_variables(fit, None, numbers=True)) == ["x", "b"]
    with pytest.raises(bm.SpecError, match="no number that has a slope"):
        read_variables(bm.load_fit("herd_period"), None, numbers=True)


def test_equal_quartiles_are_no_change(fit):
    design = prepared("y ~ x", {"y": np.arange(8.0), "x": [0, 1, 1, 1, 1, 1, 1, 2]})
    with pytest.raises(bm.SpecError, match="quartiles of 'x' are equal"):
        changes_of(fit_at(design, {"beta": [0.0, 1.0], "sigma": 1.0}), "x", "iqr", "-")
