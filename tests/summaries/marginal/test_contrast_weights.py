"""Weights of contrasts, against those of R's contr.poly and emmeans."""

import numpy as np
import pytest

from bayesmixed.summaries.marginal.contrast_weights import contrast_weights, polynomial_weights

LEVELS = [["a", "b", "c"]]


@pytest.mark.parametrize(
    ("method", "labels", "weights"),
    [
        ("pairwise", ["b - a", "c - a", "c - b"], [[-1, 1, 0], [-1, 0, 1], [0, -1, 1]]),
        ("reference", ["b - a", "c - a"], [[-1, 1, 0], [-1, 0, 1]]),
        # emmeans: contrast(em, "consec") and contrast(em, "eff").
        ("consecutive", ["b - a", "c - b"], [[-1, 1, 0], [0, -1, 1]]),
        (
            "deviation",
            ["a - mean of all", "b - mean of all", "c - mean of all"],
            np.eye(3) - 1 / 3,
        ),
    ],
)
def test_each_method_compares_what_it_says(method, labels, weights):
    found = contrast_weights(method, LEVELS, None, "-")
    assert list(found) == labels
    np.testing.assert_allclose(list(found.values()), weights)


def test_cells_of_two_columns_follow_each_other():
    found = contrast_weights("consecutive", [["a", "b"], [1.0, 2.0]], None, "/")
    assert list(found) == ["(a, 2) / (a, 1)", "(b, 1) / (a, 2)", "(b, 2) / (b, 1)"]


def test_polynomial_weights_are_those_of_contr_poly():
    # R: round(t(contr.poly(4)), 7), and contr.poly(3, scores = c(1, 2, 4)).
    four = [
        [-0.6708204, -0.2236068, 0.2236068, 0.6708204],
        [0.5, -0.5, -0.5, 0.5],
        [-0.2236068, 0.6708204, -0.6708204, 0.2236068],
    ]
    np.testing.assert_allclose(polynomial_weights([1, 2, 3, 4]), four, atol=1e-7)
    uneven = polynomial_weights([1, 2, 4])
    np.testing.assert_allclose(uneven @ uneven.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(uneven[0], np.array([-4, -1, 5]) / np.sqrt(42), atol=1e-12)
