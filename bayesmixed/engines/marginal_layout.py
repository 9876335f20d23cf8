"""From a design to what the marginal density reads."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.estimation.complete_pooling import normal_priors
from bayesmixed.families.links import Array, find_link
from bayesmixed.kernels.joint.layouts import Layout, lay_out_coordinates, order_groups
from bayesmixed.kernels.joint.merging import WORTHWHILE, merge_rows
from bayesmixed.kernels.joint.merging import Rows as MergedRows
from bayesmixed.kernels.joint.packed_designs import cut_columns, on_link_scale, pack_covariance, pack_cuts, pack_priors
from bayesmixed.kernels.marginal.rows import Rows
from bayesmixed.kernels.packing import Block, Packed, close
from bayesmixed.kernels.records import COLLAPSED, PARAMETER, TERM
from bayesmixed.kernels.rows.families import BINOMIAL, FAMILY_CODES, GAMMA, GAUSSIAN, LOGNORMAL, NEGBIN, POISSON
from bayesmixed.kernels.rows.links import LINK_CODES
from bayesmixed.terms.block_parts import ONE
from bayesmixed.terms.normal_block import NormalBlock

_THRESHOLD_SCALE = 5.0
"""SD of about the prior of the first threshold: that of proposals, which the prior itself corrects."""
_MOST_KINDS = 2_000
"""Kinds of rows that have a lattice, 3 kB each."""
MOST_EFFECTS = 3
"""Effects of each level of the factor that is integrated."""
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
        Places in `full` of the coordinates of a point: free coefficients first and the first threshold, then distances of
        thresholds, SDs, correlations and dispersions.
    packed : Packed
        Covariances and priors.
    rows : Rows
    coefficients : (3, p) array
        Places of the free coefficients and the first threshold in a point; location and scale of about their prior.
    groups : tuple of NormalBlock
        The factor that is integrated by quadrature, then those of the border.
    layer : NormalBlock or None
        The effects of rows, where these are integrated within each row.
    own_levels : (n,) integer array
        The level of `layer` that each row takes; without `layer` empty.
    single : Rows
        The rows, each as a level with one effect of `layer`.
    """

    full: Layout
    kept: NDArray[np.int64]
    packed: Packed
    rows: Rows
    coefficients: Array
    groups: tuple[NormalBlock, ...]
    layer: NormalBlock | None
    own_levels: NDArray[np.intp]
    single: Rows

    @property
    def outer(self) -> slice:
        """Where the distances of thresholds, SDs, correlations and dispersions stand in a point."""
        return slice(self.coefficients.shape[1], len(self.kept))

    @property
    def border(self) -> int:
        """Number of effects and coefficients in the border."""
        return self.coefficients.shape[1] + sum(group.size for group in self.groups[1:])


def split_groups(design: Design) -> tuple[tuple[NormalBlock, ...], NormalBlock | None]:
    """Return the factor that is integrated by quadrature and those of the border, and the effects that are those of single
    rows if these are integrated within the row."""
    first, *rest = order_groups(design) or (None,)
    if first is None:
        return (), None
    alone = first.takes == ONE and first.width == 1 and not design.family.cuts and bool(rest)
    if alone and rest[0].takes == ONE and rest[0].width <= MOST_EFFECTS:
        levels, column = first.read_rows(np.arange(design.rows))
        if len(np.unique(levels)) == design.rows == len(first.levels) and np.all(column == 1.0):
            return tuple(rest), first
    return (first, *rest), None


def one_model_serves(design: Design) -> bool:
    """Return whether the normal model that rows are replaced by depends on SDs and correlations only through its mode."""
    return not design.numbers and not design.family.cuts and split_groups(design)[1] is None


def lay_out_marginal(design: Design) -> MarginalLayout:
    """Return a design as the marginal density reads it."""
    full = lay_out_coordinates(design, {})
    beta = full.predictors[design.mu.parameter].beta
    cuts = full.cuts.own
    kept = np.concatenate([beta.own, cuts, full.outer]).astype(np.int64)
    reduced = full.among(kept)
    groups, layer = split_groups(design)
    terms = {term.placement.group.name: term for term in reduced.predictors[design.mu.parameter].terms}
    records_of = groups if layer is None else (*groups, layer)
    block, model = Block(), np.zeros(1, dtype=COLLAPSED)
    records = np.array([pack_covariance(block, terms[group.name]) for group in records_of], dtype=TERM)
    model["widest"] = records["columns"].max()
    ends = np.zeros(cut_columns(design), dtype=PARAMETER)
    if len(cuts):
        pack_cuts(block, ends, reduced)
    priors = pack_priors(reduced, block, {group.name: place for place, group in enumerate(records_of)})
    packed = close(block, model, ends, records, priors)
    location, precision = normal_priors(design, design.mu)
    free, laws = beta.free, design.coefficient_priors(design.mu)
    scale = np.array(
        [prior.arguments[1] if prior.name == "Normal" else p**-0.5 for prior, p in zip(laws, precision, strict=True)]
    )[free]
    first = np.full(min(len(cuts), 1), _THRESHOLD_SCALE)
    width = int(free.sum()) + len(first)
    scales = np.concatenate([scale, first])
    coefficients = np.array([np.arange(width), np.concatenate([location[free], 0.0 * first]), scales])
    rows, order = _sort_rows(design, reduced, groups, layer, np.where(free, location, beta.fixed), scales)
    own_levels = order[:0] if layer is None else layer.read_rows(order)[0]
    own, pointers = np.ones((len(order), 1)), np.arange(len(order) + 1)
    single = rows._replace(layered=False, kinds=order[:0], examples=order[:0], plain=True, own=own, pointers=pointers)
    return MarginalLayout(full, kept, packed, rows, coefficients, groups, layer, own_levels, single)


def _sort_rows(
    design: Design,
    reduced: Layout,
    groups: tuple[NormalBlock, ...],
    layer: NormalBlock | None,
    location: Array,
    scale: Array,
) -> tuple[Rows, NDArray[np.int64]]:
    """Return the rows, merged and sorted by level, and which rows of the design these are.

    The offset has the coefficients at the middle of their priors.
    """
    from scipy import sparse

    first = groups[0]
    # Odds of single trials are multiplied, and cost less than the logarithms of fewer rows.
    single = FAMILY_CODES.get(design.family.name) == BINOMIAL and not design.family.has_trials
    merged = merge_rows(design, _FEW if single else WORTHWHILE)
    categories, thresholds, steps = merged, len(design.family.cuts), design.family.passing != 0
    cut = np.zeros(0, dtype=np.int64)
    if steps:
        merged, cut = _steps_of(merged, thresholds)
    elif thresholds:
        merged, cut = _split_categories(merged, thresholds)
    levels, own = first.read_rows(merged.kept)
    order = np.argsort(levels, kind="stable")
    levels, own, kept = levels[order], np.ascontiguousarray(own[order], dtype=float), merged.kept[order]
    family, response, sign = BINOMIAL if thresholds else FAMILY_CODES[design.family.name], merged.response[order], 1.0
    if design.family.passing < 0 and not _is_symmetric(design.mu.link.name):
        # F is that of the threshold less the predictor, and the event that the threshold is not passed.
        sign, response = -1.0, 1.0 - response
        own = -own
    predictor, free = design.mu, reduced.predictors[design.mu.parameter].beta.free
    columns = np.hstack([predictor.centred_matrix[kept][:, free], -np.ones((len(kept), min(thresholds, 1)))])
    columns *= sign * scale
    others = [sign * group.sparse_columns()[kept] for group in groups[1:]]
    entries = sparse.csr_array(sparse.hstack(others, format="csr") if others else (len(kept), 0))
    entries.sum_duplicates()
    pointers = np.searchsorted(levels, np.arange(len(first.levels) + 1)).astype(np.int64)
    level_pointers, level_columns, slots = _level_entries(entries, levels, len(first.levels), columns.shape[1])
    scalar = next(iter(reduced.scalars.values()), None)
    factor = design.observed.scale_factor
    weights = np.ones(len(kept)) if merged.weights is None else merged.weights[order].astype(float)
    counts = np.ones(len(categories.kept)) if categories.weights is None else categories.weights
    shift = np.full(len(kept), sign if thresholds else 0.0) if factor is None else np.log(factor[kept])
    trials = merged.trials[order]
    kinds, examples = number_kinds(family, response, trials, weights, shift, layer is not None)
    laid = Rows(
        layered=layer is not None,
        kinds=kinds,
        examples=examples,
        family=GAUSSIAN if family == LOGNORMAL else family,
        link=LINK_CODES[design.mu.link.name],
        plain=bool(own.shape[1] == 1 and np.all(own == 1.0)),
        border=entries.shape[1] + columns.shape[1],
        response=np.log(response) if family in (LOGNORMAL, GAMMA) else response,
        trials=trials,
        weights=weights,
        offset=sign * (predictor.offset[kept] + predictor.centred_matrix[kept] @ location),
        constant=float(counts @ categories.constants),
        distinct=_inner(categories, counts, thresholds) if thresholds else _distinct(family, response, shift, weights),
        scalar=-1 if scalar is None else int(scalar.places[0]),
        value=0.0 if scalar is None else on_link_scale(scalar),
        shift=shift,
        thresholds=thresholds,
        first_cut=int(reduced.cuts.places[1]) if thresholds > 1 else 0,
        steps=steps,
        cut=cut[order] if thresholds else cut,
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
    return laid, kept


def _split_categories(rows: MergedRows, thresholds: int) -> tuple[MergedRows, NDArray[np.int64]]:
    """Return the events that ordered categories are, below a threshold (0) or above one (1), and the number of each threshold."""
    category = rows.response.astype(np.int64)
    below, above = np.flatnonzero(category <= thresholds), np.flatnonzero(category > 1)
    both = np.concatenate([below, above])
    events = np.repeat([0.0, 1.0], [len(below), len(above)])
    weights = None if rows.weights is None else rows.weights[both]
    split = MergedRows(rows.kept[both], events, np.ones(len(both)), np.zeros(len(both)), weights)
    return split, np.concatenate([category[below] - 1, category[above] - 2])


def _is_symmetric(link: str) -> bool:
    """Return whether events and their opposites have the same link."""
    inverse = find_link(link).inverse
    return bool(np.isclose(inverse(1.0) + inverse(-1.0), 1.0))


def _steps_of(rows: MergedRows, thresholds: int) -> tuple[MergedRows, NDArray[np.int64]]:
    """Return the events of categories that are compared step by step, a threshold that was reached not passed (0) or passed
    (1), and the number of each threshold."""
    category = rows.response.astype(np.int64)
    reached = np.minimum(category, thresholds)
    every = np.repeat(np.arange(len(category)), reached)
    cut = np.arange(len(every)) - np.repeat(np.cumsum(reached) - reached, reached)
    events = (category[every] > cut + 1).astype(float)
    weights = None if rows.weights is None else rows.weights[every]
    return MergedRows(rows.kept[every], events, np.ones(len(every)), np.zeros(len(every)), weights), cut


def number_kinds(
    family: int, response: Array, trials: Array, weights: Array, shift: Array, layered: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the kind of each row and a row of each kind, see `Rows`.

    Of gamma rows the predictor less the response counts, and Poisson rows with the same weight are of one kind, of which
    the row with the largest response is returned.
    """
    if not layered:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    own = np.zeros(len(response)) if family in (GAMMA, POISSON) else response
    traits = np.column_stack([own, trials, weights, shift])
    _, examples, kinds, counts = np.unique(traits, axis=0, return_index=True, return_inverse=True, return_counts=True)
    if family == POISSON:
        order = np.argsort(response, kind="stable")
        examples[kinds.ravel()[order]] = order
    frequent = np.argsort(-counts, kind="stable")[:_MOST_KINDS]
    frequent = frequent[(counts[frequent] > 1) & (family not in (GAUSSIAN, LOGNORMAL))]
    number = np.full(len(counts), -1)
    number[frequent] = np.arange(len(frequent))
    return number[kinds.ravel()].astype(np.int64), examples[frequent].astype(np.int64)


def _inner(rows: MergedRows, counts: Array, thresholds: int) -> Array:
    """Return the sums of weights of the categories between two thresholds as `distinct` has them."""
    sums = np.bincount(rows.response.astype(np.int64), counts, minlength=thresholds + 1)[2 : thresholds + 1]
    return np.vstack([np.zeros((2, len(sums))), sums])


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
