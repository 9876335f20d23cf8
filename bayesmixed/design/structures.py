"""Parameters of covariance structures on a design, and what cannot take such a structure."""

from bayesmixed.design.design import Design
from bayesmixed.formulas.names import labelled_columns
from bayesmixed.prior_distributions import Support


def structure_range(design: Design, key: str) -> Support | None:
    """Return the interval in which a parameter of a covariance structure lies, None for any other key."""
    for predictor, group in design.normal_blocks():
        for own, structure, parameter in predictor.structure_parameters(group):
            if own == key:
                return parameter.support(structure.width)
    residual = design.residual
    if residual is None:
        return None
    found = next((one for name, one in residual.parameters.items() if name == key), None)
    return None if found is None else found.support(residual.structure.width)


def structured_term(design: Design) -> str | None:
    """Return what has a covariance that is neither diagonal nor free, in words; None where no term has one."""
    for _, group in design.group_blocks():
        for part in group.structured:
            if part.structure is not None:
                return f"the effects of '{group.name}' are {part.structure.covariance.text}"
    for _, block in design.normal_blocks():
        if block.spectrum is not None:
            return block.spectrum.reason(block.name)
    return None


def fixed_places(design: Design) -> set[str]:
    """Return the columns of numbers whose values must be those of the fit: effects at other ones have no covariance with
    them, or no coefficient, as SDs of visits, labels(visit), or no SD, as types of groups."""
    names = [str(name) for name in design.table.data.columns]
    formulas = [formula for terms in design.spec.predictors.values() for term in terms for formula in term.formulas]
    labelled = {name for formula in formulas for name in labelled_columns(formula, names)} - {*design.table.levels}
    labelled |= {one.column for own in design.predictors.values() for one in own.steps if one.number}
    labelled |= {name for _, group in design.group_blocks() for name in group.splits} - {*design.table.levels}
    return labelled | {
        part.structure.inside.strip("`")
        for _, group in design.group_blocks()
        for part in group.structured
        if part.structure is not None and part.structure.of_places and not part.structure.extends
    }
