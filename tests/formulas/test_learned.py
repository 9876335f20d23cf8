"""Functions that learn from the data, and are replayed on new rows."""

import numpy as np
import pandas as pd
import pytest
from formula_tables import FRAME, TABLE, x

import bayesmixed as bm
from bayesmixed.formulas.evaluation import evaluate
from bayesmixed.tables.factors import as_table


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


def test_centring_is_learned_and_a_mean_of_new_rows_is_none():
    design = bm.prepare("y ~ center(x)", FRAME)
    new = bm.prepare(design.spec, {"x": [14.0]}, like=design)
    assert new.mu.population.matrix[0, 1] == pytest.approx(14 - x.mean())
