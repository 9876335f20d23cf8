"""The mode of the effects given all else, Laplace's approximation of the integral over them, and its derivatives."""

from dataclasses import dataclass

import numpy as np

from bayesmixed.estimation.conditional_models import ConditionalModel
from bayesmixed.estimation.precisions import Factor
from bayesmixed.families.links import Array

_ROUNDS, _ROUNDING = 100, 1e-13
_DECREMENT, _STALE, _SLOW = 1e-8, 1e-18, 0.1
"""Squared steps at which a search ends: those of Newton, and of a factor from elsewhere; their ratio that asks for a new one."""


@dataclass(frozen=True, slots=True)
class EffectMode:
    """The mode of standardised effects, and of coefficients where these are sought together.

    Attributes
    ----------
    place : (q,) array
        Coefficients, then effects.
    eta : (m,) array
        Predictor there.
    value : float
        Log-density of rows and effects, without the constant of the effects.
    rows : (m, 4) array
        Log-densities of rows and three derivatives in the predictor.
    factor : Factor or None
        Of minus the second derivatives; None where these are not positive definite: there is no mode.
    """

    place: Array
    eta: Array
    value: float
    rows: Array
    factor: Factor | None


def find_effect_mode(
    model: ConditionalModel, start: Array, *, joint: bool = False, near: Factor | None = None
) -> EffectMode | None:
    """Return the mode of the effects; with `joint` of coefficients and effects. None where there is no density.

    Newton steps, halved until they climb. Where the density is not concave, each row counts as if its own were. A factor at
    a mode nearby serves as long as steps with it shrink fast.
    """
    pattern, values, penalty = model.system(joint=joint)
    flat = pattern.indices.ravel()

    def at(place: Array) -> tuple[Array, Array, float]:
        eta = model.eta + np.einsum("ia,ia->i", values, place[pattern.indices])
        rows = model.derivatives(eta)
        value = float(np.sum(rows[:, 0]) - 0.5 * penalty @ place**2)
        return eta, rows, value if np.all(np.isfinite(rows[:, :3])) else -np.inf

    base, step = start, np.zeros_like(start)
    best, last = -np.inf, np.inf
    factor = near if near is not None and near.pattern is pattern and not model.quadratic else None
    for _ in range(_ROUNDS):
        place = base + step
        eta, rows, value = at(place)
        if not np.isfinite(value) and best == -np.inf:
            return None
        if not value >= best - _ROUNDING * abs(best):
            step = 0.5 * step
            continue
        base, best = place, value
        gradient = np.bincount(flat, (values * rows[:, 1:2]).ravel(), minlength=pattern.size) - penalty * place
        step = gradient if factor is None else factor.solve(gradient)
        enough = _STALE
        if factor is None or not step @ gradient < _SLOW * last:
            factor = pattern.factor(values, -rows[:, 2], penalty)
            climbing = factor or pattern.factor(values, _positive(-rows[:, 2]), penalty)
            if climbing is None:
                break
            step, enough = climbing.solve(gradient), _DECREMENT
        last = float(step @ gradient)
        if model.quadratic or last < enough:
            # Determinants follow an error of the mode to first order, the density to second.
            base = base + step
            break
    eta, rows, value = at(base)
    if not model.quadratic:
        factor = pattern.factor(values, -rows[:, 2], penalty)
    return EffectMode(base, eta, value, rows, factor)


def _positive(weight: Array) -> Array:
    """Return the size of the observed information of each row, with which steps climb."""
    found = np.abs(weight)
    return np.maximum(found, 1e-8 * np.max(found, initial=0.0))


def laplace(model: ConditionalModel, mode: EffectMode, *, expected: bool = False, restricted: bool = False) -> float:
    """Return Laplace's approximation of the logarithm of the marginal likelihood.

    Parameters
    ----------
    mode : EffectMode
        With coefficients if `restricted`.
    expected : bool
        With the expected information of the rows in place of the observed one.
    restricted : bool
        With the coefficients integrated out as well, under a flat density: REML of a Gaussian model.
    """
    return value_of(model, mode, determinant(model, mode, expected=expected, restricted=restricted), restricted)


def determinant(model: ConditionalModel, mode: EffectMode, *, expected: bool, restricted: bool) -> Factor | None:
    """Return the factor whose determinant the approximation has."""
    pattern, values, penalty = model.system(joint=restricted)
    if not expected and len(mode.place) == pattern.size:
        return mode.factor
    return pattern.factor(values, model.expected_information(mode.eta) if expected else -mode.rows[:, 2], penalty)


def value_of(model: ConditionalModel, mode: EffectMode, factor: Factor | None, restricted: bool) -> float:
    """Return the approximation, given the factor whose determinant it has."""
    if factor is None:
        return -np.inf
    volume = model.parameters.log_volume if restricted else 0.0
    return mode.value - 0.5 * factor.log_determinant + volume


def slopes_of(model: ConditionalModel, mode: EffectMode, factor: Factor) -> Array:
    """Return the derivatives of the approximation in the parameters, (d,), for the observed information.

    The mode moves with the parameters, and rows have weights that depend on it: Kristensen et al. (2016, J Stat Softw 70:5)
    in the form for rows. Coefficients that are sought with the effects have a derivative of 0, which is not returned.
    """
    assert mode.factor is not None
    pattern, values = mode.factor.pattern, mode.factor.values
    mixed = model.derivatives(mode.eta, mixed=True)
    score, weight, third = mixed[:, 1], -mixed[:, 2], mixed[:, 3]
    covariances = factor.of_rows()
    spread = np.einsum("ia,ia->i", factor.values, covariances)
    pull = -0.5 * spread * third
    shift = mode.factor.solve(np.bincount(pattern.indices.ravel(), (values * pull[:, None]).ravel(), pattern.size))
    moved = np.einsum("ia,ia->i", values, shift[pattern.indices])
    of_first = score - pull + weight * moved
    further = mixed[:, 4:].reshape(len(mixed), (mixed.shape[1] - 4) // 3, 3)
    of_further = further[:, :, 0] - moved[:, None] * further[:, :, 1] + 0.5 * spread[:, None] * further[:, :, 2]
    count = model.values.shape[1]
    own = pattern.indices[:, pattern.indices.shape[1] - count :]
    of_values = of_first[:, None] * mode.place[own] - score[:, None] * shift[own]
    of_values -= weight[:, None] * covariances[:, covariances.shape[1] - count :]
    return model.parameters.slopes(model.full, of_first, of_further, of_values)
