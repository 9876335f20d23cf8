"""The block of a smooth: penalised columns, whose coefficients are normal."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array
from bayesmixed.terms.curve_block import CurveBlock
from bayesmixed.terms.splines import Spline


@dataclass(frozen=True, slots=True, kw_only=True)
class SmoothBlock(CurveBlock):
    """The penalised part of a smooth: columns of a spline, the smoothest first.

    Attributes
    ----------
    spline : Spline
        Learned state.
    multiplier : (n,) array or None
        Numbers that multiply the curve.
    """

    spline: Spline
    multiplier: Array | None

    @property
    def around(self) -> str:
        """What the curve varies around, in words."""
        return self.spline.basis.around

    def extrapolations(self) -> Iterator[str]:
        """Yield a note for each curve that is evaluated beyond the range of its covariate at the fit."""
        goes_on = "begins again" if self.spline.basis.periodic else "continues as a straight line"
        for curve, (low, high) in enumerate(self.ranges):
            beyond = int(np.sum(self.outside & (self.index == curve)))
            where = f" for '{self.labels[curve]}'" if self.labels else ""
            if beyond:
                yield (
                    f"{beyond} of {len(self.x)} rows lie beyond the range {low:g} to {high:g} that {self.name} was "
                    f"fitted to{where}: beyond all data the curve {goes_on}, which is an assumption."
                )

    @property
    def _ending(self) -> str:
        return f":{self.by}" if self.by else ""

    @property
    def line_labels(self) -> tuple[str, ...]:
        """Labels of the columns that are not penalised."""
        kinds = ["constant"] if self.multiplier is not None else []
        kinds += [] if self.spline.basis.periodic else ["linear"]
        ends = [f"{self._ending}[{label}]" for label in self.labels] or [self._ending]
        return tuple(f"s({self.covariate})[{kind}]{end}" for end in ends for kind in kinds)

    @property
    def line_matrix(self) -> Array:
        """(n, L) columns that are not penalised: x from its mean, and the multiplier of the curve."""
        deviation = np.zeros((len(self.x), 0)) if self.spline.basis.periodic else self.x[:, None] - self.spline.centre
        if self.multiplier is not None:
            return np.hstack([self.multiplier[:, None], deviation * self.multiplier[:, None]])
        return np.hstack([deviation * (self.index == curve)[:, None] for curve in range(self.curves)])

    def take(self, rows: NDArray[np.intp]) -> "SmoothBlock":
        """Return the block of some of its rows."""
        multiplier = None if self.multiplier is None else self.multiplier[rows]
        return replace(self, x=self.x[rows], matrix=self.matrix[rows], index=self.index[rows], multiplier=multiplier)

    def along(self, curve: int, x: Array) -> "SmoothBlock":
        """Return the block of rows of one curve, with other values of the covariate and the multiplier 1."""
        multiplier = None if self.multiplier is None else np.ones(len(x))
        index = np.full(len(x), curve, dtype=np.intp)
        return replace(self, x=x, matrix=self.spline.penalised(x), index=index, multiplier=multiplier)
