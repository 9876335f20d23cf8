"""Combinations of factor levels that no row has, and the coefficients that a formula can omit because of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array
from bayesmixed.formulas.pieces import EvaluatedFormula
from bayesmixed.terms.directions import find_directions

_DIFFERENT = 1e-8
_SHOWN = 6
DROP = "drop"


@dataclass(frozen=True, slots=True)
class EmptyCells:
    """The combinations of one product of factors that no row has.

    Attributes
    ----------
    factors : tuple of str
        The pieces of the formula.
    cells : tuple of tuples of str
        The level of each factor, or the value of a number that has two.
    """

    factors: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        """The combinations in words, some of many."""
        told = [self.describe(cell) for cell in self.cells[:_SHOWN]]
        rest = len(self.cells) - _SHOWN
        return "; ".join(told) + (f" and of {rest} further combinations" if rest > 0 else "")

    def describe(self, cell: tuple[str, ...]) -> str:
        """Return one combination in words."""
        return " and ".join(f"{name} = {level}" for name, level in zip(self.factors, cell, strict=True))


@dataclass(frozen=True, slots=True)
class Reduction:
    """The columns of a formula that rows determine, where some combinations have no row.

    Attributes
    ----------
    kept : tuple of int
        Their positions: of columns that depend on each other the first ones, as R's `lm` and lme4 keep them.
    map : (r, p) array
        In the rows of the fit, all p coefficients give the same predictor as the r kept ones equal to `map` times these.
    empty : tuple of EmptyCells
        Why the others were dropped.
    """

    kept: tuple[int, ...]
    map: Array
    empty: tuple[EmptyCells, ...]

    @property
    def drops(self) -> bool:
        """Whether any column was dropped."""
        return len(self.kept) < self.map.shape[1]

    def chosen(self, labels: tuple[str, ...], constant: bool) -> list[int]:
        """Return the positions among the kept columns of those with a coefficient: without the intercept, unless `constant`."""
        return [place for place, k in enumerate(self.kept) if constant or labels[k] != "Intercept"]

    def open_part(self, matrix: Array) -> Array:
        """Return for rows (n, p) of the formula the part of their predictor that the fit does not determine, (n, p - r).

        These are the dropped columns minus the multiples of the kept ones that they equal in the rows of the fit. A sum of
        rows is determined where the sum of their undetermined parts is zero.
        """
        gone = np.setdiff1d(np.arange(self.map.shape[1]), self.kept)
        kept, asked, multiples = matrix[:, list(self.kept)], matrix[:, gone], self.map[:, gone]
        rest = asked - kept @ multiples
        size = np.abs(asked) + np.abs(kept) @ np.abs(multiples)
        return np.where(np.abs(rest) > _DIFFERENT * size, rest, 0.0)


def all_columns(count: int) -> Reduction:
    """Return the reduction that keeps every column."""
    return Reduction(tuple(range(count)), np.eye(count), ())


def reduce_columns(state: EvaluatedFormula, matrix: Array, values: Mapping[str, Array]) -> Reduction:
    """Return the columns that the rows of a fit determine.

    Only columns of products of factors with an empty combination are left out: where others are linearly dependent, the
    user has to choose.
    """
    empty = tuple(find_empty_cells(state, values))
    if not empty:
        return all_columns(matrix.shape[1])
    products = [set(one.factors) for one in empty]
    optional = {
        position
        for term in state.terms
        if any(product <= set(term.pieces) for product in products)
        for position in term.positions
    }
    gone = _dependent_in_cells(state, matrix, values, optional)
    left = [k for k in range(matrix.shape[1]) if k not in gone]
    new = {left[k] for k in find_directions(matrix[:, left])[0]}
    # Columns without numbers that still depend on others do so for another reason, which is refused.
    numeric = {
        k
        for term in state.terms
        if any(state.pieces[text].levels is None for text in term.pieces)
        for k in term.positions
    }
    kept = [k for k in left if k in new or k not in optional & numeric]
    multiples = np.eye(len(left))
    if len(kept) < len(left):
        size = np.linalg.norm(matrix[:, kept], axis=0)
        size = np.where(size > 0.0, size, 1.0)
        multiples = np.linalg.lstsq(matrix[:, kept] / size, matrix[:, left], rcond=None)[0]
        rounding = 1e-12 * np.linalg.norm(matrix[:, left], axis=0)
        multiples = np.where(np.abs(multiples) > rounding, multiples, 0.0) / size[:, None]
        multiples[:, [left.index(k) for k in kept]] = np.eye(len(kept))
    whole = np.eye(matrix.shape[1])
    for position in sorted(gone):
        whole[:, position] = sum(multiple * whole[:, other] for other, multiple in gone[position].items())
    return Reduction(tuple(kept), multiples @ whole[left], empty)


def _dependent_in_cells(
    state: EvaluatedFormula, matrix: Array, values: Mapping[str, Array], optional: set[int]
) -> dict[int, dict[int, float]]:
    """Return the columns that depend on others with the same numbers, cell by cell, and what multiples of these they are.

    A column is a number of each cell, the product of the codings of factors, times numbers of rows. Where columns have
    the same numbers of rows, linear dependence follows from the cells alone, however nearly collinear the numbers are.
    """
    codes = {text: found[1] for text in state.pieces if (found := _cells(state, text, values[text])) is not None}
    numbers, factors = {}, {}
    for term in state.terms:
        for position in term.positions:
            parts = zip(term.pieces, state.parts[position], strict=False)
            numbers[position] = tuple(sorted(part for piece, part in parts if piece not in codes))
            factors[position] = frozenset(codes) & {*term.pieces}
    dependent: dict[int, dict[int, float]] = {}
    for product in sorted({factors[position] for position in optional}, key=len):
        # Of the factors of the product alone: about what another one adds the user has to choose.
        own = [position for position in numbers if factors[position] <= product and position not in dependent]
        cells = np.unique(np.column_stack([codes[text] for text in product]), axis=0, return_inverse=True)[1]
        for kind in dict.fromkeys(numbers[position] for position in own):
            chosen = [position for position in own if numbers[position] == kind]
            dependent |= _dependent_on_others(matrix[:, chosen], chosen, cells.reshape(-1), optional)
    return dependent


def _dependent_on_others(
    columns: Array, positions: list[int], cells: NDArray[np.intp], optional: set[int]
) -> dict[int, dict[int, float]]:
    """Return the columns of numbers of cells times the same numbers of rows that depend on others."""
    order = np.argsort(cells, kind="stable")
    starts = np.flatnonzero(np.diff(cells[order], prepend=-1))
    # The row of each cell in which these numbers are largest; only their ratios between columns matter.
    sizes = np.max(np.abs(columns), axis=1)[order]
    top = np.maximum.reduceat(sizes, starts)
    rows = [order[start + int(np.argmax(sizes[start:end]))] for start, end in pairwise([*starts, len(order)])]
    coded = columns[rows] / np.where(top > 0.0, top, 1.0)[:, None]
    new, _ = find_directions(coded)
    kept = [k for k in range(len(positions)) if k in new or positions[k] not in optional]
    found = {}
    for k in sorted({*range(len(positions))} - {*kept}):
        multiples = np.linalg.lstsq(coded[:, kept], coded[:, k], rcond=None)[0]
        multiples = np.where(np.abs(multiples) > _DIFFERENT, multiples, 0.0)
        found[positions[k]] = {positions[kept[i]]: float(m) for i, m in enumerate(multiples) if m}
    return found


def find_empty_cells(state: EvaluatedFormula, values: Mapping[str, Array]) -> Iterator[EmptyCells]:
    """Yield the empty combinations of every product of factors in a formula, the shortest products first.

    A product of which a part has empty combinations has only those listed that this part leaves.

    Parameters
    ----------
    values : mapping
        Of the pieces in the rows of the fit, see `EvaluatedFormula.piece_values`.
    """
    cells = {text: found for text in state.pieces if (found := _cells(state, text, values[text])) is not None}
    products = dict.fromkeys(tuple(text for text in term.pieces if text in cells) for term in state.terms)
    known: list[EmptyCells] = []
    for factors in sorted((one for one in products if len(one) > 1), key=len):
        levels = [cells[name][0] for name in factors]
        counts = np.zeros([len(one) for one in levels], dtype=np.intp)
        np.add.at(counts, tuple(cells[name][1] for name in factors), 1)
        empty = (tuple(one[k] for one, k in zip(levels, cell, strict=True)) for cell in np.argwhere(counts == 0))
        new = tuple(cell for cell in empty if not any(_covers(one, factors, cell) for one in known))
        if new:
            known.append(EmptyCells(factors, new))
            yield known[-1]


def open_cell(reduction: Reduction, state: EvaluatedFormula, values: Mapping[str, Array], row: int) -> str:
    """Return in words the empty combinations to which a row belongs; "" if there are none."""
    found = []
    for empty in reduction.empty:
        own = tuple(_label(state, name, values[name][row]) for name in empty.factors)
        if own in empty.cells:
            found.append(empty.describe(own))
    return "; ".join(found)


def _cells(state: EvaluatedFormula, text: str, values: Array) -> tuple[tuple[str, ...], NDArray[Any]] | None:
    """Return the levels of a piece and that of each row, None for numbers with more than two values."""
    levels = state.pieces[text].levels
    if levels is not None:
        return levels, values.argmax(axis=1)
    if values.shape[1] != 1:
        return None
    numbers, codes = np.unique(values[:, 0], return_inverse=True)
    return (tuple(f"{number:g}" for number in numbers), codes.reshape(-1)) if len(numbers) == 2 else None


def _label(state: EvaluatedFormula, text: str, value: Array) -> str:
    levels = state.pieces[text].levels
    return f"{value[0]:g}" if levels is None else levels[int(value.argmax())]


def _covers(known: EmptyCells, factors: tuple[str, ...], cell: tuple[str, ...]) -> bool:
    if not set(known.factors) <= set(factors):
        return False
    return tuple(cell[factors.index(name)] for name in known.factors) in known.cells
