"""Exact draws of the coefficients and effects that the collapsed density has integrated out."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.kernels.collapsed.layouts import Collapsed

# Draws at once, and random numbers at once: independent of the number of cores, so that draws are.
_BATCH, _NOISE = 500, 20_000_000


def draw_rest(collapsed: Collapsed, points: Array, seed: int, cores: int) -> Array:
    """Return draws of all coordinates of the full layout, (chain, draw, .), given those of the collapsed density."""
    flat = np.ascontiguousarray(points.reshape(-1, points.shape[-1]))
    full = np.zeros((len(flat), collapsed.full.dimension))
    full[:, collapsed.kept] = flat
    step = max(1, min(_BATCH, _NOISE // max(collapsed.size, 1)))
    starts = range(0, len(flat), step)
    streams = np.random.default_rng([seed, 1]).spawn(len(starts))

    def fill(start: int, stream: np.random.Generator) -> None:
        part = slice(start, start + step)
        noise = stream.standard_normal((len(flat[part]), collapsed.size))
        place_effects(collapsed, draw_integrated(collapsed, flat[part], noise), full[part])

    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(fill, starts, streams))
    return full.reshape(*points.shape[:2], -1)


def draw_integrated(collapsed: Collapsed, points: Array, noise: Array) -> Array:
    """Return the integrated numbers, (S, q), made from standard normal noise given points of the density; zero
    noise gives their mean."""
    from bayesmixed.kernels.collapsed.compiled import draw_effects_compiled

    out = np.empty_like(noise)
    draw_effects_compiled(points, noise, collapsed.packed.data, out)
    return out


def place_effects(collapsed: Collapsed, integrated: Array, full: Array) -> None:
    """Write the integrated numbers into points of the full layout."""
    one = collapsed.full.predictors[collapsed.full.design.mu.parameter]
    terms = {term.placement.group.name: term for term in one.terms}
    start = 0
    for group in collapsed.groups:
        stop = start + group.size
        full[:, terms[group.name].effects] = integrated[:, start:stop]
        start = stop
    full[:, one.beta.own] = collapsed.origin + integrated[:, start:] @ collapsed.matrix.T
