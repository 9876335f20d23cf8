"""Likelihood of rows: log-density, score and information in their linear predictors, at and near the boundary of the link."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.design.responses import RowScale
from bayesmixed.families import Family, Values
from bayesmixed.families.links import Array, Link

_BORDER = 1e-6
"""Distance that predictors keep from where a link has no inverse, as a share of the largest one."""
_STEP = 1e-3
"""Step of differences of the score, in the unit in which it bends."""


def keep_inside(link: Link, eta: Array) -> Array:
    """Return linear predictors clipped so that the inverse of the link and its powers are finite and off the boundary."""
    if np.isfinite(link.lowest):
        return np.maximum(eta, link.lowest + _BORDER * max(float(np.max(np.abs(eta), initial=0.0)), 1e-100))
    return np.clip(eta, *link.reach)


@dataclass(frozen=True, slots=True)
class RowLikelihood:
    """The likelihood of rows as a function of their linear predictors, of which the first parameter's comes first.

    All arrays have rows as their last axis and broadcast. Derivatives are in the predictor of the first parameter. At a
    predictor beyond the reach of its link all are those at the boundary, so that they are never NaN; where the link
    has no inverse the density is 0.

    Attributes
    ----------
    family : Family
    links : mapping
        Links of the parameters that have a predictor.
    response, trials : array or float
        The response may be None where only the expected information is wanted.
    others : mapping
        The parameters that are known.
    scaled : RowScale or None
        How the residual scale of each row follows from that of the model: see `Response.row_scale`.
    counts : array or float
        What multiplies the log-likelihood of each row: see `Response.multiplicity`.
    known : mapping
        Limits of the rows: see `Response.known_limits`.
    """

    family: Family
    links: Mapping[str, Link]
    response: Any
    trials: Any
    others: Values
    scaled: RowScale | None = None
    counts: Any = 1.0
    known: Values = field(default_factory=dict)

    @property
    def link(self) -> Link:
        """The link of the first parameter."""
        return self.links[self.family.parameters[0].name]

    @property
    def quadratic(self) -> bool:
        """Whether log-densities are quadratic in the predictor, as those of normal rows."""
        return self.family.is_normal_under(self.link)

    def has_no_density(self, eta: Array) -> NDArray[np.bool_]:
        """Return whether each predictor of the first parameter lies where its link has no inverse."""
        return np.asarray(np.less_equal(eta, self.link.lowest))

    def values(self, eta: Array, further: Mapping[str, Array] | None = None) -> dict[str, Any]:
        """Return the parameters of the rows, off their boundaries, for predictors of the first and of `further` ones."""
        etas = {self.family.parameters[0].name: eta, **(further or {})}
        values = {
            **self.others,
            **self.known,
            **{n: self.links[n].inverse(keep_inside(self.links[n], e)) for n, e in etas.items()},
        }
        scale = self.family.scale
        return values if self.scaled is None else {**values, scale: self.scaled.of(values[scale])}

    def log_density(self, eta: Array, further: Mapping[str, Array] | None = None) -> Array:
        """Return the log-likelihood of each row; -inf where the link has no inverse."""
        found = self.counts * self.family.logp(self.response, self.values(eta, further), self.trials)
        return np.where(self.has_no_density(eta), -np.inf, found)

    def score(self, eta: Array) -> Array:
        """Return the derivative of the log-likelihood of each row."""
        slope = self.link.derivative(keep_inside(self.link, eta))
        found = self.counts * self.family.score(self.response, self.values(eta), self.trials) * slope
        return np.broadcast_to(found, np.broadcast_shapes(np.shape(eta), np.shape(found)))

    def expected_information(self, eta: Array) -> Array:
        """Return the expected information: that about the parameter times its squared slope; never negative.

        Of censored and truncated rows it is the observed one.
        """
        if self.family.limited and self.response is not None:
            return np.maximum(np.nan_to_num(self.observed_information(eta)), 0.0)
        return self._information_of_family(eta)

    def _information_of_family(self, eta: Array) -> Array:
        slope = self.link.derivative(keep_inside(self.link, eta))
        with np.errstate(all="ignore"):
            found = self.family.information(self.values(eta), self.trials) * np.square(slope)
        # Differences of nearly equal numbers near the boundary may fall below zero.
        found = self.counts * np.maximum(found, 0.0)
        return np.broadcast_to(found, np.broadcast_shapes(np.shape(eta), np.shape(found)))

    def observed_information(self, eta: Array, unit: Array | float | None = None) -> Array:
        """Return minus the second derivative of each row, to about 9 digits of the score by differences of it.

        Parameters
        ----------
        unit : array or float, optional
            Distance over which the score bends. By default it follows from the expected information, which is slow for
            some families.
        """
        step = _STEP * (self._unit(eta) if unit is None else unit)
        ahead, behind, far, back = (self.score(eta + m * step) for m in (1, -1, 2, -2))
        return -np.asarray((8.0 * (ahead - behind) - (far - back)) / (12.0 * step))

    def _unit(self, eta: Array) -> Array:
        """Return the distance over which the score of each row bends: the unit of the link, or that of the row's information."""
        known = self._information_of_family(eta) / np.where(np.greater(self.counts, 0), self.counts, 1.0)
        unit = 1.0 / np.sqrt(np.maximum(known, 1e-200))
        lowest = self.link.lowest
        largest = self.link.unit or (keep_inside(self.link, eta) - lowest if np.isfinite(lowest) else np.inf)
        return np.minimum(unit, largest)


def likelihood_of_rows(
    design: Design,
    others: Values,
    *,
    response: Any = None,
    trials: Any = None,
    rows: NDArray[np.intp] | None = None,
    counts: Any = None,
    rough: bool = False,
) -> RowLikelihood:
    """Return the likelihood of all or some rows of a design.

    Parameters
    ----------
    others : mapping
        The parameters that are known.
    response, trials : array, optional
        In place of those of the design.
    counts : array or float, optional
        What multiplies the log-likelihood of each row, in place of the design's.
    rows : (m,) integer array, optional
        Rows to use; `others`, `response` and `trials` are theirs.
    rough : bool
        Correlations of residuals, which it does not know of, do not matter: for starting values and tails.

    Raises
    ------
    SpecError
        Residuals are correlated.
    """
    if not rough:
        design.needs_independence("The likelihood of single rows")

    def own(array: Any) -> Any:
        return array if rows is None or np.ndim(array) == 0 else np.asarray(array)[..., rows]

    scaled = design.observed.row_scale
    return RowLikelihood(
        design.family,
        {name: predictor.link for name, predictor in design.predictors.items()},
        own(design.response) if response is None else response,
        own(design.trials) if trials is None else trials,
        others,
        scaled if scaled is None or rows is None else scaled.take(rows),
        (1.0 if design.observed.multiplicity is None else own(design.observed.multiplicity))
        if counts is None
        else counts,
        {name: own(limit) for name, limit in design.observed.known_limits.items()},
    )
