"""Formulas of R as those of this package: the same signs, and calls with other names here."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from bayesmixed.errors import SpecError
from bayesmixed.tables.column_names import quote_name
from bayesmixed.translation.r_text import Argument, Brackets, Call, Name, Node, Number, Operation, Text

BARS = ("|", "||")
_TIGHT = ("*", "/", ":", "^", "**")
"""Signs without blanks around them."""
_WORDS = ("TRUE", "FALSE", "NULL", ".", "Intercept")
"""Names that are no columns; `0 + Intercept` is brms's constant."""


def is_formula(node: Node | None) -> bool:
    """Return whether a node is a formula."""
    return isinstance(node, Operation) and node.sign == "~"


def split_formula(node: Node) -> tuple[Node | None, Node]:
    """Return the left side of a formula, None if it is empty, and the right side (SpecError if it is none)."""
    if not isinstance(node, Operation) or node.sign != "~":
        raise SpecError(
            f"'{write(node)}' is not a formula. Write it out in the call, y ~ x + (1 | g), not as a variable."
        )
    return (None, node.operands[0]) if len(node.operands) == 1 else (node.operands[0], node.operands[1])


def write(node: Node | None) -> str:
    """Return a tree as formulas here write it.

    Raises
    ------
    SpecError
        A call has no counterpart here.
    """
    match node:
        case None:
            return ""
        case Name(word):
            return word if word in _WORDS else quote_name(word)
        case Number(text):
            return text
        case Text(value):
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case Brackets(inside):
            return f"({write(inside)})"
        case Operation(sign, (operand,)):
            return f"{sign}{' ' * (sign == '~')}{write(operand)}"
        case Operation("|", (left, Call("gr", (group, *options)))) if _letter_of(options):
            return f"{write(left)} |{_letter_of(options)}| {write(group.value)}"
        case Operation(sign, (left, right)):
            blank = "" if sign in _TIGHT else " "
            return f"{write(left)}{blank}{sign}{blank}{write(right)}"
        case Call():
            return _write_call(node)
    raise SpecError("This R expression has no counterpart in formulas here.")


def _write_call(call: Call) -> str:
    if call.function == "[":
        first, *rest = call.arguments
        return f"{write(first.value)}[{', '.join(map(_argument, rest))}]"
    if call.function in _RENAMED and (found := _RENAMED[call.function](call.arguments)) is not None:
        return found
    return f"{call.function}({', '.join(map(_argument, call.arguments))})"


def _argument(argument: Argument) -> str:
    value = write(argument.value)
    if isinstance(argument.value, Call) and argument.value.function in ("c", "cbind") and argument.name:
        value = f"[{', '.join(map(_argument, argument.value.arguments))}]"
    return f"{argument.name}={value}" if argument.name else value


def _structure(bar: str) -> Callable[[tuple[Argument, ...]], str | None]:
    """Return how a covariance structure of glmmTMB around a bar is written with another bar."""

    def write_bar(arguments: tuple[Argument, ...]) -> str | None:
        match arguments:
            case (Argument("", Operation(sign, (columns, group))),) if sign in BARS:
                return f"({write(columns)} {bar} {write(group)})"
        return None

    return write_bar


def _matern(arguments: tuple[Argument, ...]) -> str | None:
    """Refuse mat(pos + 0 | g) of glmmTMB, which estimates the smoothness."""
    match arguments:
        case (Argument("", Operation(sign, (columns, group))),) if sign in BARS:
            inside = f"{write(columns)} {sign} {write(group)}"
            raise SpecError(
                f"mat({inside}) of glmmTMB estimates the smoothness, which is stated here: mat({inside}, nu=1.5), or nu=2.5; "
                f"exp({inside}) is 0.5."
            )
    return None


def _group(arguments: tuple[Argument, ...]) -> str | None:
    return write(arguments[0].value) if len(arguments) == 1 and not arguments[0].name else None


def _areas(arguments: tuple[Argument, ...]) -> str | None:
    """Return car(W, gr = area, type = "bym2") of brms, or one of type "icar", as terms here."""
    match arguments:
        case (Argument("" | "M", Name(graph)), Argument("" | "gr", Name(area)), Argument("" | "type", Text("bym2"))):
            return f"bym2({quote_name(area)}, {graph})"
        case (Argument("" | "M", Name(graph)), Argument("" | "gr", Name(area)), Argument("" | "type", Text("icar"))):
            return f"(1 | gr({quote_name(area)}, graph={graph}))"
    return None


def _letter_of(options: Sequence[Argument]) -> str:
    """Return the letter of gr(g, id = "p") of brms, which ties its effects to others, "" where it has other options."""
    match options:
        case [Argument("id", Text(letter))]:
            return letter
    return ""


def _coordinates(arguments: tuple[Argument, ...]) -> str | None:
    """Return numFactor(x, y) of glmmTMB as the sum of the coordinates of its places."""
    return " + ".join(write(one.value) for one in arguments) if arguments else None


def _logarithm(arguments: tuple[Argument, ...]) -> str | None:
    """Return log(x, 2) and log(x, base = 10) as log2(x) and log10(x)."""
    match arguments:
        case (Argument("", x), Argument("" | "base", Number("2" | "10" as base))):
            return f"log{base}({write(x)})"
    return None


def _relevel(arguments: tuple[Argument, ...]) -> str | None:
    """Return relevel(f, ref = "b") as a factor with that reference."""
    match arguments:
        case (Argument("", x), Argument("" | "ref", Text() as level)):
            return f"C({write(x)}, contr.treatment({write(level)}))"
    return None


_RENAMED: Mapping[str, Callable[[tuple[Argument, ...]], str | None]] = MappingProxyType(
    {
        "us": _structure("|"),
        "diag": _structure("||"),
        "mat": _matern,
        "gr": _group,
        "car": _areas,
        "numFactor": _coordinates,
        "log": _logarithm,
        "relevel": _relevel,
    }
)
"""Calls that are written in another way here, where their arguments allow it."""
