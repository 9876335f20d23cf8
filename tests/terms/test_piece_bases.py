"""Pieces of formulas on the basis of default priors: contrasts, numbers from their mean, orthogonal directions."""

import numpy as np
import pandas as pd
import pytest

from bayesmixed.formulas.evaluation import evaluate
from bayesmixed.tables.factors import as_table
from bayesmixed.terms.piece_bases import column_step, has_two_values, learn_piece

FRAME = pd.DataFrame(
    {
        "x": [1.0, 2.0, 4.0, 9.0, 3.0, 7.0],
        "two": [3.0, 5.0, 3.0, 3.0, 5.0, 5.0],
        "f": ["b10", "b2", "a", "a", "b2", "b10"],
    }
)
TABLE = as_table(FRAME, [], FRAME.columns)


def learned(formula, text):
    state = evaluate(formula, TABLE).state
    values = state.piece_values(TABLE)
    return learn_piece(state.pieces[text], values), values


def test_contrasts_of_a_factor_are_orthonormal_sum_to_zero_and_make_differences_alike():
    piece, _ = learned("f", "f")
    assert piece.levels
    assert piece.constant
    np.testing.assert_allclose(piece.map.T @ piece.map, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(piece.map.sum(axis=0), 0.0, atol=1e-12)
    spread = piece.map @ piece.map.T
    np.testing.assert_allclose(
        [spread[i, i] - 2 * spread[i, k] + spread[k, k] for i, k in ((0, 1), (0, 2), (1, 2))], 2.0
    )


def test_a_number_is_taken_from_its_mean_and_one_of_two_values_from_their_middle():
    for text, centre, step in (("x", FRAME["x"].mean(), 2 * FRAME["x"].std()), ("two", 4.0, 2.0 / np.sqrt(2.0))):
        piece, values = learned(text, text)
        np.testing.assert_allclose(piece.columns(values, centred=True)[:, 0], FRAME[text] - centre)
        np.testing.assert_allclose(piece.columns(values, centred=False)[:, 0], FRAME[text])
        assert piece.steps == pytest.approx([step])
        assert piece.span == (FRAME[text].min(), FRAME[text].max())


def test_a_power_is_that_of_the_number_from_its_mean():
    piece, values = learned("x + I(x^2)", "I(x ** 2)")
    expected = (FRAME["x"] - FRAME["x"].mean()) ** 2
    np.testing.assert_allclose(piece.columns(values, centred=True)[:, 0], expected)
    assert piece.steps == pytest.approx([2 * expected.std()])
    assert piece.steps_as_written == pytest.approx([2 * (FRAME["x"] ** 2).std()])


def test_several_numbers_become_uncorrelated_directions_of_sd_one_half():
    piece, values = learned("poly(x, 3, raw=True)", "poly(x, 3, raw=True)")
    columns = piece.columns(values, centred=True)
    np.testing.assert_allclose(columns.T @ columns, np.eye(3) * (len(FRAME) - 1) / 4, atol=1e-8)
    assert not piece.constant
    assert learned("0 + bs(x, df=4, include_intercept=True)", "bs(x, df=4, include_intercept=True)")[0].constant


def test_a_step_is_two_sds_or_the_distance_of_two_values():
    assert column_step(np.array([1.0, 4.0, 4.0])) == 3.0
    assert column_step(np.array([2.0, 2.0])) == 1.0
    assert column_step(np.array([1.0, 2.0, 6.0])) == pytest.approx(2 * np.std([1, 2, 6], ddof=1))
    assert not has_two_values(np.array([1.0, 2.0, 3.0]))
