"""Classes of levels whose cross-products are equal."""

import numpy as np
from scipy import sparse

from bayesmixed.kernels.collapsed.level_classes import sum_classes

BLOCKS = np.array([[[4.0, 1.0], [1.0, 2.0]], [[3.0, 0.5], [0.5, 1.0]]])


def problem(kinds, size=3):
    generator = np.random.default_rng(1)
    blocks = BLOCKS[kinds] * (1 + 1e-15 * generator.normal(size=(len(kinds), 1, 1)))
    return blocks, generator.normal(size=(2 * len(kinds), size)), generator.normal(size=(len(kinds), 2))


def test_levels_that_differ_by_rounding_are_one_class_and_products_are_summed_over_it():
    kinds = np.array([0, 1, 0, 0, 1, 0] * 5)
    blocks, cross, sums = problem(kinds)
    classes = sum_classes(blocks, sparse.csr_matrix(cross), sums)
    assert classes is not None
    for c in range(2):
        members = np.flatnonzero(classes.kinds == c)
        np.testing.assert_allclose(blocks[members], np.broadcast_to(classes.blocks[c], (len(members), 2, 2)))
        assert classes.counts[c] == len(members)
        first, second = (np.column_stack([cross[members * 2 + k], sums[members, k]]) for k in range(2))
        mixed = second.T @ first
        for product, expected in zip(
            classes.products[c], [first.T @ first, mixed + mixed.T, second.T @ second], strict=True
        ):
            np.testing.assert_allclose(product, expected[np.tril_indices(4)], rtol=1e-12)


def test_levels_that_all_differ_and_meet_little_of_the_rest_have_no_classes():
    blocks, cross, sums = problem(np.zeros(40, dtype=int), size=60)
    blocks = blocks * (1 + np.arange(40))[:, None, None]
    cross[:, 3:] = 0.0
    assert sum_classes(blocks, sparse.csr_matrix(cross), sums) is None


def test_classes_are_the_same_whatever_the_units_of_columns():
    kinds = np.array([0, 1, 2, 0, 1, 2] * 5)
    blocks = np.array([[[4.0, 1.0], [1.0, 2.0]], [[4.0, 1.0], [1.0, 1.0]], [[3.0, 0.5], [0.5, 1.0]]])[kinds]
    generator = np.random.default_rng(1)
    cross, sums = generator.normal(size=(60, 3)), generator.normal(size=(30, 2))
    for size in (1e-60, 1e-12, 1.0, 1e60):
        unit = np.array([1.0, size])
        classes = sum_classes(blocks * unit * unit[:, None], sparse.csr_matrix(cross), sums)
        assert classes is not None
        np.testing.assert_array_equal(classes.kinds[:6], classes.kinds[kinds[:6]])
        assert len(classes.blocks) == 3
