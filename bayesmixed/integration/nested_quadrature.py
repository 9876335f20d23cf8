"""Integrals over nested normal effects, by adaptive Gauss-Hermite quadrature in every set of every layer."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import special

from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.gauss_hermite import ADAPTIVE_NODES, INNER_NODES, check_ratios
from bayesmixed.integration.layers import Integers, Layer, sum_rows
from bayesmixed.integration.modes import find_modes, moments_at, nodes_around
from bayesmixed.terms.block_parts import lies_in

Etas = dict[str, Array]
RowLogs = Callable[[Etas], Array]
Centres = dict[int, Array]

NOWHERE = -1e10
"""Log-density where there is none."""
LOST = 1e3
"""Nats by which an integral may be off whose mode was not found."""
TOLERANCE = 1e-3
"""Nats by which the log-density of a set may be off."""
SHRINKING = 4.0
"""By what the larger of two changes with ever more nodes is multiplied to bound the error that remains."""
SURE = 2e-3
"""Change of an integral by `check_ratios` at which it is right to 1e-3 nats, and mostly to 1e-5."""
_DIFFERENCE, _SHARE, _ROUNDING, _SHORTENED = 0.01, 0.3, 1e-8, 20
"""The longest step of differences, what share of an SD it may be, of a value in second differences, times it is shortened."""


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
    return np.asarray(special.logsumexp([visit.log for visit in visits], axis=0))


def integrate_doubting(
    rows: RowLogs, etas: Etas, layers: Sequence[Layer], near: Centres | None = None, *, nodes: int | None = None
) -> tuple[Array, Array]:
    """Return what `integrate` does, and by how many nats it may be off, (S, J); rows have an attribute `doubts` where they are
    integrals themselves."""
    if not layers:
        found = rows(etas)
        return found, np.broadcast_to(getattr(rows, "doubts", 0.0), found.shape)
    visits = list(_visit(rows, etas, layers, {} if near is None else near, nodes, doubting=True))
    logs = np.array([visit.log for visit in visits])
    highest = np.max(logs, axis=0)
    mass = np.exp(logs - highest)
    total = np.sum(mass, axis=0)
    mass /= total
    width = layers[0].width
    ratios = check_ratios(round(len(visits) ** (1.0 / width)), width)
    doubt = doubt_of(np.max(np.abs(np.tensordot(ratios, mass, 1) - 1.0), axis=0))
    for own, visit in zip(mass, visits, strict=True):
        doubt += own * visit.doubt
    return highest + np.log(total), doubt


def doubt_of(change: Array) -> Array:
    """Return by how many nats a sum may be off that `check_ratios` change by some share at most."""
    return np.asarray(TOLERANCE * np.square(change / SURE))


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
    mass = special.softmax([visit.log for visit in visits], axis=0)
    parts = (
        own[:, sets] * average(rows, visit.moved, layers[1:], what, at) for own, visit in zip(mass, visits, strict=True)
    )
    return np.asarray(sum(parts))


def moments(rows: RowLogs, etas: Etas, layers: Sequence[Layer]) -> tuple[Array, Array]:
    """Return mean (S, J, K) and covariance (S, J, K, K) of the first layer's standardised effects given the rows."""
    visits = list(_visit(rows, etas, layers, {}))
    mass = special.softmax([visit.log for visit in visits], axis=0)
    return moments_at(mass, np.array([visit.effects for visit in visits]))


class _Visit(NamedTuple):
    """One node: the logarithm of its part of the integral, (S, J), the effects (S, J, K), the predictors there, and by how many
    nats the integrals inside may be off."""

    log: Array
    effects: Array
    moved: Etas
    doubt: Array | float


def _visit(
    rows: RowLogs,
    etas: Etas,
    layers: Sequence[Layer],
    near: Centres,
    nodes: int | None = None,
    *,
    doubting: bool = False,
) -> Iterator[_Visit]:
    """Yield each node."""
    layer, inner = layers[0], layers[1:]
    inside = layer.index if not inner else lies_in(inner[0].index, layer.index)

    def logs(z: Array) -> Array:
        return sum_rows(integrate(rows, _move(etas, layer, z), inner, near, nodes=nodes), inside)

    shape = (len(next(iter(etas.values()))), int(layer.index.max()) + 1, layer.width)
    start = near.setdefault(len(layers), np.zeros(shape))
    modes = find_modes(Shape(logs, shape), start)
    near[len(layers)] = modes.place
    outermost = max(near) == len(layers)
    usual = (ADAPTIVE_NODES if outermost or doubting else INNER_NODES)[layer.width]
    lost = np.where(modes.found, 0.0, LOST)
    for z, weight in nodes_around(modes, usual if nodes is None else nodes):
        moved, doubt = _move(etas, layer, z), lost
        if doubting:
            found, own = integrate_doubting(rows, moved, inner, near, nodes=nodes)
            found, doubt = sum_rows(found, inside), lost + sum_rows(own, inside)
        else:
            found = sum_rows(integrate(rows, moved, inner, near, nodes=nodes), inside)
        yield _Visit(found - 0.5 * np.sum(z**2, axis=-1) + weight, z, moved, doubt)


class Shape:
    """Value (S, J) and gradient (S, J, K) of logs - z'z / 2, and the identity minus the concave part of the Hessian of logs (S,
    J, K, K), by differences whose steps are small beside the SD of the density."""

    def __init__(self, logs: Callable[[Array], Array], shape: tuple[int, ...]) -> None:
        self.logs, self.steps = logs, np.full(shape, _DIFFERENCE)

    def __call__(self, z: Array) -> tuple[Array, Array, Array]:
        """Return these at a place (S, J, K)."""
        value, gradient, bend = self._differences(z)
        for _ in range(_SHORTENED):
            steps = self.steps
            precision = np.diagonal(bend, axis1=-2, axis2=-1)
            # Shorter ones would lose the second differences in the rounding of the value.
            known = np.maximum(_SHARE**2, _ROUNDING * np.abs(value))[..., None]
            self.steps = np.minimum(_DIFFERENCE, np.sqrt(known / precision))
            if not np.any(steps > 2.0 * self.steps):
                break
            value, gradient, bend = self._differences(z)
        return value, gradient, bend

    def _differences(self, z: Array) -> tuple[Array, Array, Array]:
        width, logs, h = z.shape[-1], self.logs, self.steps
        steps = [h[..., k : k + 1] * np.eye(width)[k] for k in range(width)]
        value = logs(z)
        up, down = [logs(z + e) for e in steps], [logs(z - e) for e in steps]
        gradient = np.stack([u - d for u, d in zip(up, down, strict=True)], axis=-1) / (2.0 * h)
        hessian = np.empty((*z.shape, width))
        for k in range(width):
            hessian[..., k, k] = (up[k] - 2.0 * value + down[k]) / h[..., k] ** 2
            for m in range(k):
                both = logs(z + steps[k] + steps[m]) - up[k] - up[m] + value
                hessian[..., k, m] = hessian[..., m, k] = both / (h[..., k] * h[..., m])
        values, vectors = np.linalg.eigh(-hessian)
        concave = (vectors * np.maximum(values, 0.0)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
        return value - 0.5 * np.sum(z**2, axis=-1), gradient - z, np.eye(width) + concave


def _move(etas: Etas, layer: Layer, z: Array) -> Etas:
    moved, at = dict(etas), 0
    for source in layer.sources:
        source.move(moved, z[..., at : at + source.width], layer.index)
        at += source.width
    return moved
