"""Where the effects of each group term are centred: on zero, on an outer factor, on population coefficients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesmixed.links import Array
from bayesmixed.predictors import Predictor
from bayesmixed.terms.blocks import NormalBlock

CENTRED = "centred"
NONCENTRED = "noncentred"
HIERARCHICAL = "hierarchical"
WAYS = (CENTRED, NONCENTRED, HIERARCHICAL)


@dataclass(frozen=True, slots=True)
class Placement:
    """How one group term or smooth enters the model.

    Attributes
    ----------
    group : NormalBlock
        The term.
    way : str
        "centred": the effects are free variables; "noncentred": standardised effects are; "hierarchical": the group
        coefficients are, effects plus the mean below.
    parent : str
        Outer factor whose coefficients are the mean of this term's intercepts, or "".
    columns : tuple of int
        Population columns that are the mean of this term's columns, in the order of its labels; or empty.
    level_columns : tuple of int
        Population columns that are constant within the levels of this term: with their coefficients they move into
        the mean of its intercepts.
    absorbed : bool
        The coefficients enter the predictor through an inner factor.
    """

    group: NormalBlock
    way: str
    parent: str = ""
    columns: tuple[int, ...] = ()
    level_columns: tuple[int, ...] = ()
    absorbed: bool = False


def place_groups(predictor: Predictor, ways: Mapping[str, str]) -> tuple[Placement, ...]:
    """Return the placements of a predictor's smooths and group terms, outer factors before inner ones.

    Chains of nested factors that end in a "hierarchical" term are centred on each other: the inner coefficients
    around the outer ones, the outermost around the population coefficients. Only one chain can take the population
    columns: the one with the fewest outermost levels, whose mean is least certain. A covariate that is constant within
    levels of a chain goes into the mean of the outermost of its factors in which it is constant.
    Observation-level terms come last; their mean is the whole predictor. The mean of a smooth is zero.

    Parameters
    ----------
    ways : mapping
        Way of each term, by the name of its effects; "centred" where there is none.
    """
    placed = {g.name: Placement(g, ways.get(predictor.b(g), CENTRED)) for g in predictor.groups}
    inner_first = sorted(placed, key=lambda name: -len(placed[name].group.levels))
    roots = []
    for name in inner_first:
        if placed[name].way != HIERARCHICAL or placed[name].absorbed or placed[name].group.observation:
            continue
        root = name
        while parent := _free_parent(placed, root):
            placed[root] = replace(placed[root], parent=parent)
            placed[parent] = replace(placed[parent], absorbed=True)
            root = parent
        if _population_columns(predictor, placed[root].group):
            roots.append(root)
    if roots:
        fewest = min(roots, key=lambda name: len(placed[name].group.levels))
        placed[fewest] = replace(placed[fewest], columns=_population_columns(predictor, placed[fewest].group))
    _place_level_columns(predictor, placed, inner_first)
    smooths = (Placement(smooth, ways.get(predictor.b(smooth), CENTRED)) for smooth in predictor.smooths)
    return (*smooths, *(placed[name] for name in reversed(inner_first)))


def taken_columns(placements: Sequence[Placement]) -> set[int]:
    """Return the population columns that enter the predictor through group coefficients."""
    return {column for one in placements for column in (*one.columns, *one.level_columns)}


def level_mean(predictor: Predictor, placement: Placement) -> Array:
    """Return the (J, q) values of the level columns in each level of a term."""
    group = placement.group
    values = np.zeros((len(group.levels), len(placement.level_columns)))
    values[group.index] = predictor.centred_matrix[:, list(placement.level_columns)]
    return values


def population_mean(predictor: Predictor, placement: Placement) -> Array:
    """Return the (K, p) matrix that takes coefficients at the centre to the mean of a term's coefficients at its own.

    The origin of a term's slopes may differ from that of the population part: its intercept is then another one.
    """
    group = placement.group
    matrix = np.zeros((len(group.labels), len(predictor.population.labels)))
    matrix[np.arange(len(placement.columns)), list(placement.columns)] = 1.0
    if group.intercept is not None:
        matrix[group.intercept] += _change_of_origin(predictor, placement)
    return matrix


def remaining_shift(predictor: Predictor, placement: Placement) -> Array:
    """Return the (p,) weights of coefficients that a change of origin leaves in the predictor: no intercept takes them."""
    change = _change_of_origin(predictor, placement)
    return np.zeros_like(change) if placement.group.intercept is not None else change


def _place_level_columns(predictor: Predictor, placed: dict[str, Placement], inner_first: Sequence[str]) -> None:
    """Give the population columns that are constant within levels to the outermost term that can take them."""
    taken = {column for placement in placed.values() for column in placement.columns}
    for name in reversed(inner_first):
        placement, group = placed[name], placed[name].group
        in_chain = placement.way == HIERARCHICAL or placement.absorbed
        if not in_chain or group.observation or group.intercept is None:
            continue
        matrix = predictor.centred_matrix
        values = np.zeros((len(group.levels), matrix.shape[1]))
        values[group.index] = matrix
        constant = np.flatnonzero(np.all(values[group.index] == matrix, axis=0) & np.any(matrix != 0, axis=0))
        labels = predictor.population.labels
        found = tuple(int(k) for k in constant if k not in taken and labels[k] not in ("Intercept", *group.labels))
        placed[name] = replace(placement, level_columns=found)
        taken |= set(found)


def _change_of_origin(predictor: Predictor, placement: Placement) -> Array:
    change = np.zeros(len(predictor.population.labels))
    for column, position in enumerate(placement.columns):
        change[position] = placement.group.centre[column] - predictor.centre[position]
    return change


def _free_parent(placed: Mapping[str, Placement], name: str) -> str:
    """Return the innermost intercept-only factor around this one that no other term has absorbed, or ""."""
    group = placed[name].group
    if group.labels != ("Intercept",):
        return ""
    found = ""
    for other, placement in placed.items():
        outer = placement.group
        usable = not placement.absorbed and not outer.observation and outer.labels == ("Intercept",)
        if other == name or not usable or placement.parent or len(outer.levels) >= len(group.levels):
            continue
        if parent_index(group, outer) is not None and (
            not found or len(outer.levels) > len(placed[found].group.levels)
        ):
            found = other
    return found


def parent_index(inner: NormalBlock, outer: NormalBlock) -> NDArray[np.intp] | None:
    """Return the outer level of each inner level, (J,), or None where an inner level lies in several or one is a smooth."""
    if inner.dense or outer.dense:
        return None
    index = np.zeros(len(inner.levels), dtype=np.intp)
    index[inner.index] = outer.index
    return index if np.array_equal(index[inner.index], outer.index) else None


def _population_columns(predictor: Predictor, group: NormalBlock) -> tuple[int, ...]:
    """Return the population columns with the labels of a group's columns, empty unless all are there."""
    labels = predictor.population.labels
    if any(label not in labels for label in group.labels):
        return ()
    return tuple(labels.index(label) for label in group.labels)
