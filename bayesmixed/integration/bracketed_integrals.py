"""Integrals over nested normal effects one direction at a time, between places that bound their mass: slow, but at any SD.

Where an effect has a large SD, densities are cut off within a small part of it, so that no rule around a mode by its curvature
serves. Where rows are log-concave in the effects, integrals over some of these are in the others (Prékopa 1973): along each
direction there is one mode, and mass falls ever faster away from it. Where they are not, the innermost has more nodes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from bayesmixed.families.links import Array
from bayesmixed.integration.layers import Integers, Layer, Source
from bayesmixed.integration.nested_quadrature import TOLERANCE, Etas, RowLogs
from bayesmixed.terms.block_parts import lies_in

EVALUATIONS = 130
"""About how often each direction is looked at."""
_LEAST, _MOST = 25.0, 50.0
"""How far the log-density falls from the mode to either end."""
_FLAT = 0.05
"""How far below the largest log-density the middle of the rule may be."""
_GOLDEN = 0.381966
_ROUNDS, _ROUNDING, _SHORTEST = 200, 1e-12, 1e-9
_NODES, _MANY_NODES, _ENDS = 41, 321, 2.5
"""Nodes to either side, and where log-densities are not concave; the rule is cut off at these places."""
_COARSE = 0.05
"""What share of the change by half as many nodes an integral may be off, where log-densities are concave."""
_BENT = 0.01
"""By what share slopes of concave functions may rise by rounding."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One effect of each set of a partition of the rows: their sets, the effect, how sets of the line inside lie in these."""

    index: Integers
    source: Source
    within: sparse.csr_array | None


def integrate_bracketed(rows: RowLogs, etas: Etas, layers: Sequence[Layer]) -> tuple[Array, Array]:
    """Return log E exp(sum of rows) over the effects of nested layers, for the sets of the first, (S, J), and by how many nats it
    may be off.

    Parameters
    ----------
    rows : callable
        Log-densities of the rows, (S, n), at predictors (S, n).
    """
    lines = list[_Line]()
    for layer in reversed(layers):
        for source in reversed(layer.sources):
            for column in range(source.width - 1, -1, -1):
                others = {name: own[..., [column]] for name, own in source.others.items()}
                one = Source(source.parameter, source.loadings[..., [column]], others)
                lines.insert(0, _Line(layer.index, one, _sets_inside(lines, layer.index)))
    return _integrate(rows, etas, lines, {})


def _sets_inside(lines: Sequence[_Line], index: Integers) -> sparse.csr_array | None:
    """Return which sets of the next line, or rows if there is none, each set has, (J, m); None where they are the same."""
    inside = lies_in(lines[0].index, index) if lines else index
    count = int(index.max()) + 1
    if lines and count == len(inside):
        return None
    return sparse.csr_array((np.ones(len(inside)), (inside, np.arange(len(inside)))), shape=(count, len(inside)))


def _integrate(
    rows: RowLogs, etas: Etas, lines: Sequence[_Line], near: dict[int, tuple[Array, Array]]
) -> tuple[Array, Array]:
    if not lines:
        found = rows(etas)
        return found, np.zeros(found.shape)
    line, inner = lines[0], lines[1:]
    doubts = list[Array]()

    def logs(z: Array) -> Array:
        moved = dict(etas)
        line.source.move(moved, z[..., None], line.index)
        found, doubt = _integrate(rows, moved, inner, near)
        if line.within is not None:
            found, doubt = (np.asarray((line.within @ values.T).T) for values in (found, doubt))
        doubts.append(doubt)
        return np.asarray(found - 0.5 * z**2)

    shape = (len(next(iter(etas.values()))), int(line.index.max()) + 1)
    middle, ends = _bracket(logs, *near.get(len(lines), (np.zeros(shape), np.full(shape, 0.5))))
    near[len(lines)] = middle, np.clip(np.maximum(ends[0], ends[1]) / 16.0, _SHORTEST, 1.0)
    doubts.clear()
    for nodes in (_NODES,) if inner else (_NODES, _MANY_NODES):
        parts = []
        for place, weight in zip(*_rule(nodes), strict=True):
            for sign, end in zip((-1.0, 1.0), ends, strict=True):
                parts.append(logs(middle + sign * end * place) + np.log(weight * end))
        whole, half = (
            special.logsumexp(parts, axis=0),
            special.logsumexp(parts[::4] + parts[1::4], axis=0) + np.log(2.0),
        )
        bent = _bends_up(parts, middle, ends)
        doubt = np.where(bent, 1.0, _COARSE) * np.abs(whole - half)
        if not np.any(bent & (doubt > TOLERANCE)):
            break
    if inner:
        doubt += np.sum(np.exp(np.array(parts) - whole) * doubts, axis=0)
    return whole - 0.5 * np.log(2.0 * np.pi), doubt


def _bends_up(parts: Sequence[Array], middle: Array, ends: tuple[Array, Array]) -> NDArray[np.bool_]:
    """Return where log-densities at the nodes, with weights, to the left and right in turn, are not concave: where these are cut
    off inside the bounds, the rule is only as good as its changes say."""
    places, weights = _rule(len(parts) // 2)
    z = np.array([middle - ends[0] * place for place in places[::-1]] + [middle + ends[1] * place for place in places])
    left, right = (
        np.array(own) - np.log(weights[:, None, None] * end)
        for own, end in zip((parts[::2], parts[1::2]), ends, strict=True)
    )
    logs = np.concatenate([left[::-1], right])
    near = logs > np.max(logs, axis=0) - _LEAST
    apart = np.maximum(np.diff(z, axis=0), 1e-300)
    slopes = np.diff(logs, axis=0) / apart
    noise = _ROUNDING * np.max(np.abs(logs), axis=0) / apart
    rise = np.diff(slopes, axis=0) - _BENT * np.abs(slopes[1:]) - noise[1:] - noise[:-1]
    inside = near[:-2] & near[1:-1] & near[2:] & (apart[1:] > _SHORTEST) & (apart[:-1] > _SHORTEST)
    return np.asarray(np.any((rise > _BENT) & inside, axis=0))


def _rule(nodes: int) -> tuple[Array, Array]:
    """Return nodes between 0 and 1 and weights, close together at both ends (Takahasi & Mori 1974, Publ RIMS 9:721)."""
    t = np.linspace(-_ENDS, _ENDS, nodes)
    u = 0.5 * np.pi * np.sinh(t)
    return special.expit(2.0 * u), 0.25 * np.pi * (t[1] - t[0]) * np.cosh(t) / np.cosh(u) ** 2


def _bracket(logs: Callable[[Array], Array], middle: Array, step: Array) -> tuple[Array, tuple[Array, Array]]:
    """Return about where log-densities are largest, and how far to both sides they have fallen to nearly nothing."""
    a, b, c = middle - step, middle, middle + step
    below, value, above = logs(a), logs(b), logs(c)
    for _ in range(_ROUNDS):
        up = above > value
        down = (below > value) & ~up
        if not np.any(up | down):
            break
        a, b, c, further = (
            np.where(up, b, np.where(down, a - 2.0 * (b - a), a)),
            np.where(up, c, np.where(down, a, b)),
            np.where(up, c + 2.0 * (c - b), np.where(down, b, c)),
            logs(np.where(up, c + 2.0 * (c - b), np.where(down, a - 2.0 * (b - a), b))),
        )
        below, value, above = (
            np.where(up, value, np.where(down, further, below)),
            np.where(up, above, np.where(down, below, value)),
            np.where(up, further, np.where(down, value, above)),
        )
    for _ in range(_ROUNDS):
        # A concave function lies below the lines through two of three places beyond these.
        right, left = (value - below) * (c - b) / (b - a), (value - above) * (b - a) / (c - b)
        least = np.maximum(_FLAT, _ROUNDING * np.abs(value))
        flat = ((right <= least) & (left <= least)) | (c - a < _SHORTEST * _FLAT)
        if np.all(flat):
            break
        upwards = np.where((right > least) & (left > least), c - b > b - a, right > left)
        place = np.where(flat, b, np.where(upwards, b + _GOLDEN * (c - b), b - _GOLDEN * (b - a)))
        found = logs(place)
        better, worse = (found > value) & ~flat, (found <= value) & ~flat
        a, below = (
            np.where(upwards & better, b, np.where(~upwards & worse, place, a)),
            np.where(upwards & better, value, np.where(~upwards & worse, found, below)),
        )
        c, above = (
            np.where(~upwards & better, b, np.where(upwards & worse, place, c)),
            np.where(~upwards & better, value, np.where(upwards & worse, found, above)),
        )
        b, value = np.where(better, place, b), np.where(better, found, value)
    return b, (_fall(logs, b, value, -1.0, b - a), _fall(logs, b, value, 1.0, c - b))


def _fall(logs: Callable[[Array], Array], middle: Array, value: Array, sign: float, distance: Array) -> Array:
    """Return at which distance log-densities have fallen enough."""
    near, far = np.zeros(distance.shape), np.full(distance.shape, np.inf)
    unknown = _ROUNDING * np.abs(value)
    for _ in range(_ROUNDS):
        fall = value - logs(middle + sign * distance)
        few, many = fall < _LEAST + unknown, fall > _MOST + 4.0 * unknown
        near, far = np.where(few, distance, near), np.where(many, distance, far)
        if not np.any((few | many) & (far - near > 1e-12 * distance)):
            break
        # What falls ever faster has fallen by at most its share before, and by at least its share beyond.
        ratio = (0.75 * _MOST + 2.0 * unknown) / np.maximum(fall, 1e-3)
        beyond = np.where(
            near > 0.0, np.sqrt(near * np.where(np.isinf(far), 1.0, far)), distance * np.maximum(ratio, 0.01)
        )
        beyond = np.where(np.isinf(far), distance * np.clip(ratio, 1.5, 100.0), beyond)
        distance = np.where(few | many, beyond, distance)
    return distance
