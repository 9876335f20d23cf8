"""Weights of rows: what they mean, and the column that holds them."""

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


class Weights(Value):
    """Weights with a meaning: `weights(w, "frequency")` on the left side of a formula.

    Attributes
    ----------
    column : str
        Column of numbers above zero; whole ones for frequencies.
    kind : str
        "frequency": the row represents w identical rows, also in default priors; "precision": the residual variance is
        sigma^2 / w, so that sigma is the residual SD of a row of weight 1; "likelihood": the log-likelihood counts w
        times, as for survey weights or power likelihoods.

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
        if kind not in KINDS:
            raise SpecError(f"Weights of kind '{kind}' are not known. {did_you_mean(kind, KINDS)}")
        return kind

    def __str__(self) -> str:
        return f'weights({self.column}, "{self.kind}")'


def read_weights(weights: Weights, data: pd.DataFrame) -> Array:
    """Return the weights of the rows, (n,).

    Raises
    ------
    DataError
        A weight is not a number above zero, or a frequency is not whole.
    """
    column = as_numbers(data[weights.column])
    if column is None:
        raise DataError(f"Weights '{weights.column}' hold text; they must be numbers above zero.")
    values = column.to_numpy()
    good, needed = np.isfinite(values) & (values > 0), "numbers above zero"
    if weights.kind == FREQUENCY:
        good, needed = good & (values == np.floor(values)), "whole numbers from 1, as frequencies"
    if not good.all():
        first = int(np.argmin(good))
        raise DataError(
            f"Weights '{weights.column}' must be {needed}; {int(np.sum(~good))} of {len(values)} rows are not "
            f"(first: row {data.index[first]}, value {values[first]:g}). Leave out rows that should not count."
        )
    return values


def refuse_weights(weights: Weights | None, what: str) -> None:
    """Refuse weighted rows where `what` has no meaning for them; precision weights are part of the model and pass.

    Raises
    ------
    SpecError
        The rows have frequency or likelihood weights.
    """
    if weights is None or weights.kind == PRECISION:
        return
    reason = {
        FREQUENCY: f"a row represents '{weights.column}' rows. Fit the expanded rows "
        f'(data.loc[data.index.repeat(data["{weights.column}"])])',
        LIKELIHOOD: "a power of a likelihood predicts no observation. Fit without weights, or with precision weights",
    }[weights.kind]
    raise SpecError(f"{what} is not defined for rows with {weights.kind} weights: {reason}.")
