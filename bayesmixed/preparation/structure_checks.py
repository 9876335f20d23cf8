"""Checks of covariance structures: whether the rows of levels can tell what their parameters are."""

import numpy as np

from bayesmixed.errors import DataError, enumerate_words
from bayesmixed.terms.block_parts import ONE, Part
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.structures import Structure


def check_structures(group: GroupBlock) -> None:
    """Refuse structures whose parameters the rows say nothing about (DataError)."""
    for part in group.structured:
        if part.structure is not None:
            _check_structure(group, part, part.structure)


def _check_structure(group: GroupBlock, part: Part, structure: Structure) -> None:
    record, columns = structure.covariance, list(part.columns)
    if structure.width < 2 and structure.of_places:
        raise DataError(
            f"'{structure.inside}' has one value, and effects of '{group.name}' that are {record.text} need several. Write "
            f"(1 | {group.name})."
        )
    if structure.width < 2:
        raise DataError(
            f"Effects of '{group.name}' that are {record.text} need several columns, and '{structure.inside}' is one. Write "
            f"({structure.inside} | {group.name})."
        )
    used = np.zeros((len(group.levels), len(columns)), dtype=bool)
    rows, levels, _ = group.pairs()
    for place, column in enumerate(columns):
        used[levels[group.matrix[rows, column] != 0.0], place] = True
    if structure.correlated and used.sum(axis=1).max() < 2:
        instead = f"Write ({structure.inside} || {group.name}), or (1 | {group.name})."
        if structure.of_places:
            instead = (
                f"The group is what holds several of them: in {record.call}(0 + {structure.inside} | group) a column with one "
                f"label in all rows, if all belong together. Without correlation write (1 | {group.name})."
            )
        raise DataError(
            f"No level of '{group.name}' has rows in two columns of '{structure.inside}', so nothing is known about their "
            f"correlation. {instead}"
        )
    rare = [group.labels[column] for place, column in enumerate(columns) if used[:, place].sum() < 2]
    if rare and not record.equal:
        raise DataError(
            f"Rows of fewer than two levels of '{group.name}' tell the SD of {enumerate_words(rare, 5)}. Take a "
            "covariance with one SD for all columns, or leave these rows out."
        )


def absorbs_residual(group: GroupBlock) -> bool:
    """Return whether a residual variance can as well be part of the covariance of the effects of a level."""
    if group.takes != ONE or len(group.parts) != 1 or group.parts[0].structure is None:
        return False
    structure = group.parts[0].structure
    record = structure.covariance
    if not (record.absorbs or (record.equal and structure.width == 2)):
        return False
    z = group.spread_matrix
    if not np.array_equal(np.sort(z, axis=1)[:, :-1], np.zeros((len(z), structure.width - 1))) or np.any(
        z.max(axis=1) != 1
    ):
        return False
    cells = group.index * structure.width + z.argmax(axis=1)
    return bool(np.bincount(cells).max() < 2)
