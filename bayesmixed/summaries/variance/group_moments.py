"""Moments of the response over its groups: Gauss-Hermite rules over the effects in each predictor."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.design.responses import RowScale
from bayesmixed.design.row_likelihoods import keep_inside
from bayesmixed.draws.linear_predictors import (
    covariances_at_centre,
    is_linear,
    population_predictor,
    thin,
    tied_covariances,
)
from bayesmixed.draws.pieces import NUMBERS
from bayesmixed.draws.tree import stacked, top_level_names
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array, Link
from bayesmixed.gauss_hermite import FINE_NODES, expect
from bayesmixed.integration.averages import average_moments, cholesky_columns, refuse_average
from bayesmixed.integration.places import MANY, SMOOTH, places_of, weights_of
from bayesmixed.terms.predictors import Predictor

Etas = dict[str, Array]
Moments = Callable[[dict[str, Array]], Array]
"""A function of all parameters on their natural scale, with dims (..., S, m)."""
Axis = Mapping[str, Array]
"""What one standard normal number adds to some predictors, (S, m) each, by parameter."""

_WORK = 1e8
_LATENT_WORK = 1_000_000
_FEWEST = 100


@dataclass(frozen=True, slots=True)
class PredictorParts:
    """Linear predictors of m rows for S draws, taken apart.

    Attributes
    ----------
    design : Design
        Of the fit.
    scalars : mapping
        Parameters without a predictor, (S, 1).
    etas : mapping
        Population part of each predictor with its offset, (S, m).
    variances : mapping of mappings
        By parameter and grouping factor: z' Sigma z of each row, (S, m).
    scaled : RowScale or None
        What precision weights multiply the residual scale of each row by.
    covariances : mapping of mappings
        By two parameters and grouping factor: the covariance in each row, (S, m), of what effects that a letter ties add.
    """

    design: Design
    scalars: Mapping[str, Array]
    etas: Mapping[str, Array]
    variances: Mapping[str, Mapping[str, Array]]
    scaled: RowScale | None = None
    covariances: Mapping[tuple[str, str], Mapping[str, Array]] = field(default_factory=dict)

    def axes(self, factors: Collection[str], parameters: Collection[str] | None = None) -> list[Axis]:
        """Return what independent standard normal numbers add to the predictors where the effects of some factors vary, one
        number for each predictor to which they add anything: the columns of the Cholesky factor of its covariance."""
        factors, variances = set(factors), dict[str, Array]()
        for name, terms in self.variances.items():
            chosen = [variance for factor, variance in terms.items() if factor in factors]
            if chosen and (parameters is None or name in parameters) and any(np.any(v > 0) for v in chosen):
                variances[name] = np.maximum(sum(chosen), 0.0)
        covariances = {
            pair: sum((v for factor, v in terms.items() if factor in factors), np.zeros(1))
            for pair, terms in self.covariances.items()
            if not factors.isdisjoint(terms) and set(pair) <= variances.keys()
        }
        return [*cholesky_columns(variances, covariances)]

    def values(self, etas: Mapping[str, Array]) -> dict[str, Array]:
        """Return all parameters on their natural scale, for linear predictors."""
        predictors, scale = self.design.predictors, self.design.family.scale
        values = dict(self.scalars) | {name: _invert(predictors[name].link, eta) for name, eta in etas.items()}
        return values if self.scaled is None else {**values, scale: self.scaled.of(values[scale])}

    def average(self, function: Moments, axes: Sequence[Axis]) -> Array:
        """Return a function of the parameters averaged over the normal effects of some axes."""
        return expect(lambda z: function(self.values(self.moved(axes, z))), len(axes), count_nodes(len(axes)))

    def moved(self, axes: Sequence[Axis], scores: Array) -> Etas:
        """Return the predictors of groups whose effects have some scores, one for each axis."""
        etas = dict(self.etas)
        for axis, score in zip(axes, scores, strict=True):
            for name, loading in axis.items():
                etas[name] = etas[name] + loading * score
        return etas

    @property
    def factors(self) -> set[str]:
        """All grouping factors, of all predictors."""
        return {factor for terms in self.variances.values() for factor in terms}


def response_moments(predictor_parts: PredictorParts, trials: float) -> Array:
    """Return mean, variance between groups and expected variance within of the response of each row, (3, S, m)."""
    family = predictor_parts.design.family
    axes = predictor_parts.axes(predictor_parts.factors)
    refuse_average(family, {name for axis in axes for name in axis})
    _check_averages(predictor_parts, axes)
    nodes = count_nodes(len(axes))
    found = average_moments(
        family, lambda z: predictor_parts.values(predictor_parts.moved(axes, z)), trials, len(axes), nodes
    )
    return np.stack(np.broadcast_arrays(*found))


def shared_covariance(predictor_parts: PredictorParts, shared: Collection[str], trials: float) -> Array:
    """Return the covariance of two responses that share the effects of some factors and no others, (S, m)."""
    family = predictor_parts.design.family
    common, rest = predictor_parts.axes(shared), predictor_parts.axes(predictor_parts.factors - set(shared))
    _check_averages(predictor_parts, [*common, *rest])
    nodes = count_nodes(len(common) + len(rest))

    def given_shared(scores: Array) -> Array:
        outer = replace(predictor_parts, etas=predictor_parts.moved(common, scores))
        inside = expect(lambda z: family.mean(outer.values(outer.moved(rest, z)), trials), len(rest), nodes)
        return np.stack([inside, inside**2])

    first, second = expect(given_shared, len(common), nodes)
    return np.asarray(np.maximum(second - first**2, 0.0))


def _invert(link: Link, eta: Array) -> Array:
    """Return parameters; nodes far out, with hardly any weight, are moved to the border of the link: beyond it a root
    has no inverse,
    and the logit of a beta response whose mean rounds to 1 is infinite."""
    return link.inverse(keep_inside(link, eta))


def _check_averages(predictor_parts: PredictorParts, axes: Sequence[Axis]) -> None:
    """Refuse links under which the mean over normal effects does not exist (SpecError)."""
    for name in {name for axis in axes for name in axis}:
        predictor_parts.design.predictors[name].link.average(np.ones(1), np.ones(1))


def on_latent_scale(predictor_parts: PredictorParts) -> PredictorParts:
    """Return the parts with the response replaced by the function of it that is the latent scale of the family."""
    design = predictor_parts.design
    return replace(predictor_parts, design=replace(design, family=design.family.on_latent_scale(design.mu.link)))


def few_for_latent(design: Design, posterior: xr.Dataset, rows: int) -> xr.Dataset:
    """Return the draws for a latent scale: as many as its quadrature can take in a second or two where it needs one."""
    return posterior if design.family.latent_mean is None else thin(posterior, max(_FEWEST, _LATENT_WORK // rows))


def count_nodes(directions: int) -> int:
    """Return how many nodes a rule has in each direction; SpecError where there are too many directions."""
    if directions > max(FINE_NODES):
        raise SpecError(
            f"The integral over the groups has {directions} dimensions, because effects enter several predictors; at "
            f'most {max(FINE_NODES)} are possible. Ask for scale="latent", or leave group terms out of one predictor.'
        )
    return FINE_NODES.get(directions, 1)


def distinct_rows(design: Design, parameters: Collection[str] | None = None) -> tuple[NDArray[np.intp], Array]:
    """Return one row of each kind, by all columns and offsets of predictors and by precision weights, and the share of
    rows of that kind.

    Parameters
    ----------
    parameters : collection of str, optional
        Whose predictors tell rows apart; all if not given.
    """
    columns: list[Array] = [] if design.observed.row_scale is None else [np.asarray(design.weights)]
    for predictor in design.predictors.values():
        if parameters is not None and predictor.parameter not in parameters:
            continue
        blocks = [predictor.population.matrix, *(group.spread_matrix for group in predictor.groups)]
        columns += [column for block in (*blocks, predictor.offset[:, None]) for column in block.T]
        columns += [column for curve in predictor.curves for column in curve.row_columns]
        columns += [column for one in predictor.drawn for column in one.row_columns]
    kinds = np.zeros(design.rows, dtype=np.intp)
    for column in columns:
        codes, values = pd.factorize(column)
        kinds = pd.factorize(kinds * len(values) + codes)[0]
    return np.unique(kinds, return_index=True)[1], np.bincount(kinds, design.observed.row_shares)


def thin_for(design: Design, posterior: xr.Dataset, rows: int) -> xr.Dataset:
    """Return as many draws as a nested rule over the groups can take in a second or two, at least 100."""
    directions = min(2 * sum(bool(p.groups) for p in design.predictors.values()), max(FINE_NODES))
    affordable = _WORK / (rows * count_nodes(directions) ** directions)
    return thin(posterior, max(_FEWEST, int(affordable)))


def take_apart(design: Design, posterior: xr.Dataset, rows: NDArray[np.intp]) -> Iterator[PredictorParts]:
    """Yield the predictor parts of some rows for one block of draws after the other, chain by chain."""
    predictors = {name: predictor.take(rows) for name, predictor in design.predictors.items()}
    scaled = None if design.observed.row_scale is None else design.observed.row_scale.take(rows)
    for draws in _blocks(design, posterior, len(rows)):
        yield _pieces(design, predictors, scaled, draws)


def take_means(
    design: Design, posterior: xr.Dataset, rows: NDArray[np.intp], weights: Array
) -> Iterator[tuple[PredictorParts, Array]]:
    """Yield the parts of `take_apart` with the weights of the rows in means over them, (m,), or of each draw, (S, m).

    Very many rows that differ in one predictor only are replaced by places along it, whose weights, those of cubic
    interpolation, give the same means of smooth functions.
    """
    predictors = {name: predictor.take(rows) for name, predictor in design.predictors.items()}
    moving = _moving(predictors) if design.observed.row_scale is None and len(rows) > MANY else None
    if moving is None:
        yield from ((parts, weights) for parts in take_apart(design, posterior, rows))
        return
    alike = {name: predictor.take(np.arange(1)) for name, predictor in predictors.items()}
    for draws in _blocks(design, posterior, len(rows)):
        eta = population_predictor(moving, draws)[0]
        places = places_of(eta)
        own = np.stack([weights_of(one, at, weights) for one, at in zip(eta, places, strict=True)])
        parts = _pieces(design, alike, None, draws)
        yield replace(parts, etas={**parts.etas, moving.parameter: places}), own


def _blocks(design: Design, posterior: xr.Dataset, rows: int) -> Iterator[xr.Dataset]:
    """Yield draws of all chains as those of one, some at a time."""
    flat = _one_chain(design, posterior)
    step = max(1, NUMBERS // rows)
    for start in range(0, flat.sizes["draw"], step):
        yield flat.isel(draw=slice(start, start + step))


def over_rows(values: Array, weights: Array) -> Array:
    """Return the means of values, (..., S, m), over rows with weights (m,) or (S, m)."""
    return np.asarray(values @ weights if weights.ndim == 1 else np.einsum("...sm,sm->...s", values, weights))


def _moving(predictors: Mapping[str, Predictor]) -> Predictor | None:
    """Return the only predictor that differs between rows; None if there are several, or if variances of effects differ."""
    moving = []
    for predictor in predictors.values():
        if any(np.any(np.ptp(group.spread_matrix, axis=0) > 0.0) for group in predictor.groups):
            return None
        columns = [*predictor.population.matrix.T, predictor.offset]
        if predictor.curves or predictor.drawn or any(np.ptp(column) > 0.0 for column in columns):
            moving.append(predictor)
    return moving[0] if len(moving) == 1 and moving[0].link.name in SMOOTH else None


def _pieces(
    design: Design, predictors: Mapping[str, Predictor], scaled: RowScale | None, draws: xr.Dataset
) -> PredictorParts:
    etas, variances = {}, {}
    moved = replace(design, predictors=predictors)
    tied = {
        pair: {factor: own[0] for factor, own in terms.items()}
        for pair, terms in tied_covariances(moved, draws).items()
    }
    for name, predictor in predictors.items():
        etas[name] = population_predictor(predictor, draws)[0]
        linear = is_linear(design, predictor)
        covariances = {
            group.name: covariances_at_centre(predictor, group, draws, moments=linear)[0] for group in predictor.groups
        }
        variances[name] = {group.name: group.variance(covariances[group.name]) for group in predictor.groups}
    scalars = {name: stacked(v)[:, None] for name, v in design.scalar_draws(draws).items()}
    return PredictorParts(design, scalars, etas, variances, scaled, tied)


def _one_chain(design: Design, posterior: xr.Dataset) -> xr.Dataset:
    """Return the draws of all chains as those of one, without group effects."""
    curves = [predictor.b(curve) for predictor in design.predictors.values() for curve in predictor.curves]
    variables = {}
    drawn = [one.name for predictor in design.predictors.values() for one in predictor.drawn]
    for name in dict.fromkeys((*top_level_names(design), *curves, *drawn)):
        others = [dim for dim in posterior[name].dims if dim not in ("chain", "draw")]
        variables[name] = (("chain", "draw", *others), stacked(posterior[name])[None])
    return xr.Dataset(variables)
