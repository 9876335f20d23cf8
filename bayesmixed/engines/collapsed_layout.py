"""A Gaussian design laid out for the collapsed density."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesmixed.design import Design
from bayesmixed.engines.cross_products import (
    ROWS_AT_ONCE,
    CrossProducts,
    count_effects,
    order_groups,
    pooled_shift,
    principal_axes,
    row_factor,
    split_groups,
    weighted_rows,
)
from bayesmixed.kernels import collapsed_header as here
from bayesmixed.kernels import packing as at
from bayesmixed.kernels.layouts import Layout, lay_out_coordinates
from bayesmixed.kernels.packed_designs import pack_priors
from bayesmixed.kernels.packing import Block, Packed, close
from bayesmixed.links import Array
from bayesmixed.streaming import read_parts
from bayesmixed.terms.blocks import NormalBlock


@dataclass(frozen=True, slots=True)
class Collapsed:
    """A design laid out for the collapsed density.

    Attributes
    ----------
    full : Layout
        Coordinates of all parameters, effects non-centred.
    kept : (d,) integer array
        Places in `full` of the coordinates of the collapsed density: log-SDs, correlations, log sigma.
    packed : Packed
        Data of the collapsed density.
    groups : tuple of NormalBlock
        Group terms and smooths, the one that is eliminated first.
    size : int
        Number of effects and free coefficients.
    origin, matrix : (p,), (p, p) arrays
        Free coefficients at the centre are `origin + matrix @ u`, `u` the last p of the integrated numbers.
    residual : float
        Root mean square of the residuals of a pooled fit.
    """

    full: Layout
    kept: Array
    packed: Packed
    groups: tuple[NormalBlock, ...]
    size: int
    origin: Array
    matrix: Array
    residual: float


def lay_out_collapsed(design: Design) -> Collapsed:
    """Return the collapsed density of a design as flat blocks of cross-products.

    The response enters as the residual of a pooled fit and the coefficients on the axes of the population columns,
    scaled by their priors: neither a shift of the response nor of a covariate costs digits.
    """
    full = lay_out_coordinates(design, {})
    kept = kept_coordinates(full)
    predictor, one = design.mu, full.predictors[design.mu.parameter]
    free = one.beta >= 0
    priors = design.coefficient_priors(predictor)
    mean = np.array([prior.arguments[0] for prior in priors])
    scale = np.array([prior.arguments[1] for prior, own in zip(priors, free, strict=True) if own])
    factor = row_factor(design)
    axes = principal_axes(factor[:, :-1][:, free] * scale)
    shift = pooled_shift((factor[:, :-1][:, free] * scale) @ axes, factor[:, -1] - factor[:, :-1] @ mean, design.rows)
    groups = order_groups(design)
    products = CrossProducts(groups, len(shift))
    for part in read_parts(design):
        for start in range(0, part.rows, ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            root, matrix, response = weighted_rows(part, rows)
            columns = (matrix[:, free] * scale) @ axes
            products.add(part, rows, root, columns, response - matrix @ mean - columns @ shift)
    header = np.zeros(here.HEADER_SIZE, dtype=np.int64)
    block = Block()
    block.add_integers(header)
    header[at.ROWS], header[at.DIMENSION] = design.rows, len(kept)
    header[at.WHITENED] = header[at.JOINT] = -1
    _pack_terms(block, header, full, kept, groups)
    products.pack(block, header, shift)
    header[here.COUNT] = block.add_numbers(_count(design))
    size = len(shift) + sum(count_effects(group) for group in groups)
    matrix = scale[:, None] * axes
    smallest = 1e-24 * float(np.sum(factor[:, -1] ** 2)) or float(np.finfo(float).tiny)
    residual = np.sqrt(max(products.squares, smallest) / _count(design)[0])
    return Collapsed(full, kept, close(block, header), groups, size, mean[free] + matrix @ shift, matrix, residual)


def kept_coordinates(full: Layout) -> Any:
    """Return the places of the coordinates that stay: log-SDs, correlations, log sigma."""
    kept: list[int] = []
    for one in full.predictors.values():
        for term in one.terms:
            kept += [int(slot) for slot in term.sd if slot >= 0]
            kept += [slot for place in term.partials for slot in range(place.start, place.stop)]
    kept += [slot for slot, _ in full.scalars.values() if slot >= 0]
    return np.array(kept, dtype=np.int64)


def _pack_terms(block: Block, header: Any, full: Layout, kept: Any, groups: tuple[NormalBlock, ...]) -> None:
    """Append the table of terms, sigma and the priors, in the coordinates of the collapsed density."""
    place = np.full(full.dimension + 1, -1)
    place[kept] = np.arange(len(kept))
    one = full.predictors[full.design.mu.parameter]
    terms = {}
    for term in one.terms:
        partials = tuple(slice(int(place[p.start]), int(place[p.start]) + p.stop - p.start) for p in term.partials)
        terms[term.placement.group.name] = replace(
            term, sd=np.where(term.sd >= 0, place[term.sd], -1), partials=partials, effects=slice(0, 0)
        )
    scalars = {name: (int(place[slot]) if slot >= 0 else -1, value) for name, (slot, value) in full.scalars.items()}
    reduced = replace(
        full,
        predictors={
            one.predictor.parameter: replace(one, beta=np.full(len(one.beta), -1), terms=tuple(terms.values()))
        },
        scalars=scalars,
        dimension=len(kept),
    )
    unused = 1 - len(split_groups(groups)[0])
    table = np.zeros((unused + len(groups), at.TERM_SIZE), dtype=np.int64)
    table[0, at.COLUMNS] = 1
    table[0, at.SD_SLOTS], table[0, at.SD_VALUES] = block.add_integers([-1]), block.add_numbers([1.0])
    table[0, at.PARTS] = block.add_integers([0])
    for row, group in zip(table[unused:], groups, strict=True):
        term = terms[group.name]
        row[at.LEVELS], row[at.COLUMNS] = len(group.levels), len(term.sd)
        row[at.SD_SLOTS], row[at.SD_VALUES] = block.add_integers(term.sd), block.add_numbers(term.sd_values)
        correlated = [part for part in group.parts if part.correlated]
        parts = [len(correlated)]
        for part, own in zip(correlated, term.partials, strict=True):
            parts += [len(part.columns), own.start, *part.columns]
        row[at.PARTS] = block.add_integers(parts)
    header[here.TERMS], header[here.TERM_COUNT] = block.add_integers(table), len(table)
    header[here.WIDEST] = table[:, at.COLUMNS].max()
    (slot, value) = next(iter(scalars.values()))
    header[here.SIGMA], header[here.SIGMA_VALUE] = slot, block.add_numbers([value])
    header[at.PRIORS], header[at.PRIOR_COUNT] = pack_priors(block, reduced)


def _count(design: Design) -> list[float]:
    """Return by what log 2 pi sigma^2 is multiplied, and the part of the log-likelihood that depends on no parameter."""
    count = float(design.rows if design.multiplicity is None else np.sum(design.multiplicity))
    constant = 0.0 if design.scale_factor is None else -float(np.sum(np.log(design.scale_factor)))
    return [count, constant]
