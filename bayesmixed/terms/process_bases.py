"""Hilbert-space approximation of Gaussian processes: eigenfunctions of a box, and spectral densities of covariances.

Solin & Särkkä 2020, Stat Comput 30:419; Riutort-Mayol et al. 2022, Stat Comput 33:17.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, gamma, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array
from bayesmixed.prior_distributions import POSITIVE, Prior
from bayesmixed.terms.covariances import CovarianceParameter
from bayesmixed.terms.spectra import Spectrum

_QUANTILES = {1: (0.025, 0.9), 2: (0.25, 0.75)}
"""By number of covariates, of the prior of the length-scale: between them the default number of functions and box suffice."""
_SMALLEST_BOX = 1.2
RANGE_TEXT = "95 % between a tenth of the range of the covariate and all of it"


@dataclass(frozen=True, slots=True)
class ProcessCovariance:
    """A stationary covariance of a Gaussian process.

    Attributes
    ----------
    name, text : str
        Key of `PROCESS_COVARIANCES`, and in words.
    smoothness : float
        Of a Matern covariance; infinite: squared exponential.
    count, box : float
        Rules of Riutort-Mayol et al.: for a length-scale l, a half range S and a box of c half ranges, the number of functions is
        at least count c S / l, and c at least box l / S.
    """

    name: str
    text: str
    smoothness: float
    count: float
    box: float

    def density(self, frequencies: Array, scale: Any, dimensions: int, module: Any) -> Any:
        """Return the spectral density of unit variance at frequencies, (J,), for a length-scale, (..., 1) or a symbol."""
        if np.isinf(self.smoothness):
            return (np.sqrt(2.0 * pi) * scale) ** dimensions * module.exp(-0.5 * (scale * frequencies) ** 2)
        nu, half = self.smoothness, 0.5 * dimensions
        constant = 2.0**dimensions * pi**half * gamma(nu + half) * (2.0 * nu) ** nu / gamma(nu)
        # With powers of scale^2 taken out, none of the factors over- or underflows.
        return constant * scale**dimensions * (2.0 * nu + (scale * frequencies) ** 2) ** (-nu - half)

    def needed(self, scale: Any, half: float, box: float) -> Any:
        """Return how many functions a length-scale needs along a covariate of that half range."""
        return self.count * box * half / scale

    def longest(self, half: float, box: float) -> float:
        """Return the longest length-scale that a box is large enough for."""
        return box * half / self.box


PROCESS_COVARIANCES = {
    one.name: one
    for one in (
        ProcessCovariance("exp_quad", "squared exponential", np.inf, 1.75, 3.2),
        ProcessCovariance("matern52", "Matérn 5/2", 2.5, 2.65, 4.1),
        ProcessCovariance("matern32", "Matérn 3/2", 1.5, 3.42, 4.5),
    )
}


def range_prior(spread: float) -> Prior:
    """Return the default prior of a length-scale, given the range of the covariate."""
    return Prior(name="LogNormal", arguments=(float(np.log(spread) - np.log(10.0) / 2.0), float(np.log(10.0) / 3.92)))


@dataclass(frozen=True, slots=True)
class Box:
    """The eigenfunctions of the Laplace operator on a box around the points of a fit: what is replayed on new rows.

    Attributes
    ----------
    centre : (d,) array
        Middle of the range of each covariate.
    halves : (d,) array
        Half of each range.
    factors : tuple of float
        Half of each side of the box, in half ranges.
    counts : tuple of int
        Number of functions along each covariate.
    """

    centre: Array
    halves: Array
    factors: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def unit(self) -> float:
        """The unit of lengths inside: the largest half range."""
        return float(self.halves.max())

    @property
    def sides(self) -> Array:
        """(d,) halves of the sides of the box, in that unit."""
        return np.asarray(np.array(self.factors) * self.halves / self.unit)

    @property
    def numbers(self) -> NDArray[np.intp]:
        """(J, d) number of each function along each covariate: of two, those within an ellipse, since the density of the
        process falls with the length of frequencies."""
        grids = np.meshgrid(*(np.arange(1, count + 1) for count in self.counts), indexing="ij")
        found = np.column_stack([grid.ravel() for grid in grids]).astype(np.intp)
        if len(self.counts) == 1:
            return found
        shares = 1.0 / np.array(self.counts)
        return found[np.sum((found * shares) ** 2, axis=1) <= 1.0 + np.sum(shares**2)]

    @property
    def frequencies(self) -> Array:
        """(J,) lengths of the frequencies of the functions, per unit."""
        return np.asarray(np.sqrt(np.sum((pi * self.numbers / (2.0 * self.sides)) ** 2, axis=1)))

    def needed(self, covariance: ProcessCovariance, scale: float) -> list[int]:
        """Return how many functions a length-scale needs along each covariate."""
        sizes = zip(self.halves, self.factors, strict=True)
        return [ceil(covariance.needed(scale, half, factor)) for half, factor in sizes]

    def columns(self, points: Array) -> Array:
        """Return the (n, J) values of the functions at points, (n, d); beyond the box they are 0."""
        place = np.clip((points - self.centre) / self.unit, -self.sides, self.sides)
        angles = pi * self.numbers[None] * ((place + self.sides) / (2.0 * self.sides))[:, None, :]
        return np.asarray(np.prod(np.sin(angles) / np.sqrt(self.sides), axis=-1))


def learn_box(points: Array, covariance: ProcessCovariance, counts: tuple[int, ...], factor: float) -> Box:
    """Return the box for the points of a fit, (n, d); counts and factors that are 0 are chosen for the length-scales between
    two quantiles of the default prior."""
    low, high = points.min(axis=0), points.max(axis=0)
    halves = (high - low) / 2.0
    shortest, longest = range_prior(float((high - low).max())).frozen().ppf(_QUANTILES[len(halves)])
    factors = tuple(factor or max(_SMALLEST_BOX, float(covariance.box * longest / half)) for half in halves)
    needed = (covariance.needed(shortest, half, box) for half, box in zip(halves, factors, strict=True))
    return Box(
        (low + high) / 2.0,
        halves,
        factors,
        tuple(count or ceil(need) for count, need in zip(counts, needed, strict=True)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class ProcessSpectrum(Spectrum):
    """Coefficients of the eigenfunctions of a box: their variances are the spectral density of a Gaussian process.

    Attributes
    ----------
    label : str
        The term.
    covariance : ProcessCovariance
        Of the process.
    frequencies : (J,) array
        Of the functions, per unit.
    unit : float
        The unit of lengths, in that of the covariates.
    dimensions : int
        Number of covariates.
    """

    label: str
    covariance: ProcessCovariance
    frequencies: Array
    unit: float
    dimensions: int
    words = "a length-scale"
    vanishing = True

    @property
    def note(self) -> str:  # type: ignore[override]
        """What the variances of coefficients are."""
        return f"spectral density of the {self.covariance.text} covariance with length-scale l at the frequency of column k"

    @property
    def parameters(self) -> tuple[CovarianceParameter, ...]:
        """The length-scale, in the unit of the covariates."""
        meaning = "length-scale"
        return (
            CovarianceParameter(
                "range", "l", meaning, lambda width: POSITIVE, lambda places: range_prior(float(places[0])), RANGE_TEXT
            ),
        )

    @property
    def places(self) -> tuple[float, ...]:  # type: ignore[override]
        """The range of the covariates, on which the default prior of the length-scale depends."""
        return (2.0 * self.unit,)

    def sds(self, values: Mapping[str, Any], module: Any) -> Any:
        """Return the SDs of the coefficients in units of that of the process, (..., J)."""
        density = self.covariance.density(self.frequencies, values["range"] / self.unit, self.dimensions, module)
        return module.sqrt(density)
