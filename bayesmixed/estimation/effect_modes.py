"""The mode of the effects given all else, and Laplace's approximation of the integral over them."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from bayesmixed.estimation.conditional_models import ConditionalModel
from bayesmixed.links import Array
from bayesmixed.row_likelihoods import RowLikelihood

_ROUNDS, _DECREMENT, _ROUNDING = 100, 1e-8, 1e-13


@dataclass(frozen=True, slots=True)
class EffectMode:
    """The mode of standardised effects, and of coefficients where these are sought together.

    Attributes
    ----------
    place : (m,) array
        Coefficients, then effects.
    eta : (n,) array
        Predictor there.
    value : float
        Log-density of rows and effects, without the constant of the effects.
    """

    place: Array
    eta: Array
    value: float


def find_effect_mode(model: ConditionalModel, start: Array, *, joint: bool = False) -> EffectMode | None:
    """Return the mode of the effects; with `joint` of coefficients and effects. None where there is no density.

    Newton steps, halved until they climb. Where the density is not concave, each row counts as if its own were.
    """
    columns, penalty = model.system(joint=joint)
    base, step = start, np.zeros_like(start)
    best, eta = -np.inf, model.eta
    for _ in range(_ROUNDS):
        place = base + step
        eta = model.eta + columns @ place
        value = float(np.sum(model.rows.log_density(eta)) - 0.5 * penalty @ place**2)
        if not np.isfinite(value) and best == -np.inf:
            return None
        if not value >= best - _ROUNDING * abs(best):
            step = 0.5 * step
            continue
        base, best = place, value
        gradient = columns.T @ model.rows.score(eta) - penalty * place
        solve, size = solver(columns, observed_information(model.rows, eta), penalty)
        if not np.isfinite(size):  # not concave here
            solve, _ = solver(columns, positive_information(model.rows, eta), penalty)
        step = solve(gradient)
        if model.rows.quadratic or step @ gradient < _DECREMENT:
            # Determinants follow an error of the mode to first order, the density to second.
            base = base + step
            break
    eta = model.eta + columns @ base
    return EffectMode(base, eta, float(np.sum(model.rows.log_density(eta)) - 0.5 * penalty @ base**2))


def positive_information(rows: RowLikelihood, eta: Array) -> Array:
    """Return the size of the observed information of each row, with which steps climb."""
    found = np.abs(observed_information(rows, eta))
    return np.maximum(found, 1e-8 * np.max(found, initial=0.0))


def observed_information(rows: RowLikelihood, eta: Array) -> Array:
    """Return the observed information of each row: under links with a unit scores bend over this unit."""
    return rows.expected_information(eta) if rows.quadratic else rows.observed_information(eta, rows.link.unit)


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
    weight = model.rows.expected_information(mode.eta) if expected else observed_information(model.rows, mode.eta)
    columns, penalty = model.system(joint=restricted)
    flat = model.population.shape[1] if restricted else 0
    return mode.value - 0.5 * solver(columns, weight, penalty)[1] + 0.5 * flat * np.log(2.0 * np.pi)


def solver(columns: Any, weight: Array, penalty: Array) -> tuple[Any, float]:
    """Return what solves with the precision Z'WZ + diag(penalty), and the logarithm of its determinant.

    The determinant is infinite where the precision is not positive definite: there is no mode.
    """
    from scipy import sparse
    from scipy.sparse import linalg

    if not columns.shape[1]:
        return lambda right: right, 0.0
    precision = (columns.T @ columns.multiply(weight[:, None]) + sparse.diags_array(penalty)).tocsc()
    try:
        factor = linalg.splu(
            precision, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )
    except RuntimeError:  # singular
        return lambda right: np.zeros_like(right), np.inf
    diagonal = factor.U.diagonal()
    return factor.solve, float(np.sum(np.log(diagonal))) if np.all(diagonal > 0.0) else np.inf


def working_model(model: ConditionalModel, eta: Array) -> ConditionalModel:
    """Return the normal model that rows are replaced by around predictors: working responses with known variances."""
    weight = model.rows.expected_information(eta)
    response = eta + model.rows.score(eta) / weight
    return replace(model, rows=_NormalRows(response, weight))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _NormalRows:
    """Normal rows with known precisions: what `find_effect_mode` and `laplace` read of a `RowLikelihood`."""

    response: Array
    weight: Array
    quadratic: ClassVar[bool] = True

    def log_density(self, eta: Array) -> Array:
        return 0.5 * np.log(self.weight / (2.0 * np.pi)) - 0.5 * self.weight * (self.response - eta) ** 2

    def score(self, eta: Array) -> Array:
        return self.weight * (self.response - eta)

    def expected_information(self, eta: Array) -> Array:
        return self.weight
