"""The equations of a model as LaTeX, for notebooks and papers."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bayesmixed.equations.listing import Equations, list_equations
from bayesmixed.equations.outline import Outlined
from bayesmixed.equations.symbols import TEXT, Equation, Expression, Node, Notation, Symbol, symbols_in

WIDTH = 90


def write_latex(model: Outlined, style: str = "conditional") -> str:
    r"""Return the equations of a spec or a design as LaTeX, to be put between $$ and $$.

    Parameters
    ----------
    style : {"conditional", "additive", "population"}
        "conditional": \beta_0 + b_i, effects as deviations from population effects. "additive": the same as one sum,
        with braces under fixed and random effects. "population": \beta_{0i} \sim N(b, \sigma^2), coefficients of
        groups around population means. All three are the same model.

    Raises
    ------
    SpecError
        There is no such style.
    """
    outline = model.outline()
    equations = list_equations(outline, style)
    if not outline.response.isidentifier():
        response = next(symbol for symbol in symbols_in(equations.model[0].left) if symbol.short)
        meaning = Equation(response, "=", replace(response, short=""))
        equations = replace(equations, model=(meaning, *equations.model))
    return _write_block(equations)


def escape_latex(words: str) -> str:
    """Return user text, such as column names, as upright LaTeX that MathJax can also read."""
    pieces = re.split(r"([_%&#${}~^\\])", words)
    written = [_SPECIAL.get(piece, rf"\text{{{piece}}}") for piece in pieces if piece]
    return written[0] if len(written) == 1 else "{" + "".join(written) + "}"


# Outside \text, because MathJax shows \_ inside it literally.
_SPECIAL = {character: f"\\{character}" for character in "_%&#${}"} | {
    "~": r"\sim ",
    "^": r"\wedge ",
    "\\": r"\backslash ",
}

_NAMES = {
    "beta": r"\beta",
    "epsilon": r"\varepsilon",
    "mu": r"\mu",
    "nu": r"\nu",
    "phi": r"\phi",
    "pi": r"\pi",
    "rho": r"\rho",
    "sigma": r"\sigma",
    "Sigma": r"\Sigma",
    "theta": r"\theta",
    "wbar": r"\bar{w}",
    "ybar": r"\bar{y}",
    "…": r"\cdots",
}
_LABELS = {"y": "y"}
_RELATIONS = {"~": r"\sim", "=": "="}
_LINKS = {
    "logit({})": r"\log\left(\frac{{{0}}}{{1 - {0}}}\right)",
    "probit({})": r"\Phi^{{-1}}\left({0}\right)",
    "cloglog({})": r"\log\left(-\log\left(1 - {0}\right)\right)",
    "log({})": r"\log {0}",
    "exp({})": r"\exp\left({0}\right)",
    "log({} - 1)": r"\log\left({0} - 1\right)",
    "cauchit({})": r"\tan\left(\pi\left({0} - \tfrac{{1}}{{2}}\right)\right)",
    "sqrt({})": r"\sqrt{{{0}}}",
    "1/sqrt({})": r"\frac{{1}}{{\sqrt{{{0}}}}}",
    "1/{}": r"\frac{{1}}{{{0}}}",
    "1/{}^2": r"\frac{{1}}{{{0}^2}}",
    "1/(1+{})": r"\frac{{1}}{{1 + {0}}}",
    "{}": "{0}",
    "{}^|k-l|": r"{0}^{{|k - l|}}",
    "exp(-d_kl/{})": r"\exp\left(-d_{{kl}} / {0}\right)",
    "exp(-(d_kl/{})^2)": r"\exp\left(-\left(d_{{kl}} / {0}\right)^2\right)",
    "(1 + d_kl/{0}) exp(-d_kl/{0})": r"\left(1 + d_{{kl}} / {0}\right) \exp\left(-d_{{kl}} / {0}\right)",
    "(1 + d_kl/{0} + (d_kl/{0})^2/3) exp(-d_kl/{0})": (
        r"\left(1 + d_{{kl}} / {0} + \tfrac{{1}}{{3}} \left(d_{{kl}} / {0}\right)^2\right) \exp\left(-d_{{kl}} / {0}\right)"
    ),
}


def _write_symbol(symbol: Symbol) -> str:
    name = symbol.short or symbol.name
    words = symbol.word and not symbol.short and name not in ("b", "z")
    base = escape_latex(name) if words else _NAMES.get(name, name)
    if re.fullmatch(r"-?[\d.]+e[-+]\d+", name):
        digits, power = name.split("e")
        base = rf"{digits} \times 10^{{{int(power)}}}"
    elif not words and len(base) > 1 and re.fullmatch(r"[^\W\d]\w*", base):
        base = rf"\mathrm{{{_underscored(base)}}}"
    elif len(base) > 1 and base.isalpha():
        base = rf"\mathrm{{{base}}}"
    label = symbol.short_label or (_LABELS.get(symbol.label, escape_latex(symbol.label)) if symbol.label else "")
    joined = symbol.number + (f",{symbol.index}" if len(symbol.number) > 1 and symbol.index else symbol.index)
    below = ",".join(part for part in (label, joined) if part)
    above = rf"({_NAMES.get(symbol.parameter, _underscored(symbol.parameter))})" if symbol.parameter else ""
    written = base + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
    if not symbol.squared:
        return written
    return rf"\left({written}\right)^2" if above else f"{written}^2"


def _underscored(name: str) -> str:
    return name.replace("_", r"\_")


def _write_link(text: str, parts: list[str]) -> str:
    known = _LINKS.get(text)
    if known is not None:
        return known.format(parts[0])
    name, _, inside = text.partition("(")
    return rf"\operatorname{{{name}}}\left({inside.removesuffix(')').format(parts[0])}\right)"


def _write_call(name: str, parts: list[str]) -> str:
    known = {"N": "N", "max": r"\max", "diag": r"\operatorname{diag}", "f": "f"}
    return rf"{known.get(name, rf'\mathrm{{{name}}}')}\left({', '.join(parts)}\right)"


def _write_prior(name: str, parts: list[str]) -> str:
    """Write a prior as in mathematics: mean and variance of the normal, location zero of the half-t."""
    if name == "Normal":
        return rf"N\left({parts[0]}, {_square(parts[1])}\right)"
    if name == "HalfStudentT":
        parts = [parts[0], "0", parts[1]]
    return _write_call(name, parts)


def _square(text: str) -> str:
    return f"{text}^2" if re.fullmatch(r"[\w.]+", text) else rf"\left({text}\right)^2"


LATEX = Notation(
    symbol=_write_symbol,
    forms={
        "sum": lambda name, parts: " + ".join(parts).replace("+ -", "- ") or "0",
        "minus": lambda name, parts: f"-{parts[0]}",
        "product": lambda name, parts: r"\,".join(parts),
        "total": lambda name, parts: rf"\sum_{{{name}}} " + r"\,".join(parts),
        "ratio": lambda name, parts: f"{parts[0]}/{parts[1]}",
        "mean": lambda name, parts: rf"\overline{{{parts[0]}}}",
        "call": _write_call,
        "prior": _write_prior,
        "link": _write_link,
        "formula": lambda name, parts: name.format(*parts),
        "given": lambda name, parts: rf"{parts[0]} \mid {', '.join(parts[1:])}",
        "tuple": lambda name, parts: rf"\left({', '.join(parts)}\right)",
        "list": lambda name, parts: ", ".join(parts),
        "brace": lambda name, parts: rf"\underbrace{{{parts[0]}}}_{{{escape_latex(name)}}}",
    },
)


def _write_block(equations: Equations) -> str:
    blocks = [block for block in (equations.model, equations.priors, equations.definitions) if block]
    aligned = [write_equation_block(block) for block in blocks]
    return "\\begin{array}{l}\n" + " \\\\[2ex]\n".join(aligned) + "\n\\end{array}"


def write_equation_block(equations: Iterable[Equation]) -> str:
    """Return equations below each other as LaTeX."""
    rows = " \\\\\n".join(row for equation in equations for row in _rows(equation))
    return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"


def _rows(equation: Equation) -> Iterator[str]:
    """Yield the rows of an equation: a long sum takes several."""
    lines = _split(equation.right)
    note = rf" && {escape_latex(equation.note)}" if equation.note else ""
    yield f"{equation.left.write(LATEX)} &{_RELATIONS[equation.relation]} {lines[0].write(LATEX)}{note}"
    for line in lines[1:]:
        yield rf"&\quad {{}} + {line.write(LATEX)}"


def _split(node: Node) -> list[Node]:
    if not isinstance(node, Expression) or node.form != "sum" or len(node.write(TEXT)) <= WIDTH:
        return [node]
    lines: list[list[Node]] = [[]]
    for part in node.parts:
        if lines[-1] and len(Expression("sum", (*lines[-1], part)).write(TEXT)) > WIDTH:
            lines.append([])
        lines[-1].append(part)
    return [Expression("sum", tuple(parts)) for parts in lines]
