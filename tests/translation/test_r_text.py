"""R expressions are parsed with R's precedence, and nothing else is."""

import random
from contextlib import suppress

import pytest

from bayesmixed.errors import SpecError
from bayesmixed.translation.r_text import Argument, Brackets, Call, Name, Number, Operation, Text, parse_r

LEVELS = {"~": 0, "|": 1, "&": 2, "==": 3, "<": 3, "+": 4, "-": 4, "*": 5, "/": 5, ":": 7, "^": 9}


def written(node):
    """Return a tree with brackets around everything that is joined."""
    match node:
        case Name(word) | Number(word) | Text(word):
            return word
        case Brackets(inside):
            return written(inside)
        case Operation(sign, (operand,)):
            return f"({sign}{written(operand)})"
        case Operation(sign, (left, right)):
            return f"({written(left)}{sign}{written(right)})"
        case Call(function, arguments):
            return f"{function}({','.join(f'{a.name}={written(a.value)}' for a in arguments)})"


def drawn(generator, depth=0):
    """Return a tree, its text with as few brackets as the levels of R allow, and its level."""
    if depth > 3 or generator.random() < 0.3:
        name = generator.choice("abcd")
        return name, name, 99
    sign = generator.choice([sign for sign in LEVELS if sign not in ("~", "==", "<")])
    (left, one, first), (right, other, second) = (drawn(generator, depth + 1) for _ in range(2))
    level = LEVELS[sign]
    one = f"({one})" if first < level or (first == level and sign == "^") else one
    other = f"({other})" if second < level or (second == level and sign != "^") else other
    return f"({left}{sign}{right})", f"{one} {sign} {other}", level


@pytest.mark.parametrize("seed", range(60))
def test_signs_bind_as_in_r(seed):
    meant, text, _ = drawn(random.Random(seed))
    assert written(parse_r(text)) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("-a^b", "(-(a^b))"),
        ("-a:b", "((-a):b)"),
        ("!a == b", "(!(a==b))"),
        ("a %in% b + c", "((a%in%b)+c)"),
        ("a - b - c", "((a-b)-c)"),
        ("y ~ x + (1 | g)", "(y~(x+(1|g)))"),
        ("a # comment\n + b", "(a+b)"),
        ("lme4::lmer(y ~ `a b`, d)", "lmer(=(y~a b),=d)"),
        ("x <- f(a = 1L, 'b' = -2.5e-3)", "(x<-f(a=1,b=(-2.5e-3)))"),
    ],
)
def test_expressions_are_read(text, meant):
    assert written(parse_r(text)) == meant


def test_calls_keep_names_texts_and_gaps():
    assert parse_r('f(x, k = "a\\"b")[, 1]') == Call(
        "[",
        (
            Argument("", Call("f", (Argument("", Name("x")), Argument("k", Text('a"b'))))),
            Argument("", None),
            Argument("", Number("1")),
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "f(",
            "f(a))",
            "a b",
            "1 2",
            "f(a b)",
            "a +",
            "* a",
            "'a",
            "`a",
            "a::",
            "a$b",
            "x@y",
            "{a}",
            "function(x) x",
        ),
        *(
            "if (a) b",
            "a; b",
            "(a)(b)",
            "f()()",
            "a[[1]]",
            "\\(x) x",
            "0x1F(",
            "a := b",
            "@",
            "f(,)(",
            "é∂",
            "a" * 30_000,
        ),
        *("(" * 200, "-" * 200 + "a", "f(" * 200, "a[" * 200),
    ],
)
def test_anything_else_is_refused_at_once(text):
    with pytest.raises(SpecError):
        parse_r(text)


@pytest.mark.parametrize("seed", range(300))
def test_damaged_text_is_read_or_refused(seed):
    generator = random.Random(seed)
    text = list("glmer(cbind(k, n - k) ~ x + (1 | g/h), data = d, family = binomial(link = 'logit'))")
    for _ in range(generator.randint(1, 6)):
        place = generator.randrange(len(text))
        text[place] = generator.choice([*"()[]{}'\"`~:;.,^*/+-|&!=<>@#%$\\ \n\0", "", "f(", "::"])
    with suppress(SpecError):
        parse_r("".join(text))
