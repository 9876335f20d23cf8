"""The block of the population part: columns whose coefficients are the same for all rows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array
from bayesmixed.parameter_keys import CENTRED_INTERCEPT
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.basis import Basis
from bayesmixed.terms.block_parts import Coordinates
from bayesmixed.terms.empty_cells import Reduction


@dataclass(frozen=True, slots=True)
class PopulationBlock:
    """The population part of one predictor: n rows by p columns, and q coordinates in which its priors are stated.

    Attributes
    ----------
    labels : tuple of str
        Names of the columns as written.
    matrix : (n, p) array
        The columns as written.
    state : EvaluatedFormula
        Learned levels, knots and contrasts, replayed on new rows.
    basis : Basis
        Of the formula, smooths left out.
    columns : (n, r) array
        Columns of the basis, then those of smooths that are not penalised.
    written : (p, r) array
        Coefficients as written are this matrix times those of `columns`.
    units : (r,) array
        Scales of the default priors of the coefficients of `columns`; see `Basis.units`.
    means, written_means : (r,), (p,) arrays
        Means of `columns` and `matrix` over the rows of the fit.
    coordinates : Coordinates
        Where the priors are stated.
    reduction : Reduction
        Which columns of the formula `matrix` has.
    open_part : (n, d) array
        The part of each row's predictor that the fit does not determine: no columns without empty combinations of levels.
    """

    labels: tuple[str, ...]
    matrix: Array
    state: Any
    basis: Basis
    columns: Array
    written: Array
    units: Array
    means: Array
    written_means: Array
    coordinates: Coordinates
    reduction: Reduction
    open_part: Array

    @property
    def column_labels(self) -> tuple[str, ...]:
        """Labels of the r columns of the basis and of smooths."""
        return (*self.basis.labels, *self.labels[len(self.labels) - len(self.units) + len(self.basis.labels) :])

    @property
    def is_open(self) -> NDArray[np.bool_]:
        """Rows whose predictor the fit does not determine, (n,)."""
        return np.asarray(np.any(self.open_part != 0.0, axis=1))

    @property
    def transform(self) -> Array:
        """(p, q) matrix T: coefficients as written are T times the coordinates."""
        return np.eye(len(self.labels)) if self.as_written else np.asarray(self.written @ self.coordinates.mixing)

    @property
    def as_written(self) -> bool:
        """Whether the coordinates are the coefficients as written, if of columns with the mean zero under thresholds."""
        return self.coordinates.as_written

    @property
    def coordinate_matrix(self) -> Array:
        """(n, q) columns that multiply the coordinates."""
        return self.coordinate_rows(slice(None))

    def coordinate_rows(self, rows: slice) -> Array:
        """Return some rows of `coordinate_matrix`."""
        return np.asarray(self.columns[rows] @ self.coordinates.mixing)

    def take(self, rows: NDArray[np.intp]) -> "PopulationBlock":
        """Return the block of some of its rows."""
        return replace(self, matrix=self.matrix[rows], columns=self.columns[rows], open_part=self.open_part[rows])

    def coordinate_priors(self, location: float, slope: float) -> Iterator[tuple[Prior, str]]:
        """Yield the default prior of each coordinate, and what it is in words, given the location of the intercept and the
        scale of standardised slopes."""
        own = self.coordinates
        for label, unit, pull in zip(own.labels, own.units, own.pulls, strict=True):
            scale = slope if np.isnan(unit) else slope * unit
            distribution = Prior(name="Normal", arguments=(float(location * pull) + 0.0, float(scale)))
            yield distribution, self._about(label, stated=bool(np.isnan(unit)))

    def _about(self, label: str, *, stated: bool) -> str:
        """Return what a coordinate of a population part is, in words."""
        if label == CENTRED_INTERCEPT:
            return "intercept at the covariate means" if "Intercept" in self.labels else "mean over the rows"
        if label == "Intercept":
            return "intercept"
        if label.partition(" #")[0] == "others":
            return "what the stated priors leave open, given these"
        if stated and label not in self.labels:
            return "mean of a level"
        if label.startswith("cells of ") and self.reduction.drops:
            return "differences between the cells that have rows"
        if stated or label in self.labels:
            return "slope or difference"
        text = label.partition(" #")[0].removesuffix("_centred")
        term = next(term for term in self.basis.terms if term.text == text)
        others = [
            set(other.pieces)
            for other in self.basis.terms
            if other is not term and set(term.pieces) < set(other.pieces)
        ]
        averaged = ", averaged over what it interacts with" if others else ""
        if not any(self.basis.pieces[piece].discrete for piece in term.pieces):
            return f"slope{averaged}"
        if len(term.pieces) > 1:
            return f"interaction, sum zero over levels{averaged}"
        return f"differences between levels, sum zero{averaged}"
