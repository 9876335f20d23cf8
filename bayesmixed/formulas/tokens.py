"""Tokens of formula text: names, names in backticks, numbers, text in quotes and signs."""

import re
from dataclasses import dataclass
from functools import lru_cache

from bayesmixed.errors import SpecError, shorten

NAME, QUOTED, NUMBER, TEXT, SIGN = "name", "quoted", "number", "text", "sign"
LONGEST = 50_000
"""Most characters that a formula may have."""
DEEPEST = 60
"""Most levels of nesting."""

_PATTERN = re.compile(
    r"""(?P<blank>\s+)
    |`(?P<quoted>[^`]+)`
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<name>[^\W\d]\w*(?:\.\w+)*)
    |(?P<sign>%\w*%|\*\*|//|<<|>>|==|!=|<=|>=|&&|\|\||.)""",
    flags=re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind, what it says (names without backticks, text without quotes), and its position."""

    kind: str
    word: str
    start: int
    end: int

    def is_sign(self, signs: str) -> bool:
        """Return whether the token is one of some signs of one character."""
        return self.kind == SIGN and self.word in signs


@lru_cache(maxsize=512)
def tokenise(text: str) -> tuple[Token, ...]:
    """Return the tokens of a text, blanks left out.

    Raises
    ------
    SpecError
        The text is longer than any formula.
    """
    if len(text) > LONGEST:
        raise SpecError(f"Formula '{shorten(text)}' has {len(text):,} characters; at most {LONGEST:,} are read.")
    found = []
    for match in _PATTERN.finditer(text):
        kind = str(match.lastgroup)
        word = match[kind]
        if kind == TEXT:
            word = re.sub(r"\\(.)", r"\1", word[1:-1], flags=re.DOTALL)
        if kind != "blank":
            found.append(Token(kind, word, match.start(), match.end()))
    return tuple(found)


def check_nesting(tokens: tuple[Token, ...], text: str) -> None:
    """Refuse brackets or signs nested too deep for any parser, before one reads them."""
    depth = deepest = run = 0
    for token in tokens:
        depth += token.is_sign("([") - token.is_sign(")]")
        run = run + 1 if token.kind == SIGN and token.word in "+-!" else 0
        deepest = max(deepest, depth, run)
    if deepest > DEEPEST:
        raise SpecError(f"Expression '{shorten(text)}' is nested more than {DEEPEST} deep.")


def check_places(tokens: tuple[Token, ...], text: str) -> None:
    """Refuse operators between terms that have nothing to join, and empty brackets (SpecError)."""
    terms = outside_calls(tokens)
    for before, token in zip((None, *terms), (*terms, None), strict=True):
        sign = before.word if before is not None and before.kind == SIGN else ""
        closes = token is None or token.is_sign(")") or (sign in _JOINING and token.is_sign("+-"))
        wrong = ""
        if sign == "(" and closes:
            wrong = "the brackets '()' are empty"
        elif sign in ("+", "-", *_JOINING) and closes:
            wrong = f"nothing follows the '{sign}'"
        elif token is not None and token.kind == SIGN and token.word in _JOINING:
            wrong = f"nothing precedes the '{token.word}'" * (before is None or sign in ("(", "+", "-", *_JOINING))
        if wrong:
            raise SpecError(f"Formula '{shorten(text)}': {wrong}.")


def outside_calls(tokens: tuple[Token, ...]) -> list[Token]:
    """Return the tokens outside calls, with the names of the calls."""
    kept: list[Token] = []
    depth = 0
    for token in tokens:
        calls = token.is_sign("(") and (depth > 0 or bool(kept and kept[-1].kind == NAME))
        if not depth and not calls:
            kept.append(token)
        depth += 1 if calls else -1 if depth and token.is_sign(")") else 0
    return kept


_JOINING = ("*", "/", ":", "^", "**", "%in%")
