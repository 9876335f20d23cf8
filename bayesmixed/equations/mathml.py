"""The equations of a model as MathML, which browsers show without any library."""

import re
from collections.abc import Sequence
from html import escape

from bayesmixed.equations.listing import list_equations
from bayesmixed.equations.outline import Outlined
from bayesmixed.equations.symbols import GREEK, Equation, Notation, Symbol

SCROLLED = 'tabindex="0" role="group" aria-label="Equations"'
"""Attributes of an element in which equations that are too wide can be scrolled, with the keyboard too."""
_NOTE = "display: inline-block; max-width: 14em; white-space: normal"


def write_mathml(model: Outlined) -> str:
    """Return the equations of a spec or a design as MathML: the model, then its priors."""
    equations = list_equations(model.outline())
    blocks = [block for block in (equations.model, (*equations.priors, *equations.definitions)) if block]
    return "\n".join(write_block(block) for block in blocks)


def write_html(model: Outlined, *, title: str = "", text: str = "", hint: str = "") -> str:
    """Return the equations with what their indices stand for as HTML, for notebooks."""
    pieces = [f"<strong>{escape(title)}</strong>"] if title else []
    pieces += [f"<p>{escape(text)}</p>"] if text else []
    pieces += [
        f'<div style="overflow-x: auto" {SCROLLED}>{write_mathml(model)}</div>',
        f"<p><small>{write_indices(model)}</small></p>",
    ]
    pieces += [f"<p>{escape(hint)}</p>"] if hint else []
    return "\n".join(pieces)


def write_indices(model: Outlined) -> str:
    """Return what the indices of the equations stand for, as HTML."""
    indices = list_equations(model.outline()).indices
    return escape(f"Indices: {', '.join(f'{letters} for {meaning}' for letters, meaning in indices)}.")


def _write_symbol(symbol: Symbol) -> str:
    if re.fullmatch(r"-?[\d.]+(e[-+]?\d+)?", symbol.name):
        return f"<mn>{symbol.name}</mn>".replace("-", "−")
    base = f"<mtext>{escape(symbol.name)}</mtext>" if symbol.word else f"<mi>{GREEK.get(symbol.name, symbol.name)}</mi>"
    label = symbol.label + (f"[{symbol.column}]" if symbol.column else "")
    below = ",".join(part for part in (label, f"{'' if symbol.column else symbol.number}{symbol.index}") if part)
    parameter = GREEK.get(symbol.parameter, symbol.parameter)
    above = (f"({parameter})" if parameter else "") + ("2" if symbol.squared else "")
    pieces = [base, *(f"<mtext>{escape(text)}</mtext>" for text in (below, above) if text)]
    name = {(True, True): "msubsup", (True, False): "msub", (False, True): "msup"}.get((bool(below), bool(above)))
    return _wrap(name, *pieces) if name else base


def _write_sum(name: str, parts: list[str]) -> str:
    joined = _PLUS.join(parts).replace(f"{_PLUS}<mrow>{_MINUS}", f"<mrow>{_MINUS}")
    return joined or "<mn>0</mn>"


def _write_call(name: str, parts: list[str]) -> str:
    return f"<mi>{escape(name)}</mi>{_in_brackets(parts)}"


def _write_link(text: str, parts: list[str]) -> str:
    """Write a link such as "log({} - 1)": words, numbers and signs one by one."""
    kinds = {"mi": r"[A-Za-z_]\w*", "mn": r"[\d.]+"}
    written = []
    for token in re.findall(r"\{0?\}|[A-Za-z_]\w*|[\d.]+|\S", text):
        kind = next((kind for kind, pattern in kinds.items() if re.fullmatch(pattern, token)), "mo")
        written.append(parts[0] if token in ("{}", "{0}") else f"<{kind}>{escape(token)}</{kind}>")
    return _wrap("mrow", *written)


def _write_formula(text: str, parts: list[str]) -> str:
    """Write a formula such as "{0} + {0}^2/{1}" sign by sign."""
    written = []
    for place, power, number, sign in re.findall(r"\{(\d)\}(?:\^(\d))?|(\d+)|(\S)", text):
        base = parts[int(place)] if place else f"<mn>{number}</mn>" if number else f"<mo>{_SIGNS.get(sign, sign)}</mo>"
        written.append(_wrap("msup", _wrap("mrow", base), f"<mn>{power}</mn>") if power else base)
    return _wrap("mrow", *written)


def _in_brackets(parts: Sequence[str]) -> str:
    return f"<mrow><mo>(</mo>{_COMMA.join(parts)}<mo>)</mo></mrow>"


def _wrap(name: str, *parts: str) -> str:
    return f"<{name}>{''.join(parts)}</{name}>"


_SIGNS = {"-": "−"}
_PLUS, _MINUS, _COMMA = "<mo>+</mo>", "<mo>−</mo>", "<mo>,</mo>"

MATHML = Notation(
    symbol=_write_symbol,
    forms={
        "sum": _write_sum,
        "minus": lambda name, parts: f"<mrow>{_MINUS}{parts[0]}</mrow>",
        "product": lambda name, parts: "<mo>·</mo>".join(parts),
        "total": lambda name, parts: f"<munder><mo>∑</mo><mi>{escape(name)}</mi></munder>{'<mo>·</mo>'.join(parts)}",
        "ratio": lambda name, parts: _wrap("mfrac", *(_wrap("mrow", part) for part in parts)),
        "mean": lambda name, parts: f"<mover><mrow>{parts[0]}</mrow><mo>¯</mo></mover>",
        "call": _write_call,
        "prior": _write_call,
        "link": _write_link,
        "formula": _write_formula,
        "given": lambda name, parts: f"{parts[0]}<mo>|</mo>{_COMMA.join(parts[1:])}",
        "tuple": lambda name, parts: _in_brackets(parts),
        "list": lambda name, parts: _COMMA.join(parts),
        "brace": lambda name, parts: parts[0],
    },
)


def write_block(equations: Sequence[Equation]) -> str:
    """Return equations below each other as MathML."""
    rows = []
    for equation in equations:
        sign = f"<mo>{'∼' if equation.relation == '~' else equation.relation}</mo>"
        cells = [equation.left.write(MATHML), sign, equation.right.write(MATHML)]
        cells += [f'<mtext><span style="{_NOTE}">{escape(equation.note)}</span></mtext>'] if equation.note else []
        rows.append(_wrap("mtr", *(f'<mtd style="text-align: left"><mrow>{cell}</mrow></mtd>' for cell in cells)))
    return f'<math display="block" style="width: max-content"><mtable>{"".join(rows)}</mtable></math>'
