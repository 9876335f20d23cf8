"""Trees of expressions are shown as formulas write them."""

import ast

import pytest

from bayesmixed.formulas.expression_trees import (
    COLUMN,
    FUNCTION,
    LITERAL,
    Word,
    coding_nodes,
    function_name,
    marked_column,
    render,
)

WORDS = {
    "_1_": Word(COLUMN, "x"),
    "_2_": Word(COLUMN, "a b"),
    "_3_": Word(FUNCTION, "log"),
    "_4_": Word(LITERAL, "it's"),
    "_5_": Word(FUNCTION, "C"),
    "_6_": Word(FUNCTION, "contr.sum"),
}


def tree(text):
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("aliased", "shown"),
    [
        ("_3_(_1_) + 2 * _2_", "log(x) + 2 * `a b`"),
        ("_1_ > 1 and _2_ < 2", "(x > 1) & (`a b` < 2)"),
        ("_1_ > 1 or _1_ < 0 or _2_", "(x > 1) | (x < 0) | `a b`"),
        ("not _1_", "!x"),
        ("_3_(_1_, _4_)", 'log(x, "it\'s")'),
        ("_9_ + 1", "_9_ + 1"),
    ],
)
def test_a_tree_is_shown_with_names_texts_and_signs(aliased, shown):
    assert render(tree(aliased), WORDS) == shown


def test_showing_a_tree_leaves_it_as_it_is():
    given = tree("not (_1_ and _2_)")
    before = ast.dump(given)
    render(given, WORDS)
    assert ast.dump(given) == before


def test_a_coding_is_no_column_and_a_marked_column_is_one():
    call = tree("_5_(_1_, contrasts=_6_(1))")
    assert function_name(call, WORDS) == "C"
    assert [node.id for node in coding_nodes(call, WORDS)] == ["_6_"]
    assert coding_nodes(tree("_3_(_1_, _6_)"), WORDS) == []
    assert marked_column(call, WORDS) is None
    assert marked_column(tree("_5_(_2_)"), WORDS) == "a b"
    assert marked_column(tree("_3_(_2_)"), WORDS) is None
    assert function_name(tree("f.g(_1_)"), WORDS) == ""
