"""Symbols of equations, and the notations in which they can be written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notation:
    """How symbols and their combinations are written.

    Attributes
    ----------
    symbol : callable
        Writes one `Symbol`.
    forms : mapping
        By the form of an `Expression`: takes its name and its written parts.
    """

    symbol: Callable[["Symbol"], str]
    forms: Mapping[str, Callable[[str, list[str]], str]]


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol, such as b_i or σ²_herd.

    Attributes
    ----------
    name : str
        "beta", "sigma", "b", a number, or the name of a column.
    number, label, index : str
        What is attached to it: "0" in β0, "herd" in σ_herd, "ij" in μ_ij.
    column : str
        Column of a factor to which it belongs: "Days" in σ_Subject[Days].
    parameter : str
        Parameter of the family in whose predictor it stands, "" for the first.
    squared : bool
        Whether it is a square.
    word : bool
        Whether the name is user text, to be left as it is.
    short, short_label : str
        Name and label in mathematical notation where they differ: Y for the response, π for a probability.
    """

    name: str
    number: str = ""
    label: str = ""
    index: str = ""
    column: str = ""
    parameter: str = ""
    squared: bool = False
    word: bool = False
    short: str = ""
    short_label: str = ""

    def write(self, notation: Notation) -> str:
        """Return the symbol in a notation."""
        return notation.symbol(self)


@dataclass(frozen=True, slots=True)
class Expression:
    """Symbols joined.

    Attributes
    ----------
    form : str
        "sum", "minus", "product", "total", "ratio", "mean", "call", "prior", "link", "formula", "given", "tuple", "list"
        or "brace".
    parts : tuple of Symbol or Expression
        What is joined.
    name : str
        Name of a called function, text of a link or a formula, words under a brace.
    """

    form: str
    parts: tuple["Symbol | Expression", ...]
    name: str = ""

    def write(self, notation: Notation) -> str:
        """Return the expression in a notation."""
        return notation.forms[self.form](self.name, [part.write(notation) for part in self.parts])


Node = Symbol | Expression


@dataclass(frozen=True, slots=True)
class Equation:
    """left ~ right or left = right, with a note in words."""

    left: Node
    relation: str
    right: Node
    note: str = ""


def symbols_in(node: Node) -> Iterator[Symbol]:
    """Yield the symbols of an expression."""
    if isinstance(node, Symbol):
        yield node
    else:
        for part in node.parts:
            yield from symbols_in(part)


GREEK = {
    "beta": "β",
    "epsilon": "ε",
    "mu": "μ",
    "nu": "ν",
    "phi": "φ",
    "rho": "ρ",
    "sigma": "σ",
    "Sigma": "Σ",
    "theta": "θ",
    "wbar": "w̄",
    "ybar": "ȳ",
}


def _symbol_text(symbol: Symbol) -> str:
    name = symbol.name if symbol.word else GREEK.get(symbol.name, symbol.name)
    number = "" if symbol.column else symbol.number
    label = "_".join(part for part in (symbol.label, symbol.parameter) if part)
    label += f"[{symbol.column}]" if symbol.column else ""
    below = ",".join(part for part in (label, symbol.index) if part)
    return f"{name}{number}{'²' * symbol.squared}{f'_{below}' if below else ''}"


def _in_brackets(text: str) -> str:
    return f"({text})" if " " in text or "·" in text else text


TEXT = Notation(
    symbol=_symbol_text,
    forms={
        "sum": lambda name, parts: " + ".join(parts).replace("+ -", "- ") or "0",
        "minus": lambda name, parts: f"-{parts[0]}",
        "product": lambda name, parts: "·".join(parts),
        "total": lambda name, parts: f"sum_{name} {'·'.join(parts)}",
        "ratio": lambda name, parts: f"{parts[0]}/{_in_brackets(parts[1])}",
        "mean": lambda name, parts: f"mean({parts[0]})",
        "call": lambda name, parts: f"{name}({', '.join(parts)})",
        "prior": lambda name, parts: f"{name}({', '.join(parts)})",
        "link": lambda name, parts: name.format(*parts),
        "formula": lambda name, parts: name.replace("^2", "²").replace("^3", "³").format(*parts),
        "given": lambda name, parts: f"{parts[0]} | {', '.join(parts[1:])}",
        "tuple": lambda name, parts: f"({', '.join(parts)})",
        "list": lambda name, parts: ", ".join(parts),
        "brace": lambda name, parts: parts[0],
    },
)
