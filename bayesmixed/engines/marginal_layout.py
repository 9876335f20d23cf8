"""From a design to what the marginal density reads."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.estimation.complete_pooling import normal_priors
from bayesmixed.families.links import Array
from bayesmixed.kernels.joint.layouts import Layout, lay_out_coordinates, order_groups
from bayesmixed.kernels.joint.merging import WORTHWHILE, merge_rows
from bayesmixed.kernels.joint.packed_designs import on_link_scale, pack_covariance, pack_priors
from bayesmixed.kernels.marginal.rows import Rows
from bayesmixed.kernels.packing import Block, Packed, close
from bayesmixed.kernels.records import COLLAPSED, PARAMETER, TERM
from bayesmixed.kernels.rows.families import BINOMIAL, FAMILY_CODES, GAMMA, GAUSSIAN, LOGNORMAL, NEGBIN, POISSON
from bayesmixed.kernels.rows.links import LINK_CODES
from bayesmixed.terms.normal_block import NormalBlock

_FEW = 0.3
"""Rows with single trials are merged if no larger share of them is left."""


@dataclass(frozen=True, slots=True)
class MarginalLayout:
    """A design laid out for the marginal density.

    Attributes
    ----------
    full : Layout
        Coordinates of all parameters, effects non-centred.
    kept : integer array
        Places in `full` of the coordinates of a point: free coefficients first, then SDs, correlations and dispersions.
    packed : Packed
        Covariances and priors.
    rows : Rows
    coefficients : (3, p) array
        Places of the free coefficients in a point; location and scale of about their prior.
    groups : tuple of NormalBlock
        The factor that is integrated by quadrature, then those of the border.
    """

    full: Layout
    kept: NDArray[np.int64]
    packed: Packed
    rows: Rows
    coefficients: Array
    groups: tuple[NormalBlock, ...]

    @property
    def outer(self) -> slice:
        """Where the SDs, correlations and dispersions stand in a point."""
        return slice(self.coefficients.shape[1], len(self.kept))

    @property
    def border(self) -> int:
        """Number of effects and coefficients in the border."""
        return self.coefficients.shape[1] + sum(group.size for group in self.groups[1:])


def lay_out_marginal(design: Design) -> MarginalLayout:
    """Return a design as the marginal density reads it."""
    full = lay_out_coordinates(design, {})
    beta = full.predictors[design.mu.parameter].beta
    kept = np.concatenate([beta.own, full.outer]).astype(np.int64)
    reduced = full.among(kept)
    groups = order_groups(design)
    terms = {term.placement.group.name: term for term in reduced.predictors[design.mu.parameter].terms}
    block, model = Block(), np.zeros(1, dtype=COLLAPSED)
    records = np.array([pack_covariance(block, terms[group.name]) for group in groups], dtype=TERM)
    model["widest"] = records["columns"].max()
    priors = pack_priors(reduced, block, {group.name: place for place, group in enumerate(groups)})
    packed = close(block, model, np.zeros(0, dtype=PARAMETER), records, priors)
    location, precision = normal_priors(design, design.mu)
    free, laws = beta.free, design.coefficient_priors(design.mu)
    scale = np.array(
        [prior.arguments[1] if prior.name == "Normal" else p**-0.5 for prior, p in zip(laws, precision, strict=True)]
    )[free]
    coefficients = np.array([np.arange(free.sum()), location[free], scale])
    rows = _sort_rows(design, reduced, groups, np.where(free, location, beta.fixed), scale)
    return MarginalLayout(full, kept, packed, rows, coefficients, groups)


def _sort_rows(design: Design, reduced: Layout, groups: tuple[NormalBlock, ...], location: Array, scale: Array) -> Rows:
    """Return the rows, merged and sorted by level; the offset has the coefficients at the middle of their priors."""
    from scipy import sparse

    first = groups[0]
    # Odds of single trials are multiplied, and cost less than the logarithms of fewer rows.
    single = design.family.name == "bernoulli"
    merged = merge_rows(design, _FEW if single else WORTHWHILE)
    levels, own = first.read_rows(merged.kept)
    order = np.argsort(levels, kind="stable")
    levels, own, kept = levels[order], np.ascontiguousarray(own[order], dtype=float), merged.kept[order]
    predictor, free = design.mu, reduced.predictors[design.mu.parameter].beta.free
    columns = predictor.centred_matrix[kept][:, free] * scale
    others = [group.sparse_columns()[kept] for group in groups[1:]]
    entries = sparse.csr_array(sparse.hstack(others, format="csr") if others else (len(kept), 0))
    entries.sum_duplicates()
    pointers = np.searchsorted(levels, np.arange(len(first.levels) + 1)).astype(np.int64)
    level_pointers, level_columns, slots = _level_entries(entries, levels, len(first.levels), columns.shape[1])
    scalar = next(iter(reduced.scalars.values()), None)
    factor = design.observed.scale_factor
    family, response = FAMILY_CODES[design.family.name], merged.response[order]
    weights = np.ones(len(kept)) if merged.weights is None else merged.weights[order].astype(float)
    shift = np.zeros(len(kept)) if factor is None else np.log(factor[kept])
    return Rows(
        family=GAUSSIAN if family == LOGNORMAL else family,
        link=LINK_CODES[design.mu.link.name],
        plain=bool(own.shape[1] == 1 and np.all(own == 1.0)),
        border=entries.shape[1] + columns.shape[1],
        response=np.log(response) if family in (LOGNORMAL, GAMMA) else response,
        trials=merged.trials[order],
        weights=weights,
        offset=predictor.offset[kept] + predictor.centred_matrix[kept] @ location,
        constant=float(weights @ merged.constants[order]),
        distinct=_distinct(family, response, shift, weights),
        scalar=-1 if scalar is None else int(scalar.places[0]),
        value=0.0 if scalar is None else on_link_scale(scalar),
        shift=shift,
        columns=np.ascontiguousarray(columns),
        starts=entries.indptr.astype(np.int64),
        places=entries.indices.astype(np.int64),
        slots=slots,
        loadings=entries.data.astype(float),
        own=own,
        pointers=pointers,
        level_pointers=level_pointers,
        level_columns=level_columns,
    )


def _distinct(family: int, response: Array, shift: Array, weights: Array) -> Array:
    """Return responses, shifts and weights of the rows, (3, m), that differ in what a further parameter adds by itself."""
    if family in (BINOMIAL, POISSON):
        return np.zeros((3, 0))
    pairs = np.column_stack([response if family == NEGBIN else np.zeros(len(response)), shift])
    own, places = np.unique(pairs, axis=0, return_inverse=True)
    return np.ascontiguousarray(np.vstack([own.T, np.bincount(places.ravel(), weights)]))


def _level_entries(entries: Any, levels: Any, count: int, dense: int) -> tuple[Any, Any, Any]:
    """Return where the columns of each level begin, these, ascending, and the place of each entry among those of its level."""
    width = entries.shape[1] + dense
    of_rows = np.repeat(levels, np.diff(entries.indptr)).astype(np.int64)
    every = (np.arange(count)[:, None] * width + np.arange(width - dense, width)).ravel()
    keys = np.unique(np.concatenate([of_rows * width + entries.indices, every]))
    level, column = np.divmod(keys, max(width, 1))
    pointers = np.searchsorted(level, np.arange(count + 1)).astype(np.int64)
    slots = np.searchsorted(keys, of_rows * width + entries.indices) - pointers[of_rows]
    return pointers, column.astype(np.int64), slots.astype(np.int64)
