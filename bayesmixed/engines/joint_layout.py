"""The joint guide of coefficients and effects, from the quick mode of a design."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.estimation.complete_pooling import normal_priors
from bayesmixed.estimation.quasi_likelihood import QuasiLikelihoodMode
from bayesmixed.families.links import Array
from bayesmixed.kernels.joint.layouts import Layout, TermLayout
from bayesmixed.kernels.packing import JointGuide
from bayesmixed.terms.block_parts import ONE, SEVERAL

Places = NDArray[np.int64]

LARGEST = 80
"""Coefficients, and effects of all factors but the largest one, up to which coordinates are joint."""
ENOUGH = 7
"""Levels from which a factor alone leaves no ridge between its effects and the intercept: what joint coordinates cost is more
than they bring. Where rows take several levels, effects cannot be placed on the intercept, and the ridge stays."""
# Products that coordinates may cost a row, and in all: with its derivative one takes 3 to 5 ns, a row of the likelihood 20
# to 160. They may at most double the time of a gradient, unless it is fast anyway.
_PRODUCTS, _SMALL = 6, 15_000
_THRESHOLD_PRECISION = 0.04


def joint_guide(layout: Layout, mode: QuasiLikelihoodMode) -> JointGuide | None:
    """Return the joint guide of a layout without centred terms, or None where it would cost more than the likelihood.

    The approximation has its mode where the quick mode is. The factor with the most effects is eliminated. The first
    threshold of an ordinal model stands for an intercept.
    """
    from scipy import sparse

    design, terms = layout.design, layout.predictors[layout.design.mu.parameter].terms
    eliminated = _largest(terms)
    places = [place for place in range(len(terms)) if place != eliminated]
    first, slots, columns, centre, prior = _coefficients(layout, mode)
    starts = np.cumsum([first, *(_length(terms[place]) for place in places)])
    size = int(starts[-1])
    alone = (
        len(terms) == 1 and terms[0].placement.group.takes != SEVERAL and len(terms[0].placement.group.levels) >= ENOUGH
    )
    if not 0 < size <= LARGEST or alone:
        return None
    inner = [terms[eliminated]] if eliminated >= 0 else []
    ordered = [*(terms[place] for place in places), *inner]
    matrix = sparse.hstack([columns, *(term.placement.group.sparse_columns() for term in ordered)], format="csr")
    centre = np.concatenate([centre, *(mode.effects[term.placement.group.name].ravel() for term in ordered)])
    penalty = np.concatenate([prior, *(_precisions(term, mode) for term in ordered)])
    weight = sparse.diags(np.broadcast_to(mode.information, design.rows))
    hessian = sparse.csr_matrix(matrix.T @ weight @ matrix)
    pull = hessian @ centre + penalty * centre
    precision = hessian[:size, :size].toarray()
    precision[np.arange(first), np.arange(first)] += prior
    levels, width = (len(inner[0].placement.group.levels), len(inner[0].sd)) if inner else (0, 1)
    pointers, entries, cross = _entries(hessian[size:, :size], levels, width)
    if size**3 + int(np.sum(np.diff(pointers) ** 2)) * width > max(_SMALL, _PRODUCTS * design.rows):
        return None
    return JointGuide(
        slots=np.concatenate([slots, *(np.arange(t.effects.start, t.effects.stop) for t in ordered[: len(places)])]),
        terms=tuple((p, int(s), len(terms[p].placement.group.levels)) for p, s in zip(places, starts, strict=False)),
        eliminated=eliminated,
        precision=precision,
        pull=pull[:size],
        blocks=_level_blocks(hessian[size:, size:], levels, width),
        pulls=pull[size:].reshape(levels, width),
        pointers=pointers,
        columns=entries,
        cross=cross,
    )


def _coefficients(layout: Layout, mode: QuasiLikelihoodMode) -> tuple[int, Array, Any, Array, Array]:
    """Return number, slots, columns, mode and prior precisions of the free coefficients."""
    from scipy import sparse

    design = layout.design
    beta = layout.predictors[design.mu.parameter].beta
    free, cut = beta.free, design.family.cuts[:1]
    columns = np.column_stack([*(-np.ones(design.rows) for _ in cut), design.mu.centred_matrix[:, free]])
    slots = np.concatenate([layout.cuts.places[:1], beta.own])
    centre = np.concatenate([[float(mode.values[name]) for name in cut], mode.beta[free]])
    prior = np.concatenate([[_THRESHOLD_PRECISION] * len(cut), normal_priors(design, design.mu)[1][free]])
    return len(slots), slots.astype(np.int64), sparse.csr_matrix(columns), centre, prior


def _largest(terms: tuple[TermLayout, ...]) -> int:
    """Return the place of the factor with the most effects, -1 where there is none."""
    factors = [place for place, term in enumerate(terms) if term.placement.group.takes == ONE]
    return max(factors, key=lambda place: _length(terms[place]), default=-1)


def _length(term: TermLayout) -> int:
    return term.effects.stop - term.effects.start


def _precisions(term: TermLayout, mode: QuasiLikelihoodMode) -> Array:
    """Return the prior precision of each effect of a term at the quick mode, (J K,)."""
    return np.tile(1.0 / mode.sds[term.placement.group.name] ** 2, len(term.placement.group.levels))


def _entries(cross: Any, levels: int, width: int) -> tuple[Places, Places, Array]:
    """Return where the entries of each level begin, their columns, ascending, and their values: see `JointGuide`."""
    places = cross.tocoo()
    keys = np.unique(places.row.astype(np.int64) // width * cross.shape[1] + places.col)
    level, column = np.divmod(keys, max(cross.shape[1], 1))
    pointers = np.searchsorted(level, np.arange(levels + 1)).astype(np.int64)
    values = [np.asarray(cross[level * width + k, column]).reshape(-1) for k in range(width if len(keys) else 0)]
    return pointers, column.astype(np.int64), np.stack(values, axis=1) if values else np.zeros((0, width))


def _level_blocks(matrix: Any, levels: int, width: int) -> Array:
    """Return the blocks of the levels, (J, K, K), of a matrix between the effects of a factor."""
    rows = np.arange(levels * width).reshape(levels, width)
    if not levels:
        return np.zeros((0, width, width))
    return np.stack([np.stack([matrix[rows[:, i], rows[:, k]].A1 for k in range(width)], -1) for i in range(width)], 1)
