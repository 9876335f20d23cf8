"""The coordinates in which priors of coefficients and of effects are stated: defaults on the basis, users' as written."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.families import Family, ResponseScale
from bayesmixed.families.links import Array
from bayesmixed.formulas.notation import safe_name
from bayesmixed.parameter_keys import CENTRED_INTERCEPT, INTERCEPT, ParameterKey, VariableNames, names_of
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.factors import Table
from bayesmixed.terms.basis import Basis, map_to_written, units_as_written
from bayesmixed.terms.block_parts import Coordinates
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.directions import find_directions
from bayesmixed.terms.level_means import CENTRED, level_means
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.scaled_matrices import scaled_inverse

_ROUNDING, _SEEN = 1e-9, 1e-7


def states_centred_prior(spec: ModelSpec, names: VariableNames) -> bool:
    """Return whether the intercept's prior is stated at the covariate means: no user prior on it as written."""
    return ParameterKey(names.beta, INTERCEPT) not in spec.priors


def states_group_prior(spec: ModelSpec, group: str, names: VariableNames) -> bool:
    """Return whether the user states a prior on an SD or correlation of a group term, as written."""
    return any(ParameterKey.read(key).variable in names.scales_of(safe_name(group)) for key in spec.priors)


def intercept_ratio(family: Family, parameter: str) -> float:
    """Return the scale of the intercept's default prior in units of that of a standardised slope."""
    found = family.parameter(parameter)
    return 1.0 if found.intercept is None else found.intercept(ResponseScale(1.0, 1.0))[1] / (2.5 * found.unit)


def place_terms(spec: ModelSpec, family: Family, predictor: Predictor) -> Predictor:
    """Return a predictor in the coordinates in which its priors are stated."""
    ratio = intercept_ratio(family, predictor.parameter)
    population, cut = predictor.population, predictor.cut
    population = place_population(spec, population, predictor.names, ratio=ratio, cut=cut)
    intercept = np.array(population.labels) == "Intercept"
    centred = cut or (CENTRED_INTERCEPT in population.coordinates.labels and np.any(intercept))
    centre = np.where(intercept, 0.0, population.written_means) if centred else np.zeros(len(intercept))
    groups = tuple(place_group(spec, family, group, predictor.names) for group in predictor.groups)
    return replace(predictor, population=population, centre=centre, groups=groups)


def with_bases(predictor: Predictor, table: Table, bases: Mapping[str, tuple[Basis | None, ...]]) -> Predictor:
    """Return a predictor with other bases, by variable ("beta", "b_g"), where these have the same columns; place its
    terms afterwards."""
    population = predictor.population
    (basis,) = bases.get(predictor.beta, (None,))
    if basis is not None and basis.labels == population.basis.labels:
        state, width = population.state, len(basis.labels)
        own = basis.columns(state.piece_values(table), table.rows)
        written = population.written.copy()
        reduction = population.reduction
        formula = reduction.chosen(state.labels, "Intercept" in population.labels)
        written[: len(formula), :width] = (reduction.map @ map_to_written(state, basis, table))[formula]
        columns = np.hstack([own, population.columns[:, width:]])
        units = np.append(basis.units, population.units[width:])
        population = replace(population, basis=basis, columns=columns, written=written, units=units)
    groups = tuple(_with_group_bases(g, table, bases.get(predictor.b(g), ())) for g in predictor.groups)
    return replace(predictor, population=population, groups=groups)


def _with_group_bases(group: GroupBlock, table: Table, bases: tuple[Basis | None, ...]) -> GroupBlock:
    if not same_columns(group.bases, bases):
        return group
    columns, written = group.columns.copy(), group.written.copy()
    units, as_written = group.units.copy(), group.units_as_written.copy()
    for number, (part, state, basis) in enumerate(zip(group.parts, group.states, bases, strict=True)):
        if basis is not None:
            own = list(part.columns)
            columns[:, own] = group.of_part(number, basis.columns(state.piece_values(table), table.rows))
            written[np.ix_(own, own)] = map_to_written(state, basis, table)
            units[own], as_written[own] = basis.units, units_as_written(state, basis, table)
    return replace(group, bases=bases, columns=columns, written=written, units=units, units_as_written=as_written)


def same_columns(first: tuple[Basis | None, ...], second: tuple[Basis | None, ...]) -> bool:
    """Return whether the bases of two group terms have the same columns."""
    labels = [[None if basis is None else basis.labels for basis in bases] for bases in (first, second)]
    return labels[0] == labels[1]


def place_population(
    spec: ModelSpec, block: PopulationBlock, variables: VariableNames, *, ratio: float, cut: bool
) -> PopulationBlock:
    """Return the population part in the coordinates in which its priors are stated.

    They are the mean of the predictor over rows and the coefficients of the basis. A user's prior on the intercept as
    written takes the place of that on the mean. With user's priors on coefficients K, beta_K = A_K z for the others'
    standard normal z, the coordinates are beta_K and v in z = A_K^+ beta_K + Q v, Q the null space of A_K: v has its
    default given beta_K. A key with the ending _centred states the prior of a level's mean, see `level_means`.

    Where combinations of levels are empty and their coefficients are dropped, the coordinates of the basis are more than
    the kept coefficients. The prior of the predictor in the rows of the fit is then the same as without dropping: of
    the standardised coordinates z only the projection U U'z on what these rows see remains, and v = U'z are the new
    coordinates. A prior given that the dropped coefficients are 0 would depend on the reference level.

    Parameters
    ----------
    ratio : float
        Scale of the prior of the mean in units of that of a standardised slope.
    cut : bool
        Thresholds take the place of the intercept.

    Raises
    ------
    SpecError
        The stated coefficients are linearly dependent.
    """
    means = block.means
    first = 1 if block.basis.constant else 0
    shift = np.where(np.arange(len(means)) < first, 0.0, means) if first else np.zeros(len(means))
    labels = list(block.column_labels)
    units, pulls = block.units.copy(), np.zeros(len(labels))
    if first:
        units[0], pulls[0] = ratio, 1.0
        if "Intercept" in block.labels and not states_centred_prior(spec, variables):
            shift = np.append(0.0, block.written[block.labels.index("Intercept"), 1:])
    mixing = np.eye(len(labels))
    if first:
        mixing[0] -= shift
    kept = np.arange(1 if cut and first else 0, len(labels))
    mixing, units, pulls = mixing[:, kept], units[kept], pulls[kept]
    transform = block.written @ mixing
    names = [labels[k] for k in kept]
    for column, name in enumerate(names):
        row = transform[block.labels.index(name)] * units if name in block.labels else np.zeros(len(names))
        alone = np.sum(np.abs(row) > _ROUNDING * np.max(np.abs(row), initial=0.0)) == 1
        if (name in block.labels or name == "Intercept") and not (
            alone and np.isclose(row[column], units[column], atol=0.0)
        ):
            names[column] = f"{name}_centred"
    default = Coordinates(tuple(names), mixing, units, pulls)
    if block.reduction.drops:
        default = _seen(
            default, block, cut, "cells of " + ", ".join(":".join(e.factors) for e in block.reduction.empty)
        )
        transform = block.written @ default.mixing
    stated = {
        label: transform[k]
        for k, label in enumerate(block.labels)
        if label != "Intercept" and ParameterKey(variables.beta, label).match(spec.priors) is not None
    }
    stated |= {
        label + CENTRED: row @ default.mixing
        for label, row in _all_level_means(block).items()
        if ParameterKey(variables.beta, label + CENTRED) in spec.priors
    }
    placed = _give(default, stated) if stated else default
    # A coordinate has the name of a coefficient only where they are equal.
    return replace(block, coordinates=replace(placed, as_written=placed.labels == block.labels))


def place_group(spec: ModelSpec, family: Family, block: GroupBlock, variables: VariableNames) -> GroupBlock:
    """Return a group term in the coordinates in which the priors of its SDs and correlations are stated.

    Those of its basis, with effects on the mean over rows; effects as written where they are independent, where a user
    states their prior, and where there is only one column.
    """
    mixing, units, labels = np.eye(block.width), block.units.copy(), list(block.labels)
    as_written, first = True, family.first
    for number, (part, basis) in enumerate(zip(block.parts, block.bases, strict=True)):
        columns = list(part.columns)
        # Priors of correlations across predictors are stated as all their SDs are.
        scales = [names_of(name, first) for name in spec.predictors_of(family)] if part.letter else [variables]
        stated = any(states_group_prior(spec, block.name, one) for one in scales)
        if basis is not None and part.correlated and not stated:
            as_written = False
            for column, label in zip(columns, block.basis_labels(number), strict=True):
                labels[column] = label
            if basis.constant:
                mixing[columns[0], columns[1:]] = -block.means[columns[1:]]
        else:
            own = np.ix_(columns, columns)
            mixing[own] = scaled_inverse(block.written[own])
            units[columns] = block.units_as_written[columns]
        if part.structure is not None and part.structure.covariance.equal:
            for column in columns:
                labels[column] = part.structure.label
    return replace(
        block, coordinates=Coordinates(tuple(labels), mixing, units, np.zeros(block.width), as_written=as_written)
    )


def _all_level_means(block: PopulationBlock) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for term in block.state.terms:
        if term.pieces and all(block.state.pieces[text].levels is not None for text in term.pieces):
            found |= level_means(block, term.pieces)
    return found


def _give(default: Coordinates, stated: Mapping[str, Array]) -> Coordinates:
    """Return coordinates that include stated coefficients, given by name and as rows (q,) on the defaults."""
    roots = np.array(list(stated.values())) * default.units
    used = np.any(np.abs(roots) > _ROUNDING * np.abs(roots).max(axis=1, keepdims=True), axis=0)
    inside = np.flatnonzero(used)
    own = roots[:, inside]
    length = np.linalg.norm(own, axis=1)
    unit = np.where(length > 0.0, length, 1.0)
    own = own / unit[:, None]
    if np.linalg.matrix_rank(own) < len(stated):
        raise SpecError(
            f"Priors of {enumerate_words(list(stated))}: these coefficients are linearly dependent, so "
            "they cannot each have a prior. State priors for fewer of them."
        )
    free = _null_space(own)
    scaled = default.mixing[:, inside] * default.units[inside]
    others = [name for name, taken in zip(default.labels, used, strict=True) if not taken]
    labels = [*others, *stated, *_number("others", free.shape[1])]
    mixing = np.hstack([default.mixing[:, ~used], scaled @ np.linalg.pinv(own) / unit, scaled @ free])
    nothing = np.full(len(stated), np.nan)
    units = np.concatenate([default.units[~used], nothing, np.ones(free.shape[1])])
    pulls = np.concatenate(
        [default.pulls[~used], 0.0 * np.ones(len(stated)), free.T @ (default.pulls[inside] / default.units[inside])]
    )
    # A stated coefficient takes the position of the coordinate on which it depends most.
    places = [*np.flatnonzero(~used), *inside[np.abs(own).argmax(axis=1)], *(len(used) + np.arange(free.shape[1]))]
    order = np.argsort(places, kind="stable")
    return Coordinates(tuple(labels[k] for k in order), mixing[:, order], units[order], pulls[order])


def _seen(default: Coordinates, block: PopulationBlock, cut: bool, name: str) -> Coordinates:
    """Return as many coordinates as there are coefficients, from more coordinates that the rows do not determine.

    Those that the lost directions do not involve stay as they are.
    """
    # Of the rows, not of the coefficients, which may be nearly collinear as written.
    rows = (block.columns - (block.columns.mean(axis=0) if cut else 0.0)) @ default.mixing * default.units
    lost = np.linalg.svd(np.linalg.qr(rows, mode="r"))[2][len(block.labels) :].T
    touched = np.any(np.abs(lost) > _ROUNDING, axis=1)
    inside = np.flatnonzero(touched)
    own = lost[inside]
    left = np.eye(len(inside)) - own @ own.T
    _, seen = find_directions(np.where(np.abs(left) > _ROUNDING, left, 0.0), rounding=_SEEN)
    labels = [*(label for label, gone in zip(default.labels, touched, strict=True) if not gone)]
    return Coordinates(
        (*labels, *_number(name, seen.shape[1])),
        np.hstack([default.mixing[:, ~touched], (default.mixing[:, inside] * default.units[inside]) @ seen]),
        np.append(default.units[~touched], np.ones(seen.shape[1])),
        np.append(default.pulls[~touched], seen.T @ (default.pulls[inside] / default.units[inside])),
    )


def _number(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name} #{k + 1}" for k in range(count)]


def _null_space(matrix: Array) -> Array:
    """Return the (q, q - k) orthonormal vectors that k independent rows are zero on."""
    _, _, axes = np.linalg.svd(matrix, full_matrices=True)
    return np.asarray(axes[len(matrix) :].T)
