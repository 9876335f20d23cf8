"""The equations of a model as plain text."""

import textwrap
from collections.abc import Sequence

from bayesmixed.equations.listing import list_equations
from bayesmixed.equations.outline import Outlined
from bayesmixed.equations.symbols import TEXT, Equation

WIDTH = 80


def write_equations(model: Outlined) -> str:
    """Return the equations of a spec or a design as plain text.

    The conditional distribution of the response given the effects of groups comes first, then the linear predictors,
    the distributions of the effects, and the priors, of a design with the numbers that are used. β are population
    effects; b, or the name of a factor, are effects of groups; z are effects of observations; σ are standard
    deviations. The draws call σ_herd `sd_herd`, and the β before Days `beta[Days]`.
    """
    equations = list_equations(model.outline())
    lines = [line for equation in equations.model for line in _wrap(equation)]
    priors = (*equations.priors, *equations.definitions)
    lines += ["", "Priors", *_align(priors)] if priors else []
    counted = ", ".join(f"{letters} for {meaning}" for letters, meaning in equations.indices)
    return "\n".join([*lines, "", f"Indices: {counted}"])


def _wrap(equation: Equation) -> list[str]:
    left = f"{equation.left.write(TEXT)} {equation.relation} "
    note = f"   ({equation.note})" if equation.note else ""
    return _fold(left + equation.right.write(TEXT) + note, len(left))


def _align(equations: Sequence[Equation]) -> list[str]:
    cells = [(e.left.write(TEXT), f"{e.relation} {e.right.write(TEXT)}", e.note) for e in equations]
    widths = [max(len(row[column]) for row in cells) for column in range(2)]
    lines = []
    for left, right, note in cells:
        start = f"  {left:{widths[0]}} {right:{widths[1]}}"
        whole = f"{start}   {note}".rstrip()
        if len(whole) <= WIDTH:
            lines.append(whole)
        else:  # the note goes below
            inside = widths[0] + 5
            lines += _fold(start.rstrip(), inside) + [" " * inside + line for line in _fold(note, 0, WIDTH - inside)]
    return lines


def _fold(text: str, indent: int, width: int = WIDTH) -> list[str]:
    """Return a text in lines, all but the first indented."""
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=" " * indent,
        drop_whitespace=True,
        break_long_words=False,
        break_on_hyphens=False,
    )
