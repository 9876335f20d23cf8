"""Spline bases of smooth terms, each split into a line and penalised columns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.formulas.learned import cubic_bsplines
from bayesmixed.terms.thin_plates import MOST_KNOTS, in_blocks, separate, truncate, whiten


@dataclass(frozen=True, slots=True)
class Basis:
    """A family of curves on [0, 1] with a penalty on their roughness.

    Attributes
    ----------
    name, meaning : str
        Key of `BASES`, and what it is in words.
    least : int
        Fewest basis functions.
    periodic : bool
        Whether the curve begins again where it ends; then constants alone are not penalised, else all lines.
    place : callable
        (sorted distinct x, k) -> knots.
    columns : callable
        (x, knots) -> (n, q) values of the basis functions, outside [0, 1] as well.
    penalised : callable
        (knots, k) -> (q, k - 2) map from the basis functions to columns whose coefficients have penalty b'b.
    penalty : callable or None
        knots -> (q, q) penalty of the basis functions, where these have the value 1 at one knot and 0 at the others.
    """

    name: str
    meaning: str
    least: int
    periodic: bool
    place: Callable[[Array, int], Array]
    columns: Callable[[Array, Array], Array]
    penalised: Callable[[Array, int], Array]
    penalty: Callable[[Array], Array] | None = None

    @property
    def around(self) -> str:
        """What the curves vary around, in words."""
        return "its mean" if self.periodic else "a straight line"


@dataclass(frozen=True, slots=True)
class Spline:
    """A basis learned from data: what is replayed on new rows.

    Attributes
    ----------
    basis : Basis
        Its family.
    lower, upper, centre : float
        Range and mean of x at the fit.
    knots : (m,) array
        On the scale on which the range is [0, 1].
    map : (q, r) array
        From basis functions to penalised columns.
    line : (2, r) array
        Constants and slopes (per range of x, from its mean) that are removed from the penalised columns.
    """

    basis: Basis
    lower: float
    upper: float
    centre: float
    knots: Array
    map: Array
    line: Array

    def penalised(self, x: Array) -> Array:
        """Return the (n, r) penalised columns, the smoothest first."""
        width = self.upper - self.lower
        deviation = np.column_stack([np.ones(len(x)), (x - self.centre) / width])
        return _mapped(self.basis, (x - self.lower) / width, self.knots, self.map) - deviation @ self.line


def learn_spline(basis: Basis, x: Array, k: int, multiplier: Array | None = None) -> Spline:
    """Return the spline of a basis for the rows of a fit.

    Its penalised columns are as those of Wood (2017, Generalized Additive Models, chapter 5), in the coordinates of
    Demmler and Reinsch: orthogonal over the rows to each other, to constants and to lines (constants alone where the
    curve is periodic), and scaled so that the mean of z_i'z_i over the rows is 1. Neither changes the model: lines
    have coefficients of their own, and independent normal coefficients stay so when they are rotated.

    Parameters
    ----------
    x : (n,) array
        Not constant.
    k : int
        Number of basis functions; k - 2 of them are penalised.
    multiplier : (n,) array, optional
        Numbers by which the curve is multiplied.
    """
    lower, upper, centre = float(x.min()), float(x.max()), float(x.mean())
    unit = (x - lower) / (upper - lower)
    distinct = np.unique(unit)
    knots = basis.place(distinct, k)
    mapping = basis.penalised(knots, k)
    deviation = np.column_stack([np.ones(len(x)), (x - centre) / (upper - lower)])
    free = deviation[:, :1] if basis.periodic else deviation
    raw = _mapped(basis, unit, knots, mapping)
    line = np.zeros((2, raw.shape[1]))
    line[: free.shape[1]], rotation = separate(raw, free, multiplier)
    return Spline(basis, lower, upper, centre, knots, mapping @ rotation, line @ rotation)


def _mapped(basis: Basis, x: Array, knots: Array, mapping: Array) -> Array:
    return in_blocks(lambda some: basis.columns(some, knots) @ mapping, x)


def _quantiles(distinct: Array, k: int) -> Array:
    return np.asarray(np.quantile(distinct, np.linspace(0.0, 1.0, k)))


def _cubic(knots: Array) -> Any:
    """Return the natural cubic splines that are 1 at one knot and 0 at the others."""
    from scipy.interpolate import CubicSpline

    return CubicSpline(knots, np.eye(len(knots)), bc_type="natural")


def _cyclic(knots: Array) -> Any:
    """Return the periodic cubic splines that are 1 at one knot and 0 at the others; the last knot is the first."""
    from scipy.interpolate import CubicSpline

    values = np.eye(len(knots))[:, :-1]
    values[-1] = values[0]
    return CubicSpline(knots, values, bc_type="periodic")


def _bent(curve: Any) -> Array:
    """Return the integrals of products of second derivatives of cubic splines: the second derivative is linear
    between knots."""
    steps = np.diff(curve.x)[:, None, None]
    second = curve(curve.x, 2)
    left, right = second[:-1, :, None], second[1:, :, None]
    crossed = left * right.swapaxes(1, 2)
    products = 2.0 * (left * left.swapaxes(1, 2) + right * right.swapaxes(1, 2)) + crossed + crossed.swapaxes(1, 2)
    return np.asarray(np.sum(steps * products, axis=0) / 6.0)


def _straight_outside(curve: Any, x: Array) -> Array:
    """Return values of curves on [0, 1], continued as straight lines outside."""
    inside = np.clip(x, 0.0, 1.0)
    return np.asarray(curve(inside) + curve(inside, 1) * (x - inside)[:, None])


def _uniform(distinct: Array, k: int) -> Array:
    """Return the equally spaced knots of k cubic B-splines; the outer ones lie beyond the data."""
    lower, upper = -0.001, 1.001
    step = (upper - lower) / (k - 3)
    return np.linspace(lower - 3 * step, upper + 3 * step, k + 4)


def _differences(knots: Array, k: int) -> Array:
    second = np.diff(np.eye(k), 2, axis=0)
    return whiten(second.T @ second, k - 2)


def _spread(distinct: Array, k: int) -> Array:
    """Return all distinct values, or a large, evenly spaced selection."""
    if len(distinct) <= MOST_KNOTS:
        return distinct
    return np.asarray(distinct[np.linspace(0, len(distinct) - 1, MOST_KNOTS).round().astype(int)])


def _cubed_distances(x: Array, knots: Array) -> Array:
    """Return |x - knot|^3 / 12, the thin plate spline of one variable with its second derivative penalised."""
    return np.abs(x[:, None] - knots) ** 3 / 12.0


def _truncated(knots: Array, k: int) -> Array:
    """Return the thin plate regression spline of rank k (Wood 2003, J R Stat Soc B 65:95), lines left out."""
    lines = np.column_stack([np.ones(len(knots)), knots - knots.mean()])
    return truncate(_cubed_distances(knots, knots), lines, k)


BASES: Mapping[str, Basis] = {
    basis.name: basis
    for basis in (
        Basis("tp", "thin plate regression spline", 3, False, _spread, _cubed_distances, _truncated),
        Basis(
            "cr",
            "natural cubic regression spline",
            3,
            False,
            _quantiles,
            lambda x, knots: _straight_outside(_cubic(knots), x),
            lambda knots, k: whiten(_bent(_cubic(knots)), k - 2),
            lambda knots: _bent(_cubic(knots)),
        ),
        Basis(
            "ps",
            "P-spline: cubic B-splines with a penalty on second differences",
            4,
            False,
            _uniform,
            lambda x, knots: _straight_outside(cubic_bsplines(knots), x),
            _differences,
        ),
        Basis(
            "cc",
            "cyclic cubic regression spline",
            4,
            True,
            _quantiles,
            lambda x, knots: np.asarray(_cyclic(knots)(x)),
            lambda knots, k: whiten(_bent(_cyclic(knots)), k - 2),
            lambda knots: _bent(_cyclic(knots)),
        ),
    )
}
