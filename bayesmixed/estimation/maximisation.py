"""Maxima of functions of a few parameters that are known by their values alone, with the curvature there."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesmixed.links import Array

Values = Callable[[Array], Array]
"""From points (S, d) to values (S,), -inf where there is none."""
Slopes = Callable[[Array], tuple[float, Array]]
"""From a point (d,) to its value, -inf where there is none, and the gradient (d,)."""
_STEP, _BEND = 1e-3, 3e-3
"""Steps of differences for gradients and curvatures, in standard errors."""
_NONE = 1e100
"""Minus the value of a point where there is none."""
_ROUNDS, _FLAT, _FAR = 10, 1e-3, 1e-2
"""Newton steps at the end; a curvature that counts as none; a step after which curvatures are computed anew."""


class Maximum(NamedTuple):
    """A maximum.

    Attributes
    ----------
    point : (d,) array
    value : float
    covariance : (d, d) array
        Inverse of minus the curvature; NaN for parameters of which the function does not depend there.
    found : bool
        Whether the gradient vanishes there.
    """

    point: Array
    value: float
    covariance: Array
    found: bool


def maximise(values: Values, start: Array, scale: Array, slopes: Slopes | None = None) -> Maximum:
    """Return the maximum of a function, by BFGS in coordinates that scale, (d, d), makes about unit, and Newton steps.

    Parameters
    ----------
    slopes : callable, optional
        Values with gradients, where these are known; otherwise derivatives are central differences.
    """
    from scipy.optimize import minimize

    size = len(start)
    if not size:
        return Maximum(start, float(values(start[None])[0]), np.zeros((0, 0)), True)

    def at(x: Array) -> Array:
        with np.errstate(all="ignore"):  # trial steps
            return np.maximum(values(start + x @ scale.T), -_NONE)

    def descend(x: Array) -> tuple[float, Array]:
        if slopes is not None:
            value, gradient = slopes(start + scale @ x)
            gradient = scale.T @ gradient
        else:
            steps = _STEP * np.eye(size)
            found = at(np.concatenate([x[None], x + steps, x - steps]))
            value, gradient = float(found[0]), (found[1 : size + 1] - found[size + 1 :]) / (2.0 * _STEP)
        finite = value > -_NONE and np.all(np.isfinite(gradient)) and np.max(np.abs(gradient)) < _NONE
        return (-value, -gradient) if finite else (_NONE, np.zeros(size))

    def bent(x: Array) -> Array:
        return _curvature(at, x) if slopes is None else _curvature_by_slopes(descend, x)

    x = minimize(descend, np.zeros(size), jac=True, method="BFGS", options={"gtol": 1e-4, "maxiter": 200}).x
    value, slope = descend(x)
    middle, bend = x, bent(x)
    for _ in range(_ROUNDS):
        proposed = x - _pseudo_inverse(bend) @ slope
        better, its_slope = descend(proposed)
        if not better < value - 1e-10:
            break
        x, value, slope = proposed, better, its_slope
        if np.max(np.abs(x - middle)) > _FAR:
            middle, bend = x, bent(x)
    covariance = scale @ _pseudo_inverse(bend) @ scale.T
    flat = _is_flat(bend, scale)
    covariance[flat], covariance[:, flat] = np.nan, np.nan
    return Maximum(start + scale @ x, -value, covariance, bool(value < _NONE and np.max(np.abs(slope)) < 1e-2))


def _curvature_by_slopes(descend: Slopes, x: Array) -> Array:
    """Return minus the second derivatives at a point, by differences of gradients."""
    steps = _BEND * np.eye(len(x))
    bend = np.array([(descend(x + step)[1] - descend(x - step)[1]) / (2.0 * _BEND) for step in steps])
    return 0.5 * (bend + bend.T)


def _is_flat(bend: Array, scale: Array) -> NDArray[np.bool_]:
    """Return on which parameters the function does not depend, as an SD of 0 whose logarithm has no lower end."""
    curvatures, axes = np.linalg.eigh(bend)
    loose = scale @ axes[:, curvatures < _FLAT]
    return np.asarray(np.any(np.abs(loose) > 0.1 * np.abs(scale).max(axis=1, keepdims=True), axis=1))


def _pseudo_inverse(bend: Array) -> Array:
    curvatures, axes = np.linalg.eigh(bend)
    inverse = np.where(curvatures > _FLAT, 1.0 / np.where(curvatures > _FLAT, curvatures, 1.0), 0.0)
    return np.asarray(axes * inverse @ axes.T)


def _curvature(at: Values, x: Array) -> Array:
    """Return minus the second derivatives at a point."""
    size, h = len(x), _BEND
    steps = h * np.eye(size)
    pairs = [(i, k) for i in range(size) for k in range(i)]
    both = [steps[i] + steps[k] for i, k in pairs]
    points = [x, *(x + steps), *(x - steps), *(x + e for e in both), *(x - e for e in both)]
    found = at(np.array(points))
    middle, up, down = found[0], found[1 : size + 1], found[size + 1 : 2 * size + 1]
    rest = found[2 * size + 1 :]
    bend = np.diag(up - 2.0 * middle + down) / h**2
    for (i, k), high, low in zip(pairs, rest[: len(pairs)], rest[len(pairs) :], strict=True):
        bend[i, k] = bend[k, i] = (high + low - up[i] - down[i] - up[k] - down[k] + 2.0 * middle) / (2.0 * h**2)
    return -np.nan_to_num(bend, nan=0.0, posinf=0.0, neginf=0.0)
