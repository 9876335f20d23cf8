"""Group terms: how they are written, nested and built."""

import pytest
from designs import design_of, group_of, small

from bayesmixed.errors import SpecError
from bayesmixed.terms.group import Group, split_bars


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("(1 | g)", ["(1 | g)"]),
        ("(x || g)", ["(1 + x || g)"]),
        ("(0 + x | a:b)", ["(0 + x | a:b)"]),
        ("(1 | a/b/c)", ["(1 | a)", "(1 | a:b)", "(1 | a:b:c)"]),
    ],
)
def test_a_summand_with_a_bar_is_one_term_for_each_level_of_nesting(text, terms):
    found = [str(term) for term in Group.read(text)]
    assert [term.replace("1 + ", "") for term in found] == [term.replace("1 + ", "") for term in terms]
    assert [str(Group.read(term)[0]) for term in found] == found


def test_columns_groups_and_covariance_are_told_apart():
    assert split_bars("(x + I(a | b) || g)") == ("x + I(a | b)", "g", "independent")
    assert split_bars("(1 | g)") == ("1", "g", "unstructured")


@pytest.mark.parametrize(
    ("text", "words"),
    [("1 | g", "stands alone in brackets"), ("(x |p| g)", "one '|'"), ("( | g)", "needs columns and a group")],
)
def test_a_bar_that_makes_no_group_term_is_refused(text, words):
    with pytest.raises(SpecError, match=words.replace("|", r"\|")):
        split_bars(text)


def test_new_rows_have_the_levels_of_the_fit_and_new_ones_behind_them():
    design = design_of("y ~ x + (1 | g)", small())
    new = design_of("y ~ x + (1 | g)", small(g=list("bzbzaa")), like=design)
    block = group_of(new, "g")
    assert block.levels == ("a", "b", "c", "z")
    assert block.unseen == ("z",)
    assert list(block.index) == [1, 3, 1, 3, 0, 0]
