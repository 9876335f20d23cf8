"""Coefficients without a finite maximum: those along which the likelihood of no row ever falls."""

import numpy as np

from bayesmixed.estimation.conditional_models import ConditionalModel
from bayesmixed.families.links import Array
from bayesmixed.parameter_keys import INTERCEPT

_FAR, _LOOSE, _MOVES = 30.0, 5.0, 1e-7
"""Predictors far out, and standard errors in predictors that are looked at, in units of the link; what moves none."""


def separated_coefficients(model: ConditionalModel, errors: Array) -> tuple[str, ...]:
    """Return the labels of coefficients of the first parameter that have no finite maximum of the likelihood.

    Where rows are best served by a predictor at one end, as successes and failures are, a direction of the coefficients that
    moves all of them towards their ends, and no other row at all, climbs without end (Albert & Anderson 1984, Biometrika
    71:1; found by linear programming as in Konis 2007). Effects can stay where they are meanwhile.

    Parameters
    ----------
    model : ConditionalModel
        Where the search ended.
    errors : (p,) array
        Standard errors there of coefficients that are not fixed, NaN where there are none: large ones start the search.
    """
    from scipy.optimize import linprog

    predictor, population = model.parameters.design.mu, model.parameters.population
    unit = predictor.link.unit
    size = np.max(np.abs(population), axis=0, initial=0.0)
    if not unit or model.quadratic or np.all(errors * size < _LOOSE * unit):
        return ()
    far = np.full(len(model.eta), _FAR * unit)
    low, high = (model.derivatives(sign * far)[:, 1] for sign in (-1.0, 1.0))
    up, down = (low >= 0.0) & (high >= 0.0), (low <= 0.0) & (high <= 0.0)
    size = np.where(size > 0.0, size, 1.0)
    columns = population / size
    if model.parameters.design.family.cuts:  # thresholds are its intercept
        columns = np.column_stack([columns, np.ones(len(columns))])
    still = np.unique(columns[~(up | down)], axis=0)
    if np.linalg.matrix_rank(still) == columns.shape[1]:
        return ()
    moving = np.unique(np.concatenate([columns[up & ~down], -columns[down & ~up]]), axis=0)
    found = linprog(
        -moving.sum(axis=0),
        A_ub=-moving,
        b_ub=np.zeros(len(moving)),
        A_eq=still,
        b_eq=np.zeros(len(still)),
        bounds=(-1, 1),
    )
    if found.x is None or not -found.fun > _MOVES * len(moving):
        return ()
    change = np.zeros(len(predictor.keys))
    change[model.parameters.free] = found.x[: len(size)] / size
    written = predictor.transform @ change
    reach = np.abs(written) * np.max(np.abs(predictor.population.matrix), axis=0)
    labels = [label for label, moved in zip(predictor.population.labels, reach, strict=True) if moved > 1e-6]
    return tuple(label for label in labels if label != INTERCEPT) or tuple(labels)
