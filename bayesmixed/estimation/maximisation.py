"""Maxima of functions of a few parameters that are known by their values alone, with the curvature there."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayesmixed.families.links import Array

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
_FARTHEST = 1e8
"""Standard errors from the start beyond which differences are lost to rounding."""
_MOVES = 1e-2
"""Share of a change of length 1 in flat directions above which a number has no standard error."""


@dataclass(frozen=True, slots=True)
class Maximum:
    """A maximum.

    Attributes
    ----------
    point : (d,) array
    value : float
    covariance : (d, d) array
        Inverse of minus the curvature; 0 in directions in which the function is flat there.
    found : bool
        Whether the gradient vanishes there.
    scale : (d, d) array
        A root of about the covariance.
    flat : (d, r) array
        Directions without curvature, of length 1 in units of `scale`.
    """

    point: Array
    value: float
    covariance: Array
    found: bool
    scale: Array
    flat: Array

    @property
    def root(self) -> Array:
        """A root of the covariance, (d, d), 1 in units of `scale` in flat directions."""
        covariance = self.covariance + self.flat @ self.flat.T
        sds = np.sqrt(np.diagonal(covariance))
        return np.asarray(sds[:, None] * np.linalg.cholesky(covariance / np.outer(sds, sds)))

    def standard_errors(self, jacobian: Array) -> Array:
        """Return the standard errors of k numbers with these derivatives, (k, d); NaN where one moves in a flat direction."""
        size = np.sqrt(np.sum((jacobian @ self.scale) ** 2, axis=1))
        unknown = np.any(np.abs(jacobian @ self.flat) > _MOVES * size[:, None], axis=1)
        variance = np.einsum("ik,kl,il->i", jacobian, self.covariance, jacobian)
        return np.where(unknown, np.nan, np.sqrt(np.maximum(variance, 0.0)))


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
        return Maximum(start, float(values(start[None])[0]), np.zeros((0, 0)), True, scale, np.zeros((0, 0)))

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
    curvatures, axes = np.linalg.eigh(bend)
    found = bool(value < _NONE and np.max(np.abs(slope)) < 1e-2 and np.max(np.abs(x)) < _FARTHEST)
    covariance = scale @ _pseudo_inverse(bend) @ scale.T
    return Maximum(start + scale @ x, -value, covariance, found, scale, scale @ axes[:, curvatures < _FLAT])


def _curvature_by_slopes(descend: Slopes, x: Array) -> Array:
    """Return minus the second derivatives at a point, by differences of gradients."""
    steps = _BEND * np.eye(len(x))
    bend = np.array([(descend(x + step)[1] - descend(x - step)[1]) / (2.0 * _BEND) for step in steps])
    return 0.5 * (bend + bend.T)


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
