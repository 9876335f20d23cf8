"""The base class of specs, designs and fits that shows their equations."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from bayesmixed.arguments import checked
from bayesmixed.equations.latex import write_latex
from bayesmixed.equations.mathml import write_html
from bayesmixed.equations.outline import Outline
from bayesmixed.errors import SpecError


class Displayed(ABC):
    """A model that shows its equations in notebooks."""

    __slots__ = ()

    @abstractmethod
    def outline(self) -> Outline:
        """Return what the equations need to know."""

    def captions(self) -> Mapping[str, str]:
        """Return what is shown around the equations in notebooks: title, text, hint."""
        return {}

    @checked
    def to_latex(self, style: str = "conditional") -> str:
        """Return the equations as LaTeX, to be put between $$ and $$; of a spec with rules for the default priors.

        Parameters
        ----------
        style : {"conditional", "additive", "population"}
            Effects of groups as deviations b_i; the same as one sum with braces under fixed and random effects; or
            coefficients of groups β_0i around population means. All three are the same model.

        Raises
        ------
        SpecError
            There is no such style.
        """
        return write_latex(self, style)

    def _repr_latex_(self) -> str | None:
        """Return the equations, None where they are not known without data: notebooks then show the text."""
        try:
            return f"$$\n{self.to_latex()}\n$$"
        except SpecError:
            return None

    def _repr_html_(self) -> str | None:
        try:
            return write_html(self, **self.captions())
        except SpecError:
            return None
