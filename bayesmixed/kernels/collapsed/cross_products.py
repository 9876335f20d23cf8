"""Cross-products of a Gaussian model: all that the collapsed density needs of the rows."""

from typing import Any

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.families.links import Array
from bayesmixed.kernels.collapsed.level_classes import lower_triangle, sum_classes
from bayesmixed.kernels.joint.layouts import order_groups
from bayesmixed.kernels.packing import Block, Record
from bayesmixed.terms.block_parts import ONE
from bayesmixed.terms.normal_block import NormalBlock

ROWS_AT_ONCE = 1_000_000
"""Rows of which cross-products are formed at once."""


class CrossProducts:
    """Cross-products of effects, coefficients and residual, over rows that come some at a time.

    Rows are scaled by the root of their weight. Few at a time, so that their sparse columns stay small.
    """

    def __init__(self, groups: tuple[NormalBlock, ...], coefficients: int) -> None:
        from scipy import sparse

        eliminated, others = split_groups(groups)
        size = coefficients + sum(group.size for group in others)
        self.products, self.sums, self.squares = np.zeros((size, size)), np.zeros(size), 0.0
        count = sum(group.size for group in eliminated)
        self.width = len(eliminated[0].labels) if eliminated else 1
        self.level_sums, self.cross = np.zeros(count), sparse.csr_matrix((count, size))
        self.blocks = np.zeros((count // self.width, self.width, self.width))

    def add(self, part: Design, rows: slice, root: Array, columns: Array, residual: Array) -> None:
        """Add some rows of a design, given their scaled columns and residual."""
        from scipy import sparse

        eliminated, others = split_groups(order_groups(part))
        pieces = [_scaled(group, root, rows) for group in others]
        rest = sparse.hstack([*pieces, sparse.csr_matrix(columns)], format="csr")
        self.products += (rest.T @ rest).toarray()
        self.sums += rest.T @ residual
        self.squares += float(residual @ residual)
        for group in eliminated:
            inner = _scaled(group, root, rows)
            self.level_sums += inner.T @ residual
            self.cross = self.cross + inner.T @ rest
            _add_blocks(self.blocks, group, root, rows)

    def pack(self, block: Block, model: Record, shift: Array) -> None:
        """Append the cross-products to the data of the density."""
        model["rest"] = size = len(self.sums)
        model["rest_matrix"] = block.add_numbers(self.products)
        model["rest_sums"] = block.add_numbers(self.sums)
        model["squares"] = self.squares
        model["means"] = block.add_numbers(np.concatenate([np.zeros(size - len(shift)), -shift]))
        if not len(self.level_sums):
            model["pointers"] = block.add_integers([0])
            return
        model["blocks"] = block.add_numbers(self.blocks)
        model["level_sums"] = block.add_numbers(self.level_sums)
        cross = self.cross.tobsr(blocksize=(self.width, 1))
        cross.sort_indices()
        model["entries"] = len(cross.indices)
        model["pointers"] = block.add_integers(cross.indptr)
        model["columns"] = block.add_integers(cross.indices)
        model["cross"] = block.add_numbers(cross.data)
        self._pack_classes(block, model)

    def _pack_classes(self, block: Block, model: Record) -> None:
        """Append sums over classes of levels, where they make a gradient faster."""
        classes = sum_classes(self.blocks, self.cross, self.level_sums.reshape(-1, self.width))
        if classes is None:
            return
        sums = self.sums[:, None]
        whole = lower_triangle(np.block([[self.products, sums], [sums.T, np.array([[self.squares]])]]))
        model["classes"] = len(classes.counts)
        model["class_blocks"] = block.add_numbers(classes.blocks)
        model["class_sizes"] = block.add_numbers(classes.counts)
        model["class_products"] = block.add_numbers(classes.products)
        model["whole"] = block.add_numbers(whole)
        model["kinds"] = block.add_integers(classes.kinds)


def split_groups(groups: tuple[NormalBlock, ...]) -> tuple[tuple[NormalBlock, ...], tuple[NormalBlock, ...]]:
    """Return the term that is eliminated level by level, if there is one, and the rest."""
    eliminated = 1 if groups and groups[0].takes == ONE else 0
    return groups[:eliminated], groups[eliminated:]


def weighted_rows(part: Design, rows: slice) -> tuple[Array, Array, Array]:
    """Return the root of the weights of some rows, and their columns at the centre and response, multiplied by it."""
    predictor = part.mu
    response = part.family.working(np.asarray(part.response)[rows]) - predictor.offset[rows]
    root = np.ones(len(response)) if part.weights is None else np.sqrt(part.weights[rows])
    return root, root[:, None] * predictor.population.coordinate_rows(rows), root * response


def row_factor(design: Design) -> Array:
    """Return rows that have the cross-products of all rows, for the columns at the centre and the response."""
    if design.streamed is not None:
        factor = design.streamed.statistics.factor("population", "response")
        return np.column_stack([factor[:, :-1] @ design.mu.population.coordinates.mixing, factor[:, -1]])
    factor = np.zeros((0, len(design.mu.keys) + 1))
    for start in range(0, design.rows, ROWS_AT_ONCE):
        _, matrix, response = weighted_rows(design, slice(start, start + ROWS_AT_ONCE))
        factor = np.linalg.qr(np.vstack([factor, np.column_stack([matrix, response])]), mode="r")
    return factor


def principal_axes(columns: Array) -> Array:
    """Return the principal axes of columns, each with its largest component positive."""
    axes = np.linalg.svd(columns, full_matrices=True)[2].T
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0, keepdims=True), axis=0) if axes.size else axes
    return np.asarray(axes * np.sign(largest))


def pooled_shift(columns: Array, residual: Array, rows: int) -> Array:
    """Return coefficients near those of a pooled fit; directions in which the columns say little stay at zero.

    Columns and residual have the cross-products of that many rows.
    """
    squares = np.sum(columns**2, axis=0)
    ridge = 1e-10 * float(np.max(squares, initial=0.0))
    shift = np.zeros(len(squares))
    for _ in range(3):
        rest = residual - columns @ shift
        shift = shift + (columns.T @ rest - ridge * shift) / np.maximum(squares + ridge, 1e-300)
        ridge = max(ridge, float(np.sum((residual - columns @ shift) ** 2)) / rows)
    return np.asarray(shift)


def _add_blocks(blocks: Array, group: NormalBlock, root: Array, rows: slice) -> None:
    """Add the products of a group's own columns in some rows, (J, K, K)."""
    z = root[:, None] * group.centred_rows(rows)
    for i in range(z.shape[1]):
        for k in range(z.shape[1]):
            blocks[:, i, k] += group.sums(z[:, i] * z[:, k], rows)


def _scaled(group: NormalBlock, root: Array, rows: slice) -> Any:
    """Return the sparse (m, J K) columns of a term in some rows, scaled by `root`."""
    return group.sparse_columns(rows).multiply(root[:, None]).tocsr()
