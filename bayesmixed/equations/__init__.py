"""The equations of a model, with and without data, as text, LaTeX and MathML."""

from bayesmixed.equations.block_outlines import outline_blocks
from bayesmixed.equations.display import Displayed
from bayesmixed.equations.latex import write_latex
from bayesmixed.equations.listing import Equations, list_equations
from bayesmixed.equations.mathml import SCROLLED, write_html, write_indices, write_mathml
from bayesmixed.equations.outline import Outline, StatedPrior, state_prior
from bayesmixed.equations.term_outlines import outline_terms
from bayesmixed.equations.text import write_equations
from bayesmixed.equations.together import CommonCorrelations, DisplayedTogether, JointOutline, write_joint_equations

__all__ = [
    "SCROLLED",
    "CommonCorrelations",
    "Displayed",
    "DisplayedTogether",
    "Equations",
    "JointOutline",
    "Outline",
    "StatedPrior",
    "list_equations",
    "outline_blocks",
    "outline_terms",
    "state_prior",
    "write_equations",
    "write_html",
    "write_indices",
    "write_joint_equations",
    "write_latex",
    "write_mathml",
]
