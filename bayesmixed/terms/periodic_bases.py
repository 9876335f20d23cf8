"""Periodic Gaussian processes as Fourier series: their columns, and the variances of these."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array
from bayesmixed.prior_distributions import POSITIVE
from bayesmixed.terms.covariances import CovarianceParameter
from bayesmixed.terms.process_bases import range_prior
from bayesmixed.terms.spectra import Spectrum

PERIODIC = "periodic"
CIRCLE_TEXT = "95 % between a twentieth of the period and half of it"
_COUNT = 3.72
"""Rule of Riutort-Mayol et al. (2022): at least this over the length-scale in radians waves."""
_NODES = 512
_LEAST = 1e-24


@dataclass(frozen=True, slots=True)
class Circle:
    """The waves of a period: what is replayed on new rows.

    Attributes
    ----------
    period : float
        In the unit of the covariate.
    start : float
        Where waves begin.
    counts : tuple of one int
        Number of waves; each is a cosine and a sine.
    """

    period: float
    start: float
    counts: tuple[int, ...]

    @property
    def numbers(self) -> NDArray[np.intp]:
        """(J,) number of the wave of each column."""
        return np.repeat(np.arange(1, self.counts[0] + 1), 2)

    def columns(self, points: Array) -> Array:
        """Return the (n, J) cosines and sines of points, (n, 1)."""
        angles = 2.0 * pi * (points - self.start) / self.period * self.numbers
        return np.where(np.arange(len(self.numbers)) % 2 == 0, np.cos(angles), np.sin(angles))

    def needed(self, scale: float) -> list[int]:
        """Return how many waves a length-scale needs."""
        return [ceil(_COUNT * self.period / (2.0 * pi * scale))]


def learn_circle(x: Array, period: float, count: int) -> Circle:
    """Return the waves for the values of a fit; a count of 0 is chosen for the shortest length-scales of the default prior."""
    shortest = float(range_prior(period / 2.0).frozen().ppf(0.025))
    found = Circle(period, float(x.min()), (count,))
    return found if count else Circle(period, found.start, tuple(found.needed(shortest)))


@dataclass(frozen=True, slots=True, eq=False)
class PeriodicSpectrum(Spectrum):
    """Coefficients of the waves of a process with covariance exp(-2 sin(pi d / p)^2 / r^2), r = 2 pi range / p, without its mean.

    The variances are those of Solin & Särkkä (2014, AISTATS 33:904), scaled so that the SD is that of the curve around its
    mean over a period.

    Attributes
    ----------
    label : str
        The term.
    numbers : (J,) array
        Number of the wave of each column.
    period : float
        In the unit of the covariate.
    """

    label: str
    numbers: NDArray[np.intp]
    period: float
    words = "a length-scale"
    note = "variances of waves of the periodic covariance with length-scale l, whose sum is 1"
    vanishing = True

    @property
    def parameters(self) -> tuple[CovarianceParameter, ...]:
        """The length-scale, in the unit of the covariate."""
        return (
            CovarianceParameter(
                "range",
                "l",
                "length-scale",
                lambda width: POSITIVE,
                lambda places: range_prior(float(places[0])),
                CIRCLE_TEXT,
            ),
        )

    @property
    def places(self) -> tuple[float, ...]:  # type: ignore[override]
        """Half the period, on which the default prior of the length-scale depends."""
        return (self.period / 2.0,)

    def sds(self, values: Mapping[str, Any], module: Any) -> Any:
        """Return the SDs of the coefficients in units of that of the curve, (..., J).

        They are integrals of exp(cos(t) / r^2) cos(j t), Bessel functions, by the trapezoidal rule, which is exact for waves.
        """
        nodes = 2.0 * pi * np.arange(_NODES) / _NODES
        radians = 2.0 * pi * values["range"] / self.period
        waves = np.cos(nodes[:, None] * self.numbers) / _NODES
        variances = module.maximum(module.exp((np.cos(nodes) - 1.0) / radians**2) @ waves, _LEAST)
        # A wave is a cosine and a sine: their squares add up to 1.
        total = module.sum(variances, axis=-1, keepdims=True) / 2.0
        return module.sqrt(variances / total)
