"""Group effects that do what the residual does: the data say nothing about how much of the variance is theirs."""

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.errors import DataError
from bayesmixed.families.parameter_functions import function_of
from bayesmixed.formulas.notation import join_factors
from bayesmixed.preparation.structure_checks import absorbs_residual
from bayesmixed.terms.block_parts import RELATED, Part
from bayesmixed.terms.blocks import GroupBlock

_ROUNDING = 1e-7
"""What rounding leaves of the equations of a covariance that exists."""


def check_residual_effects(design: Design, rows: int) -> None:
    """Refuse group effects whose SDs cannot be told from that of the residual, of a design with that many rows (DataError)."""
    family = design.family
    single = family.has_trials and design.trials is not None and bool(np.all(np.asarray(design.trials) == 1))
    reason = family.observation_effect or ("every row has one trial" if single else "")
    known = design.known_errors or any(
        function_of(key, family.scale) and prior.name == "Fixed"
        for key, prior in design.spec.priors.items()
        if family.scale and family.scale not in design.predictors
    )
    if single and any(group.single for _, group in design.group_blocks()):
        raise DataError("obs() is not identified when every row has one trial. Leave it out.")
    for group in design.mu.groups:
        if not reason or known or group.single or (group.takes == RELATED and not group.unrelated):
            continue
        if len(group.levels) < rows or group.intercept is None:
            constant = family.observation_effect and family.scale not in design.predictors
            if constant and absorbs_residual(group):
                fixed = f"fix '{family.scale}' by a number (priors={{\"{family.scale}\": 1.5}})"
                raise DataError(
                    f"With one row in each column of a level, the effects of '{group.name}' can as well hold the residual: their "
                    f"SD and '{family.scale}' are not identified together. Write (1 | {group.name}), under which rows of a level "
                    f"are equally correlated too, or {fixed}."
                )
            if constant and len(group.levels) * group.width >= rows and spans_residual(group):
                raise DataError(
                    f"({' + '.join(group.labels)} | {group.name}) can hold any difference between the rows of a level, of which "
                    f"there are at most {group.width}, so its covariances and '{family.scale}' are not identified together. "
                    f"Write (1 | {group.name}), independent effects ({'+'.join(group.labels)} || {group.name}), or fix "
                    f"'{family.scale}' by a number if it is known (priors={{\"{family.scale}\": 1.5}})."
                )
            continue
        outside = [join_factors([name]) for name in group.factors[:-1]]
        instead = f"Write (1 | {'/'.join(outside)})" if outside else "Leave the term out"
        fixed = (
            f", or fix '{family.scale}' by a number if it is known (priors={{\"{family.scale}\": 1.5}})"
            if family.scale
            else ""
        )
        raise DataError(
            f"'{group.name}' has one row in each level, so its effects are observation-level effects, as in obs(), and they are "
            f"not identified under family '{family.name}': {reason}. {instead}{fixed}."
        )


def spans_residual(group: GroupBlock) -> bool:
    """Return whether some covariance of the effects of a level makes its rows independent with equal variances.

    Any residual variance can then as well be part of the covariance. The covariance D solves z'Dz = 1 for each row and
    z'Dw = 0 for each two rows of a level.
    """
    if not group.unrelated or len(group.parts) != 1 or not _holds_any(group.parts[0]):
        return False
    z = group.spread_matrix / np.maximum(np.abs(group.spread_matrix).max(axis=0), np.finfo(float).tiny)
    order = np.argsort(group.index, kind="stable")
    sizes = np.bincount(group.index, minlength=len(group.levels))
    if sizes.max() > group.width or sizes.max() < 2:
        return False
    starts = np.cumsum(sizes) - sizes
    first, second = [order], [order]
    for step in range(1, int(sizes.max())):
        for place in range(int(sizes.max()) - step):
            pairs = starts[sizes > place + step] + place
            first.append(order[pairs])
            second.append(order[pairs + step])
    one, other = z[np.concatenate(first)], z[np.concatenate(second)]
    products = one[:, :, None] * other[:, None, :]
    products = products + products.transpose(0, 2, 1)
    upper = np.triu_indices(z.shape[1])
    system = products[:, *upper] * np.where(upper[0] == upper[1], 0.5, 1.0)
    wanted = np.concatenate([np.ones(len(order)), np.zeros(len(one) - len(order))])
    solution = np.linalg.lstsq(system, wanted, rcond=None)[0]
    return bool(np.max(np.abs(system @ solution - wanted)) < _ROUNDING)


def _holds_any(part: Part) -> bool:
    """Return whether the effects of a level can have any covariance: two with SDs of their own have one correlation."""
    structure = part.structure
    two = structure is not None and structure.width == 2 and structure.correlated and not structure.covariance.equal
    return part.correlated or two
