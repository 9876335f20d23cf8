"""Rows of a design as functions of their linear predictors, with the derivatives that marginal likelihoods take."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.design.row_likelihoods import RowLikelihood
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import as_responses
from bayesmixed.kernels.joint.merging import Rows, merge_rows
from bayesmixed.kernels.rows.families import FAMILY_CODES
from bayesmixed.kernels.rows.links import LINK_CODES


class RowDensity(Protocol):
    """What rows give at predictors of the first parameter, (m,), and of the others, (m, P - 1)."""

    @property
    def sloped(self) -> bool:
        """Whether third and mixed derivatives are given."""

    def derivatives(self, eta: Array, further: Array, *, mixed: bool = False) -> Array:
        """Return log-densities with their first three derivatives in the first predictor, (m, 4).

        With `mixed` three more columns for each further predictor: derivatives in it of the log-density, of its first and of
        its second derivative.
        """


def merged_rows(design: Design) -> Rows:
    """Return the rows of a design, merged where compiled ones read them."""
    if is_compiled(design):
        return merge_rows(design)
    y = as_responses(design.response)
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), y.shape)
    return Rows(np.arange(len(y)), y, trials, np.zeros(len(y)), design.observed.multiplicity)


def is_compiled(design: Design) -> bool:
    """Return whether the family of a design has a compiled row."""
    return design.family.name in FAMILY_CODES and isinstance(design.spec.family, str)


class CompiledRows:
    """Rows of a family that has a compiled one."""

    sloped = True

    def __init__(self, design: Design, rows: Rows) -> None:
        self.codes = FAMILY_CODES[design.family.name], LINK_CODES[design.mu.link.name]
        self.rows = rows
        # Copies of one kind: read-only arrays and other orders would each be compiled again.
        self.response, self.trials = (np.array(values, dtype=float) for values in (rows.response, rows.trials))

    def derivatives(self, eta: Array, further: Array, *, mixed: bool = False) -> Array:
        """Return the derivatives."""
        from bayesmixed.kernels.rows.compiled import fill_derivatives_compiled

        columns = np.empty((len(eta), 1 + further.shape[1]))
        columns[:, 0], columns[:, 1:] = eta, further
        found = np.empty((len(eta), 4 + 3 * further.shape[1] if mixed else 4))
        fill_derivatives_compiled(*self.codes, self.response, self.trials, columns, found)
        found[:, 0] += self.rows.constants
        return found if self.rows.weights is None else found * self.rows.weights[:, None]


@dataclass(frozen=True, slots=True)
class RecordRows:
    """Rows of a family without a compiled one."""

    likelihood: RowLikelihood
    sloped: ClassVar[bool] = False

    def derivatives(self, eta: Array, further: Array, *, mixed: bool = False) -> Array:
        """Return log-densities and two derivatives: the others are not known."""
        rows = self.likelihood
        bend = rows.expected_information(eta) if rows.quadratic else rows.observed_information(eta, rows.link.unit)
        return np.column_stack([rows.log_density(eta), rows.score(eta), -bend, np.full(len(eta), np.nan)])


@dataclass(frozen=True, slots=True)
class NormalRows:
    """Normal rows with known precisions, which rows are replaced by around a predictor."""

    response: Array
    weight: Array
    sloped: ClassVar[bool] = True

    def derivatives(self, eta: Array, further: Array, *, mixed: bool = False) -> Array:
        """Return the derivatives."""
        away = self.weight * (self.response - eta)
        value = 0.5 * np.log(self.weight / (2.0 * np.pi)) - 0.5 * away * (self.response - eta)
        return np.column_stack([value, away, -self.weight, np.zeros(len(eta))])
