"""Integrals over nested normal effects, by adaptive Gauss-Hermite quadrature in every set of every layer."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product

import numpy as np
from scipy import sparse, special

from bayesmixed.errors import SpecError
from bayesmixed.integration.layers import Integers, Layer
from bayesmixed.links import Array

Etas = dict[str, Array]
RowLogs = Callable[[Etas], Array]
Centres = dict[int, Array]

NODES = {1: 15, 2: 9, 3: 7}
"""Nodes in each direction, by the number of effects of a set."""
_INNER_NODES = {1: 11, 2: 7, 3: 5}
"""The same for sets inside other sets."""
_DIFFERENCE = 0.01
_ROUNDS = 25


def sum_rows(values: Array, index: Integers) -> Array:
    """Return sums over the rows of each set, (..., J), for values (..., n)."""
    n = len(index)
    indicator = sparse.csr_array((np.ones(n), (index, np.arange(n))), shape=(int(index.max()) + 1, n))
    flat = values.reshape(-1, n)
    return np.asarray((indicator @ flat.T).T).reshape(*values.shape[:-1], -1)


def check_layers(layers: Sequence[Layer]) -> None:
    """Refuse layers that quadrature does not reach.

    Raises
    ------
    SpecError
        A set has more than three effects, or the sets of two layers cross each other inside a unit.
    """
    why = explain_refusal(layers)
    if why:
        raise SpecError(f"{why} Use bm.kfold(fit, by=...), which refits instead.")


def explain_refusal(layers: Sequence[Layer]) -> str:
    """Return why quadrature does not reach some layers, "" if it does."""
    for layer in layers:
        if layer.width not in NODES:
            return (
                f"The effects of {' and '.join(layer.names)} are {layer.width} for each level; quadrature integrates at "
                f"most {max(NODES)}."
            )
    for outer, inner in pairwise(layers):
        if len(np.unique(inner.index * (int(outer.index.max()) + 1) + outer.index)) != inner.index.max() + 1:
            return (
                f"Levels of '{'/'.join(outer.names)}' and '{'/'.join(inner.names)}' cross inside one unit, so their "
                "effects cannot be integrated one after the other."
            )
    return ""


def integrate(rows: RowLogs, etas: Etas, layers: Sequence[Layer], near: Centres | None = None) -> Array:
    """Return log E exp(sum of rows) over the effects of all layers, for the sets of the first layer.

    Parameters
    ----------
    rows : callable
        Log-densities of the rows, (S, n), at predictors (S, n).
    layers : sequence of Layer
        Each nested in the one before; none: the rows themselves are the sets.
    near : dict, optional
        Where earlier searches at similar predictors ended, by number of layers; it is kept up to date.

    Returns
    -------
    (S, J) array

    Notes
    -----
    Nodes are centred and scaled at the mode of each set (Pinheiro & Bates 1995, J Comput Graph Stat 4:12), whose
    derivatives are taken by differences, so that any density of the rows will do.
    """
    if not layers:
        return rows(etas)
    visits = _visit(rows, etas, layers, {} if near is None else near)
    return np.asarray(special.logsumexp([log for log, _, _ in visits], axis=0))


def average(
    rows: RowLogs, etas: Etas, layers: Sequence[Layer], what: Callable[[Etas], Array], at: Integers | None = None
) -> Array:
    """Return the expectation of `what` under the law of all effects given the rows.

    Parameters
    ----------
    what : callable
        (M, S, m) values of m rows for predictors (S, n).
    at : (m,) integer array, optional
        Which rows these are; all if not given.

    Returns
    -------
    (M, S, m) array
    """
    if not layers:
        return what(etas)
    visits = list(_visit(rows, etas, layers, {}))
    sets = layers[0].index if at is None else layers[0].index[at]
    mass = special.softmax([log for log, _, _ in visits], axis=0)
    parts = (
        own[:, sets] * average(rows, moved, layers[1:], what, at)
        for own, (_, _, moved) in zip(mass, visits, strict=True)
    )
    return np.asarray(sum(parts))


def moments(rows: RowLogs, etas: Etas, layers: Sequence[Layer]) -> tuple[Array, Array]:
    """Return mean (S, J, K) and covariance (S, J, K, K) of the first layer's standardised effects given the rows."""
    visits = list(_visit(rows, etas, layers, {}))
    mass = special.softmax([log for log, _, _ in visits], axis=0)
    z = np.array([effects for _, effects, _ in visits])
    mean = np.einsum("qsj,qsjk->sjk", mass, z)
    away = z - mean
    return mean, np.einsum("qsj,qsjk,qsjl->sjkl", mass, away, away, optimize=True)


def _visit(rows: RowLogs, etas: Etas, layers: Sequence[Layer], near: Centres) -> Iterator[tuple[Array, Array, Etas]]:
    """Yield each node: the logarithm of its part of the integral, (S, J), the effects (S, J, K), the predictors there."""
    layer, inner = layers[0], layers[1:]
    inside = layer.index if not inner else _parents(inner[0].index, layer.index)

    def logs(z: Array) -> Array:
        return sum_rows(integrate(rows, _move(etas, layer, z), inner, near), inside)

    shape = (len(next(iter(etas.values()))), int(layer.index.max()) + 1, layer.width)
    start = near.setdefault(len(layers), np.zeros(shape))
    centre, spread = _find_modes(logs, start)
    near[len(layers)] = centre
    outermost = max(near) == len(layers)
    points, weights = np.polynomial.hermite_e.hermegauss((NODES if outermost else _INNER_NODES)[layer.width])
    volume = np.linalg.slogdet(spread)[1]
    for node in product(range(len(points)), repeat=layer.width):
        x, weight = points[list(node)], float(np.prod(weights[list(node)]))
        z = centre + spread @ x
        constant = np.log(weight) + 0.5 * float(x @ x) - 0.5 * layer.width * np.log(2.0 * np.pi)
        yield logs(z) - 0.5 * np.sum(z**2, axis=-1) + volume + constant, z, _move(etas, layer, z)


def _find_modes(logs: Callable[[Array], Array], start: Array) -> tuple[Array, Array]:
    """Return the modes (S, J, K) of logs - z'z / 2, and roots (S, J, K, K) of the inverse curvature there."""
    base, step = start, np.zeros_like(start)
    best = np.full(start.shape[:2], -np.inf)
    curvature = np.broadcast_to(np.eye(start.shape[2]), (*start.shape, start.shape[2]))
    for _ in range(_ROUNDS):
        proposed = base + step
        value, gradient, bend = _differentiate(logs, proposed)
        value = value - 0.5 * np.sum(proposed**2, axis=-1)
        better = value >= best
        best = np.where(better, value, best)
        base = np.where(better[..., None], proposed, base)
        curvature = np.where(better[..., None, None], bend, curvature)
        newton = np.linalg.solve(bend, (gradient - proposed)[..., None])[..., 0]
        step = np.where(better[..., None], np.clip(newton, -3.0, 3.0), 0.5 * step)
        if np.all(np.einsum("...k,...kl,...l->...", step, curvature, step) < 1e-3):
            break
    root = np.linalg.inv(np.linalg.cholesky(curvature))
    return base, np.swapaxes(root, -1, -2)


def _differentiate(logs: Callable[[Array], Array], z: Array) -> tuple[Array, Array, Array]:
    """Return value (S, J), gradient (S, J, K), and the identity minus the concave part of the Hessian (S, J, K, K)."""
    width, h = z.shape[-1], _DIFFERENCE
    steps = h * np.eye(width)
    value = logs(z)
    up, down = [logs(z + e) for e in steps], [logs(z - e) for e in steps]
    gradient = np.stack([(u - d) / (2.0 * h) for u, d in zip(up, down, strict=True)], axis=-1)
    hessian = np.empty((*z.shape, width))
    for k in range(width):
        hessian[..., k, k] = (up[k] - 2.0 * value + down[k]) / h**2
        for m in range(k):
            both = logs(z + steps[k] + steps[m])
            hessian[..., k, m] = hessian[..., m, k] = (both - up[k] - up[m] + value) / h**2
    values, vectors = np.linalg.eigh(-hessian)
    return (
        value,
        gradient,
        np.eye(width) + (vectors * np.maximum(values, 0.0)[..., None, :]) @ np.swapaxes(vectors, -1, -2),
    )


def _move(etas: Etas, layer: Layer, z: Array) -> Etas:
    moved, at = dict(etas), 0
    for source in layer.sources:
        width = source.loadings.shape[-1]
        moved[source.parameter] = moved[source.parameter] + source.contribution(z[..., at : at + width], layer.index)
        at += width
    return moved


def _parents(inner: Integers, outer: Integers) -> Integers:
    """Return the outer set of each inner one."""
    parents = np.zeros(int(inner.max()) + 1, dtype=np.intp)
    parents[inner] = outer
    return parents
