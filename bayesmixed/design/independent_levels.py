"""Designs whose related levels are written as combinations of independent ones, and their draws converted back."""

from dataclasses import replace

import numpy as np
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.families.links import Array
from bayesmixed.terms.block_parts import RELATED
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.predictors import Predictor


def with_independent_levels(design: Design) -> Design:
    """Return the same model with effects of independent levels, from which those of related ones follow: what engines sample."""
    if not any(group.takes == RELATED for _, group in design.group_blocks()):
        return design
    predictors = {
        name: replace(p, groups=tuple(group.on_root() for group in p.groups)) for name, p in design.predictors.items()
    }
    return replace(design, predictors=predictors)


def with_related_draws(design: Design, draws: xr.DataTree) -> xr.DataTree:
    """Return the draws of a design from those of `with_independent_levels(design)`."""
    if with_independent_levels(design) is design:
        return draws
    groups = {name: node.to_dataset() for name, node in draws.children.items()}
    groups["posterior"] = related_effects(design, groups["posterior"])
    return xr.DataTree.from_dict({**groups, "/": draws.to_dataset()})


def related_effects(design: Design, posterior: xr.Dataset) -> xr.Dataset:
    """Return draws with the effects of related levels in place of those of independent ones."""
    for predictor, group in design.group_blocks():
        if group.takes == RELATED:
            values = group.from_independent(_values(posterior, predictor, group.on_root()))
            posterior = _replaced(posterior, predictor, group.on_root(), group, values)
    return posterior


def independent_effects(design: Design, posterior: xr.Dataset) -> xr.Dataset:
    """Return draws with the effects of independent levels in place of those of related ones."""
    for predictor, group in design.group_blocks():
        if group.takes == RELATED:
            values = group.to_independent(_values(posterior, predictor, group))
            posterior = _replaced(posterior, predictor, group, group.on_root(), values)
    return posterior


def _values(posterior: xr.Dataset, predictor: Predictor, block: GroupBlock) -> Array:
    dims = predictor.b_dims(block)
    return np.asarray(posterior[predictor.b(block)].transpose("chain", "draw", *dims).values)


def _replaced(
    posterior: xr.Dataset, predictor: Predictor, before: GroupBlock, block: GroupBlock, values: Array
) -> xr.Dataset:
    """Return draws whose effects of a term are those of a block, instead of those of the block before."""
    name, dims = predictor.b(block), predictor.b_dims(block)
    kept = posterior.drop_vars(name)
    gone = predictor.b_dims(before)[0]
    if gone in kept.coords and not any(gone in kept[other].dims for other in kept.data_vars):
        kept = kept.drop_vars(gone)
    return kept.assign(
        {name: xr.DataArray(values, dims=("chain", "draw", *dims), coords={dims[0]: list(block.levels)})}
    )
