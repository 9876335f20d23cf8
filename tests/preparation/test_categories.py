"""The labels and numbers of an ordered response."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError, StatisticsWarning
from bayesmixed.preparation.categories import as_categories, read_categories

SIZES = pd.Categorical(["small", "large", "small"], ["small", "medium", "large"], ordered=True)


def test_an_ordered_categorical_keeps_its_order_and_its_empty_categories():
    numbers, labels = read_categories("size", pd.Series(SIZES))
    assert labels == ("small", "medium", "large")
    np.testing.assert_array_equal(numbers, [1.0, 3.0, 1.0])


def test_whole_numbers_are_ordered_by_value_and_those_that_occur_are_categories():
    numbers, labels = read_categories("y", pd.Series([10, 2, -1, 2]))
    assert labels == ("-1", "2", "10")
    np.testing.assert_array_equal(numbers, [3.0, 2.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["low", "high", "low"], r'without an order.*pd.Categorical\(data\["y"\], \["high", "low"\], ordered=True\)'),
        (pd.Categorical(["b", "a", "b"]), "without an order"),
        ([True, False, True], "without an order"),
        ([1.0, 2.5, 3.0], r"whole numbers, or an ordered Categorical; found 2.5"),
        ([2, 2, 2], r"one category \('2'\)"),
    ],
)
def test_what_has_no_order_is_refused_with_the_way_out(values, message):
    with pytest.raises(DataError, match=message):
        read_categories("y", pd.Series(values))


def test_a_category_that_the_fit_did_not_have_is_refused():
    with pytest.raises(DataError, match=r"'4', which the model was not fitted to. Known categories: '1', '2'"):
        read_categories("y", pd.Series([1, 4]), ("1", "2"))


@pytest.mark.parametrize("labels", [("1", "2", "5"), ("low", "mid", "high")])
def test_categories_are_read_as_they_were_written(labels):
    column = pd.Series(as_categories(np.array([3.0, 1.0, 2.0, 1.0]), labels))
    numbers, read = read_categories("y", column)
    assert read == labels
    np.testing.assert_array_equal(numbers, [3.0, 1.0, 2.0, 1.0])


def test_a_category_that_does_not_occur_is_pointed_out():
    data = {"size": SIZES, "x": [0.1, 0.5, 0.2]}
    with pytest.warns(StatisticsWarning, match="Category 'medium' of 'size' does not occur"):
        design = bm.prepare(bm.from_formula("size ~ x", family="cumulative"), data)
    assert design.cut_labels == ["small|medium", "medium|large"]


DATA = {"y": [1, 2, 3, 2, 1, 3], "x": [0.1, 0.5, 0.2, 0.7, 0.3, 0.9], "g": list("aabbcc")}


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("y ~ 0 + x", {}, "Write it without the 0"),
        ("y ~ x + obs()", {}, r"obs\(\) is not identified"),
        ("y ~ x", {"threshold": "~ x"}, "'threshold' of family 'cumulative' takes no formula"),
        ("y ~ x", {"priors": {"threshold": 1.0}}, r"InducedDirichlet\(1\)"),
        ("y ~ x", {"priors": {"threshold": "Gamma(2, 1)"}}, r"on all real numbers"),
        ("y ~ x", {"priors": {"beta": "InducedDirichlet(1)"}}, r"prior of thresholds, and of nothing else"),
        ("y ~ x", {"priors": {"beta[Intercept]": "Normal(0, 1)"}}, "no such parameter"),
        ("y ~ x", {"priors": {"threshold[1|2]": "Normal(0, 1)"}}, "Did you mean 'threshold'"),
        ("y ~ x", {"link": "cauchit"}, "'cauchit' is not possible for 'mu'"),
        ("y | trials(2) ~ x", {}, "has no trials"),
    ],
)
def test_what_an_ordinal_model_cannot_have_is_refused(formula, options, message):
    with pytest.raises(SpecError, match=message):
        bm.prepare(bm.from_formula(formula, family="cumulative", **options), DATA)


def test_thresholds_take_the_place_of_the_intercept():
    design = bm.prepare(bm.from_formula("y ~ x + C(g)", family="cumulative"), DATA)
    assert design.mu.population.labels == ("x", "g[T.b]", "g[T.c]")
    assert set(design.priors) == {"beta[x]", "beta[g #1]", "beta[g #2]", "threshold"}
    np.testing.assert_allclose(design.mu.centred_matrix.mean(axis=0), 0.0, atol=1e-12)
    again = bm.prepare(design.spec, {"x": [0.4], "g": ["c"]}, like=design)
    np.testing.assert_array_equal(again.mu.population.matrix, [[0.4, 0.0, 1.0]])


def test_no_pooling_keeps_the_thresholds():
    spec = bm.from_formula("y ~ x + (1 | g)", family="cumulative").as_fixed("g")
    assert bm.prepare(spec, DATA).mu.population.labels == ("g[T.b]", "g[T.c]", "x")
    with pytest.raises(SpecError, match="only differences from the first one"):
        bm.compare_pooling(bm.from_formula("y ~ x + (1 | g)", family="cumulative"), DATA)
