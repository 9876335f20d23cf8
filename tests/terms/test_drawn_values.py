"""Values that differ between draws, against the predictor of a whole matrix in each draw."""

import numpy as np

from bayesmixed.terms.drawn_values import DrawnValues, TableValues

GENERATOR = np.random.default_rng(4)
BETA = GENERATOR.normal(size=(2, 3, 2))


def test_drawn_values_take_the_place_of_guesses():
    places, guess = np.array([-1, 1, 0, -1]), np.array([0.5, 1.0, 2.0, 3.0])
    z = np.array([1.0, 2.0, 3.0, 4.0])
    column = DrawnValues("imputed_x", places, guess, np.column_stack([np.ones(4), z]))
    values = GENERATOR.normal(size=(2, 3, 2))
    x = np.broadcast_to(guess, (2, 3, 4)).copy()
    x[..., 1], x[..., 2] = values[..., 1], values[..., 0]
    expected = BETA[..., :1] * (x - guess) + BETA[..., 1:] * (x - guess) * z
    np.testing.assert_allclose(column.added(values, BETA), expected)
    rows = np.array([2, 2, 0])
    np.testing.assert_allclose(column.take(rows).added(values, BETA), expected[..., rows])
    np.testing.assert_array_equal(column.row_columns[0], places)


def test_tables_have_their_own_columns_in_their_draws():
    changes = (np.zeros((2, 2)), GENERATOR.normal(size=(2, 2)), GENERATOR.normal(size=(2, 2)))
    column = TableValues(np.array([0, -1, 1]), changes)
    table = np.array([[0, 1, 2], [2, 2, 1]])
    expected = np.zeros((2, 3, 3))
    for place in np.ndindex(2, 3):
        expected[place][[0, 2]] = changes[table[place]] @ BETA[place]
    np.testing.assert_allclose(column.added(np.eye(3)[table], BETA), expected)
    np.testing.assert_allclose(column.take(np.array([2, 1])).added(np.eye(3)[table], BETA), expected[..., [2, 1]])
    shares = np.full((2, 3, 3), 1.0 / 3.0)
    means = np.einsum("kp,...p->...k", np.mean(changes, axis=0), BETA)
    np.testing.assert_allclose(column.added(shares, BETA)[..., [0, 2]], means)
