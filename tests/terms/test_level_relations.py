"""Covariances of levels against algebra: restrictions, generalised inverses of graphs, and what is refused."""

import numpy as np
import pytest

from bayesmixed.errors import DataError
from bayesmixed.tables.known_relations import read_relation
from bayesmixed.terms.level_relations import relate_levels


def relate(given, form="cov", levels=None, name="A"):
    relation = read_relation(name, given)
    return relate_levels(relation, name, form, relation.labels if levels is None else levels, "g")


def positive(size=5, seed=1):
    root = np.random.default_rng(seed).normal(size=(size, size))
    return root @ root.T + 0.5 * np.eye(size), [f"l{k}" for k in range(size)]


def test_covariances_are_those_given_and_unknown_levels_are_unrelated():
    matrix, labels = positive()
    found = relate((matrix, labels), levels=["l3", "l0"])
    expected = np.diag([0.0, (matrix[0, 0] + matrix[3, 3]) / 2, 0.0])
    expected[np.ix_([0, 2], [0, 2])] = matrix[np.ix_([3, 0], [3, 0])]
    assert np.array_equal(found.covariances(["l3", "new", "l0"]), expected)


def test_a_precision_is_inverted_with_all_its_labels():
    matrix, labels = positive()
    found = relate((np.linalg.inv(matrix), labels), "prec", levels=labels[:3])
    assert np.allclose(found.covariances(labels[:3]), matrix[:3, :3], rtol=1e-10)


@pytest.mark.parametrize("form", ["cov", "graph"])
def test_the_root_makes_the_covariances_of_any_levels(form):
    given = positive() if form == "cov" else {"l0": ["l1", "l2"], "l1": ["l2"], "l2": ["l3"], "l4": []}
    found = relate(given, form)
    for levels in (found.labels, found.labels[1:], found.labels[:2]):
        root = found.root(levels)
        assert np.allclose(root @ root.T, found.covariances(levels), atol=1e-12)
        assert np.linalg.matrix_rank(root) == root.shape[1]


def test_the_generalised_inverse_of_a_path_and_of_a_complete_graph_are_the_known_ones():
    # Of a path of three the variances are 5/9, 2/9, 5/9.
    found = relate([("a", "b"), ("b", "c")], "graph").matrix
    scale = (50 / 729) ** (1 / 3)
    assert np.allclose(found * scale, np.array([[5, -1, -4], [-1, 2, -1], [-4, -1, 5]]) / 9, atol=1e-14)
    # Neighbours of all others: each two have the correlation -1 / (n - 1).
    four = relate([(a, b) for a in "abcd" for b in "abcd" if a < b], "graph").matrix
    assert np.allclose(four, (4 / 3) * np.eye(4) - 1 / 3, atol=1e-14)


def test_each_connected_part_is_scaled_by_itself_and_islands_have_variance_one():
    path, pair = [("a", "b"), ("b", "c")], [("p", "q")]
    both = relate({"a": ["b"], "b": ["c"], "p": ["q"], "alone": []}, "graph")
    order = [both.labels.index(label) for label in "abcpq"] + [both.labels.index("alone")]
    found = both.matrix[np.ix_(order, order)]
    expected = np.zeros((6, 6))
    expected[:3, :3], expected[3:5, 3:5], expected[5, 5] = (
        relate(path, "graph").matrix,
        relate(pair, "graph").matrix,
        1.0,
    )
    assert np.allclose(found, expected, atol=1e-14)
    for part in (slice(3), slice(3, 5)):
        assert np.exp(np.mean(np.log(np.diagonal(found)[part]))) == pytest.approx(1.0, rel=1e-12)
        assert np.allclose(found[part, part].sum(axis=0), 0.0, atol=1e-14)
    assert both.islands == ("alone",)
    assert relate(path, "graph").islands == ()


NEARLY = np.array([[1.0, 1.0 - 1e-13], [1.0 - 1e-13, 1.0]])


@pytest.mark.parametrize(
    ("given", "form", "said"),
    [
        (([[1.0, 2.0], [2.0, 1.0]], "ab"), "cov", "not positive definite: .* smallest eigenvalue is -1"),
        (([[1.0, 0.0], [0.0, 0.0]], "ab"), "cov", "the diagonal entry of 'b' is 0"),
        ((NEARLY * 1e6, "ab"), "cov", "nearly singular: .*of which 'a', 'b' are most. .*share one label"),
        (([[1.0, -1.0], [-1.0, 1.0]], "ab"), "prec", "nearly singular: .*graph=W"),
        (([[0.0, 2.0], [2.0, 0.0]], "ab"), "graph", "'a' and 'b' is 2; .*cov="),
        (([[1.0, 1.0], [1.0, 0.0]], "ab"), "graph", "'a' is its own neighbour"),
        (([[0.0, 0.0], [0.0, 0.0]], "ab"), "graph", "no neighbours at all"),
    ],
)
def test_what_no_effects_can_have_is_refused(given, form, said):
    matrix, labels = given
    with pytest.raises(DataError, match=said):
        relate((np.array(matrix), list(labels)), form)


def test_a_matrix_of_any_scale_is_accepted():
    matrix, labels = positive()
    scale = 10.0 ** np.array([-80, -3, 0, 4, 90])
    assert np.allclose(relate((matrix * np.outer(scale, scale), labels)).matrix / np.outer(scale, scale), matrix)


def test_levels_that_the_relation_lacks_are_named():
    with pytest.raises(DataError, match=r"no label for 'x', 'y' of 'g' \(2 of 3 levels\)"):
        relate(positive(), levels=["l1", "x", "y"])
    with pytest.raises(DataError, match="a level without neighbours"):
        relate([("a", "b")], "graph", levels=["a", "b", "c"])
