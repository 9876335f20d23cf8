"""The distribution of one group's effects given its data and all else: variance, shrinkage factor, best value."""

import numpy as np
from scipy import special

from bayesmixed.design.row_likelihoods import RowLikelihood
from bayesmixed.families.links import Array
from bayesmixed.gauss_hermite import FINE_ADAPTIVE_NODES
from bayesmixed.integration.layers import Integers, sum_rows
from bayesmixed.integration.modes import find_modes, moments_at, nodes_around


def conditional_variance(covariance: Array, information: Array) -> Array:
    """Return (Sigma^-1 + W)^-1 for stacked (..., K, K) covariances and information matrices W = Z' I Z.

    Written without the inverse of Sigma, so that SDs of zero and correlations of one need no special case.
    """
    size = covariance.shape[-1]
    return np.asarray(np.linalg.solve(np.eye(size) + covariance @ information, covariance))


def shrinkage_factors(covariance: Array, information: Array) -> Array:
    """Return 1 - Var(u_k | y) / Sigma_kk for every column, (..., K): 0 no information, 1 no shrinkage.

    The exact factor of a Gaussian model, an approximation otherwise (Gelman & Hill 2007, sections 12 and 21). The
    diagonal of the matrix `shrinkage_matrix` is not such a factor: it can leave [0, 1].
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


def related_variances(relation: Array, covariance: Array, information: Array) -> tuple[Array, Array, Array]:
    """Return the covariances of the effects of each level before and after the data, and its effective number of effects, where
    levels are related: the effects of all levels together have the covariance A x Sigma.

    Parameters
    ----------
    relation : (J, J) array
        A.
    covariance, information : (S, 1, K, K) and (S, J, K, K) arrays
        Sigma of the columns, and W = Z' I Z of each level.

    Returns
    -------
    (S, J, K, K), (S, J, K, K) and (S, J) arrays
    """
    count, width = len(relation), covariance.shape[-1]
    before, after = np.empty((2, len(covariance), count, width, width))
    effective = np.empty((len(covariance), count))
    own = np.arange(count * width).reshape(count, width)
    place = own[:, :, None], own[:, None, :]
    for draw, (sigma, known) in enumerate(zip(covariance[:, 0], information, strict=True)):
        whole, weights = np.kron(relation, sigma), np.zeros((count * width, count * width))
        weights[place] = known
        left = np.linalg.solve(np.eye(count * width) + whole @ weights, whole)
        before[draw], after[draw] = whole[place], left[place]
        effective[draw] = np.einsum("jkl,jlk->j", left[place], known)
    return before, after, effective


def scalar_shrinkage(rows: RowLikelihood, others: Array, z: Array, index: Integers, sd: Array) -> Array:
    """Return the exact factor 1 - Var(u_j | y, theta) / tau^2 of scalar effects, by adaptive Gauss-Hermite quadrature.

    Parameters
    ----------
    rows : RowLikelihood
        Arrays that broadcast against (S, n).
    others : (S, n) array
        Linear predictor without this effect, for S draws.
    z, index : (n,) arrays
        Column and group of each row; every group has a row.
    sd : (S,) array
        SD tau of the effects.

    Returns
    -------
    (S, J) array
        It can be negative where the log-density is not concave in the predictor.
    """
    loadings = sd[:, None] * z

    def at(effects: Array) -> Array:
        return np.asarray(others + loadings * np.take(effects[..., 0], index, axis=1))

    def log_density(effects: Array) -> Array:
        return sum_rows(rows.log_density(at(effects)), index) - 0.5 * effects[..., 0] ** 2

    def gradient(effects: Array) -> Array:
        return sum_rows(rows.score(at(effects)) * loadings, index)[..., None] - effects

    def precision(effects: Array) -> Array:
        return 1.0 + sum_rows(rows.expected_information(at(effects)) * loadings**2, index)[..., None, None]

    start = np.zeros((len(sd), int(index.max()) + 1, 1))
    modes = find_modes(lambda z: (log_density(z), gradient(z), precision(z)), start)
    # The information of some families is a long sum; near the mode the last one is used again.
    modes = find_modes(lambda z: (log_density(z), gradient(z), modes.precision), modes.place, tolerance=1e-14)
    nodes, weights = (np.array(part) for part in zip(*nodes_around(modes, FINE_ADAPTIVE_NODES), strict=True))
    mass = special.softmax([log_density(node) + weight for node, weight in zip(nodes, weights, strict=True)], axis=0)
    return np.asarray(1.0 - moments_at(mass, nodes)[1][..., 0, 0])
