"""Integrals over nested normal effects, by adaptive Gauss-Hermite quadrature in every set of every layer."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from scipy import special

from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.gauss_hermite import ADAPTIVE_NODES, INNER_NODES
from bayesmixed.integration.layers import Integers, Layer, sum_rows
from bayesmixed.integration.modes import find_modes, moments_at, nodes_around
from bayesmixed.terms.block_parts import lies_in

Etas = dict[str, Array]
RowLogs = Callable[[Etas], Array]
Centres = dict[int, Array]

NOWHERE = -1e10
"""Log-density where there is none."""
_DIFFERENCE = 0.01


def check_layers(layers: Sequence[Layer]) -> None:
    """Refuse layers that quadrature cannot integrate.

    Raises
    ------
    SpecError
        A set has more than three effects, or the sets of two layers cross within a unit.
    """
    why = explain_refusal(layers)
    if why:
        raise SpecError(f"{why} Use bm.kfold(fit, by=...), which refits instead.")


def explain_refusal(layers: Sequence[Layer]) -> str:
    """Return why quadrature cannot integrate some layers, "" if it can."""
    for layer in layers:
        if layer.width not in ADAPTIVE_NODES:
            return (
                f"The effects of {' and '.join(dict.fromkeys(layer.names))} are {layer.width} for each level; quadrature "
                f"integrates at most {max(ADAPTIVE_NODES)}."
            )
    for outer, inner in pairwise(layers):
        if len(np.unique(inner.index * (int(outer.index.max()) + 1) + outer.index)) != inner.index.max() + 1:
            return (
                f"Levels of '{'/'.join(outer.names)}' and '{'/'.join(inner.names)}' cross within one unit, so their "
                "effects cannot be integrated one after the other."
            )
    return ""


def integrate(
    rows: RowLogs, etas: Etas, layers: Sequence[Layer], near: Centres | None = None, *, nodes: int | None = None
) -> Array:
    """Return log E exp(sum of rows) over the effects of all layers, for the sets of the first layer.

    Parameters
    ----------
    rows : callable
        Log-densities of the rows, (S, n), at predictors (S, n).
    layers : sequence of Layer
        Each nested in the one before; none: the rows themselves are the sets.
    near : dict, optional
        Where earlier searches at similar predictors ended, by number of layers; updated here.
    nodes : int, optional
        Number in each direction, in place of the default.

    Returns
    -------
    (S, J) array

    Notes
    -----
    Nodes are centred and scaled at the mode of each set (Pinheiro & Bates 1995, J Comput Graph Stat 4:12), whose
    derivatives are taken by differences, so that any density of the rows is allowed.
    """
    if not layers:
        return rows(etas)
    visits = _visit(rows, etas, layers, {} if near is None else near, nodes)
    return np.asarray(special.logsumexp([log for log, _, _ in visits], axis=0))


def average(
    rows: RowLogs, etas: Etas, layers: Sequence[Layer], what: Callable[[Etas], Array], at: Integers | None = None
) -> Array:
    """Return the expectation of `what` under the distribution of all effects given the rows.

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
    return moments_at(mass, np.array([effects for _, effects, _ in visits]))


def _visit(
    rows: RowLogs, etas: Etas, layers: Sequence[Layer], near: Centres, nodes: int | None = None
) -> Iterator[tuple[Array, Array, Etas]]:
    """Yield each node: the logarithm of its part of the integral, (S, J), the effects (S, J, K), the predictors there."""
    layer, inner = layers[0], layers[1:]
    inside = layer.index if not inner else lies_in(inner[0].index, layer.index)

    def logs(z: Array) -> Array:
        return sum_rows(integrate(rows, _move(etas, layer, z), inner, near, nodes=nodes), inside)

    shape = (len(next(iter(etas.values()))), int(layer.index.max()) + 1, layer.width)
    start = near.setdefault(len(layers), np.zeros(shape))
    modes = find_modes(lambda z: shape_of_logs(logs, z), start)
    near[len(layers)] = modes.place
    outermost = max(near) == len(layers)
    usual = (ADAPTIVE_NODES if outermost else INNER_NODES)[layer.width]
    for z, weight in nodes_around(modes, usual if nodes is None else nodes):
        yield logs(z) - 0.5 * np.sum(z**2, axis=-1) + weight, z, _move(etas, layer, z)


def shape_of_logs(logs: Callable[[Array], Array], z: Array) -> tuple[Array, Array, Array]:
    """Return value (S, J) and gradient (S, J, K) of logs - z'z / 2, and the identity minus the concave part of the Hessian
    of logs (S, J, K, K), by differences."""
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
    concave = (vectors * np.maximum(values, 0.0)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return value - 0.5 * np.sum(z**2, axis=-1), gradient - z, np.eye(width) + concave


def _move(etas: Etas, layer: Layer, z: Array) -> Etas:
    moved, at = dict(etas), 0
    for source in layer.sources:
        source.move(moved, z[..., at : at + source.width], layer.index)
        at += source.width
    return moved
