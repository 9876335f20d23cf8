"""What is known of rows when the effects of their units are not: predictors without them, and layers of what leaves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement
from types import MappingProxyType

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.cross_validation.units import owned_levels, whole_groups
from bayesmixed.cross_validation.unknown_columns import (
    Events,
    leaving_columns,
    possible_events,
    unknown_columns,
    value_sources,
    without_drawn,
)
from bayesmixed.design.design import Design
from bayesmixed.draws.linear_predictors import (
    effect_root,
    effects_of,
    population_predictor,
    predictor_given_effects,
)
from bayesmixed.draws.residual_draws import residual_parameters
from bayesmixed.families.links import Array
from bayesmixed.integration.averages import cholesky_columns
from bayesmixed.integration.layers import Integers, Layer, Source
from bayesmixed.terms.block_parts import RELATED
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.relations import Factor

POPULATION = "population"
Sets = tuple[str, Integers, Source]
"""Effects that leave: their factor, the set of each row, and what they add."""
_ROUNDING = 1e-9
"""What rounding may leave of a column, as a share of it."""


@dataclass(frozen=True, slots=True)
class LeftOutUnits:
    """What is known of the rows when the effects of their units are not, for some posterior draws.

    Where residuals are correlated, units hold whole groups of these.

    Attributes
    ----------
    design : Design
    rows : (n,) integer array
        Rows of the design that are looked at.
    units : (n,) integer array
        Unit of each of these rows, none empty.
    etas : mapping of (S, n) arrays
        Predictors without the effects that leave with the units.
    scalars : mapping of (S, 1) arrays
        Parameters without a predictor.
    layers : tuple of Layer
        Effects that leave, larger sets first.
    residual : mapping of (S, 1) or (S, K, K) arrays
        Parameters of correlated residuals.
    events : tuple of Events
        Combinations of missing events, over which densities and distributions of rows are mixtures.
    labels : tuple of str
        Names of the units.
    """

    design: Design
    rows: Integers
    units: Integers
    etas: dict[str, Array]
    scalars: dict[str, Array]
    layers: tuple[Layer, ...]
    residual: dict[str, Array] = field(default_factory=dict)
    events: tuple[Events, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def draws(self) -> int:
        """Number S of draws."""
        return len(next(iter(self.etas.values())))

    def take(self, draws: Integers, rows: Integers) -> "LeftOutUnits":
        """Return what is known of some of the rows, whole sets of the first layer, at some draws."""
        within = np.ix_(draws, rows)
        layers = []
        for layer in self.layers:
            sources = [
                replace(
                    source,
                    loadings=source.loadings[within],
                    others={name: own[within] for name, own in source.others.items()},
                )
                for source in layer.sources
            ]
            layers.append(Layer(_compress(layer.index[rows]), tuple(sources), layer.names))
        units = self.units[rows]
        return replace(
            self,
            rows=self.rows[rows],
            units=_compress(units),
            etas={name: eta[within] for name, eta in self.etas.items()},
            scalars={name: values[draws] for name, values in self.scalars.items()},
            layers=tuple(layers),
            residual={name: values[draws] for name, values in self.residual.items()},
            events=tuple(one.take(draws, rows) for one in self.events),
            labels=tuple(self.labels[unit] for unit in np.unique(units)) if self.labels else (),
        )


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaves with each unit, found once for all rows and stated for any of them.

    Effects of a level leave with a unit if all its rows lie in the unit: those of the factor itself, of factors nested
    in it, and of levels of crossed factors that occur in no other unit. So do coefficients with independent normal
    priors whose columns are zero outside one unit, as `compare_pooling` states them without pooling. Values of columns that are
    not known exactly leave with their row, if they are normal or events; others are those of the draws.

    Attributes
    ----------
    design : Design
    units : Factor
        Where residuals are correlated, units are whole groups of these.
    owned : mapping of (J,) bool arrays
        The levels that leave, by the name of their effects in the draws.
    columns : mapping
        By parameter, coordinates of the population part that leave, one a unit at a time, with mean and SD of their priors.
    layers : tuple of (sources, single)
        Which of the sources, in the order of `at`, make each layer, larger sets first, and whether its sets are single rows.
    """

    design: Design
    units: Factor
    owned: Mapping[str, NDArray[np.bool_]]
    columns: Mapping[str, Sequence[tuple[list[int], Array, Array]]]
    layers: tuple[tuple[tuple[int, ...], bool], ...]

    def at(self, posterior: xr.Dataset, rows: Integers | None = None) -> LeftOutUnits:
        """Return what is known of all rows, or of some that are whole units, at some posterior draws."""
        every = np.arange(self.design.rows) if rows is None else rows
        index = self.units.index if rows is None else _compress(self.units.index[rows])
        etas, sources, events = self.effects(posterior, rows)
        layers = arrange(sources, self.layers, index)
        if rows is not None:
            layers = tuple(layer for layer in layers if layer.owned.any())
        scalars, residual = _scalars(self.design, posterior), _residual(self.design, posterior)
        labels = tuple(str(self.units.labels[unit]) for unit in np.unique(self.units.index[every]))
        return LeftOutUnits(self.design, every, index, etas, scalars, layers, residual, events, labels)

    def effects(
        self, posterior: xr.Dataset, rows: Integers | None = None, known: Mapping[str, Array] = MappingProxyType({})
    ) -> tuple[dict[str, Array], list[Sets], tuple[Events, ...]]:
        """Return the predictors of all or some rows without the effects that leave, these effects with the sets of their levels
        (-1 in rows that they do not enter), and combinations of missing events.

        `known` are roots of covariances, (chain, draw, K, W), by the name of the effects, in place of those of the design.
        """
        design = self.design
        index = self.units.index if rows is None else _compress(self.units.index[rows])
        predictors = design.predictors if rows is None else {n: p.take(rows) for n, p in design.predictors.items()}
        latent = design.latent if rows is None else [one.take(rows) for one in design.latent]
        unknown, summed = unknown_columns(latent, posterior), {one.imputed for one in latent if one.summed}
        sources: list[Sets] = [*value_sources(predictors, unknown, posterior)]
        etas = {}
        for name, whole in design.predictors.items():
            predictor, expected = without_drawn(predictors[name], unknown, posterior, summed)
            eta = population_predictor(predictor, posterior) + expected
            draws = eta.shape[0] * eta.shape[1]
            for columns, location, sd in self.columns[name]:
                part, beta = (
                    predictor.centred_matrix[:, columns],
                    posterior[predictor.beta].transpose("chain", "draw", ...),
                )
                eta = eta + (location - beta.values @ predictor.inverse_transform[columns].T) @ part.T
                source = Source(name, np.broadcast_to((part @ sd)[:, None], (draws, len(part), 1)))
                sources.append((POPULATION, index, source))
            for group, full in zip(predictor.groups, whole.groups, strict=True):
                own, roots = self.owned[predictor.b(group)], None
                if group.takes == RELATED:
                    effects, roots = _given_others(predictor, full, posterior, self.units, own)
                    eta = eta + group.contribution(effects, written=True)
                elif not own[full.occurs].all():
                    effects = effects_of(predictor, group, posterior)
                    eta = eta + group.contribution(effects * ~own[:, None], written=True)
                if own.any():
                    sets, loaded = group.alone(own)
                    name_b = predictor.b(group)
                    root = known[name_b] if name_b in known else effect_root(design, predictor, group, posterior)
                    if roots is None:
                        loadings = np.einsum("nk,cdkl->cdnl", loaded, root)
                    else:
                        sets, within = np.where(sets >= 0, index, -1), roots[sets]
                        loadings = np.einsum("nw,nk,cdkl->cdnwl", within, loaded, root)
                        loadings = loadings.reshape(*loadings.shape[:3], -1)
                    source = Source(name, loadings.reshape(draws, *loadings.shape[2:]))
                    _add_source(sources, predictor, group, sets, source)
            etas[name] = eta.reshape(draws, -1)
        return etas, sources, possible_events(latent, predictors, posterior)


def arrange(
    sources: Sequence[Sets], layers: Sequence[tuple[tuple[int, ...], bool]], before: Integers
) -> tuple[Layer, ...]:
    """Return the layers of effects; rows that a layer has no effect for keep the sets of the one before."""
    arranged = []
    for places, single in layers:
        for place in places:
            before = _sets_within(sources[place][1], before)
        found = tuple(sources[place][2] for place in places)
        layer = Layer(before, found, tuple(sources[place][0] for place in places))
        arranged.append(_merge_sources(layer) if single else layer)
    return tuple(arranged)


def find_leaving(design: Design, units: Factor) -> Leaving:
    """Return what leaves with each unit of a partition of the rows."""
    units = whole_groups(design, units)
    owned, columns = {}, {}
    sets = [np.arange(design.rows) for _ in leaving_columns(design)]
    for name, predictor in design.predictors.items():
        columns[name] = list(_own_columns(design, predictor, units))
        sets += [units.index] * len(columns[name])
        for group in predictor.groups:
            own = owned_levels(group, units)
            owned[predictor.b(group)] = own
            if own.any() and (not group.tied or predictor.correlations(group).parameters[0] == name):
                index, _ = group.alone(own)
                sets.append(np.where(index >= 0, units.index, -1) if group.takes == RELATED else index)
    return Leaving(design, units, owned, columns, order_sets(sets, units.index))


def order_sets(sets: Sequence[Integers], before: Integers) -> tuple[tuple[tuple[int, ...], bool], ...]:
    """Return which sets of rows make each layer within units, larger ones first, and whether its sets are single rows."""
    layers: list[tuple[tuple[int, ...], Integers]] = []
    for place in sorted(range(len(sets)), key=lambda place: len(np.unique(sets[place]))):
        inside = _sets_within(sets[place], before)
        joined = bool(layers) and same_sets(inside, before)
        layers.append(((*layers.pop()[0], place) if joined else (place,), inside))
        before = inside
    return tuple((places, int(index.max()) + 1 == len(index)) for places, index in layers)


def condition(design: Design, posterior: xr.Dataset, rows: Integers | None = None) -> LeftOutUnits:
    """Return the left-out units of all rows, or of some, when all effects are known."""
    every = np.arange(design.rows) if rows is None else rows
    predictors = design.predictors if rows is None else {n: p.take(rows) for n, p in design.predictors.items()}
    etas = {name: predictor_given_effects(p, posterior) for name, p in predictors.items()}
    etas = {name: eta.reshape(-1, eta.shape[-1]) for name, eta in etas.items()}
    return without_layers(design, posterior, etas, every)


def without_layers(
    design: Design, posterior: xr.Dataset, etas: dict[str, Array], rows: Integers | None = None
) -> LeftOutUnits:
    """Return the left-out units of rows of which predictors, (S, n), are known."""
    every = np.arange(design.rows) if rows is None else rows
    units, residual = np.arange(len(every)), _residual(design, posterior)
    return LeftOutUnits(design, every, units, etas, _scalars(design, posterior), (), residual)


def situate(design: Design, posterior: xr.Dataset, units: Factor) -> LeftOutUnits:
    """Return the left-out units of all rows when the effects of their units are unknown: see `Leaving`."""
    return find_leaving(design, units).at(posterior)


def _residual(design: Design, posterior: xr.Dataset) -> dict[str, Array]:
    """Return the parameters of correlated residuals by draw."""
    own = {} if design.residual is None else residual_parameters(design.residual, posterior)
    return {name: value.reshape(-1, *value.shape[2:]) for name, value in own.items()}


def _given_others(
    predictor: Predictor, group: GroupBlock, posterior: xr.Dataset, units: Factor, own: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Return effects of related levels, those that leave with a unit replaced by their means given the others, and a root of
    their covariances at an SD of 1 given these: rows by level, (J, W)."""
    effects = effects_of(predictor, group, posterior)
    rows, levels, _ = group.pairs()
    unit_of = np.full(len(group.levels), -1)
    unit_of[levels] = units.index[rows]
    return group.given_others(effects, np.where(own, unit_of, -1))


def _add_source(sources: list[Sets], predictor: Predictor, group: GroupBlock, sets: Integers, source: Source) -> None:
    """Add the effects of a term to those that leave; tied ones are further loadings of the numbers of the first of them."""
    first = predictor.correlations(group).parameters[0]
    if not group.tied or first == source.parameter:
        sources.append((group.name, sets, source))
        return
    for place, (name, _, one) in enumerate(sources):
        if name == group.name and one.parameter == first:
            others = {**one.others, source.parameter: source.loadings}
            sources[place] = name, sets, replace(one, others=others)


def _scalars(design: Design, posterior: xr.Dataset) -> dict[str, Array]:
    draws = design.scalar_draws(posterior)
    return {name: v.transpose("chain", "draw").values.reshape(-1, 1) for name, v in draws.items()}


def _sets_within(index: Integers, before: Integers) -> Integers:
    """Return the sets of rows of an index, those of another where it is negative."""
    return _compress(np.where(index >= 0, index, index.max() + 1 + before))


def _merge_sources(layer: Layer) -> Layer:
    """Return a layer whose sets are single rows with one effect a predictor: sums of normals are normal."""
    products: dict[tuple[str, str], Array] = {}
    for source in layer.sources:
        entered = source.by_parameter
        for first, second in combinations_with_replacement(entered, 2):
            own = np.sum(entered[first] * entered[second], axis=-1)
            products[first, second] = products.get((first, second), 0.0) + own
    variances = {first: own for (first, second), own in products.items() if first == second}
    columns = cholesky_columns(variances, {pair: own for pair, own in products.items() if pair[0] != pair[1]})
    sources = [{name: own[..., None] for name, own in column.items()} for column in columns]
    merged = [Source(name, own.pop(name), own) for own in sources for name in [next(iter(own))]]
    return Layer(layer.index, tuple(merged), layer.names)


def _own_columns(design: Design, predictor: Predictor, units: Factor) -> Iterator[tuple[list[int], Array, Array]]:
    """Yield coordinates of the population part that rows of one unit alone depend on, one a unit at a time, with mean and
    sd of their priors."""
    found: dict[int, list[tuple[int, float, float]]] = {}
    entered = np.abs(predictor.centred_matrix)
    entered = entered > _ROUNDING * entered.max(axis=0, initial=0.0)
    for latent in design.latent:  # coefficients of columns that are not known exactly stay those of the draws
        entered |= np.any(latent.slopes.get(predictor.parameter, np.zeros((1, 1))) != 0, axis=0)
    for column, prior in enumerate(design.coefficient_priors(predictor)):
        inside = np.unique(units.index[entered[:, column]])
        if prior.name == "Normal" and len(inside) == 1:
            location, sd = prior.arguments
            found.setdefault(int(inside[0]), []).append((column, float(location), float(sd)))
    for rank in range(max((len(own) for own in found.values()), default=0)):
        columns, locations, sds = zip(*(own[rank] for own in found.values() if len(own) > rank), strict=True)
        yield list(columns), np.array(locations), np.array(sds)


def _compress(index: Integers) -> Integers:
    return np.unique(index, return_inverse=True)[1].astype(np.intp)


def same_sets(first: Integers, second: Integers) -> bool:
    """Return whether two partitions, both without empty sets, have the same sets."""
    together = len(np.unique(first * (int(second.max()) + 1) + second))
    return together == first.max() + 1 == second.max() + 1
