"""Indices of grouping factors in equations, and priors as they are stated."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.equations.outline import assign_indices, state_prior, sum_indices
from bayesmixed.prior_texts import as_prior
from bayesmixed.terms.outlines import Indices


@pytest.mark.parametrize(
    ("columns", "inside", "covered", "replicated", "letters", "row"),
    [
        ({"g": ["g"]}, {"g": []}, {"g": False}, True, {"g": "i"}, "ij"),
        ({"g": ["g"]}, {"g": []}, {"g": False}, False, {"g": "i"}, "i"),
        ({"p": ["p"], "w": ["w"]}, {"p": [], "w": []}, {"p": False, "w": False}, False, {"p": "i", "w": "j"}, "ij"),
        (
            {"c": ["s", "c"], "s": ["s"]},
            {"c": ["s"], "s": []},
            {"c": False, "s": False},
            True,
            {"s": "i", "c": "ij"},
            "ijk",
        ),
        (
            {"a": ["a"], "b": ["b"], "a:b": ["a", "b"]},
            {"a": [], "b": [], "a:b": ["a", "b"]},
            {"a": False, "b": False, "a:b": True},
            True,
            {"a": "i", "b": "j", "a:b": "ij"},
            "ijk",
        ),
        ({"a:b": ["a", "b"]}, {"a:b": []}, {"a:b": False}, True, {"a:b": "ij"}, "ijk"),
    ],
    ids=["rows in groups", "a row a group", "crossed", "nested", "crossed with their cells", "two columns"],
)
def test_letters_follow_the_design(columns, inside, covered, replicated, letters, row):
    found = assign_indices(columns, inside, covered, replicated)
    assert (dict(found.letters), found.row) == (letters, row)


def test_factors_of_which_rows_have_several_levels_run_in_sums_with_letters_of_their_own():
    found = sum_indices(Indices({"g": "i"}, "ij", {"g": []}), ["mm", "nn"])
    assert found.row == "ij"
    assert len({*found.letters.values()}) == 3
    assert not {*found.letters["mm"], *found.letters["nn"]} & set("ij")


@pytest.mark.parametrize(("source", "note"), [("default", "slope"), ("user", "slope (given by the user)")])
def test_a_prior_is_stated_with_four_digits_and_who_gave_it(source, note):
    stated = state_prior(as_prior("Normal(0.123456, 2)"), "slope", source)
    assert [symbol.name for symbol in stated.arguments] == ["0.1235", "2"]
    assert stated.note == note


def test_a_predictor_knows_the_names_of_its_variables():
    spec = bm.from_formula("y ~ x + (1 | g)", sigma="~ x")
    data = {"y": np.arange(20.0) % 7, "x": np.arange(20.0), "g": np.repeat(list("abcde"), 4)}
    for outline in (spec.outline(), bm.prepare(spec, data).outline()):
        first, second = outline.predictors
        assert (first.labels, second.labels) == (("Intercept", "x"), ("Intercept", "x"))
        assert (first.names.beta, second.names.beta) == ("beta", "beta_sigma")
        assert (first.ending, second.ending) == ("", "sigma")
