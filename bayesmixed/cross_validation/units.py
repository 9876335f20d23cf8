"""Units that are left out together: a partition of the rows, as a word names it."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.draws.tree import row_labels
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.formulas.notation import safe_name, split_factors
from bayesmixed.integration.layers import Integers
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.tables.factors import group_levels
from bayesmixed.terms.block_parts import RELATED
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.relations import Factor
from bayesmixed.terms.weights import FREQUENCY, refuse_weights

OBSERVATION = "observation"


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
        if group.takes == RELATED or not owned_levels(group, units)[group.occurs].all()
    ]


def owned_levels(group: GroupBlock, units: Factor) -> NDArray[np.bool_]:
    """Return the levels that occur in one unit only, (J,)."""
    rows, levels, _ = group.pairs()
    low, high = np.full(len(group.levels), len(units.labels)), np.full(len(group.levels), -1)
    np.minimum.at(low, levels, units.index[rows])
    np.maximum.at(high, levels, units.index[rows])
    return np.asarray(low == high)


def _without_empty(factor: Factor) -> Factor:
    present, index = np.unique(factor.index, return_inverse=True)
    return Factor(factor.name, index.astype(np.intp), tuple(factor.labels[i] for i in present))
