"""Correlations of the columns of structured covariances at their places, and the Cholesky roots of these.

Each takes parameters by name, (..., 1, 1) arrays or symbols, and the places of the columns, (K, d); a root also the module,
numpy or pytensor.tensor.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bayesmixed.families.links import Array

_OWN = 1e-8
"""Share of the variance of an effect at a place that is not shared with places near by."""


def exchangeable_root(values: Mapping[str, Any], places: Array, module: Any) -> Any:
    """Return the root of equal correlations: below the diagonal its columns are constant."""
    rho, width = values["rho"], len(places)
    step = np.arange(width, dtype=float)
    before, after = 1.0 + (step - 1.0) * rho, 1.0 + step * rho
    diagonal = module.sqrt((1.0 - rho) * after / before)
    below = rho * module.sqrt((1.0 - rho) / (before * after))
    return diagonal * np.eye(width) + below * np.tri(width, k=-1)


def exchangeable(values: Mapping[str, Array], places: Array) -> Array:
    """Return equal correlations."""
    same = np.eye(len(places))
    return same + values["rho"] * (1.0 - same)


def ar1(values: Mapping[str, Array], places: Array) -> Array:
    """Return rho^lag; a negative rho has no process between the steps, so values there are unrelated to all others."""
    rho, steps = values["ar1"], places[:, 0]
    lags = np.abs(steps[:, None] - steps)
    between = steps != np.round(steps)
    unrelated = (between[:, None] | between) & (lags > 0.0)
    signs = np.where(np.round(lags) % 2 == 1, np.sign(rho), 1.0)
    return np.where(unrelated & (rho < 0.0), 0.0, signs * np.abs(rho) ** lags)


def ar1_root(values: Mapping[str, Any], places: Array, module: Any) -> Any:
    """Return the root of correlations rho^lag of columns in order."""
    rho, steps = values["ar1"], places[:, 0]
    lags = np.maximum(steps[:, None] - steps, 0.0)
    # A power 0 has no derivative at rho = 0 in PyTensor.
    powers = np.eye(len(steps)) + (lags > 0.0) * rho ** np.where(lags > 0.0, lags, 1.0)
    left = rho ** np.diff(steps) if len(steps) > 1 else 0.0 * rho
    return _markov(powers, 1.0 - left**2, module)


def ou(values: Mapping[str, Array], places: Array) -> Array:
    """Return exp(-distance / range)."""
    return np.asarray(np.exp(-np.abs(places[:, 0][:, None] - places[:, 0]) / values["range"]))


def ou_root(values: Mapping[str, Any], places: Array, module: Any) -> Any:
    """Return the root of correlations exp(-distance / range) of times in order."""
    span, times = values["range"], places[:, 0]
    late = np.tri(len(times)) > 0.0
    powers = late * module.exp(-np.where(late, times[:, None] - times, 0.0) / span)
    return _markov(powers, -module.expm1(-2.0 * np.diff(times) / span), module)


def toeplitz(values: Mapping[str, Any], places: Array, module: Any = np) -> Any:
    """Return correlations of lags from the partial ones, by the recursion of Durbin (1960) and Levinson."""
    known: list[Any] = []
    weights: list[Any] = []
    for name in values:
        left: Any = 1.0
        for weight, correlation in zip(weights, known, strict=True):
            left = left - weight * correlation
        explained: Any = 0.0
        for weight, correlation in zip(weights, reversed(known), strict=True):
            explained = explained + weight * correlation
        partial = values[name]
        known.append(explained + partial * left)
        weights = [*(w - partial * v for w, v in zip(weights, reversed(weights), strict=True)), partial]
    lags = np.abs(np.subtract.outer(places[:, 0], places[:, 0]))
    found: Any = np.eye(len(places))
    for lag, correlation in enumerate(known, 1):
        found = found + (lags == lag) * correlation
    return found


def toeplitz_root(values: Mapping[str, Any], places: Array, module: Any) -> Any:
    """Return the root of correlations of lags."""
    return module.linalg.cholesky(toeplitz(values, places, module))


def exponential(distances: Any, span: Any, module: Any) -> Any:
    """Return exp(-distance / range)."""
    return module.exp(-distances / span)


def gaussian(distances: Any, span: Any, module: Any) -> Any:
    """Return exp(-(distance / range)^2)."""
    return module.exp(-((distances / span) ** 2))


def matern32(distances: Any, span: Any, module: Any) -> Any:
    """Return the Matérn correlation of smoothness 3/2, of x = distance / range."""
    x = distances / span
    return (1.0 + x) * module.exp(-x)


def matern52(distances: Any, span: Any, module: Any) -> Any:
    """Return the Matérn correlation of smoothness 5/2, of x = distance / range."""
    x = distances / span
    return (1.0 + x + x**2 / 3.0) * module.exp(-x)


def of_distances(
    correlation: Callable[[Any, Any, Any], Any], values: Mapping[str, Any], places: Array, module: Any
) -> Any:
    """Return correlations of places from those of distances, of which a negligible part is each place's own: smooth ones of
    near places could not be told from singular ones."""
    apart = 1.0 - np.eye(len(places))
    return np.eye(len(places)) + apart * (1.0 - _OWN) * correlation(distances_of(places), values["range"], module)


def distances_of(places: Array) -> Array:
    """Return the distances of each two places, (K, K), whatever the unit of the coordinates."""
    steps = places[:, None] - places
    unit = np.abs(steps).max(initial=0.0) or 1.0
    return np.asarray(unit * np.sqrt(np.sum((steps / unit) ** 2, axis=-1)))


def coordinates_root(correlation: Callable[[Any, Any, Any], Any]) -> Callable[[Mapping[str, Any], Array, Any], Any]:
    """Return the function that computes the root of correlations of places."""

    def root(values: Mapping[str, Any], places: Array, module: Any) -> Any:
        return module.linalg.cholesky(of_distances(correlation, values, places, module))

    return root


def _markov(powers: Any, left: Any, module: Any) -> Any:
    """Return the root of a process in which each value depends on the one before, with that share of its variance left.

    Row i has the correlation with each earlier value, times the root of what was left when that one came.
    """
    first = 1.0 + 0.0 * left[..., :1]
    return powers * module.sqrt(module.concatenate([first, left], axis=-1))
