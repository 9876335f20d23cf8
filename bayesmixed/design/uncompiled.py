"""Models that have no compiled density, whatever their family and priors."""

from bayesmixed.design.design import Design
from bayesmixed.design.structures import structured_term
from bayesmixed.errors import enumerate_words
from bayesmixed.terms.weights import ADDED_ERROR


def why_uncompiled(design: Design) -> str | None:
    """Return why a design has no compiled density, or None where it may have one."""
    weights = design.spec.weights
    if weights is not None and weights.kind == ADDED_ERROR:
        return f"rows have known standard errors, '{weights.column}', beside {design.family.scale}"
    if design.latent:
        return f"values of '{design.latent[0].column}' are drawn with the parameters"
    tied = next((matrix for matrix, _ in design.correlations() if matrix.tied), None)
    if tied is not None:
        return f"the effects of '{tied.term}' on {enumerate_words(tied.parameters)} are correlated with each other"
    if design.residual is not None:
        return f"residuals are correlated within '{design.residual.name}', {design.residual.residual}"
    steps = next((one.name for predictor in design.predictors.values() for one in predictor.steps), None)
    if steps is not None:
        return f"the steps of {steps} have one sign"
    return structured_term(design)
