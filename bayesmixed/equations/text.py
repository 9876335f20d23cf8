"""The equations of a model as plain text."""

from collections.abc import Sequence

from bayesmixed.display.columns_of_text import WIDTH, fill, measure, pad
from bayesmixed.equations.listing import list_equations
from bayesmixed.equations.outline import Outlined
from bayesmixed.equations.symbols import TEXT, Equation


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
    lines += ["", "Priors", *align_equations(priors)] if priors else []
    counted = ", ".join(f"{letters} for {meaning}" for letters, meaning in equations.indices)
    return "\n".join([*lines, "", f"Indices: {counted}"])


def _wrap(equation: Equation) -> list[str]:
    left = f"{equation.left.write(TEXT)} {equation.relation} "
    note = f"   ({equation.note})" if equation.note else ""
    return fill(left + equation.right.write(TEXT) + note, WIDTH, " " * measure(left))


def align_equations(equations: Sequence[Equation]) -> list[str]:
    """Return lines of equations whose relations and notes are below each other."""
    cells = [(e.left.write(TEXT), f"{e.relation} {e.right.write(TEXT)}", e.note) for e in equations]
    widths = [max(measure(row[column]) for row in cells) for column in range(2)]
    lines = []
    for left, right, note in cells:
        start = f"  {pad(left, widths[0])} {pad(right, widths[1])}"
        whole = f"{start}   {note}".rstrip()
        if measure(whole) <= WIDTH:
            lines.append(whole)
        else:  # the note goes below
            inside = widths[0] + 5
            lines += fill(start, WIDTH, " " * inside) + [" " * inside + line for line in fill(note, WIDTH - inside)]
    return lines
