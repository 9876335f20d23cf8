"""Text of one R expression, parsed into a tree by a grammar of its own; nothing is evaluated."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bayesmixed.errors import SpecError, shorten

LONGEST, DEEPEST = 20_000, 60
"""Most characters, and most levels of nesting."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name, without backticks and without the package before `::`."""

    word: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number, as written, without R's L."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text, without quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call, with its name or "", and its value, None where there is none: x[, 1]."""

    name: str
    value: "Node | None"


@dataclass(frozen=True, slots=True)
class Call:
    """A call; `package` is what stood before `::`. Indexing is a call of "["."""

    function: str
    arguments: tuple[Argument, ...]
    package: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """Signs between or before operands."""

    sign: str
    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Brackets:
    """Round brackets that only group."""

    inside: "Node"


Node = Name | Number | Text | Call | Operation | Brackets

_PATTERN = re.compile(
    r"""(?P<blank>\s+|\#[^\n]*)
    |`(?P<quoted>[^`]+)`
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?L?(?![\w.]))
    |(?P<name>(?:[^\W\d_]|\.(?!\d))[\w.]*)
    |(?P<sign>%[^%\n]*%|:::?|<-|\|>|\|\||&&|==|!=|<=|>=|\*\*|.)""",
    flags=re.VERBOSE | re.DOTALL,
)
_LEVELS: Mapping[str, tuple[int, bool]] = MappingProxyType(
    {
        **dict.fromkeys(("<-",), (1, True)),
        "~": (2, False),
        **dict.fromkeys(("|", "||"), (3, False)),
        **dict.fromkeys(("&", "&&"), (4, False)),
        **dict.fromkeys(("==", "!=", "<", ">", "<=", ">="), (6, False)),
        **dict.fromkeys(("+", "-"), (7, False)),
        **dict.fromkeys(("*", "/"), (8, False)),
        ":": (10, False),
        **dict.fromkeys(("^", "**"), (12, True)),
    }
)
"""How tightly a sign between two operands binds, and whether it groups from the right, as in R."""
_SPECIAL = (9, False)
"""The same of %in% and its like."""
_BEFORE: Mapping[str, int] = MappingProxyType({"~": 2, "!": 5, "-": 11, "+": 11})
"""How tightly a sign before one operand binds."""


def parse_r(text: str) -> Node:
    """Return the tree of one R expression.

    Raises
    ------
    SpecError
        It is not one expression of names, numbers, texts, calls and signs.
    """
    if len(text) > LONGEST:
        raise SpecError(f"The R call has {len(text):,} characters; at most {LONGEST:,} are read.")
    parser = _Parser(text)
    tree = parser.read(0)
    if parser.kind:
        raise parser.wrong()
    return tree


class _Parser:
    """Reads one expression from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.depth = text, 0, 0
        self.tokens = [(str(m.lastgroup), m[str(m.lastgroup)], m.start()) for m in _PATTERN.finditer(text)]
        self.tokens = [token for token in self.tokens if token[0] != "blank"]

    @property
    def kind(self) -> str:
        """Kind of the next token, "" at the end."""
        return self.tokens[self.place][0] if self.place < len(self.tokens) else ""

    @property
    def word(self) -> str:
        """Word of the next token."""
        return self.tokens[self.place][1] if self.kind else ""

    def sign(self, *words: str) -> bool:
        """Return whether the next token is one of some signs."""
        return self.kind == "sign" and self.word in words

    def take(self) -> str:
        """Return the word of the next token, and go on."""
        self.place += 1
        return self.tokens[self.place - 1][1]

    def expect(self, word: str) -> None:
        """Go on past a sign (SpecError if it is another one)."""
        if not self.sign(word):
            raise self.wrong(f"'{word}' is missing")
        self.place += 1

    def wrong(self, why: str = "") -> SpecError:
        """Return the error at the next token."""
        start = self.tokens[self.place][2] if self.kind else len(self.text)
        where = f"before '{shorten(self.text[start : start + 30])}'" if self.kind else "at the end"
        return SpecError(f"The R call cannot be read {where}{': ' * bool(why)}{why}. Give one call, as R takes it.")

    def read(self, least: int) -> Node:
        """Return an expression whose signs bind at least that tightly."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise SpecError(f"The R call is nested more than {DEEPEST} deep.")
        left = self.first()
        while self.kind == "sign":
            level, from_right = _SPECIAL if self.word.startswith("%") else _LEVELS.get(self.word, (-1, False))
            if level < max(least, 0):
                break
            sign = self.take()
            left = Operation(sign, (left, self.read(level if from_right else level + 1)))
        self.depth -= 1
        return left

    def first(self) -> Node:
        """Return an operand with the calls and indices that follow it."""
        if self.sign(*_BEFORE):
            sign = self.take()
            return Operation(sign, (self.read(_BEFORE[sign]),))
        node = self.operand()
        while self.sign("(", "["):
            if self.sign("["):
                node = Call("[", (Argument("", node), *self.arguments("[", "]")))
            elif isinstance(node, Name):
                node = Call(node.word, self.arguments("(", ")"))
            else:
                raise self.wrong("what is called is not a name")
        return node

    def operand(self) -> Node:
        """Return a name, number, text, or an expression in brackets."""
        kind = self.kind
        if kind == "number":
            return Number(self.take().removesuffix("L"))
        if kind == "text":
            return Text(re.sub(r"\\(.)", r"\1", self.take()[1:-1], flags=re.DOTALL))
        if kind in ("name", "quoted"):
            name = self.take()
            if not self.sign("::", ":::"):
                return Name(name)
            self.take()
            if self.kind not in ("name", "quoted"):
                raise self.wrong()
            word = self.take()
            return Call(word, self.arguments("(", ")"), name) if self.sign("(") else Name(word)
        if self.sign("("):
            self.take()
            inside = self.read(0)
            self.expect(")")
            return Brackets(inside)
        raise self.wrong()

    def arguments(self, opens: str, closes: str) -> tuple[Argument, ...]:
        """Return what stands between the brackets of a call."""
        self.expect(opens)
        found: list[Argument] = []
        while not self.sign(closes):
            if self.sign(","):
                found.append(Argument("", None))
            else:
                found.append(self.argument())
            if self.sign(","):
                self.take()
            elif not self.sign(closes):
                raise self.wrong(f"'{closes}' or ',' is missing")
        self.take()
        return tuple(found)

    def argument(self) -> Argument:
        """Return one argument, NAME = VALUE or VALUE."""
        named = self.kind in ("name", "quoted", "text") and self.place + 1 < len(self.tokens)
        if named and self.tokens[self.place + 1][:2] == ("sign", "="):
            name = self.take().strip("\"'")
            self.take()
            return Argument(name, None if self.sign(",", ")") else self.read(0))
        return Argument("", self.read(0))
