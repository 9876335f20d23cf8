"""Formula text is taken apart into tokens, and refused before a parser reads what is too deep or has gaps."""

import itertools

import pytest

import bayesmixed as bm
from bayesmixed.formulas.tokens import (
    DEEPEST,
    LONGEST,
    NAME,
    NUMBER,
    QUOTED,
    SIGN,
    TEXT,
    check_nesting,
    check_places,
    tokenise,
)


def test_every_kind_of_token_says_what_it_is():
    found = [(token.kind, token.word) for token in tokenise("np.log(x.1) + `a b` ** 1.5e-3 %in% 'it\\'s' || y")]
    assert found == [
        *[(NAME, "np.log"), (SIGN, "("), (NAME, "x.1"), (SIGN, ")"), (SIGN, "+"), (QUOTED, "a b"), (SIGN, "**")],
        *[(NUMBER, "1.5e-3"), (SIGN, "%in%"), (TEXT, "it's"), (SIGN, "||"), (NAME, "y")],
    ]


@pytest.mark.parametrize("text", ["x  + z", "`a  b`:f", "(x + 1)^2", "log(x, base='e') - .5"])
def test_tokens_say_where_they_stand(text):
    tokens = tokenise(text)
    assert "".join(text[token.start : token.end] for token in tokens).replace(" ", "") == text.replace(" ", "")
    assert all(before.end <= after.start for before, after in itertools.pairwise(tokens))


def test_a_text_longer_than_any_formula_is_refused():
    tokenise("x" * LONGEST)
    with pytest.raises(bm.SpecError, match="50,001 characters"):
        tokenise("x" * (LONGEST + 1))


def test_brackets_and_signs_may_be_so_deep_and_no_deeper():
    def nested(depth):
        return "(" * depth + "x" + ")" * depth, "-" * depth + "x"

    for some in nested(DEEPEST):
        check_nesting(tokenise(some), some)
    for some in nested(DEEPEST + 1):
        with pytest.raises(bm.SpecError, match="nested more than 60 deep"):
            check_nesting(tokenise(some), some)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x + ()", r"the brackets '\(\)' are empty"),
        ("x *", r"nothing follows the '\*'"),
        ("(x +) + z", r"nothing follows the '\+'"),
        (": x", "nothing precedes the ':'"),
        ("x + / z", "nothing precedes the '/'"),
        ("x * - z", r"nothing follows the '\*'"),
    ],
)
def test_signs_that_join_nothing_are_refused(text, message):
    with pytest.raises(bm.SpecError, match=message):
        check_places(tokenise(text), text)


@pytest.mark.parametrize("text", ["x + f(-x, y == 1)", "-x + z", "x*z - 1", "log(x / 2)^2", "f()"])
def test_signs_inside_of_calls_and_in_front_of_terms_are_left_alone(text):
    check_places(tokenise(text), text)
