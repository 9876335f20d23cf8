"""Censored and truncated responses: what the left side of a formula says about them, and the limits of the rows."""

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import field_validator, model_validator

from bayesmixed.errors import DataError, SpecError, enumerate_words
from bayesmixed.families import Family
from bayesmixed.families.limits import settle_limits, support_of
from bayesmixed.families.links import Array
from bayesmixed.tables.column_names import quote_name
from bayesmixed.tables.columns import as_numbers
from bayesmixed.values import Value

NONE, RIGHT, LEFT, INTERVAL = "none", "right", "left", "interval"
STATUSES = {
    NONE: (0.0, "false", "n"),
    RIGHT: (1.0, "true", "r"),
    LEFT: (-1.0, "l"),
    INTERVAL: (2.0, "i"),
}
"""What a status may also be written as: brms's numbers, truth values."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Censoring(Value):
    """Which rows are censored: `cens(status)` on the left side of a formula, or `cens(status, upper)`.

    Attributes
    ----------
    column : str
        Column of what is known of each row: "none" (the response itself), "right" (it is larger), "left" (it is not
        larger), "interval" (it lies above the response and is not larger than `upper`); or 0, 1, -1, 2; or truth values, true
        for "right".
    upper : str or None
        Column of the upper ends of intervals; elsewhere it may be missing.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.from_formula("time | cens(status) ~ age", family="weibull").censoring
    Censoring(column='status', upper=None)
    """

    column: str
    upper: str | None = None

    def __str__(self) -> str:
        return f"cens({', '.join(quote_name(name) for name in self.columns)})"

    @property
    def note(self) -> str:
        """What it means, beside equations."""
        return f"censored where '{self.column}' says so: only limits of the response are known"

    @property
    def columns(self) -> list[str]:
        """Names of its columns."""
        return [name for name in (self.column, self.upper) if name is not None]


class Truncation(Value):
    """Bounds outside of which no response is seen: `trunc(lower, upper)` on the left side of a formula.

    Attributes
    ----------
    lower, upper : float, str or None
        A number, a column, or None where there is no bound. A count may be equal to its bounds.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.from_formula("y | trunc(lower=0) ~ x").truncation
    Truncation(lower=0.0, upper=None)
    """

    lower: float | str | None = None
    upper: float | str | None = None

    @field_validator("lower", "upper", mode="before")
    @classmethod
    def _read_bound(cls, bound: object) -> object:
        text = bound.strip() if isinstance(bound, str) else ""
        if text and _NUMBER.fullmatch(text):
            return float(text)
        return text.strip("`") if text else bound

    @model_validator(mode="after")
    def _check(self) -> "Truncation":
        if self.lower is None and self.upper is None:
            raise SpecError("trunc() needs a bound: trunc(0, 10), trunc(lower=0) or trunc(upper=limit).")
        numbers = [bound for bound in (self.lower, self.upper) if isinstance(bound, float)]
        if not np.all(np.isfinite(numbers)):
            raise SpecError(f"'{self}': a bound is a finite number; leave out one that does not exist.")
        if len(numbers) == 2 and numbers[0] > numbers[1]:
            raise SpecError(f"'{self}': the lower bound {numbers[0]:g} is above the upper one, {numbers[1]:g}.")
        return self

    def __str__(self) -> str:
        lower, upper = (
            bound if bound is None else quote_name(bound) if isinstance(bound, str) else repr(bound).removesuffix(".0")
            for bound in (self.lower, self.upper)
        )
        named = [f"{name}={bound}" for name, bound in (("lower", lower), ("upper", upper)) if bound is not None]
        return f"trunc({', '.join(named) if len(named) < 2 else f'{lower}, {upper}'})"

    @property
    def columns(self) -> list[str]:
        """Names of its columns."""
        return [bound for bound in (self.lower, self.upper) if isinstance(bound, str)]

    @property
    def note(self) -> str:
        """What it means, beside equations."""
        return f"truncated: a row is seen only if its response is {self.words}"

    @property
    def words(self) -> str:
        """Where responses are seen, in words: "between 0 and 10"."""
        lower, upper = (f"{end:g}" if isinstance(end, float) else end for end in (self.lower, self.upper))
        if lower is not None and upper is not None:
            return f"between {lower} and {upper}"
        return f"at most {upper}" if lower is None else f"at least {lower}"


def read_statuses(censoring: Censoring, data: pd.DataFrame) -> NDArray[np.str_]:
    """Return the status of each row, (n,).

    Raises
    ------
    DataError
        A value is no status.
    """
    known = {str(text): status for status, others in STATUSES.items() for text in (status, *others)}
    cells = data[censoring.column]
    found = {value: known.get(_plain(value)) for value in cells.unique()}
    wrong = [value for value, status in found.items() if status is None]
    if wrong:
        bad = cells.isin(wrong).to_numpy()
        raise DataError(
            f"'{censoring.column}' in {censoring} is {enumerate_words(sorted({repr(str(v)) for v in wrong}))} in "
            f"{int(bad.sum())} of {len(cells)} rows (first: row {data.index[int(np.argmax(bad))]}). Accepted: none, right, left, "
            "interval, or 0, 1, -1, 2, or truth values, true being right."
        )
    return np.asarray([found[value] for value in cells])


def _plain(value: object) -> str:
    text = str(value).strip().lower()
    return str(float(text)) if _NUMBER.fullmatch(text) else text


def fill_upper_ends(censoring: Censoring | None, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with upper ends that no interval needs replaced where they are missing or infinite.

    Raises
    ------
    DataError
        An interval has an infinite end, so that the row is censored on one side.
    """
    if censoring is None or censoring.upper is None or not {*censoring.columns} <= {*frame.columns}:
        return frame
    upper = as_numbers(frame[censoring.upper])
    if upper is None:
        return frame
    status = frame[censoring.column].map(_plain)
    needed = status.isin([str(text) for text in (INTERVAL, *STATUSES[INTERVAL])])
    endless = needed & np.isinf(upper.astype(float))
    _refuse(
        endless.to_numpy(),
        frame,
        f"'{censoring.upper}' in {censoring} is infinite. Of an interval without an upper end write the status 'right' (the "
        "response is larger than its lower end) and no upper end; it is written 'interval'",
    )
    free = ~needed & ~np.isfinite(upper.astype(float))
    return frame.assign(**{censoring.upper: upper.astype(float).where(~free, 0.0)}) if free.any() else frame


def read_limits(
    censoring: Censoring,
    family: Family,
    response: str,
    y: Array,
    trials: Array | float,
    data: pd.DataFrame,
    bounds: Array | None = None,
) -> Array:
    """Return between which numbers the response of each row lies, (2, n), above the first and up to the second; NaN where
    it is known.

    Raises
    ------
    DataError
        Limits are impossible, or say nothing because all rows are censored on the same side.
    """
    status = read_statuses(censoring, data)
    interval = status == INTERVAL
    upper = np.full(len(y), np.nan)
    if interval.any():
        if censoring.upper is None:
            raise DataError(
                f"'{censoring.column}' is 'interval' in {int(interval.sum())} rows: state the column of their upper ends, "
                f"cens({quote_name(censoring.column)}, upper)."
            )
        column = as_numbers(data[censoring.upper])
        if column is None:
            raise DataError(f"'{censoring.upper}' in {censoring} holds text; it must hold the upper ends of intervals.")
        upper = column.to_numpy(dtype=float)
        _refuse(
            interval & ~(upper > y), data, f"In {censoring} the interval ends at or below its lower end '{response}'"
        )
    for side, words in ((RIGHT, "larger"), (LEFT, "smaller")):
        if np.all(status == side):
            raise DataError(
                f"All {len(y)} rows are {side}-censored: the data do not say how far the responses are {words} than that."
            )
    low = np.select([status == RIGHT, interval, status == LEFT], [y, y, -np.inf], np.nan)
    high = np.select([status == RIGHT, interval, status == LEFT], [np.inf, upper, y], np.nan)
    if bounds is not None:
        low, high = np.maximum(low, bounds[0]), np.minimum(high, bounds[1])
    within = f"the limits of {censoring}" + (" and the bounds of truncation" if bounds is not None else "")
    return _settle(family, np.stack([low, high]), trials, data, within)


def read_bounds(truncation: Truncation, family: Family, trials: Array | float, data: pd.DataFrame) -> Array:
    """Return the bounds of each row, (2, n): a response is seen above the first and up to the second.

    Raises
    ------
    DataError
        A column is text, or no response lies between the bounds.
    """
    ends = []
    for bound, usual in ((truncation.lower, -np.inf), (truncation.upper, np.inf)):
        column = as_numbers(data[bound]) if isinstance(bound, str) else None
        if isinstance(bound, str) and column is None:
            raise DataError(f"'{bound}' in {truncation} holds text; bounds are numbers.")
        ends.append(
            np.full(len(data), usual if bound is None else bound) if column is None else column.to_numpy(dtype=float)
        )
    lower, upper = ends
    _refuse(~(lower <= upper), data, f"In {truncation} the lower bound is above the upper one")
    # A response equal to its lower bound is seen.
    below = np.ceil(lower) - 1.0 if family.discrete else np.nextafter(lower, -np.inf)
    return _settle(family, np.stack([below, upper]), trials, data, str(truncation))


def _settle(family: Family, limits: Array, trials: Any, data: pd.DataFrame, within: str) -> Array:
    """Return limits (2, n) as `settle_limits` does; refuse those that no response can lie between (DataError)."""
    first, last = support_of(family, trials)
    low, high = limits
    empty = ~(np.maximum(low, first) < np.minimum(high, last))
    settled = settle_limits(family, limits, trials)
    if not family.discrete:
        # Between neighbouring numbers a density has no probability; a point mass at the end of the support does.
        thin = np.isfinite(settled).all(axis=0)
        empty |= thin & (np.where(thin, high - low, 1.0) <= 4.0 * np.spacing(np.where(thin, np.abs(high), 1.0)))
    known = np.isnan(low)
    _refuse(empty & ~known, data, f"No response of family '{family.name}' ({family.support}) lies within {within}")
    return settled


def check_bounds(truncation: Truncation, response: str, y: Array, bounds: Array, data: pd.DataFrame) -> None:
    """Refuse responses outside of their bounds (DataError)."""
    outside = ~((y > bounds[0]) & (y <= bounds[1]))
    _refuse(np.asarray(outside), data, f"Response '{response}' lies outside of {truncation}")


def refuse_censoring(censoring: Censoring | None, what: str) -> None:
    """Refuse censored rows where `what` needs new responses, of which nobody knows whether they would be censored (SpecError)."""
    if censoring is not None:
        raise SpecError(
            f"{what} is not defined with {censoring}: which of the new responses would be censored is not known. Leave it "
            "out, or censor responses of bm.simulate yourself."
        )


def _refuse(bad: NDArray[np.bool_], data: pd.DataFrame, what: str) -> None:
    if bad.any():
        rows = enumerate_words(data.index[bad].tolist())
        raise DataError(f"{what} in {int(bad.sum())} of {len(bad)} rows (row {rows}).")
