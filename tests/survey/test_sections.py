"""Sentences about two grouping factors: nested, crossed, the same, with labels re-used."""

import numpy as np
import pandas as pd
import pytest
from survey_data import classroom, report_on

import bayesmixed as bm
from bayesmixed.survey.sections import describe_range, relation_section, tree_section
from bayesmixed.terms.relations import relate


def test_reused_labels_are_refused_and_the_way_out_is_shown():
    report = report_on("mathscore ~ ses + (ses | school) + (1 | class)", classroom())
    assert report.design is None
    assert "start again in every level of 'school'" in report.refusal
    text = " ".join(str(report).split())
    for fragment in (
        "Refused ------- The labels of 'class' start again",
        "school 1: class 1, 2, 3, 4, 5 school 2: class 1, 2, 3, 4, 5, 6, 7, 8",
        "write mathscore ~ 1 + ses + (1 + ses | school) + (1 | school:class). This makes 189 groups, 1 to 9 (median 7)",
        'say crossed = ["class"]. There are then 9 groups of class, each in 5 to 30 (median 25) school',
    ):
        assert fragment in text
    assert "The data suit the model" not in text


def test_one_grouping_under_two_names_is_pointed_out():
    data = classroom().assign(twin=lambda d: "s" + d["school"].astype(str))
    text = str(report_on("mathscore ~ 1 + (1 | school) + (1 | twin)", data))
    assert "'school' and 'twin' are the same grouping under two names" in text


def pair_of(a, b):
    """Return how two columns of labels are related."""
    data = {"y": np.arange(len(a)) % 7, "a": list(a), "b": list(b)}
    report = bm.check_data(bm.from_formula("y ~ 1 + (1 | a) + (1 | b)", crossed=["a", "b"]), data)
    return relate(*report.factors)


@pytest.mark.parametrize(
    ("values", "words"),
    [([3, 3, 3], "3"), ([1, 9, 3], "1 to 9 (median 3)"), ([1, 2], "1 to 2 (median 1.5)"), ([4000], "4,000")],
)
def test_a_range_is_its_ends_and_its_median(values, words):
    assert describe_range(np.array(values)) == words


def test_the_table_of_a_crossing_counts_the_rows_of_each_combination():
    generator = np.random.default_rng(1)
    a, b = generator.choice(list("pqrst"), 60), generator.choice(list("xyz"), 60)
    section = relation_section(pair_of(a, b))
    counts = pd.crosstab(a, b)
    table = section.table.set_index("a").replace(".", "0").astype(int)
    assert table.index.tolist() == list("pqrst")
    np.testing.assert_array_equal(table[["x", "y", "z"]], counts)
    assert "every a (5) meets every b (3)" in section.before[0]


def test_a_partial_crossing_says_how_many_combinations_occur_and_into_how_many_sets_they_fall():
    section = relation_section(pair_of("ppqqrrss" * 2, "wxwxyzyz" * 2))
    text = " ".join(section.before)
    assert "partially crossed: 8 of 16 combinations occur (50 %), with 2 rows in each" in text
    assert "One a meets 2 b of 4; one b meets 2 a of 4." in text
    assert "fall into 2 separate sets that have no a and no b in common" in text


def test_a_nested_factor_is_counted_inside_each_outer_group():
    section = relation_section(pair_of("ppqqrrstuv", "wwwwxxxxxx"))
    assert "'a' is nested in 'b': each a lies in one b only; 2 to 5 (median 3.5) in each b." in section.before[0]


def test_a_long_tree_shows_the_first_groups_and_counts_the_others():
    outer, inner = np.repeat(np.arange(12), 24), np.repeat(np.arange(144), 2)
    data = {"y": np.arange(288) % 5, "farm": [f"F{i:02}" for i in outer], "cow": [f"c{i:03}" for i in inner]}
    factors = {factor.name: factor for factor in report_on("y ~ 1 + (1 | farm) + (1 | cow)", data).factors}
    heading, *lines, last = tree_section([factors["farm"], factors["cow"]]).drawing
    assert heading == "farm > cow; 2 rows in each cow:"
    assert lines[0] == "F00  c000, c001, c002, c003, c004, c005, c006, c007, ... 4 more"
    assert (len(lines), last) == (6, "... and 6 more of farm")
