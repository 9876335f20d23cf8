"""The complete-pooling fit: posterior mode of the population part alone, by Fisher scoring."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayesmixed.design.default_priors import group_unit
from bayesmixed.design.design import Design
from bayesmixed.design.row_likelihoods import keep_inside, likelihood_of_rows
from bayesmixed.design.thresholds import match_thresholds, threshold_quantile
from bayesmixed.families.links import Array, Link
from bayesmixed.terms.predictors import Predictor

REFRESHED = (1, 2, 4, 8, 16, 32)
"""Rounds of scoring after which the parameters after the first are fitted again."""
_REACH = 4.0
_CERTAIN = 1e12
"""Precision of a coefficient that is fixed, where its column and the predictor are of size 1."""


@dataclass(frozen=True, slots=True)
class PooledFit:
    """Posterior mode of a model without group effects.

    Attributes
    ----------
    beta : (p,) array
        Coefficients as written.
    values : dict
        Parameters of the family at the mode: (n,) arrays or numbers; thresholds at the centre of the columns.
    information, residual : (n,) array
        Expected information about the linear predictor of each row, and its working residual.
    """

    beta: Array
    values: dict[str, Array]
    information: Array
    residual: Array


def fit_pooled(design: Design, offset: Array | None = None) -> PooledFit:
    """Return the mode of the population coefficients of the first parameter, all group effects left out.

    The priors of the coefficients enter as normals of the same sd, so that separation does no harm; a residual
    scale is the root mean squared residual, other parameters are at their mode given the coefficients.

    Parameters
    ----------
    design : Design
        With a response.
    offset : (n,) array, optional
        Added to the predictor's own offset.
    """
    predictor, family = design.mu, design.family
    first = family.parameters[0].name
    matrix = predictor.centred_matrix
    shift = predictor.offset + (0.0 if offset is None else offset)
    location, precision = normal_priors(design, predictor)
    beta = location.copy()
    values = {name: _central_value(design, name) for name in (p.name for p in family.parameters[1:])}
    eta = shift + matrix @ beta
    y = np.asarray(design.response)
    size = (float(np.max(np.abs(family.working(y)), initial=0.0)) if family.scale else 0.0) or 1.0
    for number in range(50):
        values[first] = predictor.link.inverse(keep_inside(predictor.link, eta))
        if number in REFRESHED:
            values |= further_modes(design, values)
        if family.scale:
            residual = family.working(y) - values[first]
            least = residual_scale(design, np.full(len(y), 1e-12 * size))
            values[family.scale] = np.asarray(max(residual_scale(design, residual), least))
        rows = likelihood_of_rows(design, values, rough=True)
        information, score = rows.expected_information(eta), rows.score(eta)
        curvature = matrix.T @ (information[:, None] * matrix) + np.diag(precision)
        unit = np.sqrt(np.diagonal(curvature))
        unit = np.where(unit > 0.0, unit, 1.0)
        pull = (matrix.T @ score - precision * (beta - location)) / unit
        step = np.linalg.lstsq(curvature / np.outer(unit, unit), pull, rcond=None)[0] / unit
        step *= min(
            1.0, 5.0 / max(float(np.max(np.abs(matrix @ step), initial=0.0)) / (predictor.link.unit or np.inf), 5.0)
        )
        beta = beta + step
        eta = shift + matrix @ beta
        if np.max(np.abs(matrix @ step), initial=0.0) < 1e-10 * ((predictor.link.unit or 0.0) + np.max(np.abs(eta))):
            break
    information = np.maximum(information, 1e-12 * np.max(information))
    return PooledFit(predictor.transform @ beta, values, information, score / information)


def residual_scale(design: Design, residual: Array, used: float = 0.0) -> float:
    """Return the root mean squared residual, rows weighted, `used` degrees of freedom taken off."""
    squares = residual**2 if design.weights is None else design.weights * residual**2
    count = len(residual) if design.observed.multiplicity is None else float(np.sum(design.observed.multiplicity))
    return float(np.sqrt(np.sum(squares) / max(count - used, 1.0)))


def further_modes(design: Design, values: Mapping[str, Array]) -> dict[str, Array]:
    """Return the parameters after the first, but a residual scale, each at its mode given all others.

    A modelled parameter is moved as a whole, by the intercept of its predictor.
    """
    from scipy.optimize import minimize_scalar

    family, found = design.family, dict(values)
    y, trials = np.asarray(design.response), design.trials
    for parameter in family.parameters[1:]:
        name, link = parameter.name, parameter.link_record()
        if (
            parameter.cut
            or parameter.onset
            or parameter.relative
            or parameter.of_cut
            or name == family.scale
            or (name in design.scalars and design.scalar_prior(name)[1].name == "Fixed")
        ):
            continue
        start = link.forward(found[name])

        def loss(step: float, name: str = name, link: Link = link, start: Array = start) -> float:
            moved = link.inverse(start + step)
            density = np.sum(design.observed.weigh(family.logp(y, design.in_rows({**found, name: moved}), trials)))
            return -float(density + _log_prior(design, name, moved))

        best = minimize_scalar(loss, bounds=(-_REACH, _REACH), method="bounded", options={"xatol": 0.01})
        if np.isfinite(best.fun):
            found[name] = link.inverse(start + best.x)
    if family.cuts:
        found |= dict(zip(family.cuts, match_thresholds(design, found[design.mu.parameter]), strict=True))
    return {name: value for name, value in found.items() if name != family.parameters[0].name}


def _log_prior(design: Design, name: str, value: Array) -> float:
    if name not in design.scalars:
        return 0.0
    function, prior = design.scalar_prior(name)
    return float(np.squeeze(prior.frozen().logpdf(function.forward(value))))


def normal_priors(design: Design, predictor: Predictor) -> tuple[Array, Array]:
    """Return location and precision of normal distributions like the priors of the coefficients at the centre, each (p,)."""
    location, precision = [], []
    for column, prior in zip(predictor.centred_matrix.T, design.coefficient_priors(predictor), strict=True):
        if prior.name == "Fixed":
            location.append(prior.arguments[0])
            precision.append(_CERTAIN * (np.mean(column**2) or 1.0) / group_unit(design, predictor) ** 2)
            continue
        low, middle, high = prior.frozen().ppf([0.16, 0.5, 0.84])
        location.append(float(middle))
        precision.append(float(4.0 / (high - low) ** 2))
    return np.array(location), np.array(precision)


def _central_value(design: Design, name: str) -> Array:
    parameter = design.family.parameter(name)
    if parameter.cut:
        return np.asarray(threshold_quantile(design, 0.5)[design.family.cuts.index(name)])
    if name in design.scalars:
        function, prior = design.scalar_prior(name)
        value = prior.arguments[0] if prior.name == "Fixed" else float(prior.frozen().ppf(0.5))
        natural = float(function.inverse(value))
        if parameter.onset and prior.name != "Fixed":
            return np.asarray(0.5 * np.min(np.asarray(design.response)))
        inside = natural if natural < parameter.upper else parameter.upper - 1e-3
        return np.asarray(inside if inside > parameter.lower else parameter.lower + 1e-3)
    predictor = design.predictors[name]
    location, _ = normal_priors(design, predictor)
    return np.asarray(predictor.link.inverse(predictor.centred_matrix @ location + predictor.offset))
