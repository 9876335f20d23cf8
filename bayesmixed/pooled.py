"""The complete-pooling fit: posterior mode of the population part alone, by Fisher scoring."""

from dataclasses import dataclass

import numpy as np

from bayesmixed.design import Design, Predictor
from bayesmixed.links import Array


@dataclass(frozen=True, slots=True)
class PooledFit:
    """Posterior mode of a model without group effects.

    Attributes
    ----------
    beta : (p,) array
        Coefficients as written.
    values : dict
        Parameters of the family at the mode: (n,) arrays or numbers.
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
    scale is the root mean squared residual, other parameters are at the median of their prior.

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
    y, trials = np.asarray(design.response), design.trials
    for _ in range(50):
        values[first] = mean_inside(predictor, eta)
        if family.scale:
            values[family.scale] = np.asarray(max(residual_scale(design, y - values[first]), 1e-12))
        slope = predictor.link.derivative(eta)
        inside = design.in_rows(values)
        information = design.weigh(family.information(inside, trials) * slope**2)
        score = design.weigh(family.score(y, inside, trials) * slope)
        step = np.linalg.lstsq(
            matrix.T @ (information[:, None] * matrix) + np.diag(precision),
            matrix.T @ score - precision * (beta - location),
            rcond=None,
        )[0]
        step *= min(
            1.0, 5.0 / max(float(np.max(np.abs(matrix @ step), initial=0.0)) / (predictor.link.unit or np.inf), 5.0)
        )
        beta = beta + step
        eta = shift + matrix @ beta
        if np.max(np.abs(matrix @ step), initial=0.0) < 1e-10 * (1.0 + np.max(np.abs(eta))):
            break
    information = np.maximum(np.broadcast_to(information, eta.shape), 1e-12)
    return PooledFit(predictor.transform @ beta, values, information, score / information)


def residual_scale(design: Design, residual: Array, used: float = 0.0) -> float:
    """Return the root mean squared residual, rows weighted, `used` degrees of freedom taken off."""
    squares = residual**2 if design.weights is None else design.weights * residual**2
    count = len(residual) if design.multiplicity is None else float(np.sum(design.multiplicity))
    return float(np.sqrt(np.sum(squares) / max(count - used, 1.0)))


def mean_inside(predictor: Predictor, eta: Array) -> Array:
    """Return the inverse link, kept off the border where information and score are not finite."""
    mean = predictor.link.inverse(eta)
    if predictor.link.tolerance_variance is not None:
        return np.clip(mean, 1e-12, 1.0 - 1e-12)
    return np.asarray(mean)


def normal_priors(design: Design, predictor: Predictor) -> tuple[Array, Array]:
    """Return location and precision of normal laws like the priors of the coefficients at the centre, each (p,)."""
    location, precision = [], []
    for label in predictor.population.labels:
        key = f"{predictor.beta}[{label}]"
        prior = design.priors[key if key in design.priors else f"{predictor.beta}[{label}_centred]"].prior
        if prior.name == "Fixed":
            location.append(prior.arguments[0])
            precision.append(1e12)
            continue
        low, middle, high = prior.frozen().ppf([0.16, 0.5, 0.84])
        location.append(float(middle))
        precision.append(float(4.0 / (high - low) ** 2))
    return np.array(location), np.array(precision)


def _central_value(design: Design, name: str) -> Array:
    parameter = design.family.parameter(name)
    if name in design.priors:
        prior = design.priors[name].prior
        value = prior.arguments[0] if prior.name == "Fixed" else float(prior.frozen().ppf(0.5))
        return np.asarray(max(value, parameter.lower + 1e-3))
    predictor = design.predictors[name]
    location, _ = normal_priors(design, predictor)
    return np.asarray(predictor.link.inverse(predictor.centred_matrix @ location + predictor.offset))
