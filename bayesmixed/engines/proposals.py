"""Proposals for independence sampling: mixtures of t kernels fitted to weighted points, with a heavy-tailed part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayesmixed.families.links import Array

KERNELS = 150
"""Kernels of a fitted part."""
SHARES, LEAST = (0.3, 0.2, 0.45, 0.05), (0.1, 0.1, 0.2, 0.05)
"""Of kernels in v, kernels in x, one t in x, and heavy tails in fitted proposals: those to begin with, and the least."""
CORNER = 0.05
"""Share of each part that reaches to 0 in one coordinate: that to begin with, and the least."""
FIRST_HEAVY = 0.15
_FREEDOM, _WIDE_FREEDOM = 8.0, 4.0
_ROUNDS = 10
_NEAR, _REACHED, _MOST_FOLDED = 4.0, 6.0, 3
"""Coordinates within this many SDs of 0 are folded there, and those within some more reached from where they are, at most this
many of them: skew posteriors have more near 0 than a pilot run sees."""


@dataclass(frozen=True, slots=True)
class Scales:
    """The scales of the d coordinates x of a target: v = exp(power x), or x itself where the power is 0.

    A density of v is finite at v = 0, as that of an SD is; on x it has an exponential tail there.

    Attributes
    ----------
    powers : (d,) array
    typical : (d,) array
        A value of v that the prior takes for typical.
    """

    powers: Array
    typical: Array

    @property
    def positive(self) -> NDArray[np.bool_]:
        """(d,) whether v is more than 0."""
        return self.powers != 0.0

    def natural(self, points: Array) -> Array:
        """Return v at points (..., d)."""
        with np.errstate(over="ignore"):
            return np.where(self.positive, np.exp(self.powers * points), points)

    def points(self, natural: Array) -> Array:
        """Return points at v (..., d)."""
        own = self.positive
        with np.errstate(divide="ignore"):
            return np.where(own, np.log(np.where(own, natural, 1.0)) / np.where(own, self.powers, 1.0), natural)

    def log_slopes(self, points: Array) -> Array:
        """Return log |dv/dx| of each coordinate, (..., d)."""
        own = self.positive
        return np.where(own, np.log(np.abs(np.where(own, self.powers, 1.0))) + self.powers * points, 0.0)


@dataclass(frozen=True, slots=True)
class Kernels:
    """A mixture of t kernels with one scale matrix, in x or in v; kernels in v are folded at 0 in some coordinates.

    Attributes
    ----------
    centres : (K, d) array
    root : (d, d) array
        Lower root of the scale matrix.
    natural : bool
        In v.
    folded : integer array
        Coordinates of which only the size counts.
    """

    centres: Array
    root: Array
    natural: bool
    folded: NDArray[np.int64]

    @property
    def table(self) -> Array:
        """(K, d) what it has for each coordinate."""
        return self.centres

    @classmethod
    def read(cls, table: Array, root: Array, natural: bool, folded: NDArray[np.int64]) -> "Kernels":
        """Return the part that a table and the rest are of."""
        return cls(table, root, natural, folded)

    def draw(self, scales: Scales, count: int, stream: np.random.Generator) -> Array:
        """Return points, (count, d); not finite where a v that is not folded is not positive."""
        size = len(self.root)
        drawn = self.centres[stream.integers(len(self.centres), size=count)]
        drawn = drawn + _student(stream, count, size, _FREEDOM) @ self.root.T
        drawn[:, self.folded] = np.abs(drawn[:, self.folded])
        if not self.natural:
            return drawn
        drawn[np.any(scales.positive & (drawn <= 0.0), axis=1)] = np.nan
        return scales.points(drawn)

    def log_density(self, scales: Scales, points: Array) -> Array:
        """Return the log-density in x at finite points (S, d)."""
        at = scales.natural(points) if self.natural else points
        total = np.zeros(len(points))
        for signs in _signs(self.folded, points.shape[1]):
            total += _mean_kernel(at * signs, self.centres, self.root)
        with np.errstate(divide="ignore"):
            found = np.log(total)
        return found + scales.log_slopes(points).sum(axis=1) if self.natural else found


@dataclass(frozen=True, slots=True)
class HeavyTails:
    """Coordinates from a wide t, but one or all of those with a v from a half-Cauchy: from 0 to far beyond the prior.

    Attributes
    ----------
    centre, root : (d,), (d, d) arrays
        Of the t, in x.
    scale : (d,) array
        Where v is in the posterior, as far as is known; half of the half-Cauchys have the scale of the prior.
    """

    centre: Array
    root: Array
    scale: Array
    natural: ClassVar[bool] = False
    folded: ClassVar[NDArray[np.int64]] = np.zeros(0, dtype=np.int64)

    @property
    def table(self) -> Array:
        """(2, d) what it has for each coordinate."""
        return np.stack([self.centre, self.scale])

    @classmethod
    def read(cls, table: Array, root: Array, natural: bool, folded: NDArray[np.int64]) -> "HeavyTails":
        """Return the part that a table and the rest are of."""
        centre, scale = table
        return cls(centre, root, scale)

    def draw(self, scales: Scales, count: int, stream: np.random.Generator) -> Array:
        """Return points, (count, d)."""
        subsets = _subsets(scales.positive)
        points = self.centre + _student(stream, count, len(self.centre), _WIDE_FREEDOM) @ self.root.T
        chosen = np.array(subsets)[stream.integers(len(subsets), size=count)]
        unit = np.where(stream.uniform(size=points.shape) < 0.5, self.scale, scales.typical)
        cauchy = unit * np.abs(np.tan(0.5 * np.pi * stream.uniform(size=points.shape)))
        return np.where(chosen, scales.points(np.where(scales.positive, np.maximum(cauchy, 1e-300), 1.0)), points)

    def log_density(self, scales: Scales, points: Array) -> Array:
        """Return the log-density in x at finite points (S, d)."""
        v, slopes = scales.natural(points), scales.log_slopes(points)
        with np.errstate(all="ignore"):  # coordinates that are v themselves have no such density
            each = sum(1.0 / (unit * (1.0 + np.square(v / unit))) for unit in (self.scale, scales.typical))
            cauchy = np.log(each / np.pi) + slopes
        covariance, found = self.root @ self.root.T, []
        for chosen in _subsets(scales.positive):
            rest = ~chosen
            with np.errstate(divide="ignore"):
                wide = np.log(
                    _mean_kernel(
                        points[:, rest],
                        self.centre[None, rest],
                        np.linalg.cholesky(covariance[np.ix_(rest, rest)]),
                        _WIDE_FREEDOM,
                    )
                )
            found.append(wide + cauchy[:, chosen].sum(axis=1))
        return special.logsumexp(found, axis=0) - np.log(len(found))


PARTS: tuple[type[Kernels | HeavyTails], ...] = (Kernels, HeavyTails)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mixture of parts, in shares."""

    scales: Scales
    parts: tuple[Kernels | HeavyTails, ...]
    shares: Array

    def draw(self, count: int, stream: np.random.Generator) -> Array:
        """Return points, (count, d); not finite where the density is zero: such a proposal is never accepted."""
        counts = stream.multinomial(count, self.shares)
        drawn = [part.draw(self.scales, int(n), stream) for part, n in zip(self.parts, counts, strict=True)]
        return np.asarray(stream.permutation(np.concatenate(drawn)))

    def log_density(self, points: Array) -> Array:
        """Return the log-density at points (S, d), -inf where they are not finite."""
        own = np.all(np.isfinite(points), axis=1)
        found = np.full(len(points), -np.inf)
        logs = [part.log_density(self.scales, points[own]) for part in self.parts]
        found[own] = special.logsumexp(logs, b=self.shares[:, None], axis=0)
        return found


def first_proposal(scales: Scales, mode: Array, covariance: Array) -> Proposal:
    """Return the proposal before any point is known: a t at the mode, and heavy tails."""
    root = np.linalg.cholesky(covariance)
    none = np.zeros(0, dtype=np.int64)
    parts = (Kernels(mode[None], 1.2 * root, False, none), HeavyTails(mode, 2.0 * root, scales.natural(mode)))
    return Proposal(scales, parts, np.array([1.0 - FIRST_HEAVY, FIRST_HEAVY]))


def fit_proposal(scales: Scales, points: Array, logs: Array, stream: np.random.Generator) -> Proposal:
    """Return a proposal fitted to points (S, d) with log weights: kernels in v and in x, one t, and heavy tails."""
    weights = np.exp(logs - np.max(logs))
    weights /= weights.sum()
    used = weights > 0.0
    points, weights = points[used], weights[used]
    effective = 1.0 / float(np.sum(weights**2))
    v = scales.natural(points)
    mean, covariance = _moments(v, weights)
    distance = np.where(scales.positive, mean / np.sqrt(np.diagonal(covariance)), np.inf)
    near = np.argsort(distance)[:_MOST_FOLDED]
    folded = near[distance[near] < _NEAR]
    near = near[np.isfinite(distance[near])]
    none = np.zeros(0, dtype=np.int64)
    centre, spread = _moments(points, weights)
    alone = np.linalg.cholesky(spread)
    parts: list[Kernels | HeavyTails] = [
        _fit_kernels(v, weights, covariance, effective, True, folded, stream),
        _fit_kernels(points, weights, spread, effective, False, none, stream),
        Kernels(centre[None], alone, False, none),
        HeavyTails(centre, 2.0 * alone, v.T @ weights + np.sqrt(np.diagonal(covariance))),
        *(_reach_zero(mean, covariance, int(place), float(distance[place])) for place in near),
    ]
    own = [part.log_density(scales, points) for part in parts]
    return Proposal(scales, tuple(parts), _fit_shares(np.array(own), weights))


def _fit_shares(logs: Array, weights: Array) -> Array:
    """Return the shares of parts with log-densities (parts, S) that suit weighted points best, none below its least."""
    densities = np.exp(logs - np.max(logs, axis=0))
    corners = (CORNER,) * (len(logs) - len(SHARES))
    shares, least = np.array(SHARES + corners), np.array(LEAST + corners)
    for _ in range(_ROUNDS):
        mixed = shares[:, None] * densities
        shares = (mixed / mixed.sum(axis=0)) @ weights
        free = 1.0 - least.sum()
        beyond = np.maximum(shares - least, 0.0)
        shares = least + (free * beyond / beyond.sum() if beyond.sum() > 0.0 else free * least / least.sum())
    return shares


def _fit_kernels(
    at: Array,
    weights: Array,
    covariance: Array,
    effective: float,
    natural: bool,
    folded: NDArray[np.int64],
    stream: np.random.Generator,
) -> Kernels:
    """Return kernels around points taken by their weights, of the width that suits normal densities."""
    size = at.shape[1]
    ranks = (np.arange(KERNELS) + stream.uniform(size=KERNELS)) / KERNELS
    centres = at[np.minimum(np.searchsorted(np.cumsum(weights), ranks), len(at) - 1)]
    width = (4.0 / (size + 2.0)) ** (1.0 / (size + 4.0)) * min(effective, KERNELS) ** (-1.0 / (size + 4.0))
    return Kernels(centres, np.linalg.cholesky(covariance) * width, natural, folded)


def _reach_zero(mean: Array, covariance: Array, place: int, distance: float) -> Kernels:
    """Return one t in v that is folded at 0 in a coordinate, and wide enough to reach 0 if that is near."""
    scale = np.ones(len(mean))
    scale[place] = max(distance, 1.0) if distance < _REACHED else 1.0
    root = scale[:, None] * np.linalg.cholesky(covariance)
    return Kernels(mean[None], root, True, np.array([place]))


def _moments(at: Array, weights: Array) -> tuple[Array, Array]:
    """Return weighted mean and covariance, the latter positive definite."""
    mean = weights @ at
    covariance = (at - mean).T @ ((at - mean) * weights[:, None])
    floor = 1e-6 * np.maximum(np.diagonal(covariance), 1e-12 * (1.0 + mean**2))
    return mean, covariance + np.diag(floor)


def _student(stream: np.random.Generator, count: int, size: int, freedom: float) -> Array:
    return stream.standard_normal((count, size)) * np.sqrt(freedom / stream.chisquare(freedom, (count, 1)))


def _mean_kernel(at: Array, centres: Array, root: Array, freedom: float = _FREEDOM) -> Array:
    """Return the mean over centres (K, d) of the t density at (S, d)."""
    size = at.shape[1]
    if not size:
        return np.ones(len(at))
    unit = np.linalg.inv(root).T
    a, b = at @ unit, centres @ unit
    middle = b.mean(axis=0)
    a, b = a - middle, b - middle
    squares = np.sum(a**2, axis=1)[:, None] + np.sum(b**2, axis=1) - 2.0 * (a @ b.T)
    np.maximum(squares, 0.0, out=squares)
    squares /= freedom
    np.log1p(squares, out=squares)
    squares *= -0.5 * (freedom + size)
    np.exp(squares, out=squares)
    constant = special.gammaln(0.5 * (freedom + size)) - special.gammaln(0.5 * freedom)
    constant -= 0.5 * size * np.log(freedom * np.pi) + np.sum(np.log(np.diagonal(root)))
    return squares.mean(axis=1) * np.exp(constant)


def _subsets(positive: NDArray[np.bool_]) -> list[Any]:
    """Return each coordinate with a v alone, and all of them; the empty set where there are none."""
    alone = [np.arange(len(positive)) == place for place in np.flatnonzero(positive)]
    return [*alone, positive] if len(alone) != 1 else alone


def _signs(folded: NDArray[np.int64], size: int) -> Sequence[Array]:
    """Return all ways to give signs to folded coordinates, each (d,)."""
    found = [np.ones(size)]
    for place in folded:
        other = [signs.copy() for signs in found]
        for signs in other:
            signs[place] = -1.0
        found += other
    return found
