"""Outlines of blocks: indices and nesting read from data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bayesmixed.equations.outline import (
    Column,
    CurveOutline,
    GroupOutline,
    Indices,
    PredictorOutline,
    assign_indices,
    sum_indices,
)
from bayesmixed.equations.symbols import Symbol
from bayesmixed.links import Array, Link
from bayesmixed.terms.block_parts import ONE, SEVERAL
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.curve_block import CurveBlock
from bayesmixed.terms.population_block import PopulationBlock


class Blocks(Protocol):
    """A predictor on data: what outlines read of it."""

    @property
    def parameter(self) -> str:
        """Parameter of the family."""
        ...

    @property
    def suffix(self) -> str:
        """Ending of its variables' names."""
        ...

    @property
    def link(self) -> Link:
        """Link between the parameter and the predictor."""
        ...

    @property
    def population(self) -> PopulationBlock:
        """Population columns."""
        ...

    @property
    def centre(self) -> Array:
        """Column means that the prior of the intercept holds."""
        ...

    @property
    def groups(self) -> tuple[GroupBlock, ...]:
        """One per grouping factor."""
        ...

    @property
    def curves(self) -> tuple[CurveBlock, ...]:
        """Curves, whose coefficients are the same for all rows."""
        ...


@dataclass(frozen=True, slots=True)
class _Factors:
    """The grouping factors of a model, with their indices."""

    blocks: Mapping[str, GroupBlock]
    indices: Indices

    def index_of(self, values: Array) -> str:
        """Return the index of a column: that of the coarsest factor within whose levels it is constant."""
        for name, group in sorted(self.blocks.items(), key=lambda item: len(item[1].levels)):
            one_value = np.empty(len(group.levels))
            one_value[group.index] = values
            if np.array_equal(one_value[group.index], values):
                return self.indices.letters[name]
        return self.indices.row


def outline_blocks(
    predictors: Sequence[Blocks], offsets: Mapping[str, Sequence[str]], rows: int, said: str
) -> tuple[tuple[PredictorOutline, ...], str, tuple[tuple[str, str], ...]]:
    """Return the outlines of predictors on data, the index of rows, and what all indices count.

    Parameters
    ----------
    offsets : mapping
        Expressions of the known additions, by parameter.
    rows, said : int, str
        How many rows there are, and this in words.
    """
    named = {group.dim: group for p in predictors for group in p.groups if not group.single}
    blocks = {name: group for name, group in named.items() if group.takes == ONE}
    factors = _Factors(blocks, sum_indices(_find_indices(blocks, rows), [name for name in named if name not in blocks]))
    outlines = tuple(_outline_predictor(predictor, offsets[predictor.parameter], factors) for predictor in predictors)
    letters, row = factors.indices.letters, factors.indices.row
    counted = [(letters[name], f"{len(group.levels)} levels of {name}") for name, group in named.items()]
    return outlines, row, (*counted, (row, said))


def _find_indices(groups: Mapping[str, GroupBlock], rows: int) -> Indices:
    inside = {name: [other for other in groups if _is_nested(groups[name], groups[other])] for name in groups}
    covered = {
        name: _count([groups[other].index for other in inside[name]]) == len(groups[name].levels) for name in groups
    }
    replicated = len(groups) < 2 or _count([group.index for group in groups.values()]) < rows
    return assign_indices({name: group.factors for name, group in groups.items()}, inside, covered, replicated)


def _outline_predictor(predictor: Blocks, offsets: Sequence[str], factors: _Factors) -> PredictorOutline:
    population = predictor.population
    largest = np.abs(population.matrix).max(axis=0, initial=0.0)
    counts = np.abs(predictor.centre) > 1e-9 * largest
    means = [Symbol(f"{mean:.3g}") if counted else None for mean, counted in zip(predictor.centre, counts, strict=True)]
    columns = [
        Column(label, factors.index_of(values), mean)
        for label, values, mean in zip(population.labels, population.matrix.T, means, strict=True)
    ]
    return PredictorOutline(
        parameter=predictor.parameter,
        ending=predictor.suffix.removeprefix("_"),
        link=predictor.link,
        columns=tuple(columns),
        groups=tuple(_outline_group(group, factors) for group in predictor.groups),
        curves=tuple(
            CurveOutline(curve.dim, factors.indices.row, curve.labels, curve.around) for curve in predictor.curves
        ),
        offsets=tuple(offsets),
    )


def _outline_group(group: GroupBlock, factors: _Factors) -> GroupOutline:
    indices = factors.indices
    columns = [
        Column(label, factors.index_of(values)) for label, values in zip(group.labels, group.matrix.T, strict=True)
    ]
    return GroupOutline(
        name=group.dim,
        index=indices.row if group.single else indices.letters[group.dim],
        columns=tuple(columns),
        parts=group.parts,
        single=group.single,
        inside=tuple(indices.inside.get(group.dim, ())),
        several=group.takes == SEVERAL,
        levels=len(group.levels),
        short=group.factors[-1] if group.factors else group.dim,
    )


def _is_nested(inner: GroupBlock, outer: GroupBlock) -> bool:
    return len(outer.levels) < len(inner.levels) and inner.parents(outer) is not None


def _count(codes: Sequence[NDArray[np.intp]]) -> int:
    """Return the number of combinations of levels that occur."""
    return len(np.unique(np.column_stack(codes), axis=0)) if codes else 0
