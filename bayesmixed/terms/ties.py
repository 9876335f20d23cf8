"""Terms that a letter ties across predictors, (1 |p| g) in the formulas of mu and sigma: their common matrix of correlations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bayesmixed.parameter_keys import VariableNames
from bayesmixed.terms.block_parts import Part
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.correlation_matrices import CorrelationMatrix, tied_sets
from bayesmixed.terms.predictors import Predictor


def _of_first(members: Sequence[Predictor]) -> VariableNames:
    return members[0].names


def tie_predictors(
    predictors: Mapping[str, Predictor], names_of: Callable[[Sequence[Predictor]], VariableNames] = _of_first
) -> dict[str, Predictor]:
    """Return predictors in which every term that shares a letter with another predictor knows their common matrix, whose
    variable has one of the names of these."""
    names = dict.fromkeys(group.name for predictor in predictors.values() for group in predictor.groups)
    found = dict(predictors)
    for name in names:
        blocks = {p: group for p, one in predictors.items() for group in one.groups if group.name == name}
        for members in tied_sets({p: {part.letter for part in group.parts} for p, group in blocks.items()}):
            own = names_of([found[p] for p in members])
            matrix = _common_matrix({p: (found[p], blocks[p]) for p in members}, own)
            for parameter in members:
                groups = (replace(g, tie=matrix) if g.name == name else g for g in found[parameter].groups)
                found[parameter] = replace(found[parameter], groups=tuple(groups))
    return found


def _common_matrix(members: Mapping[str, tuple[Predictor, GroupBlock]], names: VariableNames) -> CorrelationMatrix:
    """Return the matrix of the effects of one factor in several predictors."""
    starts = np.cumsum([0, *(group.width for _, group in members.values())])
    every = [
        part.shifted(int(start))
        for start, (_, group) in zip(starts, members.values(), strict=False)
        for part in group.parts
    ]
    parts: list[Part] = [part for part in every if not part.letter]
    for letter in dict.fromkeys(part.letter for part in every if part.letter):
        columns = tuple(column for part in every if part.letter == letter for column in part.columns)
        parts.append(Part(columns, len(columns) > 1, letter=letter))
    _, group = next(iter(members.values()))
    return CorrelationMatrix(
        group.name,
        names.correlations(group.dim),
        f"{group.dim}{names.suffix}_tied",
        tuple(members),
        tuple(group.labels for _, group in members.values()),
        tuple(parts),
    )
