"""The closed list of what an expression may hold."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bayesmixed.errors import SpecError, shorten
from bayesmixed.formulas.expression_trees import FUNCTION, LITERAL, Word, coding_nodes, function_name, render
from bayesmixed.formulas.functions import (
    CODINGS,
    FACTOR_CALLS,
    MEANT,
    Function,
    find_coding,
    find_function,
    plain_name,
    refuse_all_rows,
    unknown_function,
)
from bayesmixed.formulas.tokens import DEEPEST

HIGHEST = 100
"""Highest power."""
_NODES = (
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UnaryOp, ast.UAdd, ast.USub, ast.Not),
    *(ast.BoolOp, ast.And, ast.Or, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
    *(ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant, ast.List),
)


def check_expression(tree: ast.AST, words: Mapping[str, Word], text: str) -> None:
    """Refuse a tree that holds anything that is not on the list (SpecError)."""
    _Checker(words, text).check(tree)


def check_depth(tree: ast.expr, text: str) -> None:
    """Refuse a tree whose nodes are nested too deep (SpecError)."""
    layer: list[ast.AST] = [tree]
    for _ in range(2 * DEEPEST):
        layer = [child for node in layer for child in ast.iter_child_nodes(node)]
        if not layer:
            return
    raise SpecError(f"Expression '{shorten(text)}' is nested too deep. Compute the column beforehand.")


@dataclass(frozen=True, slots=True)
class _Checker:
    """Refuses nodes, for one expression."""

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
                raise SpecError(f"A list in '{shorten(self.text)}' is allowed only as an option, as in knots=[1, 2].")
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
        name = function_name(node, self.words)
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
            # A user-defined function; only the spec knows whether there is one.
            function = Function(len, 0, 20)
        self._check_arguments(node, name, function)

    def _check_arguments(self, node: ast.Call, name: str, function: Function) -> None:
        arrays, literals = node.args[: function.most], node.args[function.most :]
        second = literals[0] if literals else None
        if name == "poly" and isinstance(second, ast.Name) and self.words[second.id].kind != LITERAL:
            x, z = (render(one, self.words) for one in node.args[:2])
            raise SpecError(
                f"poly() in '{shorten(self.text)}' takes one column. For all terms of degree 2 of two columns write "
                f"poly({x}, 2) + poly({z}, 2) + {x}:{z}."
            )
        own = find_function(name) is None
        options = [*function.options[: len(literals)], *(str(word.arg) for word in node.keywords)]
        unknown = [] if own else [option for option in options if option not in function.options]
        if unknown or len(literals) > len(function.options):
            accepted = ", ".join(function.options) or "none"
            what = f"option '{unknown[0]}'" if unknown else f"argument {len(node.args)}"
            meant = MEANT.get(plain_name(name), "")
            raise SpecError(f"{name}() in '{shorten(self.text)}': {what} is not known. Options: {accepted}.{meant}")
        if len(set(options)) < len(options):
            raise SpecError(f"{name}() in '{shorten(self.text)}': an option is given twice.")
        if len(arrays) < function.least:
            raise SpecError(f"{name}() in '{shorten(self.text)}' needs {function.least} argument(s) first.")
        for argument in arrays:
            self.check(argument)
        for value in (*literals, *(word.value for word in node.keywords)):
            self.literal(value, name)

    def _check_factor(self, node: ast.Call) -> None:
        names = [str(word.arg) for word in node.keywords]
        wrong = [name for name in names if name not in ("contrasts", "levels")]
        if not 1 <= len(node.args) <= 2 or wrong or len(set(names)) < len(names):
            raise SpecError(
                f"'{render(node, self.words)}': write C(x), C(x, contr.sum), C(x, contr.treatment('a')) or "
                "C(x, levels=['b', 'a'])."
            )
        self.check(node.args[0])
        for word in node.keywords:
            if word.arg == "levels":
                self.literal(word.value, "C")
        for coding in coding_nodes(node, self.words, whole=True):
            self._check_coding(coding)

    def _check_coding(self, node: ast.AST) -> None:
        given = node.func if isinstance(node, ast.Call) else node
        name = find_coding(self.words[given.id].value) if isinstance(given, ast.Name) else ""
        if not name:
            shown = render(node, self.words)
            raise SpecError(
                f"'{shown}' in '{shorten(self.text)}' is not a coding of a factor. Accepted: {', '.join(CODINGS)}; for a "
                "coding of your own compute its columns beforehand."
            )
        if isinstance(node, ast.Call):
            options = CODINGS[name][1]
            if len(node.args) > len(options) or any(word.arg not in options for word in node.keywords):
                raise SpecError(f"{name}() in '{shorten(self.text)}' takes {', '.join(options) or 'no option'}.")
            for value in (*node.args, *(word.value for word in node.keywords)):
                self.literal(value, name)

    def literal(self, node: ast.AST, name: str) -> None:
        """Refuse an option whose value is not written out (SpecError)."""
        if isinstance(node, ast.Call) and function_name(node, self.words) == "c" and not node.keywords:
            listed = render(ast.List(node.args, ast.Load()), self.words)
            raise SpecError(f"'{render(node, self.words)}' in {name}() is written {listed} here.")
        items = node.elts if isinstance(node, ast.List) else [node]
        for item in items:
            inner = item.operand if isinstance(item, ast.UnaryOp) and isinstance(item.op, ast.USub) else item
            written = isinstance(inner, ast.Constant) and not isinstance(inner.value, complex)
            if not written and not (isinstance(inner, ast.Name) and self.words[inner.id].kind == LITERAL):
                raise SpecError(
                    f"'{render(node, self.words)}' in {name}() is not an option: write a number, text in quotes, True, False, "
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
            raise SpecError(f"Expression '{shorten(self.text)}' holds a number too large for floating point.")

    def _check_power(self, exponent: ast.expr) -> None:
        value = _constant(exponent)
        if value is not None and not abs(value) <= HIGHEST:
            raise SpecError(f"Expression '{shorten(self.text)}': powers beyond {HIGHEST} are not computed.")

    def _refusal(self, node: ast.AST) -> SpecError:
        try:
            shown = render(node, self.words)
        except Exception:  # a node that cannot be shown is refused as well
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
