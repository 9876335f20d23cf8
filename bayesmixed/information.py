"""What rows say about their linear predictor: score and expected information, at and near the border of its link."""

from typing import Any

import numpy as np

from bayesmixed.families import Family, Values
from bayesmixed.links import Array, Link

_STEP = 1e-6
"""Share of the largest predictor that others keep from where a link has no inverse."""


def keep_inside(link: Link, eta: Array) -> Array:
    """Return linear predictors kept where the inverse of the link and its powers are numbers off the border."""
    if np.isfinite(link.lowest):
        return np.maximum(eta, link.lowest + _STEP * max(float(np.max(np.abs(eta), initial=0.0)), 1e-100))
    return np.clip(eta, *link.reach)


def has_no_inverse(link: Link, eta: Array) -> Any:
    """Return whether each linear predictor lies where the link has no inverse, so that no row has a density there."""
    return np.less_equal(eta, link.lowest)


def mean_inside(link: Link, eta: Array) -> Array:
    """Return the inverse link, kept off the border, where densities, information and score are not finite."""
    return link.inverse(keep_inside(link, eta))


def score_in_predictor(family: Family, link: Link, y: Any, eta: Array, values: Values, trials: Any) -> Array:
    """Return the derivative of the log-density in the linear predictor of the first parameter, as large as `eta`.

    `values` are the other parameters.
    """
    inside = keep_inside(link, eta)
    moved = {**values, family.parameters[0].name: link.inverse(inside)}
    return np.broadcast_to(family.score(y, moved, trials) * link.derivative(inside), np.shape(eta))


def information_in_predictor(family: Family, link: Link, eta: Array, values: Values, trials: Any) -> Array:
    """Return the expected information about the linear predictor of the first parameter, as large as `eta`.

    That about the parameter times its squared slope. `values` are the other parameters.
    """
    inside = keep_inside(link, eta)
    moved = {**values, family.parameters[0].name: link.inverse(inside)}
    with np.errstate(all="ignore"):
        found = family.information(moved, trials) * np.square(link.derivative(inside))
    # Differences of nearly equal numbers near the border may fall below zero.
    return np.broadcast_to(np.maximum(found, 0.0), np.shape(eta))
