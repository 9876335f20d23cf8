"""Expressions of columns, parsed into a closed list of operations: text to a tree that nothing executes."""

import ast
import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bayesmixed.errors import SpecError, shorten
from bayesmixed.formulas.expression_checks import check_depth, check_expression
from bayesmixed.formulas.expression_trees import (
    COLUMN,
    FUNCTION,
    LITERAL,
    Word,
    calls,
    coding_nodes,
    function_name,
    marked_column,
    render,
)
from bayesmixed.formulas.functions import FACTOR_CALLS, GROUP_CALLS, LEARNED, find_coding, find_function
from bayesmixed.formulas.tokens import NAME, NUMBER, SIGN, TEXT, Token, check_nesting, tokenise

LONGEST = 2_000
"""Most characters of an expression."""

_CONSTANTS = {"True": True, "False": False, "None": None, "TRUE": True, "FALSE": False, "NULL": None}
_WORDS = {"and": " and ", "or": " or ", "not": " not "}
_SIGNS = {
    **{sign: sign for sign in ("+", "-", "*", "/", "**", "==", "!=", "<", "<=", ">", ">=", "(", ")", ",", "[", "]")},
    **{"^": "**", "&": " and ", "&&": " and ", "|": " or ", "||": " or ", "!": " not "},
}
_INSTEAD = {
    ":": "An interaction, x:z, goes outside function calls; inside, multiply: x*z.",
    "%in%": "Write (g == 'a') | (g == 'b'); the interaction of two terms is x:z.",
    "%": "Write x - 24*floor(x/24) for the remainder of x/24.",
    "%%": "Write x - 24*floor(x/24) for the remainder of x/24.",
    "//": "Write floor(x/24).",
    "%/%": "Write floor(x/24).",
    ".": "Attributes are not part of the formula language; compute the column beforehand.",
    "=": "Compare by '=='.",
    "~": "A tilde is not allowed here.",
}


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression.

    Attributes
    ----------
    text : str
        As labels show it: blanks and quotes in one style, `^` as `**`.
    tree : ast.expr
        Of operations of the closed list, with aliases for all names and texts.
    words : mapping
        What the aliases stand for.
    columns : tuple of str
        Columns that it reads, in order.
    factors : tuple of str
        Columns that it declares to be factors: C(x), factor(x).
    grouping : tuple of str
        Columns that only name groups, in within(x, g), between(x, g) and level(x, g).
    """

    text: str
    tree: ast.expr
    words: Mapping[str, Word]
    columns: tuple[str, ...]
    factors: tuple[str, ...]
    grouping: tuple[str, ...] = ()

    def word(self, node: ast.AST, kind: str) -> str | None:
        """Return what a name in the tree stands for if that is of a kind, else None."""
        found = self.words.get(node.id) if isinstance(node, ast.Name) else None
        return found.value if found is not None and found.kind == kind else None

    def called(self, node: ast.Call) -> str:
        """Return the name of the function that a node calls."""
        return self.word(node.func, FUNCTION) or ""

    def coding(self, node: ast.AST) -> str:
        """Return the coding of a factor that a node names, alone or as a call, "" if there is none."""
        given = node.func if isinstance(node, ast.Call) else node
        return find_coding(self.words[given.id].value) if isinstance(given, ast.Name) else ""

    @property
    def only_column(self) -> str | None:
        """The column, if the expression is nothing but one."""
        return self.word(self.tree, COLUMN)

    @property
    def plain_factor(self) -> str | None:
        """The column x, if the expression is C(x) or factor(x) without options."""
        return marked_column(self.tree, self.words)

    @property
    def gives(self) -> str:
        """What its values are, as the call around it says: "number", "numbers" for several columns, or "factor"."""
        call = self.called(self.tree) if isinstance(self.tree, ast.Call) else ""
        if self.factors or call in FACTOR_CALLS:
            return "factor"
        function = find_function(call) if call else None
        return "number" if function is None else function.gives

    @property
    def learning(self) -> tuple[str, ...]:
        """Functions in it that learn from the rows of the fit."""
        return tuple(name for name in map(self.called, calls(self.tree)) if name in LEARNED)

    def show(self, node: ast.AST) -> str:
        """Return a node as text."""
        return render(node, self.words)


@lru_cache(maxsize=2048)
def parse_expression(text: str) -> Expression:
    """Return an expression as a tree of operations of the closed list.

    Raises
    ------
    SpecError
        It cannot be read, or holds anything else; the message says what to write instead.
    """
    if len(text) > LONGEST:
        raise SpecError(f"Expression '{shorten(text)}' is too long: {len(text):,} of at most {LONGEST:,} characters.")
    tokens = tokenise(text)
    if not tokens:
        raise SpecError("An expression is empty.")
    check_nesting(tokens, text)
    source, words = _translate(tokens, text)
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError):
        raise SpecError(
            f"Expression '{shorten(text)}' cannot be read. Put columns with unusual names in backticks, `a b`, and text "
            "in quotes."
        ) from None
    check_depth(tree, text)
    check_expression(tree, words, text)
    coded = {id(node) for call in calls(tree) for node in coding_nodes(call, words)}
    columns = [
        words[n.id].value
        for n in ast.walk(tree)
        if isinstance(n, ast.Name) and words[n.id].kind == COLUMN and id(n) not in coded
    ]
    factors = [name for call in calls(tree) if (name := marked_column(call, words)) is not None]
    grouping = _only_grouping(tree, words, columns)
    return Expression(
        render(tree, words), tree, words, tuple(dict.fromkeys(columns)), tuple(dict.fromkeys(factors)), grouping
    )


def _only_grouping(tree: ast.AST, words: Mapping[str, Word], columns: list[str]) -> tuple[str, ...]:
    """Return the columns that occur only after the first argument of a function that takes groups."""
    named = [
        words[node.id].value
        for call in calls(tree)
        if function_name(call, words) in GROUP_CALLS
        for argument in call.args[1:]
        for node in ast.walk(argument)
        if isinstance(node, ast.Name) and words[node.id].kind == COLUMN
    ]
    return tuple(name for name in dict.fromkeys(named) if named.count(name) == columns.count(name))


def _translate(tokens: tuple[Token, ...], text: str) -> tuple[str, dict[str, Word]]:
    """Return source for Python's parser in which every name is an alias, and what the aliases stand for."""
    words: dict[str, Word] = {}
    parts: list[str] = []
    for token, after in zip(tokens, (*tokens[1:], None), strict=True):
        following = after.word if after is not None and after.kind == SIGN else ""
        if token.kind == SIGN:
            parts.append(_sign(token, text, parts))
        elif token.kind == NUMBER:
            parts.append(str(int(token.word)) if token.word.isdigit() and len(token.word) < 300 else token.word)
        elif token.kind == NAME and token.word in _CONSTANTS:
            parts.append(str(_CONSTANTS[token.word]))
        elif token.kind == NAME and token.word in _WORDS:
            parts.append(_WORDS[token.word])
        elif token.kind == NAME and following == "=" and parts and parts[-1] in ("(", ","):
            if not token.word.isidentifier() or keyword.iskeyword(token.word):
                raise SpecError(f"Option '{token.word}' in '{shorten(text)}' is not known.")
            parts += [token.word, "="]
        else:
            called = following == "("
            if called and token.kind != NAME:
                raise SpecError(f"'{token.word}' in '{shorten(text)}' is not a function.")
            kind = LITERAL if token.kind == TEXT else FUNCTION if called else COLUMN
            alias = f"_{len(words)}_"
            words[alias] = Word(kind, token.word)
            parts.append(alias)
    return " ".join(parts).strip(), words


def _sign(token: Token, text: str, before: list[str]) -> str:
    if token.word == "=" and before and before[-1] == "=":
        return ""
    if token.word in _SIGNS:
        return _SIGNS[token.word]
    if token.word in "'\"`":
        raise SpecError(f"'{shorten(text)}': a quote {token.word} is not closed.")
    instead = _INSTEAD.get(token.word, "Put columns with unusual names in backticks, `a b`.")
    raise SpecError(f"'{token.word}' in '{shorten(text)}' is not part of the formula language. {instead}")
