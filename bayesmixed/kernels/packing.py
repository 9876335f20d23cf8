"""Flat blocks of numbers: a design laid out so that compiled code can read it through one pointer."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.links import Array

# Integer header of the whole model.
ROWS, FAMILY, PARAMETERS, RESPONSE, TRIALS, CONSTANTS, PRIORS, PRIOR_COUNT, DIMENSION, WEIGHTS, WHITENED, JOINT = range(
    12
)
FIRST_PARAMETER = 12
# Integer header of one parameter, after those of the parameters before it.
(
    LINK,
    SCALAR,
    SCALAR_VALUE,
    WIDTH,
    BETA_SLOTS,
    BETA_VALUES,
    REST_WIDTH,
    REST_COLUMNS,
    REST_MATRIX,
    OFFSET,
    TERMS,
    TERM_COUNT,
) = range(12)
PARAMETER_SIZE = 12
FIXED, MODELLED, UPPER_END, LOWER_END = -1, -2, -3, -4
"""What stands under SCALAR instead of a coordinate: thresholds make two parameters, the ends of an interval."""
# Integer header of one group term or smooth; in a dense one every row takes the coefficients of all levels.
(
    LEVELS,
    COLUMNS,
    INDEX,
    MATRIX,
    ONES,
    SD_SLOTS,
    SD_VALUES,
    PARTS,
    EFFECTS,
    CENTRED,
    PARENT,
    PARENT_INDEX,
    MEAN_WIDTH,
    MEAN_COLUMNS,
    MEAN_WEIGHTS,
    ABSORBED,
    OBSERVATION,
    DENSE,
    GUIDE,
) = range(19)
TERM_SIZE = 19


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
    numbers, integers : 1-D arrays
        Kept alive as long as the compiled code may read them.
    record : (4,) array of int64
        Addresses and sizes; its own address is what compiled code gets.
    """

    numbers: Array
    integers: NDArray[np.int64]
    record: NDArray[np.int64]


def close(block: Block, header: NDArray[np.int64]) -> Packed:
    """Return the packed block; the header takes the place of its first integers."""
    numbers = np.concatenate(block.numbers) if block.numbers else np.zeros(1)
    integers = np.concatenate(block.integers)
    integers[: len(header)] = header
    record = np.array([numbers.ctypes.data, numbers.size, integers.ctypes.data, integers.size], dtype=np.int64)
    return Packed(numbers, integers, record)


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


def pack_whitening(block: Block, whitening: Whitening) -> int:
    """Append a whitening and return what the header says of it."""
    centre, factor = block.add_numbers(whitening.centre), block.add_numbers(whitening.factor)
    return block.add_integers([len(whitening.slots), centre, factor, *whitening.slots])


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


_NO_PLACES = np.zeros(0, dtype=np.int64)
_NO_NUMBERS = np.zeros((0, 1))
NO_GUIDE = JointGuide(
    _NO_PLACES,
    (),
    -1,
    _NO_NUMBERS,
    _NO_NUMBERS,
    _NO_NUMBERS[:, None],
    _NO_NUMBERS,
    np.zeros(1, dtype=np.int64),
    _NO_PLACES,
    _NO_NUMBERS,
)
"""The guide of a density without joint coordinates."""


def pack_joint(block: Block, guide: JointGuide, terms: int, widths: list[int]) -> int:
    """Append a joint guide and return what the header says of it; `terms` is where the table of the terms begins."""
    table, *_ = guide.arrays(widths)
    numbers = (guide.precision, guide.pull, guide.blocks, guide.pulls, guide.cross)
    sizes = (len(guide.slots), *guide.blocks.shape[:2], len(guide.columns), len(table))
    headers = [terms + place * TERM_SIZE for place, _, _ in guide.terms]
    last = -1 if guide.eliminated < 0 else terms + guide.eliminated * TERM_SIZE
    places = [block.add_numbers(values) for values in numbers]
    return block.add_integers(
        [*sizes, *places, *guide.pointers, *guide.columns, *guide.slots, *table.ravel(), *headers, last]
    )


def whiten(packed: Packed, whitening: Whitening) -> Packed:
    """Return packed data of the same density in whitened coordinates."""
    block = Block()
    block.add_numbers(packed.numbers)
    block.add_integers(packed.integers)
    header = packed.integers[:FIRST_PARAMETER].copy()
    header[WHITENED] = pack_whitening(block, whitening)
    return close(block, header)
