"""Outlines of blocks: indices and nesting read from data."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bayesmixed.equations.outline import PredictorOutline, assign_indices, first_of_factor, sum_indices, with_others
from bayesmixed.equations.symbols import Symbol
from bayesmixed.families.links import Array
from bayesmixed.terms.block_parts import SEVERAL
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.outlines import Column, Indices
from bayesmixed.terms.predictors import Predictor


def outline_blocks(
    predictors: Sequence[Predictor], offsets: Mapping[str, Sequence[str]], rows: int, said: str
) -> tuple[tuple[PredictorOutline, ...], str, tuple[tuple[str, str], ...]]:
    """Return the outlines of predictors on data, the index of rows, and what all indices count.

    Parameters
    ----------
    offsets : mapping
        Expressions of the known additions, by parameter.
    rows, said : int, str
        Number of rows, and the same in words.
    """
    named = {group.dim: group for p in predictors for group in p.groups if not group.single}
    factors = {name: group for name, group in named.items() if group.takes != SEVERAL}
    firsts = first_of_factor({name: group.factors for name, group in factors.items()})
    found = _find_indices({name: factors[name] for name in dict.fromkeys(firsts.values())}, rows)
    indices = sum_indices(with_others(found, firsts), [name for name in named if name not in factors])

    def index_of(values: Array) -> str:
        """Return the index of a column: that of the coarsest factor within whose levels it is constant."""
        coarsest_first = sorted(factors.items(), key=lambda item: len(item[1].levels))
        return next((indices.letters[n] for n, group in coarsest_first if group.is_constant(values)), indices.row)

    outlines = tuple(_outline_predictor(one, offsets[one.parameter], indices, index_of) for one in predictors)
    first = [(name, group) for name, group in named.items() if firsts.get(name, name) == name]
    counted = [(indices.letters[name], f"{len(group.levels)} {group.counted}") for name, group in first]
    return outlines, indices.row, (*counted, (indices.row, said))


def _find_indices(groups: Mapping[str, GroupBlock], rows: int) -> Indices:
    inside: dict[str, list[str]] = {}
    for name, inner in groups.items():
        larger = [other for other, outer in groups.items() if len(outer.levels) < len(inner.levels)]
        inside[name] = [other for other in larger if inner.parents(groups[other]) is not None]
    covered = {name: _count([groups[other] for other in inside[name]]) == len(groups[name].levels) for name in groups}
    replicated = len(groups) < 2 or _count(list(groups.values())) < rows
    return assign_indices({name: group.factors for name, group in groups.items()}, inside, covered, replicated)


def _outline_predictor(
    predictor: Predictor, offsets: Sequence[str], indices: Indices, index_of: Callable[[Array], str]
) -> PredictorOutline:
    population = predictor.population
    largest = np.abs(population.matrix).max(axis=0, initial=0.0)
    counts = np.abs(predictor.centre) > 1e-9 * largest
    columns = zip(population.labels, population.matrix.T, strict=True)
    return PredictorOutline(
        parameter=predictor.parameter,
        ending=predictor.suffix.removeprefix("_"),
        link=predictor.link,
        columns=tuple(Column(label, index_of(values)) for label, values in columns),
        means=tuple(Symbol(f"{mean:.3g}") if own else None for mean, own in zip(predictor.centre, counts, strict=True)),
        groups=tuple(group.outline(indices, index_of) for group in predictor.groups),
        curves=tuple(curve.outline(indices) for curve in predictor.curves),
        offsets=tuple(offsets),
    )


def _count(groups: Sequence[GroupBlock]) -> int:
    """Return the number of combinations of levels that occur."""
    levels = [group.pairs()[1] for group in groups]
    return len(np.unique(np.column_stack(levels), axis=0)) if levels else 0
