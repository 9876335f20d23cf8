"""Units that are left out together: a partition of the rows, and the effects that leave with each of its sets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.cross_validation.unknown_columns import (
    Events,
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
from bayesmixed.draws.tree import row_labels
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.formulas.notation import safe_name, split_factors
from bayesmixed.integration.averages import cholesky_columns
from bayesmixed.integration.layers import Integers, Layer, Source
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.tables.factors import group_levels
from bayesmixed.terms.block_parts import RELATED
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.relations import Factor
from bayesmixed.terms.weights import FREQUENCY, refuse_weights

OBSERVATION = "observation"
POPULATION = "population"
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
    """

    design: Design
    rows: Integers
    units: Integers
    etas: dict[str, Array]
    scalars: dict[str, Array]
    layers: tuple[Layer, ...]
    residual: dict[str, Array] = field(default_factory=dict)
    events: tuple[Events, ...] = ()

    def restrict(self, keep: NDArray[np.bool_]) -> "LeftOutUnits":
        """Return the left-out units for some of the rows, whole units, with the layers that have effects there."""
        layers = tuple(
            Layer(
                _compress(layer.index[keep]),
                tuple(source.take(keep) for source in layer.sources),
                layer.names,
            )
            for layer in self.layers
            if layer.owned[keep].any()
        )
        etas = {name: eta[:, keep] for name, eta in self.etas.items()}
        units, events = _compress(self.units[keep]), tuple(one.take(keep) for one in self.events)
        return replace(self, rows=self.rows[keep], units=units, etas=etas, layers=layers, events=events)


class Rows(Factor):
    """The rows themselves as units, which are no factor of that name."""

    __slots__ = ()


def find_units(design: Design, unit: str, *, whole: bool = False) -> Factor:
    """Return the partition of the rows that a word names: "observation", a grouping factor, a column, or "a:b".

    Parameters
    ----------
    whole : bool
        Only densities of whole units are wanted, which rows that stand for several may have.

    Raises
    ------
    SpecError
        It names neither, or the rows have frequency or likelihood weights.
    """
    if not (whole and unit != OBSERVATION and design.observed.weighting == FREQUENCY):
        refuse_weights(design.spec.weights, "The log-likelihood of units, which leaving them out needs,")
    if unit == OBSERVATION:
        return Rows("row", np.arange(design.rows), tuple(str(label) for label in row_labels(design)))
    groups = [group for _, group in design.group_blocks() if group.one_each]
    for group in groups:
        if group.name == unit:
            return _without_empty(Factor(unit, group.pairs()[1], group.levels))
    columns = [str(name) for name in design.table.data.columns]
    names = (unit,) if unit in columns else _joined(unit)
    if names and all(name in columns for name in names):
        index, labels = group_levels(design.table.data, names)
        return _without_empty(Factor(unit, index, labels))
    if design.residual is not None and unit == design.residual.name:
        return residual_units(design)
    accepted = list(dict.fromkeys([OBSERVATION, *(group.name for group in groups), *columns]))
    raise SpecError(f"unit='{unit}' is not a unit of this model. {did_you_mean(unit, accepted)}")


def _joined(unit: str) -> tuple[str, ...]:
    """Return the columns that a word such as "a:b" joins, none where it cannot be read."""
    try:
        return split_factors(unit)
    except SpecError:
        return ()


def whole_groups(design: Design, units: Factor) -> Factor:
    """Return the units; those within which residuals are correlated in place of the rows.

    Raises
    ------
    SpecError
        Units share groups within which residuals are correlated: what is left out would depend on what stays.
    """
    block = design.residual
    if block is None:
        return units
    if is_observation(units):
        return residual_units(design)
    pairs = len(np.unique(np.stack([units.index, block.units]), axis=1).T)
    if pairs > len(np.unique(block.units)):
        raise SpecError(
            f"Rows of one '{block.name}' are in several units of '{units.name}', and their residuals are correlated "
            f'({block.residual}). Leave out whole groups, unit="{block.name}", or single rows given the others, '
            f'unit="{OBSERVATION}".'
        )
    return units


def residual_units(design: Design) -> Factor:
    """Return the groups within which residuals are correlated, as units."""
    assert design.residual is not None
    return _without_empty(Factor(design.residual.name, design.residual.units, design.residual.levels))


def mark_bounding(design: Design, index: Integers, k: xr.DataArray) -> xr.DataArray:
    """Return Pareto k of units, infinite for one that alone bounds a parameter below all responses: without it the parameter
    may be higher than in any posterior draw, so that weights cannot leave it out. `index` has the unit of each row."""
    if not design.family.onset or design.scalar_prior(design.family.onset)[1].name == "Fixed":
        return k
    y = np.asarray(design.response)
    lowest = np.unique(index[y == np.min(y)])
    return k if len(lowest) > 1 else k.copy(data=np.where(np.arange(k.size) == lowest[0], np.inf, k.values))


def is_observation(units: Factor) -> bool:
    """Return whether the units are the rows themselves, as `find_units` names them."""
    return isinstance(units, Rows)


def dim_of(units: Factor) -> str:
    """Return the dimension of units in arrays."""
    return units.name if is_observation(units) else safe_name(units.name)


def describe_unit(units: Factor) -> str:
    """Return in words what is predicted when a unit is left out."""
    if is_observation(units):
        return "a new observation in the known groups"
    return f"all observations of a new {units.name}, whose effects (and those nested in it) are unknown"


def own_coefficients(design: Design, units: Factor) -> list[str]:
    """Return the names of population coefficients and curves that only the rows of one unit say anything about."""
    found = []
    for predictor in design.predictors.values():
        names: list[str] = list(predictor.names.population(predictor.population.labels))
        entered = list(predictor.population.matrix.T != 0)
        for block in predictor.curves:
            names += [ParameterKey(predictor.b(block), label) for label in block.labels] or [predictor.b(block)]
            entered += [block.rows_of(curve) for curve in range(block.curves)]
        found += [name for name, rows in zip(names, entered, strict=True) if len(np.unique(units.index[rows])) == 1]
    return found


def shared_effects(design: Design, units: Factor) -> list[str]:
    """Return the names of the effects of which some do not leave with a unit: their draws are needed."""
    return [
        p.b(group)
        for p, group in design.group_blocks()
        if group.takes == RELATED or not _owned_levels(group, units)[group.occurs].all()
    ]


def _owned_levels(group: GroupBlock, units: Factor) -> NDArray[np.bool_]:
    """Return the levels that occur in one unit only, (J,)."""
    rows, levels, _ = group.pairs()
    low, high = np.full(len(group.levels), len(units.labels)), np.full(len(group.levels), -1)
    np.minimum.at(low, levels, units.index[rows])
    np.maximum.at(high, levels, units.index[rows])
    return np.asarray(low == high)


def condition(design: Design, posterior: xr.Dataset) -> LeftOutUnits:
    """Return the left-out units of all rows when all effects are known."""
    etas = {name: predictor_given_effects(p, posterior) for name, p in design.predictors.items()}
    etas = {name: eta.reshape(-1, eta.shape[-1]) for name, eta in etas.items()}
    rows = np.arange(design.rows)
    return LeftOutUnits(design, rows, rows, etas, _scalars(design, posterior), (), _residual(design, posterior))


def situate(design: Design, posterior: xr.Dataset, units: Factor) -> LeftOutUnits:
    """Return the left-out units of all rows when the effects of their units are unknown.

    Effects of a level leave with a unit if all its rows lie in the unit: those of the factor itself, of factors nested
    in it, and of levels of crossed factors that occur in no other unit. So do coefficients with independent normal
    priors whose columns are zero outside one unit, as `compare_pooling` states them without pooling. Where residuals are
    correlated, those of rows are the groups of these. Values of columns that are not known exactly leave with their row, if they
    are normal or events; others are those of the draws.
    """
    units = whole_groups(design, units)
    unknown, summed = unknown_columns(design, posterior), {one.imputed for one in design.latent if one.summed}
    sources: list[tuple[str, Integers, Source]] = [*value_sources(design, unknown, posterior)]
    etas = {}
    for name, predictor in design.predictors.items():
        predictor, expected = without_drawn(predictor, unknown, posterior, summed)
        eta = population_predictor(predictor, posterior) + expected
        draws = eta.shape[0] * eta.shape[1]
        for columns, location, sd in _own_columns(design, predictor, units):
            part, beta = predictor.centred_matrix[:, columns], posterior[predictor.beta].transpose("chain", "draw", ...)
            eta = eta + (location - beta.values @ predictor.inverse_transform[columns].T) @ part.T
            source = Source(name, np.broadcast_to((part @ sd)[:, None], (draws, len(part), 1)))
            sources.append((POPULATION, units.index, source))
        for group in predictor.groups:
            own, roots = _owned_levels(group, units), None
            if group.takes == RELATED:
                effects, roots = _given_others(predictor, group, posterior, units, own)
                eta = eta + group.contribution(effects, written=True)
            elif not own[group.occurs].all():
                effects = effects_of(predictor, group, posterior)
                eta = eta + group.contribution(effects * ~own[:, None], written=True)
            if own.any():
                sets, loaded = group.alone(own)
                root = effect_root(design, predictor, group, posterior)
                if roots is None:
                    loadings = np.einsum("nk,cdkl->cdnl", loaded, root)
                else:
                    sets, within = np.where(sets >= 0, units.index, -1), roots[sets]
                    loadings = np.einsum("nw,nk,cdkl->cdnwl", within, loaded, root)
                    loadings = loadings.reshape(*loadings.shape[:3], -1)
                source = Source(name, loadings.reshape(draws, *loadings.shape[2:]))
                _add_source(sources, predictor, group, sets, source)
        etas[name] = eta.reshape(draws, -1)
    scalars, layers = _scalars(design, posterior), _arrange(sources, units)
    rows = np.arange(design.rows)
    residual, events = _residual(design, posterior), possible_events(design, posterior)
    return LeftOutUnits(design, rows, units.index, etas, scalars, layers, residual, events)


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


def _add_source(
    sources: list[tuple[str, Integers, Source]], predictor: Predictor, group: GroupBlock, sets: Integers, source: Source
) -> None:
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


def _arrange(sources: Sequence[tuple[str, Integers, Source]], units: Factor) -> tuple[Layer, ...]:
    """Return the layers, larger sets first; rows that a layer has no effect for keep the sets of the one before."""
    layers: list[Layer] = []
    before = units.index
    for name, index, source in sorted(sources, key=lambda entry: len(np.unique(entry[1]))):
        sets = _compress(np.where(index >= 0, index, index.max() + 1 + before))
        if layers and _same(sets, before):
            last = layers.pop()
            layers.append(Layer(last.index, (*last.sources, source), (*last.names, name)))
        else:
            layers.append(Layer(sets, (source,), (name,)))
        before = layers[-1].index
    return tuple(_merge_sources(layer) if layer.index.max() + 1 == len(layer.index) else layer for layer in layers)


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


def _same(first: Integers, second: Integers) -> bool:
    """Return whether two partitions, both without empty sets, have the same sets."""
    together = len(np.unique(first * (int(second.max()) + 1) + second))
    return together == first.max() + 1 == second.max() + 1


def _without_empty(factor: Factor) -> Factor:
    present, index = np.unique(factor.index, return_inverse=True)
    return Factor(factor.name, index.astype(np.intp), tuple(factor.labels[i] for i in present))
