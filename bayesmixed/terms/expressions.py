"""Expressions of columns, parsed into a closed list of operations: text to a tree that nothing executes."""

import ast
import copy
import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bayesmixed.errors import SpecError, shorten
from bayesmixed.terms.functions import (
    CODINGS,
    FACTOR_CALLS,
    GROUP_CALLS,
    LEARNED,
    MEANT,
    Function,
    find_function,
    plain_name,
    refuse_all_rows,
    unknown_function,
)
from bayesmixed.terms.tokens import DEEPEST, NAME, NUMBER, SIGN, TEXT, Token, check_nesting, quote_name, tokenise

LONGEST, HIGHEST = 2_000, 100
"""Most characters of an expression, and its highest power."""

COLUMN, FUNCTION, LITERAL = "column", "function", "literal"
_CONSTANTS = {"True": True, "False": False, "None": None, "TRUE": True, "FALSE": False, "NULL": None}
_WORDS = {"and": " and ", "or": " or ", "not": " not "}
_SIGNS = {
    **{sign: sign for sign in ("+", "-", "*", "/", "**", "==", "!=", "<", "<=", ">", ">=", "(", ")", ",", "[", "]")},
    **{"^": "**", "&": " and ", "&&": " and ", "|": " or ", "||": " or ", "!": " not "},
}
_INSTEAD = {
    ":": "An interaction, x:z, stands outside of function calls; inside multiply, x*z.",
    "%in%": "Write (g == 'a') | (g == 'b'); the interaction of two terms is x:z.",
    "%": "Write x - 24*floor(x/24) for the remainder of x/24.",
    "%%": "Write x - 24*floor(x/24) for the remainder of x/24.",
    "//": "Write floor(x/24).",
    "%/%": "Write floor(x/24).",
    ".": "Attributes are not part of the formula language; compute the column before.",
    "=": "Compare by '=='.",
    "~": "A tilde has no place here.",
}
_NODES = (
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UnaryOp, ast.UAdd, ast.USub, ast.Not),
    *(ast.BoolOp, ast.And, ast.Or, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
    *(ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant, ast.List),
)


@dataclass(frozen=True, slots=True)
class Word:
    """What an alias in a tree stands for: a column, a function, or a text."""

    kind: str
    value: str


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

    @property
    def only_column(self) -> str | None:
        """The column, if the expression is nothing but one."""
        return self.word(self.tree, COLUMN)

    @property
    def plain_factor(self) -> str | None:
        """The column x, if the expression is C(x) or factor(x) without options."""
        return _marked_column(self.tree, self.words)

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
        return _render(node, self.words)


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
    _check_depth(tree, text)
    _Checker(words, text).check(tree)
    coded = {id(node) for call in calls(tree) for node in _coding_nodes(call, words)}
    columns = [
        words[n.id].value
        for n in ast.walk(tree)
        if isinstance(n, ast.Name) and words[n.id].kind == COLUMN and id(n) not in coded
    ]
    factors = [name for call in calls(tree) if (name := _marked_column(call, words)) is not None]
    grouping = _only_grouping(tree, words, columns)
    return Expression(
        _render(tree, words), tree, words, tuple(dict.fromkeys(columns)), tuple(dict.fromkeys(factors)), grouping
    )


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls in a tree."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _only_grouping(tree: ast.AST, words: Mapping[str, Word], columns: list[str]) -> tuple[str, ...]:
    """Return the columns that stand nowhere but behind the first argument of a function that knows groups."""
    named = [
        words[node.id].value
        for call in calls(tree)
        if _function_name(call, words) in GROUP_CALLS
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
                raise SpecError(f"'{token.word}' in '{shorten(text)}' is no function.")
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


def _check_depth(tree: ast.expr, text: str) -> None:
    layer: list[ast.AST] = [tree]
    for _ in range(2 * DEEPEST):
        layer = [child for node in layer for child in ast.iter_child_nodes(node)]
        if not layer:
            return
    raise SpecError(f"Expression '{shorten(text)}' is nested too deep. Compute the column before.")


@dataclass(frozen=True, slots=True)
class _Checker:
    """The closed list of what an expression may hold."""

    words: Mapping[str, Word]
    text: str

    def check(self, node: ast.AST) -> None:
        """Refuse a node that is not on the list (SpecError)."""
        if not isinstance(node, _NODES):
            raise self._refusal(node)
        match node:
            case ast.Call():
                self._check_call(node)
            case ast.List():
                raise SpecError(f"A list in '{shorten(self.text)}' stands only as an option, as in knots=[1, 2].")
            case ast.Constant(value) if value is None or not isinstance(value, bool | int | float):
                raise self._refusal(node)
            case ast.Name(name) if self.words[name].kind == FUNCTION:
                raise self._refusal(node)
            case ast.Constant():
                self._check_number(node)
            case _:
                if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
                    self._check_power(node.right)
                for child in ast.iter_child_nodes(node):
                    self.check(child)

    def _check_call(self, node: ast.Call) -> None:
        name = _function_name(node, self.words)
        if not name:
            raise self._refusal(node)
        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise self._refusal(node)
        refuse_all_rows(name, shorten(self.text))
        if name in FACTOR_CALLS:
            self._check_factor(node)
            return
        function = find_function(name)
        if function is None:
            if "." in name or name in CODINGS:
                raise unknown_function(name, shorten(self.text))
            # A function of the user's own; whether there is one is known where the spec is.
            function = Function(len, 0, 20)
        self._check_arguments(node, name, function)

    def _check_arguments(self, node: ast.Call, name: str, function: Function) -> None:
        arrays, literals = node.args[: function.most], node.args[function.most :]
        own = find_function(name) is None
        options = [*function.options[: len(literals)], *(str(word.arg) for word in node.keywords)]
        unknown = [] if own else [option for option in options if option not in function.options]
        if unknown or len(literals) > len(function.options):
            accepted = ", ".join(function.options) or "none"
            what = f"option '{unknown[0]}'" if unknown else f"argument {len(node.args)}"
            meant = MEANT.get(plain_name(name), "")
            raise SpecError(f"{name}() in '{shorten(self.text)}': {what} is not known. Options: {accepted}.{meant}")
        if len(set(options)) < len(options):
            raise SpecError(f"{name}() in '{shorten(self.text)}': an option stands twice.")
        if len(arrays) < function.least:
            raise SpecError(f"{name}() in '{shorten(self.text)}' needs {function.least} argument(s) in front.")
        for argument in arrays:
            self.check(argument)
        for value in (*literals, *(word.value for word in node.keywords)):
            self.literal(value, name)

    def _check_factor(self, node: ast.Call) -> None:
        names = [str(word.arg) for word in node.keywords]
        wrong = [name for name in names if name not in ("contrasts", "levels")]
        if not 1 <= len(node.args) <= 2 or wrong or len(set(names)) < len(names):
            raise SpecError(
                f"'{_render(node, self.words)}': write C(x), C(x, contr.sum), C(x, contr.treatment('a')) or "
                "C(x, levels=['b', 'a'])."
            )
        self.check(node.args[0])
        for word in node.keywords:
            if word.arg == "levels":
                self.literal(word.value, "C")
        for coding in _coding_nodes(node, self.words, whole=True):
            self._check_coding(coding)

    def _check_coding(self, node: ast.AST) -> None:
        given = node.func if isinstance(node, ast.Call) else node
        name = self.words[given.id].value if isinstance(given, ast.Name) else ""
        if name not in CODINGS:
            shown = _render(node, self.words)
            raise SpecError(
                f"'{shown}' in '{shorten(self.text)}' is no coding of a factor. Accepted: {', '.join(CODINGS)}; for a "
                "coding of your own compute its columns before."
            )
        if isinstance(node, ast.Call):
            options = CODINGS[name][1]
            if len(node.args) > len(options) or any(word.arg not in options for word in node.keywords):
                raise SpecError(f"{name}() in '{shorten(self.text)}' takes {', '.join(options) or 'no option'}.")
            for value in (*node.args, *(word.value for word in node.keywords)):
                self.literal(value, name)

    def literal(self, node: ast.AST, name: str) -> None:
        """Refuse an option whose value is not written out (SpecError)."""
        if isinstance(node, ast.Call) and _function_name(node, self.words) == "c" and not node.keywords:
            listed = _render(ast.List(node.args, ast.Load()), self.words)
            raise SpecError(f"'{_render(node, self.words)}' in {name}() is written {listed} here.")
        items = node.elts if isinstance(node, ast.List) else [node]
        for item in items:
            inner = item.operand if isinstance(item, ast.UnaryOp) and isinstance(item.op, ast.USub) else item
            written = isinstance(inner, ast.Constant) and not isinstance(inner.value, complex)
            if not written and not (isinstance(inner, ast.Name) and self.words[inner.id].kind == LITERAL):
                raise SpecError(
                    f"'{_render(node, self.words)}' in {name}() is no option: write a number, a text in quotes, True, False, "
                    "None or a flat list of these."
                )
            if isinstance(inner, ast.Constant) and not isinstance(inner.value, bool | None):
                self._check_number(inner)

    def _check_number(self, node: ast.Constant) -> None:
        try:
            finite = abs(float(node.value)) < float("inf")  # type: ignore[arg-type]
        except OverflowError:
            finite = False
        if not finite:
            raise SpecError(f"Expression '{shorten(self.text)}' holds a number too large for a computer.")

    def _check_power(self, exponent: ast.expr) -> None:
        value = _constant(exponent)
        if value is not None and not abs(value) <= HIGHEST:
            raise SpecError(f"Expression '{shorten(self.text)}': powers beyond {HIGHEST} are not computed.")

    def _refusal(self, node: ast.AST) -> SpecError:
        try:
            shown = _render(node, self.words)
        except Exception:  # a node that cannot be shown is refused all the same
            shown = type(node).__name__
        return SpecError(
            f"'{shorten(shown)}' in '{shorten(self.text)}' is not part of the formula language. Accepted: columns, numbers, "
            "+ - * / ^, comparisons, & | !, and calls of the functions of the formula language."
        )


def _constant(node: ast.expr) -> float | None:
    """Return the value of arithmetic on numbers alone, infinite where it is too large; None if there are columns."""
    match node:
        case ast.Constant(value) if isinstance(value, int | float):
            return float(value) if abs(value) < 1e300 else float("inf")
        case ast.UnaryOp(op, operand):
            inner = _constant(operand)
            return None if inner is None else -inner if isinstance(op, ast.USub) else inner
        case ast.BinOp(left, op, right):
            first, second = _constant(left), _constant(right)
            if first is None or second is None:
                return None
            try:
                return float(_ARITHMETIC[type(op)](first, second))
            except (OverflowError, ZeroDivisionError, TypeError, ValueError):
                return float("inf")
    return None


_ARITHMETIC: Mapping[type, Any] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}


def _function_name(call: ast.Call, words: Mapping[str, Word]) -> str:
    """Return the name of the function that a node calls, "" if it calls anything else."""
    found = words.get(call.func.id) if isinstance(call.func, ast.Name) else None
    return found.value if found is not None and found.kind == FUNCTION else ""


def _coding_nodes(call: ast.Call, words: Mapping[str, Word], *, whole: bool = False) -> list[ast.AST]:
    """Return the coding of C(x, coding), or the name in it; it is no column."""
    if _function_name(call, words) not in FACTOR_CALLS:
        return []
    found = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "contrasts")]
    return [node if whole or not isinstance(node, ast.Call) else node.func for node in found]


def _marked_column(node: ast.AST, words: Mapping[str, Word]) -> str | None:
    if not isinstance(node, ast.Call) or len(node.args) != 1 or node.keywords:
        return None
    inner = node.args[0]
    if _function_name(node, words) not in FACTOR_CALLS or not isinstance(inner, ast.Name):
        return None
    return words[inner.id].value if words[inner.id].kind == COLUMN else None


def _render(node: ast.AST, words: Mapping[str, Word]) -> str:
    """Return a tree as formulas write it."""
    text = ast.unparse(ast.fix_missing_locations(_Signs().visit(copy.deepcopy(node)))).replace("~", "!")
    return re.sub(r"_\d+_", lambda match: _written(words.get(match[0]), match[0]), text)


def _written(word: Word | None, alias: str) -> str:
    if word is None:
        return alias
    return {LITERAL: repr(word.value), COLUMN: quote_name(word.value), FUNCTION: word.value}[word.kind]


class _Signs(ast.NodeTransformer):
    """Show `and`, `or` and `not` as the signs that formulas write, with brackets around what they join."""

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """Return nested pairs."""
        self.generic_visit(node)
        sign: ast.operator = ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr()
        joined = node.values[0]
        for value in node.values[1:]:
            joined = ast.BinOp(joined, sign, value)
        return joined

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Return `not` as a sign."""
        self.generic_visit(node)
        return ast.UnaryOp(ast.Invert(), node.operand) if isinstance(node.op, ast.Not) else node
