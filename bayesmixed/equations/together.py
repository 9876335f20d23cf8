"""The equations of models of several responses: those of each, and the correlations between them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape

from bayesmixed.arguments import checked
from bayesmixed.equations.effects import list_deviations
from bayesmixed.equations.latex import escape_latex, write_equation_block, write_latex
from bayesmixed.equations.mathml import SCROLLED, write_block, write_html
from bayesmixed.equations.outline import Outline, StatedPrior
from bayesmixed.equations.symbols import Equation, Expression, Node, Symbol
from bayesmixed.equations.text import align_equations, write_equations


@dataclass(frozen=True, slots=True)
class CommonCorrelations:
    """Correlations between responses.

    Attributes
    ----------
    name : str
        The factor, or "residuals".
    members : tuple of (str, str, str)
        Response, parameter and mark of each predictor whose effects are correlated; of residuals of each response.
    prior : StatedPrior
    """

    name: str
    members: tuple[tuple[str, str, str], ...]
    prior: StatedPrior


@dataclass(frozen=True, slots=True)
class JointOutline:
    """Models of several responses as their equations see them.

    Attributes
    ----------
    responses : mapping of Outline
        By response.
    common : tuple of CommonCorrelations
        What ties them.
    """

    responses: Mapping[str, Outline]
    common: tuple[CommonCorrelations, ...]


@dataclass(frozen=True, slots=True)
class _One:
    """A model of one response among several."""

    made: Outline

    def outline(self) -> Outline:
        return self.made


def list_common(outline: JointOutline) -> tuple[Equation, ...]:
    """Return the equations of the correlations between responses; symbols are marked with the response they belong to."""
    return tuple(equation for one in outline.common for equation in _equations(outline, one))


def _equations(outline: JointOutline, common: CommonCorrelations) -> Iterator[Equation]:
    matrix = Symbol("R", label=common.name)
    subjects: list[Node] = []
    for response, parameter, mark in common.members:
        made = outline.responses[response]
        if not parameter:
            words = f"({response})" if " " in response else response
            subjects.append(Symbol(words, index=made.row, word=True))
            continue
        predictor = next(one for one in made.predictors if one.parameter == parameter)
        term = next(one for one in list_deviations(predictor) if one.group.name == common.name)
        subjects += [replace(effect, parameter=mark) for effect in term.effects]
    note = "of one response: its block" if common.name != "residuals" else "given all effects"
    yield Equation(Expression("call", tuple(subjects), "Cor"), "=", matrix, note)
    prior = common.prior
    if prior.name == "Fixed":
        yield Equation(matrix, "=", prior.arguments[0], prior.note)
    else:
        yield Equation(matrix, "~", Expression("prior", prior.arguments, prior.name), prior.note)


def write_joint_equations(model: "DisplayedTogether") -> str:
    """Return the equations of several responses as plain text: those of each, then what they have in common."""
    outline = model.joint_outline()
    pieces = [f"{name}\n{'-' * len(name)}\n{write_equations(_One(one))}" for name, one in outline.responses.items()]
    common = list_common(outline)
    if common:
        title = "Responses together"
        pieces.append("\n".join([title, "-" * len(title), *align_equations(common)]))
    return "\n\n".join(pieces)


class DisplayedTogether(ABC):
    """Models of several responses that show their equations in notebooks."""

    __slots__ = ()

    @abstractmethod
    def joint_outline(self) -> JointOutline:
        """Return what the equations need to know."""

    @checked
    def to_latex(self, style: str = "conditional") -> str:
        """Return the equations of all responses as LaTeX, to be put between $$ and $$: those of each, then the correlations
        between responses.

        Parameters
        ----------
        style : {"conditional", "additive", "population"}
            As for one response.

        Raises
        ------
        SpecError
            There is no such style.
        """
        outline = self.joint_outline()
        blocks = []
        for name, one in outline.responses.items():
            blocks.append(rf"{escape_latex(name)}{{:}} \\" + f"\n{write_latex(_One(one), style)}")
        common = list_common(outline)
        blocks += [write_equation_block(common)] if common else []
        return "\\begin{array}{l}\n" + " \\\\[3ex]\n".join(blocks) + "\n\\end{array}"

    def _repr_latex_(self) -> str:
        return f"$$\n{self.to_latex()}\n$$"

    def _repr_html_(self) -> str:
        outline = self.joint_outline()
        pieces = [
            f"<strong>{escape(name)}</strong>\n{write_html(_One(one))}" for name, one in outline.responses.items()
        ]
        common = list_common(outline)
        if common:
            block = f'<div style="overflow-x: auto" {SCROLLED}>{write_block(common)}</div>'
            pieces.append(f"<strong>Responses together</strong>\n{block}")
        return "\n".join(pieces)
