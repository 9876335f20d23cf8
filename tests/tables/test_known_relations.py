"""Known relations on entry: every form means the same matrix, and what is wrong is named."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import bayesmixed as bm
from bayesmixed.errors import DataError
from bayesmixed.tables.known_relations import read_relation, relations_to_store, stored_relations

LABELS = ["a", "b10", "7"]
MATRIX = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 1.5]])
FRAME = pd.DataFrame(MATRIX, index=["a", "b10", 7], columns=["a", "b10", 7])


def test_every_form_of_a_matrix_is_the_same_relation(tmp_path):
    FRAME.to_csv(tmp_path / "A.csv")
    moved = FRAME.iloc[[0, 1, 2], [2, 0, 1]]
    forms = [
        FRAME,
        moved,
        (MATRIX, LABELS),
        (sparse.csc_matrix(MATRIX), LABELS),
        tmp_path / "A.csv",
        str(tmp_path / "A.csv"),
    ]
    for form in forms:
        found = read_relation("A", form)
        assert found.labels == tuple(LABELS)
        assert np.allclose(found.matrix, MATRIX, atol=1e-15)
        assert read_relation("A", found) is found


def test_tables_of_objects_and_of_truth_values_are_tables():
    assert np.array_equal(read_relation("A", FRAME.astype(object)).matrix, MATRIX)
    assert np.array_equal(read_relation("W", FRAME > 0).matrix, MATRIX > 0)


def test_labels_in_files_stay_as_they_are_written(tmp_path):
    labels = ["007", "1.10", "x"]
    pd.DataFrame(MATRIX, index=labels, columns=labels).to_csv(tmp_path / "A.csv", index_label="id")
    assert read_relation("A", tmp_path / "A.csv").labels == tuple(labels)
    pd.DataFrame({"a": ["007"], "b": ["1.10"]}).to_csv(tmp_path / "W.csv", index=False)
    assert read_relation("W", tmp_path / "W.csv").labels == ("007", "1.10")


def test_pairs_mappings_and_tables_of_neighbours_are_the_same_relation():
    forms = [
        [("a", "b"), ("b", 3)],
        {"a": ["b"], "b": ["a", 3], 3: []},
        pd.DataFrame({"from": ["a", "b", "b"], "to": ["b", "3", "a"]}),
    ]
    for form in forms:
        found = read_relation("W", form)
        assert found.labels == ("a", "b", "3")
        assert np.array_equal(found.matrix, [[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    assert read_relation("W", {"a": ["b"], "island": []}).labels == ("a", "island", "b")


def test_a_stored_relation_is_read_back():
    known = {"A": read_relation("A", FRAME), "W": read_relation("W", [("x", "y")])}
    assert stored_relations(relations_to_store(known)) == known


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (MATRIX, "does not say which level is which"),
        (3, "int is no relation"),
        ((MATRIX, ["a", "b"]), "a matrix of 3 x 3 for 2 labels"),
        ((MATRIX[:2], ["a", "b"]), "a matrix of 2 x 3 for 2 labels"),
        ((MATRIX, ["a", "b", "a"]), "label 'a' occurs more than once"),
        ((np.where(MATRIX == 0.3, np.nan, MATRIX), LABELS), "the entry of 'b10' and '7' is nan"),
        ((MATRIX + np.triu(MATRIX), LABELS), "is not symmetric: 'a' with 'b10' is 1, the other way round 0.5"),
        ((np.array([["x", "y"], ["y", "x"]]), ["a", "b"]), "holds no numbers"),
        ((np.zeros((0, 0)), []), "there are no labels"),
        (FRAME.rename(columns={7: "8"}), "rows and columns have other labels"),
        (FRAME.astype(str), "holds no numbers"),
        ([("a", "a")], "'a' is named as its own neighbour"),
        ([("a", "b", "c")], "is not a pair of labels"),
        (["ab"], "is not a pair of labels"),
        ({"a": "b"}, "the neighbours of 'a' are a list of labels"),
        ((sparse.eye(6000), range(6000)), "relations of up to 5,000"),
        ("nowhere.csv", "nowhere.csv"),
        (pd.concat([FRAME, FRAME]), "label 'a', 'b10', '7' occurs more than once"),
        ((MATRIX * 1j, LABELS), "holds no numbers, or complex ones"),
        (FRAME * 1j, "holds no numbers"),
        ((np.ma.masked_greater(MATRIX, 1.9), LABELS), "the entry of 'a' and 'a' is nan"),
        ({"a": {"b": 1, "c": 0}}, "the neighbours of 'a' are a list of labels"),
        (FRAME.rename(columns={7: "7"}, index={7: "7"}).to_xarray(), "are a list of labels"),
    ],
)
def test_what_is_no_relation_is_refused_with_what_is_wrong(given, said):
    with pytest.raises(DataError, match=said):
        read_relation("A", given)
    with pytest.raises(bm.errors.BayesMixedError, match=said):
        bm.from_formula("y ~ 1 + (1 | gr(g, cov=A))", known={"A": given})
