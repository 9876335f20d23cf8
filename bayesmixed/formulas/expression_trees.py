"""Trees of expressions: aliases for names and texts, calls and codings of factors, and the text that formulas write."""

import ast
import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bayesmixed.formulas.functions import FACTOR_CALLS
from bayesmixed.tables.column_names import quote_name

COLUMN, FUNCTION, LITERAL = "column", "function", "literal"


@dataclass(frozen=True, slots=True)
class Word:
    """What an alias in a tree stands for: a column, a function, or text."""

    kind: str
    value: str


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls in a tree."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def function_name(call: ast.Call, words: Mapping[str, Word]) -> str:
    """Return the name of the function that a node calls, "" if it calls anything else."""
    found = words.get(call.func.id) if isinstance(call.func, ast.Name) else None
    return found.value if found is not None and found.kind == FUNCTION else ""


def coding_nodes(call: ast.Call, words: Mapping[str, Word], *, whole: bool = False) -> list[ast.AST]:
    """Return the coding of C(x, coding), or the name in it; it is not a column."""
    if function_name(call, words) not in FACTOR_CALLS:
        return []
    found = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "contrasts")]
    return [node if whole or not isinstance(node, ast.Call) else node.func for node in found]


def marked_column(node: ast.AST, words: Mapping[str, Word]) -> str | None:
    if not isinstance(node, ast.Call) or len(node.args) != 1 or node.keywords:
        return None
    inner = node.args[0]
    if function_name(node, words) not in FACTOR_CALLS or not isinstance(inner, ast.Name):
        return None
    return words[inner.id].value if words[inner.id].kind == COLUMN else None


def render(node: ast.AST, words: Mapping[str, Word]) -> str:
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
