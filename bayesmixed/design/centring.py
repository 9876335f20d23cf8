"""Where the effects of each group term are centred: on zero, on an outer factor, on population coefficients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.terms.block_parts import ONE
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor

CENTRED = "centred"
NONCENTRED = "noncentred"
HIERARCHICAL = "hierarchical"
PARAMETERISATIONS = (CENTRED, NONCENTRED, HIERARCHICAL)

_SHARE = 0.5
"""Share of a population column that group columns must express before group coefficients absorb it."""
_ROUNDING = 1e-9
"""Share of a column that can be due to rounding."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How one group term or curve enters the model.

    Attributes
    ----------
    group : NormalBlock
        The term.
    parameterisation : str
        "centred": the effects are free variables; "noncentred": standardised effects are; "hierarchical": the group
        coefficients are, effects plus the mean below.
    parent : str
        Outer factor whose coefficients are a part of the mean of this term's intercepts, or "".
    columns : tuple of int
        Population columns, q of them, whose coefficients make the rest of the mean.
    weights : (J, K, q) array
        The rest of the mean for a unit of each of these coefficients.
    absorbed : bool
        The coefficients enter the predictor through an inner factor.
    """

    group: NormalBlock
    parameterisation: str
    parent: str = ""
    columns: tuple[int, ...] = ()
    weights: Array = field(default_factory=lambda: np.zeros((0, 0, 0)))
    absorbed: bool = False

    def population_mean(self, beta: Array) -> Array:
        """Return what population coefficients at the centre, (..., p), add to the mean, (..., J, K)."""
        return np.asarray(np.tensordot(beta[..., list(self.columns)], self.weights, (-1, 2)))


def place_groups(predictor: Predictor, parameterisations: Mapping[str, str]) -> tuple[Placement, ...]:
    """Return the placements of a predictor's curves and group terms, outer factors before inner ones.

    Chains of nested factors that end in a "hierarchical" term are centred on each other, the inner coefficients around
    the outer ones, and the outermost around population coefficients (Gelfand, Sahu & Carlin 1995, Biometrika 82:479).
    A population column goes to the chain whose group columns express most of it, level by level; between equal ones to
    the chain with the fewest outermost levels, whose mean is least certain. So the intercept, columns that vary by
    group, covariates of groups, and products of the two leave the predictor; of a column that the groups express only
    in part the rest stays. Observation-level terms come last; their mean is the whole predictor. That of a curve is zero.

    Parameters
    ----------
    parameterisations : mapping
        Parameterisation of each term, by the name of its effects; "centred" if not given.
    """
    placed = {g.name: Placement(g, parameterisations.get(predictor.b(g), CENTRED)) for g in predictor.groups}
    inner_first = sorted(placed, key=lambda name: -len(placed[name].group.levels))
    chains = []
    for name in inner_first:
        if placed[name].parameterisation == HIERARCHICAL and not placed[name].absorbed and _joins(placed[name].group):
            chains.append(_join_chain(placed, name))
    _take_columns(predictor, placed, chains)
    curves = (Placement(curve, parameterisations.get(predictor.b(curve), CENTRED)) for curve in predictor.curves)
    return (*curves, *(placed[name] for name in reversed(inner_first)))


def remaining_columns(predictor: Predictor, placements: Sequence[Placement]) -> tuple[list[int], Array]:
    """Return the population columns of which a part stays in the predictor, and that part, (n, r)."""
    matrix = predictor.centred_matrix.copy()
    size = np.max(np.abs(matrix), axis=0, initial=0.0)
    for placement in placements:
        if placement.columns:
            matrix[:, placement.columns] -= _in_rows(placement.group, placement.weights)
    stay = np.flatnonzero(np.any(np.abs(matrix) > _ROUNDING * size, axis=0))
    return stay.tolist(), matrix[:, stay]


def _joins(group: NormalBlock) -> bool:
    """Return whether the coefficients of a term can have a mean: each row has one of its levels."""
    return group.takes == ONE and not group.single


def _join_chain(placed: dict[str, Placement], name: str) -> list[str]:
    """Centre a term on the factors around it; return their names, this term first."""
    chain = [name]
    while parent := _free_parent(placed, chain[-1]):
        placed[chain[-1]] = replace(placed[chain[-1]], parent=parent)
        placed[parent] = replace(placed[parent], absorbed=True)
        chain.append(parent)
    return chain


def _free_parent(placed: Mapping[str, Placement], name: str) -> str:
    """Return the innermost intercept-only factor around this one that no other term has absorbed, or ""."""
    group = placed[name].group
    if group.labels != ("Intercept",):
        return ""
    found = ""
    for other, placement in placed.items():
        outer = placement.group
        usable = not placement.absorbed and _joins(outer) and outer.labels == ("Intercept",)
        if other == name or not usable or placement.parent or len(outer.levels) >= len(group.levels):
            continue
        if group.parents(outer) is not None and (not found or len(outer.levels) > len(placed[found].group.levels)):
            found = other
    return found


def _take_columns(predictor: Predictor, placed: dict[str, Placement], chains: list[list[str]]) -> None:
    """Move population columns into the means of the chains."""
    if not chains or not predictor.population.labels:
        return
    chains = sorted(chains, key=lambda chain: len(placed[chain[-1]].group.levels))
    shares = [_expressed_share(predictor, placed[chain[0]].group) for chain in chains]
    best = np.argmax(shares, axis=0)
    for number, chain in enumerate(chains):
        columns = np.flatnonzero((best == number) & (shares[number] > 0))
        matrix = _at_origin(predictor, placed[chain[0]].group)[:, columns]
        expressed = {name: _express(placed[name].group, matrix) for name in chain}
        for name, weights in expressed.items():
            group, parent = placed[name].group, placed[name].parent
            size = np.max(np.abs(weights), axis=(0, 1), initial=0.0)
            if parent:
                weights = weights - expressed[parent][group.parents(placed[parent].group)]
            own = np.any(np.abs(weights) > _ROUNDING * size, axis=(0, 1))
            placed[name] = replace(placed[name], columns=tuple(columns[own].tolist()), weights=weights[:, :, own])


def _expressed_share(predictor: Predictor, group: NormalBlock) -> Array:
    """Return the part of the sum of squares of each population column that a term can take, (p,); 0: too little.

    Without an intercept a term takes whole columns only: what it expresses of others depends on their origin.
    """
    matrix = _at_origin(predictor, group)
    total = np.sum(matrix**2, axis=0)
    left = np.sum((matrix - _in_rows(group, _express(group, matrix))) ** 2, axis=0)
    share = np.round(1.0 - left / np.where(total > 0, total, 1.0), 6)
    return np.where(share >= (1.0 if group.intercept is None else _SHARE), share, 0.0)


def _at_origin(predictor: Predictor, group: NormalBlock) -> Array:
    """Return the columns of the coordinates, (n, q), for a term without an intercept with numbers from zero."""
    matrix, labels = predictor.centred_matrix, predictor.population.labels
    if group.intercept is None and "Intercept" in labels:
        constants = predictor.transform[labels.index("Intercept")]
        return np.where(predictor.population.coordinates.pulls == 0, matrix - constants, matrix)
    return matrix


def _express(group: NormalBlock, matrix: Array) -> Array:
    """Return the least-squares coefficients of population columns on a term's columns in each level, (J, K, p)."""
    z, columns = group.centred_matrix, group.sparse_columns()
    unit = np.sqrt(np.mean(z**2, axis=0))
    shape = len(group.levels), z.shape[1], -1
    products = (columns.T @ z).reshape(shape) / np.outer(unit, unit)
    found = np.linalg.pinv(products, rcond=1e-10, hermitian=True) @ (
        (columns.T @ matrix).reshape(shape) / unit[:, None]
    )
    return np.asarray(found / unit[:, None])


def _in_rows(group: NormalBlock, weights: Array) -> Array:
    """Return z'w of each row for the weights (J, K, q) of its level, (n, q)."""
    return np.asarray(group.contribution(np.moveaxis(weights, -1, 0)).T)
