"""Very many values of a smooth function of one number, by cubic interpolation between equidistant places."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array

PLACES = 4096
"""So many that, with links in `SMOOTH`, interpolation is as exact as quadrature."""
MANY = 4 * PLACES
"""Values from which places save work."""
SMOOTH = ("identity", "log", "logit", "probit", "cloglog", "logit_minus_one")
"""Links without corners."""
_ROWS = 20_000
"""Values at once, so that they stay near the processor."""


def places_of(values: Array) -> Array:
    """Return equidistant places, (..., PLACES), from the smallest to the largest of some values, (..., n)."""
    low, high = values.min(axis=-1, keepdims=True), values.max(axis=-1, keepdims=True)
    return np.asarray(low + (high - low) * np.linspace(0.0, 1.0, PLACES))


def weights_of(values: Array, places: Array, weights: Array) -> Array:
    """Return the weights of places with which smooth functions have the same mean as with those of values, (n,) each."""
    found = np.zeros(len(places))
    for part, cell, shares in _cells(values, places):
        for place, share in enumerate(shares):
            found += np.bincount(cell + (place - 1), share * weights[part], len(places))
    return found


def interpolate(function: Callable[[Array], Array], values: Array) -> Array:
    """Return a smooth function of values, (S, n), from its values at places, (S, PLACES)."""
    places = places_of(values)
    known, found = function(places), np.empty(values.shape)
    for own, at, answers, out in zip(values, places, known, found, strict=True):
        for part, cell, shares in _cells(own, at):
            out[part] = sum(share * answers.take(cell + (place - 1)) for place, share in enumerate(shares))
    return found


def _cells(values: Array, places: Array) -> Iterator[tuple[slice, NDArray[np.intp], tuple[Array, ...]]]:
    """Yield some values after the others: the place before each, and the shares of the four places around it."""
    width = (places[-1] - places[0]) / (len(places) - 1) or 1.0
    for start in range(0, len(values), _ROWS):
        part = slice(start, start + _ROWS)
        t = (values[part] - places[0]) / width
        cell = np.clip(t.astype(np.intp), 1, len(places) - 3)
        t -= cell
        inner, outer = (t - 1.0) * (t - 2.0), t * (t + 1.0)
        yield part, cell, (-inner * t / 6.0, inner * (t + 1.0) / 2.0, -outer * (t - 2.0) / 2.0, outer * (t - 1.0) / 6.0)
