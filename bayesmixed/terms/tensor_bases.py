"""Tensor products of two spline bases, with a penalty along each covariate."""

from dataclasses import dataclass, replace

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.terms.splines import BASES, Basis
from bayesmixed.terms.thin_plates import in_blocks


@dataclass(frozen=True, slots=True)
class Margin:
    """The basis of one covariate, in coordinates in which its penalty is diagonal: columns without a penalty first.

    Attributes
    ----------
    basis : Basis
        Its family.
    lower, upper, centre : float
        Range and mean of the covariate at the fit.
    knots : (m,) array
        On the scale on which the range is [0, 1].
    map : (q, r) array
        From basis functions to columns.
    penalties : (r,) array
        Penalty of each column.
    free : int
        Number of columns without a penalty: a constant, if it has one, and a line, unless it is periodic.
    """

    basis: Basis
    lower: float
    upper: float
    centre: float
    knots: Array
    map: Array
    penalties: Array
    free: int

    def columns(self, x: Array) -> Array:
        """Return the (n, r) columns."""
        unit = (x - self.lower) / (self.upper - self.lower)
        return np.asarray(self.basis.columns(unit, self.knots) @ self.map)


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor product of two margins learned from data: what is replayed on new rows.

    Attributes
    ----------
    margins : tuple of two Margin
        Of the covariates.
    names : tuple of str
        What the columns without a penalty are called: "x", "z", "x:z", as far as there are such.
    twist : float
        Mean of the products of the deviations of both covariates from their means.
    removed : (1 + f, r) array
        Constants and multiples of the columns without a penalty that are removed from the penalised ones.
    """

    margins: tuple[Margin, Margin]
    names: tuple[str, ...]
    twist: float
    removed: Array

    @property
    def penalties(self) -> tuple[Array, Array]:
        """Penalties of the penalised columns along each covariate, (r,) each."""
        first, second = (margin.penalties for margin in self.margins)
        bends = self._bends
        return np.repeat(first, len(second))[bends], np.tile(second, len(first))[bends]

    @property
    def _bends(self) -> Array:
        """Which products of columns have a penalty."""
        first, second = (np.arange(len(margin.penalties)) >= margin.free for margin in self.margins)
        return np.asarray((first[:, None] | second).ravel())

    def penalised(self, points: Array) -> Array:
        """Return the (n, r) penalised columns at points, (n, 2)."""
        return in_blocks(self._penalised, points)

    def free(self, points: Array) -> Array:
        """Return the (n, f) columns without a penalty at points, (n, 2): x and z from their means, and the product of both from
        its mean."""
        x, z = (points[:, place] - margin.centre for place, margin in enumerate(self.margins))
        found = {X: x, Z: z, XZ: x * z - self.twist}
        return np.column_stack([np.zeros((len(points), 0)), *(found[name] for name in self.names)])

    def _penalised(self, points: Array) -> Array:
        return products(self.margins, points)[:, self._bends] - _with_constant(self.free(points)) @ self.removed


X, Z, XZ = "x", "z", "x:z"


def learn_tensor(points: Array, k: tuple[int, int], bs: tuple[str, str], *, main: bool) -> Tensor:
    """Return the tensor product of two spline bases for the points of a fit, (n, 2), with penalties S x I and I x S of the
    values at the knots (Wood 2006, Biometrics 62:1025), both of which are diagonal in the coordinates of the margins.

    Parameters
    ----------
    k, bs : tuples
        Number of basis functions and key of `BASES` of each margin.
    main : bool
        Whether it includes the curves of each covariate; without, the margins sum to zero over the rows.
    """
    first, second = (learn_margin(points[:, place], k[place], BASES[bs[place]], constant=main) for place in (0, 1))
    names = free_names((first.basis, second.basis), main=main)
    twist = float(np.mean((points[:, 0] - first.centre) * (points[:, 1] - second.centre)))
    found = Tensor((first, second), names, twist, np.zeros((1 + len(names), 0)))
    raw, free = products(found.margins, points)[:, found._bends], _with_constant(found.free(points))
    size = np.sqrt(np.mean(free**2, axis=0))
    removed = np.linalg.lstsq(free / size, raw, rcond=None)[0] / size[:, None]
    return replace(found, removed=removed)


def free_names(bases: tuple[Basis, Basis], *, main: bool) -> tuple[str, ...]:
    """Return what the columns without a penalty are called: lines of covariates that are not cyclic, and their product."""
    x, z = (not basis.periodic for basis in bases)
    return tuple(name for name, has in ((X, main and x), (Z, main and z), (XZ, x and z)) if has)


def learn_margin(x: Array, k: int, basis: Basis, *, constant: bool) -> Margin:
    """Return the basis of a covariate for the rows of a fit; without a `constant` its columns sum to zero over the rows."""
    lower, upper = float(x.min()), float(x.max())
    unit = (x - lower) / (upper - lower)
    knots = basis.place(np.unique(unit), k)
    assert basis.penalty is not None
    penalty, sums = basis.penalty(knots), basis.columns(unit, knots).sum(axis=0)
    flat = np.ones((len(penalty), 1))
    without = flat if basis.periodic else np.column_stack([flat, knots - knots.mean()])
    kept = np.eye(len(penalty))
    if not constant:
        kept = np.linalg.svd(sums[None, :])[2][1:].T
        without = kept.T @ (without[:, 1:] - sums @ without[:, 1:] / sums.sum())
    free = without.shape[1]
    directions = np.linalg.svd(without)[0][:, free:] if free else kept.T @ kept
    values, vectors = np.linalg.eigh(directions.T @ kept.T @ penalty @ kept @ directions)
    bends = kept @ directions @ vectors
    bends *= np.sign(bends[np.abs(bends).argmax(axis=0), np.arange(bends.shape[1])])
    columns = np.hstack([kept @ without / np.linalg.norm(without, axis=0), bends])
    return Margin(basis, lower, upper, float(x.mean()), knots, columns, np.append(np.zeros(free), values), free)


def products(margins: tuple[Margin, Margin], points: Array) -> Array:
    """Return the products of each two columns of the margins, (n, r1 r2), the first margin outermost."""
    first, second = (margin.columns(points[:, place]) for place, margin in enumerate(margins))
    return np.asarray((first[:, :, None] * second[:, None, :]).reshape(len(points), -1))


def _with_constant(columns: Array) -> Array:
    return np.column_stack([np.ones(len(columns)), columns])
