"""Models whose rows have no compiled density, whatever their family and priors."""

from bayesmixed.design.design import Design
from bayesmixed.terms.weights import ADDED_ERROR


def why_uncompiled(design: Design) -> str | None:
    """Return why rows of a design have no compiled density, or None where they may have one."""
    weights = design.spec.weights
    if weights is not None and weights.kind == ADDED_ERROR:
        return f"rows have known standard errors, '{weights.column}', beside {design.family.scale}"
    return None
