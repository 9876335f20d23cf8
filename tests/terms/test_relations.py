"""Grouping factors: nested or crossed, levels, chains, trees, labels used again, columns within groups."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic

from bayesmixed.tables.factors import encode
from bayesmixed.terms.relations import (
    CROSSED,
    NESTED,
    PARTIAL,
    SAME,
    Factor,
    assign_levels,
    combine,
    count_anew,
    count_recurring,
    expected_shrinkage,
    find_chains,
    grow_tree,
    relate,
    spread,
)


def factor(name, values):
    return Factor(name, *encode(pd.Series(list(values))))


def column(package, item, name):
    return factor(name, classic(package, item)[name])


PAIRS = [
    # first, second, kind, combinations that occur and that could, rows in each
    (("lme4", "Penicillin", "plate"), ("lme4", "Penicillin", "sample"), CROSSED, 144, 144, {1}),
    (("lme4", "Pastes", "batch"), ("lme4", "Pastes", "sample"), NESTED, 30, 300, {2}),
    (("lme4", "Pastes", "batch"), ("lme4", "Pastes", "cask"), CROSSED, 30, 30, {2}),
    (("lme4", "InstEval", "s"), ("lme4", "InstEval", "d"), PARTIAL, 73421, 2972 * 1128, {1}),
    (("lme4", "InstEval", "d"), ("lme4", "InstEval", "dept"), NESTED, 1128, 1128 * 14, None),
    (("lme4", "Arabidopsis", "popu"), ("lme4", "Arabidopsis", "reg"), NESTED, 9, 27, None),
]


@pytest.mark.parametrize(
    ("first", "second", "kind", "cells", "possible", "rows"),
    PAIRS,
    ids=[f"{r[0][2]}, {r[1][2]}: {r[2]}" for r in PAIRS],
)
def test_classic_factors_are_related_as_their_authors_say(first, second, kind, cells, possible, rows):
    for pair in (relate(column(*first), column(*second)), relate(column(*second), column(*first))):
        assert (pair.kind, len(pair.cells), pair.possible) == (kind, cells, possible)
        assert len(pair.inner.labels) >= len(pair.outer.labels)
        assert rows is None or set(pair.rows) == rows
        assert pair.rows.sum() == len(pair.inner.index)


def test_the_same_grouping_under_two_names_is_one_to_one():
    assert relate(factor("a", "xxyyz"), factor("b", "11223")).kind == SAME


def test_partners_count_the_groups_that_each_group_meets():
    pair = relate(factor("a", "xxyyz"), factor("b", "12111"))
    assert (pair.kind, list(pair.partners_of_inner), list(pair.partners_of_outer)) == (PARTIAL, [2, 1, 1], [3, 1])


@pytest.mark.parametrize(("first", "second", "parts"), [("aabb", "1122", 2), ("aabb", "1223", 1), ("abcd", "1111", 1)])
def test_parts_are_sets_of_groups_that_never_meet(first, second, parts):
    assert relate(factor("a", first), factor("b", second)).parts == parts


def test_combined_labels_are_those_of_the_combinations_that_occur():
    both = combine(factor("a", "yxxy"), factor("b", "1121"))
    assert (both.name, both.labels, list(both.index)) == ("a:b", ("x:1", "x:2", "y:1"), [2, 0, 1, 2])


def test_sizes_balance_and_singletons():
    unequal = factor("a", "xxyz")
    assert (list(unequal.sizes), unequal.balanced, unequal.singletons) == ([2, 1, 1], False, 2)
    assert factor("a", "xxyy").balanced


def nested_and_crossed():
    school = factor("school", "AAAABBBB")
    room = combine(school, factor("room", "11221122"))
    week = factor("week", "12121212")
    factors = [school, room, week]
    return factors, [relate(a, b) for i, a in enumerate(factors) for b in factors[i + 1 :]]


def test_levels_count_from_the_rows_outwards():
    factors, pairs = nested_and_crossed()
    assert assign_levels(factors, pairs) == {"school:room": 1, "school": 2, "week": 1}


def test_a_factor_with_one_row_in_each_group_is_at_level_0():
    row = factor("row_id", "abcd")
    assert assign_levels([row], []) == {"row_id": 0}


def test_chains_hold_nested_factors_from_outside_in():
    factors, pairs = nested_and_crossed()
    assert [[f.name for f in chain] for chain in find_chains(factors, pairs)] == [["school", "school:room"]]


def test_a_factor_inside_two_crossed_ones_is_in_two_chains():
    a, b = factor("a", "xxxxyyyy"), factor("b", "11221122")
    factors = [a, b, combine(a, b)]
    pairs = [relate(a, b), relate(a, factors[2]), relate(b, factors[2])]
    assert [[f.name for f in chain] for chain in find_chains(factors, pairs)] == [["a", "a:b"], ["b", "a:b"]]


def test_a_tree_holds_every_group_once_with_its_rows():
    data = classic("lme4", "Arabidopsis")
    chain = [factor(name, data[name]) for name in ("reg", "popu", "gen")]
    tree = grow_tree(chain)
    assert [(node.label, node.rows, len(node.children)) for node in tree] == [
        ("NL", 116, 2),
        ("SP", 292, 4),
        ("SW", 217, 3),
    ]
    leaves = [leaf for region in tree for population in region.children for leaf in population.children]
    assert (len(leaves), sum(leaf.rows for leaf in leaves)) == (24, len(data))


RAGGED = factor("school", "AAAABBBBBBCCCC")
LABELS = [
    ("11221122331122", [2, 3, 2]),
    ("aabbaabbccaabb", [2, 3, 2]),
    ("11221133221133", None),
    ([f"room{k}" for k in "11221122331122"], [2, 3, 2]),
    ([{"1": "hot", "2": "cold", "3": "dry"}[k] for k in "11221122331122"], None),
    ([f"20{k}" for k in "11221122331122"], None),
    (["".join(k) for k in zip("11221122331122", "ppqqppqqrrppqq", strict=True)], None),
    ([f"{int(k) - 1}" for k in "11221122331122"], [2, 3, 2]),
]


@pytest.mark.parametrize(("labels", "counts"), LABELS)
def test_labels_that_count_anew_in_every_group_are_found(labels, counts):
    room = factor("room", labels)
    found = count_anew(relate(RAGGED, room), room)
    assert counts == (None if found is None else list(found))


def test_recurring_labels_are_those_in_several_groups():
    room = factor("room", "11221122331144")
    assert count_recurring(relate(RAGGED, room), room) == 2


def test_a_column_constant_within_groups_varies_in_none():
    groups = factor("g", "aabbcc")
    constant = spread("x", np.array([0, 0, 1, 1, 1, 1]), [groups], [1.0, 1, 4, 4, 4, 4])
    assert (constant.varied, constant.between["g"]) == ({"g": 0}, pytest.approx(1.0))
    once = spread("x", np.array([0, 1, 1, 1, 1, 1]), [groups])
    assert (once.varied, once.between, once.numeric) == ({"g": 1}, {}, False)


def test_a_balanced_covariate_has_no_variance_between_groups():
    days = np.tile(np.arange(10), 18)
    subject = factor("subject", np.repeat(np.arange(18), 10))
    assert spread("Days", days, [subject], days).between["subject"] == pytest.approx(0.0)


def test_expected_shrinkage_is_that_of_the_lecture():
    found = expected_shrinkage([1, 2, 3, 12], 0.952)
    np.testing.assert_allclose(found, [0.952, 0.9754, 0.9835, 0.9958], atol=5e-5)
