"""Linear predictors of rows in every draw of a fit, as asked of each grouping factor."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.design.design import Design, group_covariance
from bayesmixed.design.variance_splits import SplitOnData
from bayesmixed.draws.kept import values_of
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.integration.averages import Spread
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.scaled_matrices import draw_normal, scaled_inverse


def thin(posterior: xr.Dataset, draws: int | None) -> xr.Dataset:
    """Return about `draws` of the posterior draws, evenly spread over all chains; all if None."""
    total = posterior.sizes["chain"] * posterior.sizes["draw"]
    if draws is None or draws >= total:
        return posterior
    if draws < 1:
        raise SpecError(f"draws={draws} is impossible; it must be at least 1.")
    per_chain = max(1, round(draws / posterior.sizes["chain"]))
    chosen = np.linspace(0, posterior.sizes["draw"] - 1, per_chain).round().astype(int)
    return posterior.isel(draw=chosen)


def population_predictor(predictor: Predictor, posterior: xr.Dataset) -> Array:
    """Return the predictor without group effects, curves included, (chain, draw, row)."""
    if predictor.population.labels:
        eta = values_of(posterior, predictor.beta) @ predictor.population.matrix.T
        eta += predictor.offset
    else:
        sizes = (posterior.sizes["chain"], posterior.sizes["draw"], len(predictor.offset))
        eta = np.broadcast_to(predictor.offset, sizes).copy()
    for curve in predictor.curves:
        eta += curve.contribution(effects_of(predictor, curve, posterior))
    return eta


def effects_of(
    predictor: Predictor, block: NormalBlock, posterior: xr.Dataset, generator: np.random.Generator | None = None
) -> Array:
    """Return the draws of the effects of a term as written, (chain, draw, J, K); at times that the fit lacks they are drawn
    given those of the same level at other times."""
    values = values_of(posterior, predictor.b(block))
    known = 1 if values.ndim < 4 else values.shape[-1]
    effects = values.reshape(*values.shape[:2], -1, known)
    if known == block.width:
        return np.asarray(effects)
    covariance = covariances_at_centre(predictor, block, posterior)
    return _with_further(block, effects, covariance, generator or np.random.default_rng(0))


def predictor_given_effects(predictor: Predictor, posterior: xr.Dataset, without: NormalBlock | None = None) -> Array:
    """Return the predictor with the effects of all groups, of all terms but one if that is given, (chain, draw, row)."""
    eta = population_predictor(predictor, posterior)
    for group in predictor.groups:
        if group is not without:
            eta += group.contribution(effects_of(predictor, group, posterior), written=True)
    return eta


def covariances_at_centre(predictor: Predictor, group: NormalBlock, posterior: xr.Dataset) -> Array:
    """Return the covariance matrices of a term's effects at the centre, (chain, draw, K, K)."""
    sd = values_of(posterior, predictor.sd(group))
    sd = sd.reshape(*sd.shape[:2], -1)
    known, width = sd.shape[-1], group.width
    corr: Any = np.eye(known)
    if group.correlated:
        corr = values_of(posterior, predictor.corr(group))
    if known < width:
        first = {column: part.columns[0] for part in group.parts for column in part.columns}
        sd = sd[..., [column if column < known else first[column] for column in range(width)]]
        values = {str(key): values_of(posterior, key) for key, _, _ in predictor.structure_parameters(group)}
        further = np.broadcast_to(predictor.structured_correlations(group, values), (*sd.shape, width)).copy()
        further[..., :known, :known] = corr
        corr = further
    return group_covariance(scaled_inverse(group.transform), sd, corr)


def _with_further(block: NormalBlock, effects: Array, covariance: Array, generator: np.random.Generator) -> Array:
    """Return effects (..., J, K) with those of further columns, drawn given these."""
    known = effects.shape[-1]
    found = np.zeros((*effects.shape[:-1], block.width))
    found[..., :known] = effects
    for part in block.structured:
        own = np.array([column for column in part.columns if column < known])
        more = np.array([column for column in part.columns if column >= known])
        if len(more):
            inner, cross = covariance[..., own[:, None], own], covariance[..., own[:, None], more]
            weights = np.linalg.solve(inner, cross)
            left = covariance[..., more[:, None], more] - np.swapaxes(weights, -1, -2) @ cross
            found[..., more] = effects[..., own] @ weights + draw_normal(left, effects.shape[-2], generator)
    return found


def part_covariances(design: Design, split: SplitOnData, posterior: xr.Dataset) -> list[Array]:
    """Return the covariance matrix of each part of a joint prior of SDs at the centre, (chain, draw, K, K)."""
    found = []
    for part in split.parts:
        block = None if part.residual else design.mu.block(part.name)
        if block is None:
            found.append(values_of(posterior, part.name)[..., None, None] ** 2)
        else:
            found.append(covariances_at_centre(design.mu, block, posterior))
    return found


def linear_prediction(
    design: Design,
    predictor: Predictor,
    posterior: xr.Dataset,
    modes: Mapping[str, str],
    generator: np.random.Generator,
) -> Spread:
    """Return a predictor for each draw and row, and the variance of what is averaged over (None: nothing)."""
    eta = population_predictor(predictor, posterior)
    variance: Array | None = None
    for group in predictor.groups:
        mode = modes[group.name]
        if mode == "existing":
            eta += group.contribution(effects_of(predictor, group, posterior, generator), written=True)
        elif mode == "any":
            known, given = (
                effects_of(predictor, group, posterior, generator),
                np.arange(len(group.levels)) < group.known,
            )
            effects = group.extend(known, given, covariances_at_centre(predictor, group, posterior), generator)
            eta += group.contribution(effects, written=True)
        elif mode == "new":
            fresh = group.draw_new(covariances_at_centre(predictor, group, posterior), generator)
            eta += group.contribution(fresh)
        elif mode == "average":
            own = group.variance(covariances_at_centre(predictor, group, posterior))
            variance = own if variance is None else variance + own
    return Spread(predictor.link, eta, variance)


def population_part(posterior: xr.Dataset, predictor: Predictor, group: GroupBlock) -> xr.DataArray:
    """Return the population coefficient of each column of a group term (0 where there is none), dims chain, draw, effect."""
    labels = list(predictor.population.labels)
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], len(group.labels))
    values = np.zeros(shape)
    for column, label in enumerate(group.labels):
        if label in labels:
            beta = values_of(posterior, predictor.beta)
            values[..., column] = beta[..., labels.index(label)]
    dim = predictor.effect_dim(group)
    return xr.DataArray(values, dims=("chain", "draw", dim), coords={dim: list(group.labels)})
