"""Checks of correlated residuals: whether rows tell their correlations, and which effects of groups do the same thing."""

import re
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.errors import DataError, SpecError, enumerate_words
from bayesmixed.formulas.notation import safe_name
from bayesmixed.tables.factors import encode, natural_key
from bayesmixed.terms.block_parts import ONE
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.covariances import ORDER
from bayesmixed.terms.residual_blocks import ResidualBlock
from bayesmixed.terms.residual_correlations import RESIDUAL, ROWS


def check_correlations(design: Design) -> tuple[str, ...]:
    """Refuse correlations of residuals that rows say nothing about; return a note for each that the prior alone tells.

    Raises
    ------
    SpecError, DataError
        Every group has one row, or group effects can as well hold the residual, and similar problems.
    """
    block = design.residual
    if block is None:
        return ()
    residual = block.residual
    if design.spec.response in residual.columns:
        raise SpecError(f"Response '{design.spec.response}' is in residual '{residual}'. Leave it out.")
    if any(safe_name(group.name) == RESIDUAL for _, group in design.group_blocks()):
        raise SpecError(f"Grouping factor '{RESIDUAL}' has a name that the results use. Rename the column.")
    if block.sizes.max() < 2:
        raise DataError(
            f"Every '{block.name}' has one row, so nothing is known about correlations within it. Leave residual out."
        )
    if block.equal and len(block.levels) == 1:
        raise DataError(
            f"All rows are of one '{block.name}' ('{block.levels[0]}'), and equally correlated: what they share cannot be told "
            "from the intercept. Leave residual out."
        )
    for group in design.mu.groups:
        if group.takes == ONE and _is_same(group.index, block.units):
            _check_group(design, block, group)
    if block.free:
        _check_visits(block)
        return tuple(_note_apart(block))
    return tuple(_note_order(design, block))


def _is_same(first: NDArray[np.intp], second: NDArray[np.intp]) -> bool:
    """Return whether two partitions of the rows have the same sets."""
    together = np.unique(np.stack([first, second]), axis=1).shape[1]
    return together == len(np.unique(first)) == len(np.unique(second))


def _check_group(design: Design, block: ResidualBlock, group: GroupBlock) -> None:
    """Refuse effects of the levels within which residuals are correlated, if residuals can hold them."""
    record = block.structure.covariance
    pair = int(block.sizes.max()) == 2 and len(np.unique(np.round(block.before[1][block.ranks > 0], 9))) == 1
    if group.intercepts and (block.equal or record.lags or block.free or pair):
        raise DataError(
            f"(1 | {group.name}) makes the rows of a level equally correlated, and residual '{block.residual}' can hold that: "
            f"the two are not identified together. Leave one of them out (in a trial: (1 | {group.name}))."
        )
    if not block.free:
        return
    for column, label in enumerate(group.labels):
        means = np.zeros(block.structure.width)
        codes = block.places.astype(int)
        means[codes] = group.matrix[:, column]
        if np.allclose(means[codes], group.matrix[:, column]):
            raise DataError(
                f"'{label}' in ({' + '.join(group.labels)} | {group.name}) is the same in all rows of a {block.residual.place}, "
                f"and residual '{block.residual}' can hold any covariance of these. Leave one of the two out."
            )


def _check_visits(block: ResidualBlock) -> None:
    counts = np.bincount(block.places.astype(int), minlength=block.structure.width)
    rare = [label for label, count in zip(block.labels, counts, strict=True) if count < 2]
    if rare:
        raise DataError(
            f"Fewer than two rows are at {block.residual.place} {enumerate_words(rare, 5)}, so that nothing is known about its "
            "correlations. Merge it with another one, leave its rows out, or take a covariance with fewer parameters, ar1 or cs."
        )


def _note_order(design: Design, block: ResidualBlock) -> Iterator[str]:
    """Say in which order visits are whose names do not tell it, unless the rows of groups come in this order."""
    residual = block.residual
    if residual.record.columns != ORDER or residual.place == ROWS or block.structure.step:
        return
    column = design.table.data[residual.place]
    labels = encode(column)[1]
    known = isinstance(column.dtype, pd.CategoricalDtype) and bool(column.cat.ordered)
    stems = {re.sub(r"\d+", "", label) for label in labels}
    stated = known or list(labels) != sorted(labels, key=natural_key) or len(stems) == 1
    rows = np.argsort(block.units, kind="stable")
    backward = (np.diff(block.units[rows]) == 0) & (np.diff(block.places[rows]) < 0.0)
    if not stated and np.any(backward):
        yield (
            f"residual '{residual}' takes '{residual.place}' in the order {enumerate_words(labels, 8)}. If time went otherwise, "
            f"make it an ordered category, or number it: pd.Categorical({residual.place}, [...], ordered=True)."
        )


def _note_apart(block: ResidualBlock) -> Iterator[str]:
    seen = np.zeros((len(block.levels), block.structure.width), dtype=bool)
    seen[block.units, block.places.astype(int)] = True
    together = seen.T.astype(int) @ seen
    pairs = [(a, b) for a, b in combinations(range(block.structure.width), 2) if together[a, b] < 2]
    if pairs:
        named = enumerate_words([f"{block.labels[a]} and {block.labels[b]}" for a, b in pairs], 5)
        yield (
            f"Fewer than two levels of '{block.name}' have rows at {block.residual.place} {named}: their correlation depends on "
            "the prior."
        )
