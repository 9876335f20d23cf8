"""Columns whose true values are drawn with the parameters: some are missing, or all are measured with error."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.formulas.notation import safe_name


@dataclass(frozen=True, slots=True)
class LatentColumn:
    """A column of which values are drawn with the parameters.

    Attributes
    ----------
    column : str
        Its name.
    design : Design
        Its own model on all rows; names of its variables end in "_of_x". The response holds known values, and guesses where
        they are missing.
    missing : (n,) array of bool
        Which values are drawn; all of a column measured with error.
    error : (n,) array or None
        Known SDs of the errors of measurement.
    slopes : mapping of str to (n, q) array
        By parameter of the main model: how much its columns at the centre change per unit of this one.
    """

    column: str
    design: Any
    missing: NDArray[np.bool_]
    error: Array | None
    slopes: Mapping[str, Array] = field(default_factory=dict)

    @property
    def summed(self) -> bool:
        """Whether its values are events, which are summed out of the likelihood of their row."""
        return bool(self.design.family.discrete)

    def take(self, rows: NDArray[np.intp]) -> "LatentColumn":
        """Return that of some of the rows."""
        predictors = {name: predictor.take(rows) for name, predictor in self.design.predictors.items()}
        return replace(
            self,
            design=replace(self.design, predictors=predictors, observed=self.design.observed.take(rows)),
            missing=self.missing[rows],
            error=None if self.error is None else self.error[rows],
            slopes={name: slopes[rows] for name, slopes in self.slopes.items()},
        )

    @property
    def guess(self) -> Array:
        """(n,) values in the columns of the main design."""
        return np.asarray(self.design.response, dtype=float)

    @property
    def imputed(self) -> str:
        """Name of the drawn values in the draws."""
        return f"imputed_{safe_name(self.column)}"

    @property
    def dim(self) -> str:
        """Name of the dimension of the drawn values: their rows."""
        return f"{self.imputed}_row"

    @property
    def rows(self) -> list[Any]:
        """Labels of the rows whose values are drawn."""
        return list(np.asarray(self.design.table.data.index)[self.missing])


@dataclass(frozen=True, slots=True)
class EventPattern:
    """Rows that miss the same events.

    Attributes
    ----------
    columns : tuple of str
        The columns of these events.
    rows : (m,) integer array
        The rows.
    """

    columns: tuple[str, ...]
    rows: NDArray[np.intp]

    @property
    def combinations(self) -> list[tuple[int, ...]]:
        """What the events may have been: 0 or 1 by column."""
        return [*product((0, 1), repeat=len(self.columns))]


def event_patterns(design: Any) -> list[EventPattern]:
    """Return the sets of events that rows of a design miss together, each with its rows."""
    summed = [one for one in design.latent if one.summed]
    missing = np.column_stack([one.missing for one in summed]) if summed else np.zeros((design.rows, 0), dtype=bool)
    kinds, index = np.unique(missing, axis=0, return_inverse=True)
    return [
        EventPattern(
            tuple(one.column for one, gone in zip(summed, kind, strict=True) if gone), np.flatnonzero(index == place)
        )
        for place, kind in enumerate(kinds)
        if kind.any()
    ]


@dataclass(frozen=True, slots=True)
class ImputedTables:
    """Tables of the same rows, with other values where some were missing.

    Attributes
    ----------
    tables : tuple of pandas.DataFrame
        All of them.
    layout : str
        In what they differ beside columns of population parts and the response, "" for nothing.
    responses : bool
        Whether they differ in the response.
    """

    tables: tuple[pd.DataFrame, ...]
    layout: str
    responses: bool

    def differing(self, *, response: bool) -> str:
        """Return in what tables differ for which rows cannot have the values of each draw, with `response` also in that."""
        return self.layout or ("the response" if response and self.responses else "")


def with_own_names(design: Any, column: str) -> Any:
    """Return the design of a column with variables named after it: "beta_of_x", "sd_g_of_x"."""
    first, label = design.mu.parameter, safe_name(column)
    named = {
        name: replace(predictor, suffix=f"_of_{label}" + ("" if name == first else f"_{name}"))
        for name, predictor in design.predictors.items()
    }
    return with_predictors(design, named)


def with_predictors(design: Any, named: Mapping[str, Any]) -> Any:
    """Return the design with its predictors under other names, and their priors under the keys of these."""
    keys: dict[str, str] = {}
    for name, predictor in design.predictors.items():
        own = named[name]
        keys |= zip(predictor.keys, own.keys, strict=True)
        for block, again in zip(predictor.normal_blocks, own.normal_blocks, strict=True):
            keys |= zip(predictor.sd_keys(block), own.sd_keys(again), strict=True)
            structures = zip(predictor.structure_parameters(block), own.structure_parameters(again), strict=True)
            keys |= {old: new for (old, *_), (new, *_) in structures}
            keys[predictor.corr(block)] = own.corr(again)
    priors = {keys.get(key, key): entry for key, entry in design.priors.items()}
    return replace(design, predictors=dict(named), priors=priors)


def with_gaps(table: pd.DataFrame, columns: Iterable[LatentColumn]) -> pd.DataFrame:
    """Return a table whose missing values are missing again."""
    gone = {one.column: np.where(one.missing, np.nan, table[one.column]) for one in columns if one.error is None}
    return table.assign(**gone)


def refuse_latent(columns: Any, what: str) -> None:
    """Refuse models of columns with missing values or errors where all values must be known (SpecError)."""
    if columns:
        names = ", ".join(f"'{one.column}'" for one in columns)
        raise SpecError(
            f"{what} needs all values of the columns, and true values of {names} are drawn with the parameters (mi, me). Take "
            "complete rows, or a table in which they are imputed."
        )
