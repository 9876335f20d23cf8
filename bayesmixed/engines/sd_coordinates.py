"""The coordinates of the collapsed sampler: SDs near 0 folded, then all of them whitened at the mode."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.design.default_priors import group_unit
from bayesmixed.families.links import Array
from bayesmixed.kernels.collapsed.layouts import Collapsed
from bayesmixed.kernels.folding import SMALLEST
from bayesmixed.kernels.packing import Block, Packed, Whitening, close, whiten

_STEP, _FLATTEST = 1e-4, 0.5
"""Step of the differences that make the Hessian, and the smallest curvature that is accepted for a coordinate."""
_NEAR_ZERO, _REACH, _FLAT = (1e-4, 1e-6), 12.0, 0.01
"""An SD is folded where its density near 0, at these shares of the mode, is flat, and not by more than e^12 below the mode."""


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Coordinates in which the collapsed density is about standard normal.

    Attributes
    ----------
    packed : Packed
        Data of the density in these coordinates.
    scales : (d,) array
        s of the SDs that are s |sinh w|; zero for coordinates that are a logarithm or a correlation.
    whitening : Whitening
        From the coordinates to w and the others.
    """

    packed: Packed
    scales: Array
    whitening: Whitening

    def restore(self, points: Array) -> Array:
        """Return points (..., d) of the collapsed density: log-SDs, correlations, log sigma."""
        points = self.whitening.restore(points)
        own = self.scales > 0
        w = np.maximum(np.abs(points[..., own]), SMALLEST)
        points[..., own] = np.log(self.scales[own]) + w + np.log(-0.5 * np.expm1(-2.0 * w))
        return points


def find_coordinates(collapsed: Collapsed) -> Coordinates:
    """Return the coordinates of a collapsed density, from its mode and the Hessian there.

    An SD that may be 0 is s |sinh w|, s the SD at the mode: see `kernels.folding`. SDs with correlations stay logarithms:
    changing the sign of one would change the signs of its correlations.
    """
    centre, covariance = find_mode(collapsed)
    candidates = np.flatnonzero(_is_foldable(collapsed))
    folded = candidates[[_reaches_zero(collapsed.packed, centre, int(place)) for place in candidates]]
    scales = np.zeros(len(centre))
    scales[folded] = np.exp(centre[folded])
    packed = collapsed.packed
    if len(folded):
        packed = fold(packed, scales)
        centre[folded] = np.arcsinh(1.0)
        centre, covariance = _mode(packed, centre, folded)
    whitening = Whitening(np.arange(len(centre)), centre, np.linalg.cholesky(covariance))
    return Coordinates(whiten(packed, whitening), scales, whitening)


def find_mode(collapsed: Collapsed) -> tuple[Array, Array]:
    """Return the mode over log-SDs, correlations and log sigma, (d,), and the inverse of minus the Hessian there, (d, d)."""
    return _mode(collapsed.packed, _start(collapsed), np.arange(0))


def fold(packed: Packed, scales: Array) -> Packed:
    """Return packed data of the collapsed density with SDs s |sinh w| where the scale s is positive."""
    block = Block()
    block.add_numbers(packed.data.numbers)
    block.add_integers(packed.data.integers)
    model = packed.data.model.copy()
    model["folded"] = block.add_numbers(scales)
    return close(block, model, *packed.data[3:])


def _reaches_zero(packed: Packed, centre: Array, place: int) -> bool:
    """Return whether an SD may be 0, all others at the mode: its own density there is flat and not much lower."""
    from bayesmixed.kernels.collapsed.compiled import evaluate

    step = np.eye(len(centre))[place]
    points = [centre, *(centre + np.log(share) * step for share in _NEAR_ZERO)]
    at_mode, near, nearer = (evaluate(packed, x)[0] - x[place] for x in points)
    return bool(at_mode - nearer < _REACH and abs(near - nearer) < _FLAT)


def _is_foldable(collapsed: Collapsed) -> NDArray[np.bool_]:
    """Return which coordinates are logarithms of SDs without correlations."""
    terms = collapsed.full.predictors[collapsed.full.design.mu.parameter].terms
    alone = [term for term in terms if not any(len(part) for part in term.partials)]
    return np.isin(collapsed.kept, [slot for term in alone for slot in term.sd.own])


def _start(collapsed: Collapsed) -> Array:
    """Return half the unit of the default priors for SDs, and the residuals of a pooled fit for sigma."""
    design = collapsed.full.design
    first = np.zeros(collapsed.full.dimension)
    unit = group_unit(design, design.mu)
    for term in collapsed.full.predictors[design.mu.parameter].terms:
        term.sd.write(first, 0.5 * unit / term.placement.group.scales)
    for scalar in collapsed.full.scalars.values():
        scalar.write(first, np.array([collapsed.residual]))
    return np.asarray(first[collapsed.kept])


def _mode(packed: Packed, first: Array, folded: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return the mode, folded coordinates positive, and the inverse Hessian there, no curvature below the smallest."""
    from scipy.optimize import minimize

    from bayesmixed.kernels.collapsed.compiled import evaluate

    def descend(x: Array) -> tuple[float, Array]:
        value, gradient = evaluate(packed, x)
        return -value, -gradient

    centre = minimize(descend, first, jac=True, method="L-BFGS-B", options={"maxiter": 50}).x
    centre[folded] = np.abs(centre[folded])
    steps = _STEP * np.eye(len(centre))
    hessian = np.array([descend(centre + step)[1] - descend(centre - step)[1] for step in steps]) / (2.0 * _STEP)
    # The density is the same at both signs of a folded coordinate: so is the mean of the Hessian over these.
    own = np.diagonal(hessian)[folded].copy()
    hessian[folded] = hessian[:, folded] = 0.0
    hessian[folded, folded] = own
    curvatures, axes = np.linalg.eigh(0.5 * (hessian + hessian.T))
    return centre, np.asarray(axes / np.maximum(curvatures, _FLATTEST) @ axes.T)


def starting_point(dimension: int) -> Callable[[Any], Array]:
    """Return a function that draws a starting point, from a seed, from the normal approximation at the mode."""

    def draw(seed: Any) -> Array:
        return np.random.default_rng(seed).standard_normal(dimension)

    return draw
