"""Observed responses as points beside an effect: at the exposure of its curve, or as partial residuals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import at_posterior_means
from bayesmixed.prediction.predictions import predict_rows
from bayesmixed.summaries.marginal.grids import make_grid
from bayesmixed.terms.contract import ADDITION

PARTIAL = "partial"
_DRAWS = 200
_OUTLYING = 10.0
"""Interquartile ranges from the quartiles to where outliers begin."""
_FLAT = 5.0
"""How many times as high a picture may become for their sake."""


@dataclass(frozen=True, slots=True)
class ObservedPoints:
    """Points in a picture of an effect.

    Attributes
    ----------
    rows : pandas.DataFrame
        The columns of their rows.
    y : array
        Where they lie on the scale of the response.
    note : str
        What was done to them; "" if they are as observed.
    """

    rows: pd.DataFrame
    y: Array
    note: str

    def within(self, values: Mapping[str, Any]) -> "ObservedPoints":
        """Return the points in whose rows factors have these values; columns of numbers are not looked at."""
        keep = np.ones(len(self.y), dtype=bool)
        for name, value in values.items():
            if name in self.rows and not pd.api.types.is_numeric_dtype(self.rows[name]):
                keep &= self.rows[name].map(str).to_numpy() == str(value)
        return ObservedPoints(self.rows[keep], self.y[keep], self.note)

    def windowed(self, lower: float, upper: float) -> "ObservedPoints":
        """Return the points with outliers moved to the edge of the picture, and a note on them.

        Outliers lie more than ten interquartile ranges beyond the quartiles, and beyond `lower` and `upper`, between
        which the curves run. They are moved where with them the picture would be five times as high: everything else would
        be pressed flat. The tail of a skewed response stays as it is.
        """
        finite = self.y[np.isfinite(self.y)]
        first, third = np.quantile(finite, [0.25, 0.75]) if len(finite) else (0.0, 0.0)
        reach = _OUTLYING * (third - first)
        outside = (self.y < min(lower, first - reach)) | (self.y > max(upper, third + reach))
        if reach == 0.0 or not outside.any():
            return self
        inside = self.y[~outside]
        low, high = min(lower, np.nanmin(inside)), max(upper, np.nanmax(inside))
        if max(high, np.nanmax(self.y)) - min(low, np.nanmin(self.y)) <= _FLAT * (high - low):
            return self
        margin = 0.05 * (high - low)
        count, farthest = int(outside.sum()), self.y[outside][np.argmax(np.abs(self.y[outside] - (low + high) / 2.0))]
        where = f"{count} point{'s' * (count > 1)} beyond the picture (to {farthest:.4g}), drawn at its edge."
        return replace(
            self,
            y=np.clip(self.y, low - margin, high + margin),
            note=" ".join(part for part in (self.note, where) if part),
        )


def observed_points(fit: Fit, at: Mapping[str, Any] | None) -> ObservedPoints:
    """Return the observed responses, proportions of trials, brought to the exposure of a reference grid.

    Under a log link a response is multiplied by the ratio of the exposures, under an identity link the difference of
    the offsets is added to it; under other links it stays as it is.
    """
    design, rows = fit.design, at_posterior_means(fit).table.data
    y = np.asarray(design.response, dtype=float)
    y = y / np.asarray(design.trials) if design.family.has_trials else y
    offset, link = np.asarray(design.mu.offset), design.mu.link.name
    if np.ptp(offset) == 0.0 or link not in ("log", "identity") or design.family.working is np.log:
        return ObservedPoints(rows, y, "")
    grid = make_grid(fit, {}, at, ()).rows
    shift = float(np.mean(grid.mu.offset)) - offset
    y = y * np.exp(shift) if link == "log" else y + shift
    names = [str(name) for name in design.table.data.columns]
    terms = [term for term in (design.spec.terms_of(design.mu.parameter) or ()) if term.part == ADDITION]
    read = dict.fromkeys(name for term in terms for name in sorted(term.columns(names)))
    where = ", ".join(f"{name} = {grid.table.data[name].iloc[0]:.4g}" for name in read)
    return ObservedPoints(rows, y, f"Points: brought to {where}.")


def partial_residuals(fit: Fit, expected: Callable[[pd.DataFrame], Array], *, ratio: bool) -> ObservedPoints:
    """Return what the curve of an effect is in each row, moved as far as the response is from its expectation.

    Differences from other rows in all other columns, exposures and groups are so taken out. With `ratio` responses are
    as many times as large as expected, else as far away.
    """
    design, rows = fit.design, at_posterior_means(fit).table.data
    y = np.asarray(design.response, dtype=float)
    y = y / np.asarray(design.trials) if design.family.has_trials else y
    predicted = predict_rows(fit, None, groups="existing", kind="mean", draws=_DRAWS, seed=0)["mean"]
    mean = predicted.mean(["chain", "draw"]).values
    curve = expected(rows)
    moved = curve * y / mean if ratio else curve + y - mean
    what = "divided by its" if ratio else "minus its"
    return ObservedPoints(rows, moved, f"Points: partial residuals (the response {what} expectation).")
