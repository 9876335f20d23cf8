"""Exact draws of effects and coefficients given the parameters of a collapsed density, in compiled code."""

import numpy as np
from numba import njit

from bayesmixed.kernels.collapsed.class_sums import draw_levels, factor_classes
from bayesmixed.kernels.collapsed.elimination import draw, factor
from bayesmixed.kernels.collapsed.prior_roots import apply_to_vector
from bayesmixed.kernels.collapsed.views import read_class_sums, read_cross_products, read_roots, read_sigma, right_side
from bayesmixed.kernels.dense import backward, forward


@njit(cache=False, nogil=True, error_model="numpy")
def draw_effects(points, noise, data, out):  # type: ignore[no-untyped-def]
    """Write draws of all standardised effects and coefficients given each point.

    Parameters
    ----------
    points : (S, dimension) array
        Unconstrained SDs, correlations and sigma.
    noise, out : (S, q) arrays
        Standard normal numbers, and the draws: the eliminated levels first, then the rest.
    """
    if data.model[0].classes > 0:
        _draw_by_classes(points, noise, data, out)
        return
    blocks, pointers, columns, cross, rest = read_cross_products(data)
    levels, width = blocks.shape[0], blocks.shape[1]
    size, split = len(rest), blocks.shape[0] * blocks.shape[1]
    inner, link, outer = np.zeros((levels, width, width)), np.empty((len(columns), width)), np.empty((size, size))
    for s in range(len(points)):
        sigma = read_sigma(points[s], data)
        weight = 1.0 / (sigma * sigma)
        root, table, roots = read_roots(points[s], data)
        factor(weight, root, blocks, pointers, columns, cross, rest, table, roots, inner, link, outer)
        effects, others = right_side(weight, root, table, roots, data, levels, width, size)
        fresh = noise[s, :split].copy().reshape((levels, width))
        draw(weight, pointers, columns, table, roots, inner, link, outer, effects, others, fresh, noise[s, split:])
        out[s, :split] = effects.reshape(split)
        out[s, split:] = others


@njit(cache=False, error_model="numpy")
def _draw_by_classes(points, noise, data, out):  # type: ignore[no-untyped-def]
    """Write what `draw_effects` writes."""
    model = data.model[0]
    levels_blocks, pointers, columns, cross, _ = read_cross_products(data)
    blocks, counts, products, whole = read_class_sums(data)
    levels, width, size = levels_blocks.shape[0], levels_blocks.shape[1], model.rest
    split = levels * width
    sums = data.numbers[model.level_sums : model.level_sums + split].reshape((levels, width))
    kinds = data.integers[model.kinds : model.kinds + levels]
    means = data.numbers[model.means : model.means + size]
    inner, half, outer = np.zeros(blocks.shape), np.empty(blocks.shape), np.empty((size, size))
    others = np.empty(size)
    for s in range(len(points)):
        sigma = read_sigma(points[s], data)
        weight = 1.0 / (sigma * sigma)
        root, table, roots = read_roots(points[s], data)
        factor_classes(weight, root, blocks, counts, products, whole, table, roots, inner, half, outer, others)
        others += means
        forward(outer, others)
        others += noise[s, split:]
        backward(outer, others)
        out[s, split:] = others
        apply_to_vector(others, table, roots, False)
        effects = noise[s, :split].copy().reshape((levels, width))
        draw_levels(weight, root, pointers, columns, cross, sums, kinds, inner, others, effects)
        out[s, :split] = effects.reshape(split)
