"""The block of a Gaussian process: eigenfunctions of a box, or waves around a circle."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array
from bayesmixed.terms.covariates import times
from bayesmixed.terms.curve_block import CurveBlock
from bayesmixed.terms.periodic_bases import Circle
from bayesmixed.terms.process_bases import Box, ProcessSpectrum
from bayesmixed.terms.spectra import SpectrumByLevel

AROUND = "zero"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessBlock(CurveBlock):
    """A Gaussian process as a sum of the eigenfunctions of a box; `x` are the covariate or the points, (n,) or (n, 2).

    Attributes
    ----------
    box : Box or Circle
        Learned state.
    multiplier : (n,) array or None
        Numbers by which the process is multiplied, in units of their root mean square in the fit.
    unit : float
        This root mean square.
    """

    box: Box | Circle
    multiplier: Array | None = None
    unit: float = 1.0

    @property
    def around(self) -> str:
        """What the process varies around, in words."""
        return AROUND

    def extrapolations(self) -> Iterator[str]:
        """Yield a note on rows beyond the ranges of the covariates at the fit."""
        yield from self.note_beyond("begins again" if isinstance(self.box, Circle) else "falls back to zero")

    def along(self, curve: int, x: Array) -> "ProcessBlock":
        """Return the block of rows with other values of the covariates."""
        multiplier = None if self.multiplier is None else np.full(len(x), 1.0 / self.unit)
        matrix = times(self.box.columns(x.reshape(len(x), -1)), multiplier)
        return replace(self, x=x, matrix=matrix, index=np.full(len(x), curve, dtype=np.intp), multiplier=multiplier)

    def take(self, rows: NDArray[np.intp]) -> "ProcessBlock":
        """Return the block of some of its rows."""
        multiplier = None if self.multiplier is None else self.multiplier[rows]
        return replace(CurveBlock.take(self, rows), multiplier=multiplier)

    def variance(self, covariance: Array, rows: Any = slice(None)) -> Array:
        """Return the prior variance of the process in some rows, as its mean over the rows of the fit, times the multiplier."""
        found = CurveBlock.variance(self, covariance, rows)
        return found if self.multiplier is None else found * self.multiplier[rows] ** 2

    def mean_products(self, shares: Array) -> Array:
        """Return the mean over rows of what multiplies the variance of the process, (1, 1)."""
        return CurveBlock.mean_products(self, shares if self.multiplier is None else shares * self.multiplier**2)

    def judge(self, *draws: Array) -> Iterator[str]:
        """Yield what is wrong with the number of functions and the box, given draws of the length-scale of each curve, (S,): the
        rules of Riutort-Mayol et al. (2022), by which the approximation has an error of about 1 % of the covariance or less."""
        spectra = self.spectrum.spectra if isinstance(self.spectrum, SpectrumByLevel) else (self.spectrum,)
        middle = max(float(np.median(own)) for own in draws)
        short = min(float(np.quantile(own, 0.05)) for own in draws)
        record = spectra[0].covariance if isinstance(spectra[0], ProcessSpectrum) else None
        if isinstance(self.box, Circle) or record is None:
            needed = self.box.needed(short) if isinstance(self.box, Circle) else []
        else:
            needed = self.box.needed(record, short)
        if any(count < need for count, need in zip(self.box.counts, needed, strict=True)):
            told = needed[0] if len(needed) == 1 else f"[{', '.join(map(str, needed))}]"
            yield (
                f"{self.name}: {counted(self.box.counts)} are too few for length-scales as short as {short:.3g}, which the "
                f"posterior holds: write k={told}."
            )
        if isinstance(self.box, Circle) or record is None:
            return
        sizes = list(zip(self.box.halves, self.box.factors, strict=True))
        if middle > max(record.longest(half, factor) for half, factor in sizes):
            factor = max(record.box * middle / half for half, _ in sizes)
            yield (
                f"{self.name}: the box of {max(self.box.factors):.3g} half ranges is small for a length-scale of {middle:.3g}: "
                f"write c={factor:.2g}, or a line in place of the process."
            )


def counted(counts: tuple[int, ...]) -> str:
    """Return numbers of basis functions in words."""
    return f"{' x '.join(map(str, counts))} basis functions"
