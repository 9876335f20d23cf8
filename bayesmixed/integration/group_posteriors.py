"""The law of one group's effects given its data and all else: variance, shrinkage factor, best value."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families import Family, Values
from bayesmixed.information import has_no_inverse, information_in_predictor, mean_inside, score_in_predictor
from bayesmixed.links import Array, Link

Index = NDArray[np.intp]

NODES = 31
_NEAR = 0.05
_HALVINGS = 30


def conditional_variance(covariance: Array, information: Array) -> Array:
    """Return (Sigma^-1 + W)^-1 for stacked (..., K, K) covariances and information matrices W = Z' I Z.

    Written without the inverse of Sigma, so that SDs of zero and correlations of one are ordinary points.
    """
    size = covariance.shape[-1]
    return np.asarray(np.linalg.solve(np.eye(size) + covariance @ information, covariance))


def shrinkage_factors(covariance: Array, information: Array) -> Array:
    """Return 1 - Var(u_k | y) / Sigma_kk for every column, (..., K): 0 no information, 1 no shrinkage.

    The exact factor of a Gaussian model, an approximation otherwise (Gelman & Hill 2007, sections 12 and 21). The
    diagonal of the matrix `shrinkage_matrix` is no such factor: it can leave [0, 1].
    """
    variance = np.diagonal(conditional_variance(covariance, information), axis1=-2, axis2=-1)
    prior = np.diagonal(covariance, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(prior > 0, 1.0 - variance / prior, 0.0))


def shrinkage_matrix(covariance: Array, information: Array) -> Array:
    """Return I - Var(u | y) Sigma^-1 = Sigma W (I + Sigma W)^-1; its trace is the group's effective number of effects."""
    size = covariance.shape[-1]
    product = covariance @ information
    return np.asarray(product @ np.linalg.inv(np.eye(size) + product))


def group_sums(values: Array, order: Index, starts: Index) -> Array:
    """Return sums over the rows of each group along the last axis; `order` sorts rows by group."""
    return np.asarray(np.add.reduceat(values[..., order], starts, axis=-1))


def scalar_shrinkage(
    family: Family,
    link: Link,
    response: Array,
    trials: Array,
    others: Array,
    values: Values,
    z: Array,
    index: Index,
    sd: Array,
    multiplicity: Array | float = 1.0,
) -> Array:
    """Return the exact factor 1 - Var(u_j | y, theta) / tau^2 of scalar effects, by adaptive Gauss-Hermite quadrature.

    Parameters
    ----------
    response, trials, z, index : (n,) arrays
        Data, column and group of each row; every group has a row.
    others : (S, n) array
        Linear predictor without this effect, for S draws.
    values : mapping
        Other parameters of the family, arrays that broadcast against (S, n).
    sd : (S,) array
        SD tau of the effects.
    multiplicity : (n,) array or float
        What multiplies the log-likelihood of each row.

    Returns
    -------
    (S, J) array
        It can be negative where the log-density is not concave in the predictor.
    """
    order = np.argsort(index, kind="stable")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(index[order])) + 1])
    first = family.parameters[0].name
    tau2 = np.maximum(sd[:, None] ** 2, 1e-300)

    def at(effect: Array) -> Array:
        return np.asarray(others + z * effect[:, index])

    def score(effect: Array) -> Array:
        found = multiplicity * score_in_predictor(family, link, response, at(effect), values, trials) * z
        return group_sums(found, order, starts) - effect / tau2

    def curvature(effect: Array) -> Array:
        found = multiplicity * information_in_predictor(family, link, at(effect), values, trials) * z**2
        return group_sums(found, order, starts) + 1.0 / tau2

    def fit(effect: Array) -> Array:
        eta = at(effect)
        logs = family.logp(response, {**values, first: mean_inside(link, eta)}, trials)
        return group_sums(np.where(has_no_inverse(link, eta), -np.inf, multiplicity * logs), order, starts)

    def move(effect: Array, step: Array) -> Array:
        """Return the effects after a step, halved where it would leave a row without a density."""
        for _ in range(_HALVINGS if np.isfinite(link.lowest) else 0):
            lost = group_sums(has_no_inverse(link, at(effect + step)).astype(float), order, starts) > 0
            if not lost.any():
                break
            step = np.where(lost, 0.5 * step, step)
        return effect + step

    start = np.zeros((len(sd), len(starts)))
    effect, precision = _modes(score, curvature, move, start, sd[:, None])
    points, weights = np.polynomial.hermite_e.hermegauss(NODES)
    spread = 1.0 / np.sqrt(precision)
    logs = np.empty((NODES, *effect.shape))
    for node, (point, weight) in enumerate(zip(points, weights, strict=True)):
        moved = effect + spread * point
        logs[node] = fit(moved) - 0.5 * moved**2 / tau2 + 0.5 * point**2 + np.log(weight)
    mass = np.exp(logs - logs.max(axis=0))
    mass /= mass.sum(axis=0)
    mean = np.tensordot(points, mass, axes=(0, 0))
    variance = np.tensordot(points**2, mass, axes=(0, 0)) - mean**2
    return np.asarray(1.0 - variance * spread**2 / tau2)


def _modes(
    score: Callable[[Array], Array],
    curvature: Callable[[Array], Array],
    move: Callable[[Array, Array], Array],
    effect: Array,
    sd: Array,
) -> tuple[Array, Array]:
    """Return modes (S, J) and expected curvatures there, by damped Fisher scoring from `effect`."""
    precision, moving = np.ones_like(effect), True
    limit, unit = 2.0 * sd, np.maximum(sd, 1e-150)
    for _ in range(60):
        if moving:
            precision = curvature(effect)
        step = score(effect) / precision
        effect = move(effect, np.clip(step, -limit, limit))
        # The information of some families is a long sum; near the mode the last one serves.
        moving = bool(np.any(np.abs(step) > _NEAR * unit))
        if np.all(np.abs(step) <= 1e-8 * unit):
            break
    return effect, precision
