"""The block of a smooth term: unpenalised columns, and the same curve at other values."""

import numpy as np
import pytest
from designs import design_of

X = np.linspace(0.0, 3.0, 30)
DATA = {"y": np.sin(X), "x": X, "z": np.cos(X) + 2.0, "f": np.array(list("pq"))[np.arange(30) % 2]}


def block_of(term):
    (block,) = design_of(f"y ~ f + z + {term}", DATA).mu.normal_blocks
    return block


@pytest.mark.parametrize(
    ("term", "labels"),
    [
        ("s(x, k=6)", ("s(x)[linear]",)),
        ("s(x, k=6, bs='cc')", ()),
        ("s(x, k=5, by=f)", ("s(x)[linear]:f[p]", "s(x)[linear]:f[q]")),
    ],
)
def test_unpenalised_columns_are_straight_lines_of_each_curve(term, labels):
    block = block_of(term)
    assert block.line_labels == labels
    assert block.line_matrix.shape == (30, len(labels))
    for k, line in enumerate(block.line_matrix.T):
        own = block.index == k if len(labels) > 1 else np.ones(30, dtype=bool)
        np.testing.assert_allclose(np.diff(line[own]) / np.diff(X[own]), 1.0)
        np.testing.assert_array_equal(line[~own], 0.0)


def test_a_curve_along_the_values_of_the_fit_has_the_columns_of_the_fit():
    block = block_of("s(x, k=6)")
    np.testing.assert_allclose(block.along(0, X).matrix, block.matrix, atol=1e-9)
    rows = np.array([7, 3])
    np.testing.assert_array_equal(block.take(rows).matrix, block.matrix[rows])


def test_a_curve_asked_for_beyond_its_range_is_noted_with_what_it_does_there():
    straight, periodic = (block_of(term).along(0, np.array([1.0, 5.0])) for term in ("s(x, k=6)", "s(x, k=6, bs='cc')"))
    (note,) = straight.extrapolations()
    assert "1 of 2 rows lie beyond the range 0 to 3" in note
    assert "continues as a straight line" in note
    assert "begins again" in next(periodic.extrapolations())
    assert list(block_of("s(x, k=6)").extrapolations()) == []
