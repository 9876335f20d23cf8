"""Grouping factors: how rows fall into groups, and whether two factors are nested or crossed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmixed.terms.block_parts import lies_in

Integers = NDArray[np.intp]

NESTED = "nested"
CROSSED = "crossed"
PARTIAL = "partially crossed"
SAME = "one-to-one"


@dataclass(frozen=True, slots=True)
class Factor:
    """A grouping of rows.

    Attributes
    ----------
    name : str
        A column, or columns joined by colons.
    index : (n,) integer array
        Group of each row.
    labels : tuple of str
        Labels of the J groups, each of which has rows.
    joined : tuple of str
        The columns, if there are several.
    """

    name: str
    index: Integers
    labels: tuple[str, ...]
    joined: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose combinations are the groups."""
        return self.joined or (self.name,)

    @property
    def sizes(self) -> Integers:
        """Number of rows of each group, (J,)."""
        return np.bincount(self.index, minlength=len(self.labels))

    @property
    def balanced(self) -> bool:
        """Whether all groups have the same number of rows."""
        return bool(np.ptp(self.sizes) == 0)

    @property
    def singletons(self) -> int:
        """Number of groups with one row."""
        return int(np.sum(self.sizes == 1))


@dataclass(frozen=True, slots=True)
class Pair:
    """How two factors are related: nested, crossed, or partly crossed.

    Attributes
    ----------
    inner, outer : Factor
        The nested factor and the one around it; otherwise the one with more groups first.
    kind : str
        "nested", "crossed" (every combination occurs), "partially crossed", or "one-to-one" (the same grouping twice).
    cells : (C, 2) integer array
        The combinations that occur, as groups of inner and outer.
    rows : (C,) integer array
        Number of rows of each combination.
    """

    inner: Factor
    outer: Factor
    kind: str
    cells: Integers
    rows: Integers

    @property
    def possible(self) -> int:
        """Number of combinations that could occur."""
        return len(self.inner.labels) * len(self.outer.labels)

    @property
    def partners_of_inner(self) -> Integers:
        """Number of outer groups with which each inner group occurs."""
        return np.bincount(self.cells[:, 0], minlength=len(self.inner.labels))

    @property
    def partners_of_outer(self) -> Integers:
        """Number of inner groups with which each outer group occurs."""
        return np.bincount(self.cells[:, 1], minlength=len(self.outer.labels))

    @property
    def parts(self) -> int:
        """Number of disconnected sets of combinations, which share no group of either factor."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        first, second = len(self.inner.labels), len(self.outer.labels)
        ends = (self.cells[:, 0], self.cells[:, 1] + first)
        graph = coo_array((np.ones(len(self.cells)), ends), shape=(first + second, first + second))
        return int(connected_components(graph, directed=False, return_labels=False))


@dataclass(frozen=True, slots=True)
class Node:
    """A group with the groups nested in it."""

    label: str
    rows: int
    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """In how many groups of each factor a column varies.

    Attributes
    ----------
    name : str
        The column.
    distinct : int
        Number of different values.
    numeric : bool
        Whether the values are used as numbers.
    varied : mapping of str to int
        By factor, the number of groups with more than one value: 0 means that the column is constant within groups.
    between : mapping of str to float
        By factor, the share of the column's variance that lies between groups; empty unless numeric.
    """

    name: str
    distinct: int
    numeric: bool
    varied: Mapping[str, int]
    between: Mapping[str, float]


def combine(first: Factor, second: Factor) -> Factor:
    """Return the factor whose groups are the combinations of two factors that occur, "a1:b1"."""
    pairs = first.index * len(second.labels) + second.index
    codes, index = np.unique(pairs, return_inverse=True)
    outer, inner = np.divmod(codes, len(second.labels))
    labels = tuple(f"{first.labels[i]}:{second.labels[j]}" for i, j in zip(outer, inner, strict=True))
    joined = (*first.columns, *second.columns)
    return Factor(f"{first.name}:{second.name}", index.astype(np.intp), labels, joined)


def relate(first: Factor, second: Factor) -> Pair:
    """Return how two factors are related, with the combinations that occur."""
    inner, outer = (first, second) if len(first.labels) >= len(second.labels) else (second, first)
    codes, rows = np.unique(inner.index * len(outer.labels) + outer.index, return_counts=True)
    cells = np.column_stack(np.divmod(codes, len(outer.labels))).astype(np.intp)
    if len(cells) == len(inner.labels):
        kind = SAME if len(cells) == len(outer.labels) else NESTED
    else:
        kind = CROSSED if len(cells) == len(inner.labels) * len(outer.labels) else PARTIAL
    return Pair(inner, outer, kind, cells, rows)


def assign_levels(factors: Sequence[Factor], pairs: Sequence[Pair]) -> dict[str, int]:
    """Return the level of each factor: 0 where every row is a group of its own, 1 for the innermost groups, and so on.

    A factor is one level above the highest factor that is nested in it; crossed factors can be on the same level.
    """
    levels: dict[str, int] = {}
    for factor in sorted(factors, key=lambda f: -len(f.labels)):
        below = [levels[p.inner.name] for p in pairs if p.kind == NESTED and p.outer.name == factor.name]
        levels[factor.name] = 0 if factor.singletons == len(factor.labels) else max(below, default=0) + 1
    return levels


def find_chains(factors: Sequence[Factor], pairs: Sequence[Pair]) -> list[tuple[Factor, ...]]:
    """Return the longest chains of nested factors, outermost first."""
    nested = {(p.inner.name, p.outer.name) for p in pairs if p.kind == NESTED}
    by_name = {factor.name: factor for factor in factors}

    def outward(name: str) -> list[tuple[str, ...]]:
        around = [o for o in by_name if (name, o) in nested]
        nearest = [o for o in around if not any((name, m) in nested and (m, o) in nested for m in around)]
        return [(*chain, name) for o in nearest for chain in outward(o)] or [(name,)]

    innermost = [name for name in by_name if not any(outer == name for _, outer in nested)]
    chains = [chain for name in innermost for chain in outward(name) if len(chain) > 1]
    return [tuple(by_name[name] for name in chain) for chain in chains]


def grow_tree(chain: Sequence[Factor]) -> tuple[Node, ...]:
    """Return the groups of the outermost factor of a chain, with the groups nested in them."""
    children: list[list[Node]] = []
    for depth in range(len(chain) - 1, -1, -1):
        factor = chain[depth]
        sizes = factor.sizes
        nodes = [
            Node(label, int(sizes[i]), tuple(children[i]) if children else ()) for i, label in enumerate(factor.labels)
        ]
        if depth == 0:
            return tuple(nodes)
        children = [[] for _ in chain[depth - 1].labels]
        for node, parent in zip(nodes, lies_in(factor.index, chain[depth - 1].index, len(nodes)), strict=True):
            children[parent].append(node)
    return ()


def count_recurring(pair: Pair, column: Factor) -> int:
    """Return how many labels of one factor of a pair occur in more than one group of the other."""
    partners = pair.partners_of_inner if pair.inner is column else pair.partners_of_outer
    return int(np.sum(partners > 1))


def count_anew(pair: Pair, column: Factor) -> Integers | None:
    """Return how many labels of one factor each group of the other has, if they start again in every one: 1, 2, 3...

    None where the labels are not a sequence, or some group skips one. Labels that start again, up to different numbers,
    indicate labels that are reused for different units.
    """
    places = _count_places(column.labels)
    if places is None:
        return None
    swapped = pair.inner is not column
    own, other = places[pair.cells[:, int(swapped)]], pair.cells[:, 1 - int(swapped)]
    groups = len((pair.inner if swapped else pair.outer).labels)
    counts = np.bincount(other, minlength=groups)
    last = np.zeros(groups, dtype=np.intp)
    np.maximum.at(last, other, own + 1)
    return counts if np.array_equal(counts, last) else None


def spread(name: str, codes: Integers, factors: Sequence[Factor], numbers: ArrayLike | None = None) -> Spread:
    """Return in how many groups of each factor a column varies.

    Parameters
    ----------
    codes : (n,) integer array
        The distinct value of each row, from 0.
    numbers : (n,) array, optional
        The values, of a column that is used as numbers.
    """
    distinct = int(codes.max()) + 1
    varied, between = {}, {}
    for factor in factors:
        found = np.unique(factor.index * distinct + codes) // distinct
        varied[factor.name] = int(np.sum(np.bincount(found, minlength=len(factor.labels)) > 1))
        if numbers is not None and distinct > 1:
            between[factor.name] = _share_between(np.asarray(numbers, dtype=float), factor)
    return Spread(name, distinct, numbers is not None, varied, between)


def expected_shrinkage(size: ArrayLike, icc: ArrayLike) -> NDArray[np.float64]:
    """Return lambda = n rho / (1 + (n - 1) rho): the weight of a group's own mean, near 1 little shrinkage."""
    n, rho = np.asarray(size, dtype=float), np.asarray(icc, dtype=float)
    return np.asarray(n * rho / (1.0 + (n - 1.0) * rho))


def _share_between(values: NDArray[np.float64], factor: Factor) -> float:
    means = np.bincount(factor.index, weights=values) / factor.sizes
    return float(1.0 - np.var(values - means[factor.index]) / np.var(values))


def _count_places(labels: Sequence[str]) -> Integers | None:
    """Return the place of each label, from 0, in the sequence 1..n, 0..n, a..z, A..Z or stem + number, or None."""
    if set(labels) in [{chr(ord(first) + i) for i in range(min(len(labels), 26))} for first in "aA"]:
        return np.argsort(np.argsort(labels))
    matches = [re.fullmatch(r"(.*?)(\d+)", label) for label in labels]
    if len({match[1] if match else None for match in matches}) > 1 or not matches[0]:
        return None
    numbers = np.array([int(match[2]) for match in matches if match])
    places = np.argsort(np.argsort(numbers))
    return places if np.all(numbers - places == min(numbers.min(), 1)) else None
