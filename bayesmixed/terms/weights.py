"""Weights and known standard errors of rows: what they mean, and the column that holds them."""

import numpy as np
import pandas as pd
from pydantic import field_validator

from bayesmixed.errors import DataError, SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.tables.columns import as_numbers
from bayesmixed.values import Value

FREQUENCY, PRECISION, LIKELIHOOD = "frequency", "precision", "likelihood"
KINDS = {
    FREQUENCY: "the row represents w identical rows",
    PRECISION: "the residual variance of the row is sigma^2 / w",
    LIKELIHOOD: "the log-likelihood of the row counts w times",
}
ERROR, ADDED_ERROR = "standard error", "standard error beside sigma"
ERRORS = {
    ERROR: "the residual SD of the row is known, s",
    ADDED_ERROR: "the residual variance of the row is sigma^2 + s^2",
}
MULTIPLIES_ERRORS = "multiplies the known standard errors of rows"
"""What the residual scale, fixed at 1, is then."""


class Weights(Value):
    """Weights with a meaning, `weights(w, "frequency")` on the left side of a formula, or known errors, `se(s)`.

    Attributes
    ----------
    column : str
        Column of numbers above zero; whole ones for frequencies. Standard errors may be 0 beside a free sigma.
    kind : str
        "frequency": the row represents w identical rows, also in default priors; "precision": the residual variance is
        sigma^2 / w, so that sigma is the residual SD of a row of weight 1; "likelihood": the log-likelihood counts w
        times, as for survey weights or power likelihoods. "standard error", `se(s)`: the residual SD of the row is s;
        "standard error beside sigma", `se(s, sigma=True)`: its residual variance is sigma^2 + s^2.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.from_formula('y | weights(w, "frequency") ~ x').weights
    Weights(column='w', kind='frequency')
    """

    column: str
    kind: str

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        known = {**KINDS, **ERRORS}
        if kind not in known:
            raise SpecError(f"Weights of kind '{kind}' are not known. {did_you_mean(kind, known)}")
        return kind

    @property
    def are_errors(self) -> bool:
        """Whether the column holds standard errors."""
        return self.kind in ERRORS

    @property
    def of_scale(self) -> bool:
        """Whether the residual variance of a row depends on the column."""
        return self.kind == PRECISION or self.are_errors

    @property
    def meaning(self) -> str:
        """What the column holds, in words."""
        return "standard errors" if self.are_errors else f"{self.kind} weights"

    def column_value(self, weight: float) -> float:
        """Return the value of the column in a row of that weight: its standard error, 1 / sqrt(w), or the weight."""
        return weight**-0.5 if self.are_errors else weight

    def __str__(self) -> str:
        if self.are_errors:
            return f"se({self.column}, sigma=True)" if self.kind == ADDED_ERROR else f"se({self.column})"
        return f'weights({self.column}, "{self.kind}")'


def read_weights(weights: Weights, data: pd.DataFrame) -> Array:
    """Return the weights of the rows, (n,); of known standard errors s those of precision, 1 / s^2, and beside sigma s.

    Raises
    ------
    DataError
        A weight is not a number above zero, or a frequency is not whole.
    """
    column, what = as_numbers(data[weights.column]), "Standard errors" if weights.are_errors else "Weights"
    if column is None:
        raise DataError(f"{what} '{weights.column}' hold text; they must be numbers above zero.")
    values = column.to_numpy()
    good, needed = np.isfinite(values) & (values > 0), "numbers above zero"
    instead = "Leave out rows that should not count."
    if weights.are_errors:
        instead = "Leave these rows out, or correct them."
    if weights.kind == FREQUENCY:
        good, needed = good & (values == np.floor(values)), "whole numbers from 1, as frequencies"
    if weights.kind == ADDED_ERROR:
        good, needed = np.isfinite(values) & (values >= 0), "numbers from zero"
    if not good.all():
        first = int(np.argmin(good))
        raise DataError(
            f"{what} '{weights.column}' must be {needed}; {int(np.sum(~good))} of {len(values)} rows are not "
            f"(first: row {data.index[first]}, value {values[first]:g}). {instead}"
        )
    return np.asarray(values**-2.0 if weights.kind == ERROR else values, dtype=float)


def refuse_weights(weights: Weights | None, what: str) -> None:
    """Refuse weighted rows where `what` has no meaning for them; precision weights are part of the model and pass.

    Raises
    ------
    SpecError
        The rows have frequency or likelihood weights.
    """
    if weights is None or weights.of_scale:
        return
    reason = {
        FREQUENCY: f"a row represents '{weights.column}' rows. Fit the expanded rows "
        f'(data.loc[data.index.repeat(data["{weights.column}"])])',
        LIKELIHOOD: "a power of a likelihood predicts no observation. Fit without weights, or with precision weights",
    }[weights.kind]
    raise SpecError(f"{what} is not defined for rows with {weights.kind} weights: {reason}.")
