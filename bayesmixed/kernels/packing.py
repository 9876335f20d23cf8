"""Flat blocks of numbers with records that say what they are: a design that compiled code reads through one pointer."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array
from bayesmixed.kernels.records import JOINT, WHITENING, Data

Record = np.ndarray[Any, Any]
"""A structured array: see `kernels.records`."""


@dataclass(slots=True)
class Block:
    """A growing pair of flat arrays; every method returns where the values begin."""

    numbers: list[Array] = field(default_factory=list)
    integers: list[NDArray[np.int64]] = field(default_factory=list)
    number_count: int = 0
    integer_count: int = 0

    def add_numbers(self, values: Any) -> int:
        """Append numbers, flattened in C order."""
        flat = np.ascontiguousarray(values, dtype=np.float64).ravel()
        self.numbers.append(flat)
        self.number_count += flat.size
        return self.number_count - flat.size

    def add_integers(self, values: Any) -> int:
        """Append integers, flattened in C order."""
        flat = np.ascontiguousarray(values, dtype=np.int64).ravel()
        self.integers.append(flat)
        self.integer_count += flat.size
        return self.integer_count - flat.size


@dataclass(frozen=True, slots=True)
class Packed:
    """Flat data of a model, with the record that holds their addresses.

    Attributes
    ----------
    data : Data
        Kept alive as long as compiled code may read it.
    record : (12,) array of int64
        Address and length of each array of `data`; its own address is what compiled code gets.
    """

    data: Data
    record: NDArray[np.int64]


def close(block: Block, model: Record, parameters: Record, terms: Record, priors: Record) -> Packed:
    """Return the packed block with its records."""
    numbers = np.concatenate(block.numbers) if block.numbers else np.zeros(1)
    integers = np.concatenate(block.integers) if block.integers else np.zeros(1, dtype=np.int64)
    data = Data(numbers, integers, model, parameters, terms, priors)
    addresses = [number for array in data for number in (array.ctypes.data, array.size)]
    return Packed(data, np.array(addresses, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Whitening:
    """Parameters, by their slots, whose coordinates x are such that the parameters are `centre + factor @ x`."""

    slots: NDArray[np.int64]
    centre: Array
    factor: Array

    def restore(self, points: Array) -> Array:
        """Return points (..., dimension) with the parameters in the place of their coordinates."""
        points = points.copy()
        points[..., self.slots] = self.centre + points[..., self.slots] @ self.factor.T
        return points


def pack_whitening(block: Block, whitening: Whitening) -> Record:
    """Append a whitening and return its record."""
    centre, factor = block.add_numbers(whitening.centre), block.add_numbers(whitening.factor)
    return np.array((len(whitening.slots), centre, factor, block.add_integers(whitening.slots)), dtype=WHITENING)


@dataclass(frozen=True, slots=True)
class JointGuide:
    """A normal approximation of what the data say about coefficients and effects: see `kernels.joint_guides`.

    Attributes
    ----------
    slots : (q,) integer array
        Coordinates of u: population coefficients and the effects of all factors but one.
    terms : tuple of (int, int, int)
        For each factor in u its place among the terms, the place of its first effect in u, and its number of levels.
    eliminated : int
        Place among the terms of the factor whose levels are eliminated; -1: there is none.
    precision, pull : (q, q), (q,) arrays
        W and h of u.
    blocks, pulls : (J, K, K), (J, K) arrays
        W and h of the levels of the eliminated factor.
    pointers, columns, cross : (J + 1,), (m,), (m, K) arrays
        For each level the first of its entries; the place in u of each entry, ascending within a level; their values.
    """

    slots: NDArray[np.int64]
    terms: tuple[tuple[int, int, int], ...]
    eliminated: int
    precision: Array
    pull: Array
    blocks: Array
    pulls: Array
    pointers: NDArray[np.int64]
    columns: NDArray[np.int64]
    cross: Array

    def arrays(self, widths: list[int]) -> tuple[Any, ...]:
        """Return the guide as compiled code takes it, given the number of columns of each factor in u."""
        rows = [(start, levels, width) for (_, start, levels), width in zip(self.terms, widths, strict=True)]
        table = np.array(rows, dtype=np.int64).reshape(-1, 3)
        numbers = (self.precision, self.pull, self.blocks, self.pulls)
        return table, *numbers, self.pointers, self.columns, self.cross


def pack_joint(block: Block, guide: JointGuide, first: int, widths: list[int]) -> Record:
    """Append a joint guide and return its record; `first` is the place of the predictor's first term among all terms."""
    table, *_ = guide.arrays(widths)
    last = -1 if guide.eliminated < 0 else first + guide.eliminated
    places = [*(first + place for place, _, _ in guide.terms), last]
    sizes = (len(guide.slots), *guide.blocks.shape[:2], len(guide.columns), len(table))
    numbers = (guide.precision, guide.pull, guide.blocks, guide.pulls, guide.cross)
    integers = (guide.pointers, guide.columns, guide.slots, table, places)
    starts = (*map(block.add_numbers, numbers), *map(block.add_integers, integers))
    return np.array((*sizes, *starts), dtype=JOINT)


def whiten(packed: Packed, whitening: Whitening) -> Packed:
    """Return packed data of the same density in whitened coordinates."""
    block = Block()
    block.add_numbers(packed.data.numbers)
    block.add_integers(packed.data.integers)
    model = packed.data.model.copy()
    model["whitening"] = pack_whitening(block, whitening)
    return close(block, model, *packed.data[3:])
