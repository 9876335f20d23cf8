"""Sharing patterns: what two observations can have in common."""

import numpy as np
import pytest
from variance_fits import crossed_data, nested_data

import bayesmixed as bm
from bayesmixed.summaries.variance.sharing import sharing_patterns

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


@pytest.mark.parametrize(
    ("data", "formula", "expected"),
    [
        (nested_data, "y ~ 1 + (1 | school) + (1 | room)", ["same school, other room", "same room"]),
        (crossed_data, "y ~ 1 + (1 | a) + (1 | b)", ["same a, other b", "same b, other a", "same a and b"]),
        (
            crossed_data,
            "y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)",
            ["same a, other b", "same b, other a", "same a:b"],
        ),
        (crossed_data, "y ~ 1 + (1 | a/b)", ["same a, other a:b", "same a:b"]),
    ],
)
def test_sharing_patterns_follow_the_design(data, formula, expected):
    assert [pattern.label for pattern in sharing_patterns(bm.prepare(formula, data()))] == expected


def test_what_is_shared_includes_what_contains_it():
    patterns = sharing_patterns(bm.prepare("y ~ 1 + (1 | school) + (1 | room)", nested_data()))
    assert [pattern.shared for pattern in patterns] == [("school",), ("school", "room")]


def test_two_effects_of_the_same_groups_are_shared_under_the_name_of_the_first():
    levels = [*dict.fromkeys(crossed_data()["a"])]
    spec = bm.from_formula(
        "y ~ 1 + (1 | gr(a, cov=A, name=kin)) + (1 | a) + (1 | b)",
        known={"A": (np.eye(len(levels)) + 0.2, [*map(str, levels)])},
    )
    patterns = sharing_patterns(bm.prepare(spec, crossed_data()))
    assert [pattern.label for pattern in patterns] == ["same b, other kin", "same kin, other b", "same kin and b"]
    assert patterns[1].shared == ("kin", "a")


def test_effects_of_rows_are_shared_by_no_two_of_them():
    data = nested_data() | {"y": np.arange(18) % 5}
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | school) + obs()", family="poisson"), data)
    assert [pattern.label for pattern in sharing_patterns(design)] == ["same school"]


def test_factors_of_other_predictors_are_shared_where_all_predictors_are_asked_for():
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | a)", sigma="~ 1 + (1 | b)"), crossed_data())
    assert [pattern.shared for pattern in sharing_patterns(design)] == [("a",)]
    assert [pattern.shared for pattern in sharing_patterns(design, everywhere=True)] == [("a",), ("b",), ("a", "b")]


def test_of_six_crossed_factors_only_single_ones_and_all_together_are_listed():
    names = "abcdef"
    generator = np.random.default_rng(1)
    data = {"y": generator.normal(size=80)} | {name: generator.integers(0, 4, 80) for name in names}
    spec = bm.from_formula("y ~ " + " + ".join(f"(1 | {name})" for name in names), crossed=list(names))
    shared = [pattern.shared for pattern in sharing_patterns(bm.prepare(spec, data))]
    assert shared == [*((name,) for name in names), tuple(names)]
