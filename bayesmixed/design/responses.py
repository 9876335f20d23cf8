"""The response of a design: what was observed in each row, of how many trials, and the weight of each row."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.limits import BOTTOM, HIGH, LOW, TOP
from bayesmixed.families.links import Array
from bayesmixed.terms.weights import ADDED_ERROR, ERROR, FREQUENCY, LIKELIHOOD, PRECISION


@dataclass(frozen=True, slots=True)
class RowScale:
    """How the residual scale of a row follows from that of the model.

    Attributes
    ----------
    factor : (n,) array or float
        What multiplies it.
    error : (n,) array or float
        Standard error whose square is added to its square.
    """

    factor: Any = 1.0
    error: Any = 0.0

    def of(self, scale: Any) -> Any:
        """Return the scale of each row, for a scale (last axis: rows) that may be a PyTensor variable."""
        scale = scale * self.factor
        return (scale**2 + np.square(self.error)) ** 0.5 if np.any(self.error) else scale

    def take(self, rows: NDArray[np.intp]) -> "RowScale":
        """Return that of some of the rows."""
        return RowScale(*(part if np.ndim(part) == 0 else part[rows] for part in (self.factor, self.error)))

    @property
    def mean(self) -> "RowScale":
        """That of a row whose residual variance is the mean over the rows."""
        return RowScale(*(float(np.mean(np.square(part)) ** 0.5) for part in (self.factor, self.error)))


@dataclass(frozen=True, slots=True)
class Response:
    """What was observed in n rows.

    Attributes
    ----------
    rows : int
        Number of rows, n.
    values : (n,) array or None
        The response; None where rows to predict have none.
    trials : (n,) array or float or None
        Numbers of trials; 1.0 for families without; None where rows to predict have none.
    weights : (n,) array or None
        None without weights, and where rows to predict have none. Known standard errors s are 1 / s^2, or s beside sigma.
    weighting : str
        What the weights mean, a key of `weights.KINDS` or `weights.ERRORS`; "" without weights.
    categories : tuple of str
        Labels of an ordered response, the lowest first; `values` hold their numbers from 1. Empty for others.
    limits : (2, n) array or None
        Of censored rows: the response lies above the first number and not above the second; NaN where it is known.
    bounds : (2, n) array or None
        Of truncated responses: only those above the first number and not above the second are seen.
    """

    rows: int
    values: Array | None
    trials: Any
    weights: Array | None = None
    weighting: str = ""
    categories: tuple[str, ...] = ()
    limits: Array | None = None
    bounds: Array | None = None

    def take(self, rows: NDArray[np.intp]) -> "Response":
        """Return what was observed in some of the rows."""
        values, trials, weights = (
            given if given is None or np.ndim(given) == 0 else np.asarray(given)[rows]
            for given in (self.values, self.trials, self.weights)
        )
        limits, bounds = (pair if pair is None else pair[:, rows] for pair in (self.limits, self.bounds))
        return Response(len(rows), values, trials, weights, self.weighting, self.categories, limits, bounds)

    def in_unit(self, unit: float) -> "Response":
        """Return what was observed with the response divided by a unit."""
        values, limits, bounds = (
            given if given is None else given / unit for given in (self.values, self.limits, self.bounds)
        )
        return replace(self, values=values, limits=limits, bounds=bounds)

    @property
    def known_limits(self) -> dict[str, Array]:
        """The limits of rows as families of limited responses find them among their parameters."""
        low_high = {} if self.limits is None else dict(zip((LOW, HIGH), self.limits, strict=True))
        return low_high if self.bounds is None else {**low_high, **dict(zip((BOTTOM, TOP), self.bounds, strict=True))}

    @property
    def interval(self) -> Array:
        """(2, n): the response is at most the first number and larger than the second; a known one is equal to the first."""
        y = np.asarray(self.values, dtype=float)
        known = np.stack([y, np.nextafter(y, -np.inf)])
        return known if self.limits is None else np.where(np.isnan(self.limits[0]), known, self.limits[::-1])

    @property
    def censored(self) -> NDArray[np.bool_]:
        """Which rows are censored, (n,)."""
        return np.zeros(self.rows, dtype=bool) if self.limits is None else ~np.isnan(self.limits[0])

    @property
    def censored_sides(self) -> dict[str, NDArray[np.bool_]]:
        """Which rows are censored on the right, on the left, and within an interval, (n,) each."""
        if self.limits is None:
            return {}
        bounds = np.array([[-np.inf], [np.inf]]) if self.bounds is None else self.bounds
        above, below = np.isfinite(self.limits) & (self.limits != bounds)
        sides = {"right": above & ~below, "left": ~above & below, "interval": above & below}
        return {side: rows & self.censored for side, rows in sides.items()}

    @property
    def limits_text(self) -> str:
        """How many rows are censored on which side, in words; "" where none are."""
        counts = {side: int(np.sum(rows)) for side, rows in self.censored_sides.items()}
        return ", ".join(f"{count:,} {side}-censored" for side, count in counts.items() if count)

    @property
    def scale_factor(self) -> Array | None:
        """What multiplies the residual scale in each row: 1 / sqrt(w) with precision weights, s with known standard errors,
        else None."""
        known = self.weights is not None and self.weighting in (PRECISION, ERROR)
        return np.asarray(self.weights**-0.5) if known and self.weights is not None else None

    @property
    def row_scale(self) -> RowScale | None:
        """How the residual scale of each row follows from that of the model; None where it is that of the model."""
        if self.weights is not None and self.weighting == ADDED_ERROR:
            return RowScale(error=self.weights)
        return None if self.scale_factor is None else RowScale(self.scale_factor)

    @property
    def mean_variance_column(self) -> float | None:
        """The value of the column of weights or errors at which the residual variance is its mean over the rows."""
        if self.row_scale is None:
            return None
        mean = self.row_scale.mean
        return float({PRECISION: mean.factor**-2.0, ERROR: mean.factor}.get(self.weighting, mean.error))

    @property
    def typical_weight(self) -> float:
        """The precision weight of a typical row, the geometric mean; 1 where the rows have none."""
        return 1.0 if self.scale_factor is None else float(np.exp(-2.0 * np.mean(np.log(self.scale_factor))))

    @property
    def mean_variance_weight(self) -> float:
        """The precision weight at which sigma^2 / w is its mean over the rows, the harmonic mean; 1 where there is none."""
        return 1.0 if self.scale_factor is None else float(1.0 / np.mean(np.square(self.scale_factor)))

    @property
    def multiplicity(self) -> Array | None:
        """What multiplies the log-likelihood of each row: frequency and likelihood weights, else None."""
        return self.weights if self.weighting in (FREQUENCY, LIKELIHOOD) else None

    def weigh(self, values: Any) -> Any:
        """Return log-likelihoods or their derivatives (last axis: rows), multiplied by the weights of the rows."""
        return values if self.multiplicity is None else values * self.multiplicity

    @property
    def row_counts(self) -> Array:
        """How many rows each row represents, (n,): one, except with frequency weights."""
        counted = self.weights is not None and self.weighting == FREQUENCY
        return np.asarray(self.weights) if counted else np.ones(self.rows)

    @property
    def row_shares(self) -> Array:
        """Share of each row in the data, (n,): the same for all, except with frequency weights."""
        counts = self.row_counts
        return np.asarray(counts / np.sum(counts))
