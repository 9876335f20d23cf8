"""A Gaussian design laid out for the collapsed density."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.families.links import Array
from bayesmixed.kernels.collapsed.cross_products import (
    ROWS_AT_ONCE,
    CrossProducts,
    pooled_shift,
    principal_axes,
    row_factor,
    split_groups,
    weighted_rows,
)
from bayesmixed.kernels.joint.layouts import Layout, lay_out_coordinates, order_groups
from bayesmixed.kernels.joint.packed_designs import on_link_scale, pack_covariance, pack_priors
from bayesmixed.kernels.packing import Block, Packed, Record, close
from bayesmixed.kernels.records import COLLAPSED, PARAMETER, TERM
from bayesmixed.preparation.streaming import read_parts
from bayesmixed.terms.normal_block import NormalBlock


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
    kept: NDArray[np.int64]
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
    kept = full.outer
    predictor, one = design.mu, full.predictors[design.mu.parameter]
    free = one.beta.free
    laws = design.coefficient_priors(predictor)
    mean = np.array([prior.arguments[0] for prior in laws])
    scale = np.array([prior.arguments[1] for prior, own in zip(laws, free, strict=True) if own])
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
    block, model = Block(), np.zeros(1, dtype=COLLAPSED)
    model["folded"] = -1
    reduced = full.among(kept)
    terms = _pack_terms(block, reduced, groups)
    products.pack(block, model, shift)
    model["widest"], (model["count"], model["constant"]) = terms["columns"].max(), _count(design)
    (sigma,) = reduced.scalars.values()
    model["sigma"], model["sigma_value"] = sigma.places[0], on_link_scale(sigma)
    first = len(terms) - len(groups)
    priors = pack_priors(reduced, block, {group.name: first + place for place, group in enumerate(groups)})
    packed = close(block, model, np.zeros(0, dtype=PARAMETER), terms, priors)
    size = len(shift) + sum(group.size for group in groups)
    matrix = scale[:, None] * axes
    smallest = 1e-24 * float(np.sum(factor[:, -1] ** 2)) or float(np.finfo(float).tiny)
    residual = np.sqrt(max(products.squares, smallest) / _count(design)[0])
    return Collapsed(full, kept, packed, groups, size, mean[free] + matrix @ shift, matrix, residual)


def _pack_terms(block: Block, reduced: Layout, groups: tuple[NormalBlock, ...]) -> Record:
    """Return the records of the terms, the eliminated one first; one without levels where none is eliminated."""
    (one,) = reduced.predictors.values()
    terms = {term.placement.group.name: pack_covariance(block, term) for term in one.terms}
    found = [terms[group.name] for group in groups]
    if not split_groups(groups)[0]:
        unused = np.zeros((), dtype=TERM)
        unused["columns"], unused["sd_slots"] = 1, block.add_integers([-1])
        unused["sd_values"], unused["parts"] = block.add_numbers([1.0]), block.add_integers([0])
        found.insert(0, unused)
    return np.array(found, dtype=TERM)


def _count(design: Design) -> list[float]:
    """Return by what log 2 pi sigma^2 is multiplied, and the part of the log-likelihood that depends on no parameter."""
    count = float(design.rows if design.observed.multiplicity is None else np.sum(design.observed.multiplicity))
    constant = 0.0 if design.observed.scale_factor is None else -float(np.sum(np.log(design.observed.scale_factor)))
    return [count, constant]
