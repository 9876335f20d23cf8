"""Linear predictors of rows in every draw of a fit, as asked of each grouping factor."""

from collections.abc import Collection, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.design.design import CUTS, Design, group_covariance
from bayesmixed.design.thresholds import threshold_shifts
from bayesmixed.design.variance_splits import SplitOnData
from bayesmixed.draws.kept import values_of
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.integration.averages import Spread
from bayesmixed.terms.block_parts import block_diagonal
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.correlation_matrices import CorrelationMatrix
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.scaled_matrices import draw_normal, matrix_root, scaled_inverse
from bayesmixed.terms.tails import tail_factors

_NUMBERS = 8_000_000
"""Numbers in the covariances of effects at further places that are held at once."""

Members = tuple[tuple[Predictor, GroupBlock], ...]
"""Terms with one matrix of correlations, with their predictors."""


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
    """Return the predictor without group effects, curves included, (chain, draw, row); of columns that are not known exactly with
    the values of each draw."""
    if predictor.population.labels:
        eta = values_of(posterior, predictor.beta) @ predictor.row_matrix.T
        eta += predictor.offset
    else:
        sizes = (posterior.sizes["chain"], posterior.sizes["draw"], len(predictor.offset))
        eta = np.broadcast_to(predictor.offset, sizes).copy()
    for curve in predictor.curves:
        eta += curve.contribution(effects_of(predictor, curve, posterior))
    for one in predictor.drawn:
        eta += one.added(values_of(posterior, one.name), values_of(posterior, predictor.beta))
    return eta


def centred_thresholds(design: Design, posterior: xr.Dataset) -> Array:
    """Return the draws of the thresholds at the centre, (chain, draw, K - 1)."""
    shifts = threshold_shifts(design, lambda predictor: values_of(posterior, predictor.beta))
    return np.asarray(values_of(posterior, CUTS) - np.stack(np.broadcast_arrays(*shifts), axis=-1))


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
    generator, found = generator or np.random.default_rng(0), []
    step = max(1, _NUMBERS // (posterior.sizes["chain"] * block.width**2))
    for start in range(0, posterior.sizes["draw"], step):
        batch = slice(start, start + step)
        covariance = covariances_at_centre(predictor, block, posterior.isel(draw=batch))
        found.append(_with_further(block, effects[:, batch], covariance, generator))
    return np.concatenate(found, axis=1)


def predictor_given_effects(predictor: Predictor, posterior: xr.Dataset, without: NormalBlock | None = None) -> Array:
    """Return the predictor with the effects of all groups, of all terms but one if that is given, (chain, draw, row)."""
    eta = population_predictor(predictor, posterior)
    for group in predictor.groups:
        if group is not without:
            eta += group.contribution(effects_of(predictor, group, posterior), written=True)
    return eta


def covariances_at_centre(
    predictor: Predictor, group: NormalBlock, posterior: xr.Dataset, *, moments: bool = False
) -> Array:
    """Return the covariance matrices of a term's effects at the centre, (chain, draw, K, K).

    Raises
    ------
    SpecError
        The effects are not normal, and more than their second `moments` is asked for.
    """
    if group.heavy and not moments:
        raise SpecError(
            f"This takes the effects of '{group.name}' as normal, and they have a t distribution. bm.predict(fit, rows, "
            'groups="new") draws such effects, groups="typical" and "existing" need none; or fit (1 | '
            f"{group.name}) for comparison."
        )
    sd = values_of(posterior, predictor.sd(group))
    sd = sd.reshape(*sd.shape[:2], -1)
    known, width = sd.shape[-1], group.width
    corr: Any = np.eye(known)
    if group.correlated:
        matrix = predictor.correlations(group)
        corr = matrix.own(values_of(posterior, matrix.name), predictor.parameter)
    if known < width:
        first = {column: part.columns[0] for part in group.parts for column in part.columns}
        sd = sd[..., [column if column < known else first[column] for column in range(width)]]
        values = {str(key): values_of(posterior, key) for key, _, _ in predictor.structure_parameters(group)}
        further = np.broadcast_to(predictor.structured_correlations(group, values), (*sd.shape, width)).copy()
        further[..., :known, :known] = corr
        corr = further
    return group_covariance(scaled_inverse(group.transform), sd, corr)


def joint_covariances(matrix: CorrelationMatrix, members: Members, posterior: xr.Dataset) -> Array:
    """Return the covariance matrices at the centre of the effects of all terms with one matrix of correlations,
    (chain, draw, W, W)."""
    if not matrix.tied:
        ((predictor, group),) = members
        return covariances_at_centre(predictor, group, posterior)
    sd = np.concatenate([values_of(posterior, predictor.sd(group)) for predictor, group in members], axis=-1)
    back = reduce(block_diagonal, [scaled_inverse(group.transform) for _, group in members])
    return group_covariance(back, sd, values_of(posterior, matrix.name))


def effect_root(design: Design, predictor: Predictor, group: NormalBlock, posterior: xr.Dataset) -> Array:
    """Return the matrices, (chain, draw, K, W), that make a term's effects at the centre of independent standard normal
    numbers: its own K, or those that make the effects of all terms that are tied to it."""
    if not group.tied:
        return matrix_root(covariances_at_centre(predictor, group, posterior))
    matrix, members = next(pair for pair in design.correlations() if pair[0].name == predictor.corr(group))
    return matrix_root(joint_covariances(matrix, members, posterior))[..., matrix.place(predictor.parameter), :]


def draw_tied(
    design: Design, posterior: xr.Dataset, generator: np.random.Generator, names: Collection[str] | None = None
) -> dict[tuple[str, str], Array]:
    """Return one draw of the effects at the centre of all levels, (chain, draw, J, K), by parameter and factor, of terms that
    letters tie to others: together with these. `names` are the factors that are wanted, all if not given."""
    found: dict[tuple[str, str], Array] = {}
    for matrix, members in design.correlations():
        if matrix.tied and (names is None or matrix.term in names):
            covariance = joint_covariances(matrix, members, posterior)
            levels = members[0][1].occurs
            effects = np.zeros((*covariance.shape[:2], len(levels), matrix.width))
            effects[..., levels, :] = draw_normal(covariance, int(np.sum(levels)), generator)
            found |= {(name, matrix.term): effects[..., matrix.place(name)] for name in matrix.parameters}
    return found


def tied_covariances(
    design: Design, posterior: xr.Dataset, *, at_average: bool = False
) -> dict[tuple[str, str], dict[str, Array]]:
    """Return the covariance in each row, (chain, draw, row), of what tied effects add to two predictors, by these and by
    factor; in a single row with the average of the columns, if asked for."""
    found: dict[tuple[str, str], dict[str, Array]] = {}
    for matrix, members in design.correlations():
        if not matrix.tied:
            continue
        covariance = joint_covariances(matrix, members, posterior)
        for place, (later, second) in enumerate(members):
            for earlier, first in members[:place]:
                between = matrix.between(covariance, earlier.parameter, later.parameter)
                pair = earlier.parameter, later.parameter
                z = [group.spread_matrix for group in (first, second)]
                z = [own.mean(axis=0, keepdims=True) for own in z] if at_average else z
                own = np.einsum("...kl,nk,nl->...n", between, *z, optimize=True)
                found.setdefault(pair, {})[matrix.term] = own
    return found


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


def extend_effects(
    predictor: Predictor,
    group: GroupBlock,
    posterior: xr.Dataset,
    known: Array,
    given: NDArray[np.bool_],
    generator: np.random.Generator,
    drawn: Mapping[tuple[str, str], Array],
) -> Array:
    """Return effects as written, (chain, draw, J, K): those that are known, of the `given` levels, and new ones, which of tied
    terms are `drawn` already."""
    tied = drawn.get((predictor.parameter, group.name))
    if tied is None and group.heavy:
        tied = _draw_new(predictor, group, posterior, generator)
    if tied is None:
        return group.extend(known, given, covariances_at_centre(predictor, group, posterior), generator)
    effects = tied @ group.transform.T
    effects[..., given, :] = known
    return effects


def linear_prediction(
    design: Design,
    predictor: Predictor,
    posterior: xr.Dataset,
    modes: Mapping[str, str],
    generator: np.random.Generator,
    drawn: Mapping[tuple[str, str], Array] = MappingProxyType({}),
) -> Spread:
    """Return a predictor for each draw and row, and the variance of what is averaged over (None: nothing).

    `drawn` are new effects of terms that letters tie to those of other predictors, see `draw_tied`.
    """

    eta = population_predictor(predictor, posterior)
    variance: Array | None = None
    for group in predictor.groups:
        mode = modes[group.name]
        if mode in ("existing", "any"):
            group.check_effects()
        if mode == "existing":
            eta += group.contribution(effects_of(predictor, group, posterior, generator), written=True)
        elif mode == "any":
            known = effects_of(predictor, group, posterior, generator)
            given = np.arange(len(group.levels)) < group.known
            effects = extend_effects(predictor, group, posterior, known, given, generator, drawn)
            eta += group.contribution(effects, written=True)
        elif mode == "new":
            tied = drawn.get((predictor.parameter, group.name))
            if tied is None:
                tied = _draw_new(predictor, group, posterior, generator)
            eta += group.contribution(tied)
        elif mode == "average":
            own = group.variance(
                covariances_at_centre(predictor, group, posterior, moments=is_linear(design, predictor))
            )
            variance = own if variance is None else variance + own
    return Spread(predictor.link, eta, variance)


def _draw_new(predictor: Predictor, group: GroupBlock, posterior: xr.Dataset, generator: np.random.Generator) -> Array:
    """Return one draw of the effects of new levels at the centre, (chain, draw, J, K)."""
    effects = group.draw_new(covariances_at_centre(predictor, group, posterior, moments=True), generator)
    if not group.heavy:
        return effects
    degrees = values_of(posterior, predictor.names.structure("nu", group.dim))
    return effects * tail_factors(degrees, len(group.levels), generator)


def is_linear(design: Design, predictor: Predictor) -> bool:
    """Return whether the distribution of the response depends on the effects of a predictor by its mean alone, linearly, so
    that averages over them need their second moments at most."""
    return predictor.parameter == design.family.first and design.family.is_normal_under(predictor.link)


def population_part(posterior: xr.Dataset, predictor: Predictor, group: GroupBlock) -> xr.DataArray:
    """Return the population coefficient of each column of a group term (0 where there is none), dims chain, draw, effect."""
    which = group.mean_columns(predictor.population.labels)
    values = np.zeros((posterior.sizes["chain"], posterior.sizes["draw"], len(group.labels)))
    if np.any(which):
        beta = values_of(posterior, predictor.beta)
        for column in np.flatnonzero(which.any(axis=0)):
            values[..., column] = beta[..., which[:, column]].sum(axis=-1)
    dim = predictor.effect_dim(group)
    return xr.DataArray(values, dims=("chain", "draw", dim), coords={dim: list(group.labels)})
