"""Several responses in brms's notation: mvbind(y1, y2) ~ x, and bf(...) + bf(...) + set_rescor(TRUE)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bayesmixed.errors import SpecError
from bayesmixed.translation.r_formulas import write
from bayesmixed.translation.r_text import Argument, Call, Name, Node, Operation

_BF = ("bf", "brmsformula", "lf", "nlf", "mvbf", "mvbrmsformula", "set_rescor")


def split_responses(node: Node) -> tuple[list[Node], bool | None]:
    """Return the formula of each response, and whether residuals are correlated, None where that is not said.

    Raises
    ------
    SpecError
        A part of the sum is not a formula of a response.
    """
    found: list[Node] = []
    rescor: bool | None = None
    for piece in _pieces(node):
        if isinstance(piece, Call) and piece.function == "set_rescor":
            rescor = _said(piece.arguments[0].value if piece.arguments else Name("TRUE"))
        elif isinstance(piece, Call) and piece.function in ("mvbf", "mvbrmsformula"):
            for argument in piece.arguments:
                if argument.name == "rescor":
                    rescor = _said(argument.value)
                elif argument.value is not None:
                    found += _one_each(argument.value)
        elif isinstance(piece, Call) and piece.function == "lf" and found:
            found[-1] = Operation("+", (found[-1], piece))
        else:
            found += _one_each(piece)
    return found, rescor


def is_of_column(node: Node) -> bool:
    """Return whether a formula is the model of a column with missing values, bf(x | mi() ~ z)."""
    if isinstance(node, Call):
        return bool(node.arguments) and node.arguments[0].value is not None and is_of_column(node.arguments[0].value)
    match node:
        case Operation("~", (Operation("|", (_, Call("mi", _))), _)):
            return True
        case Operation("+", (first, *_)):
            return is_of_column(first)
    return False


def families_of(given: Mapping[str, Node], count: int) -> list[Mapping[str, Node]]:
    """Return the arguments of a call for each response: of family = list(...) its own."""
    family = given.get("family")
    if not isinstance(family, Call) or family.function != "list":
        return [given] * count
    if len(family.arguments) != count:
        raise SpecError(f"'{write(family)}' has {len(family.arguments)} families for {count} responses.")
    return [{**given, "family": one.value} for one in family.arguments if one.value is not None]


def _pieces(node: Node) -> Iterator[Node]:
    """Yield what a sum of bf(...) adds; a formula is one piece."""
    if isinstance(node, Operation) and node.sign == "+" and all(_is_part(one) for one in node.operands):
        for one in node.operands:
            yield from _pieces(one)
    else:
        yield node


def _is_part(node: Node) -> bool:
    if isinstance(node, Operation):
        return node.sign == "+" and all(_is_part(one) for one in node.operands)
    return isinstance(node, Call) and node.function in _BF


def _one_each(node: Node) -> list[Node]:
    """Return the formula of each response of mvbind(y1, y2) ~ x, alone or in bf(...)."""
    if isinstance(node, Call) and node.function in ("bf", "brmsformula") and node.arguments:
        first, *rest = node.arguments
        if first.value is None:
            return [node]
        return [replace(node, arguments=(Argument(first.name, one), *rest)) for one in _one_each(first.value)]
    match node:
        case Operation("~", (Call("mvbind", responses), right)):
            return [Operation("~", (one.value, right)) for one in responses if one.value is not None]
        case Operation("~", (Operation("|", (Call("mvbind"), _)) as left, _)):
            raise SpecError(f"'{write(left.operands[1])}' beside mvbind(): write a bf() for each response.")
    return [node]


def _said(value: Node | None) -> bool:
    if value in (Name("TRUE"), Name("T")):
        return True
    if value in (Name("FALSE"), Name("F")):
        return False
    raise SpecError(f"'{write(value)}' of rescor is neither TRUE nor FALSE.")
