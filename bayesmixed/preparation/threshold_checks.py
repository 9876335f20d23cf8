"""Refuse effects on thresholds that the formula of the response has already."""

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.errors import DataError, enumerate_words
from bayesmixed.families.links import Array

_NOTHING = 1e-8
"""Share of a direction's squares that the columns of all thresholds leave over, below which it is theirs."""


def check_threshold_effects(design: Design) -> None:
    """Refuse columns that shift all thresholds alike both in the formula of the response and in theirs (DataError)."""
    family, mu = design.family, design.mu.population
    own = [p.population for name, p in design.predictors.items() if family.parameter(name).of_cut]
    if not mu.labels or len(own) < len(family.cuts) or not own:
        return
    shifts = _standard(mu.matrix)
    left = np.zeros((len(mu.labels),) * 2)
    for block in own:
        known = np.column_stack([np.ones(len(shifts)), _standard(block.matrix)])
        rest = shifts - known @ np.linalg.lstsq(known, shifts, rcond=None)[0]
        left += rest.T @ rest / (len(own) * len(shifts))
    sizes, directions = np.linalg.eigh(left)
    if sizes[0] < _NOTHING:
        shared = [label for label, weight in zip(mu.labels, directions[:, 0], strict=True) if abs(weight) > 1e-4]
        raise DataError(
            f"{enumerate_words(shared)} in the formula of '{design.mu.parameter}' shifts all thresholds alike, which the formula "
            f"of '{family.shared}' does too: the data cannot tell the two apart. Leave it out of one of them."
        )


def _standard(matrix: Array) -> Array:
    centred = matrix - matrix.mean(axis=0)
    sizes = np.sqrt(np.mean(centred**2, axis=0))
    return np.asarray(centred / np.where(sizes > 0.0, sizes, 1.0))
