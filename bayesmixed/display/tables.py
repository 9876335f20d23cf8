"""Draws to table rows, and table rows to text that shows no more digits than the draws support."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.display.monte_carlo import errors_of_means
from bayesmixed.families.links import Array

COLUMNS = ["term", "level", "effect", "mean", "sd", "lower", "upper", "mcse"]
_MIDDLES = ("median", "mean")
_FINE = 0.05
"""Unit of the last digit of an end of an interval, as a share of its width: rounding moves it by half of that at most."""
_LONG = 9
_MOST_PLACES, _MOST_DIGITS = 330, 17
_QUANTILE_FACTOR = 2.67
"""Ratio of the Monte Carlo errors of a 2.5 % quantile and of the mean, for a normal posterior."""


def describe(draws: xr.DataArray, *, mean: bool = True) -> pd.DataFrame:
    """Return mean, sd, 95 % equal-tailed interval and Monte Carlo standard error of the mean; without `mean`, of
    quantities that have none, the median and its error instead.

    Parameters
    ----------
    draws : xarray.DataArray
        Dims chain, draw, and any others; one table row for each element of the others, in C order.
    """
    dataset, units = _as_elements(draws)
    if mean:
        mcse = errors_of_means(dataset["x"].transpose("chain", "draw", ...).values)
    else:
        import arviz_stats

        mcse = arviz_stats.mcse(dataset, method="median")["x"].values
    pooled = dataset["x"].values.reshape(-1, len(mcse))
    lower, upper = quantiles(pooled, [0.025, 0.975])
    constant = np.ptp(pooled, axis=0) == 0
    if mean:
        columns = {"mean": pooled.mean(axis=0), "sd": np.where(constant, 0.0, pooled.std(axis=0, ddof=1))}
    else:
        columns = {"median": quantiles(pooled, [0.5])[0]}
    columns |= {"lower": lower, "upper": upper, "mcse": np.where(constant, 0.0, mcse)}
    return pd.DataFrame({name: values * units for name, values in columns.items()})


def quantiles(values: Array, shares: Sequence[float]) -> Array:
    """Return quantiles over the first axis, (shares, ...), infinite between infinite values."""
    with np.errstate(invalid="ignore"):
        between = np.quantile(values, shares, axis=0)
    return np.where(np.isnan(between), np.quantile(values, shares, axis=0, method="higher"), between)


def labelled(
    draws: xr.DataArray, term: str, levels: Iterable[str], effects: Iterable[str], *, mean: bool = True
) -> pd.DataFrame:
    """Return the rows of `describe` with the labels of the contract in front; labels in C order of the elements."""
    table = describe(draws, mean=mean)
    labels = [(term, level, effect) for level in levels for effect in effects]
    front = pd.DataFrame(labels, columns=["term", "level", "effect"])
    return pd.concat([front, table], axis="columns")


def interval_errors(draws: xr.DataArray) -> pd.DataFrame:
    """Return the Monte Carlo standard errors of lower and upper, also where the posterior has one long tail."""
    import arviz_stats

    dataset, units = _as_elements(draws)
    found = {
        c: arviz_stats.mcse(dataset, method="quantile", prob=p)["x"] for c, p in (("lower", 0.025), ("upper", 0.975))
    }
    return pd.DataFrame({name: units * errors.values for name, errors in found.items()})


def middle_of(table: pd.DataFrame) -> str:
    """Return the column between lower and upper: "median" where a quantity of the table has no mean."""
    return next(name for name in _MIDDLES if name in table.columns)


def format_table(
    table: pd.DataFrame, hide: Iterable[str] = ("mcse",), errors: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return a table as text: the digits that the Monte Carlo errors support, more where they tell an interval's ends apart.

    `errors` are those of lower and upper; without them they follow from `mcse`, as in a normal posterior.
    """
    shown = table.copy()
    middle = next((name for name in _MIDDLES if name in table.columns), "")
    known = errors if errors is not None else pd.DataFrame()
    error = {
        name: known[name].to_numpy() if name in known else _ERROR_FACTORS[name] * table["mcse"].to_numpy()
        for name in _ERROR_FACTORS
        if name in table.columns
    }
    ends = [name for name in ("lower", middle, "upper") if name in table.columns]
    columns = [[float(value) for value in table[name]] for name in ends]
    texts = [
        format_interval(row, [float(error[name][place]) for name in ends])
        for place, row in enumerate(zip(*columns, strict=True))
    ]
    for name, column in zip(ends, zip(*texts, strict=True) if texts else [()] * len(ends), strict=True):
        shown[name] = list(column)
    if "sd" in table.columns:
        shown["sd"] = [
            format_interval((0.0, float(v)), (e, e))[1] for v, e in zip(table["sd"], error["sd"], strict=True)
        ]
    return shown.drop(columns=[c for c in hide if c in shown.columns])


def format_interval(values: Sequence[float], errors: Sequence[float]) -> list[str]:
    """Return rising numbers, such as lower, middle and upper, with digits that their errors support, and more where needed.

    Rounding leaves numbers that rise rising, and moves none by more than 5 % of the distance from the first to the last.
    """
    if len(values) < 2 or not np.all(np.isfinite(values)) or values[0] == values[-1]:
        return [to_text(value, error) for value, error in zip(values, errors, strict=True)]
    needed = _places(_FINE * abs(values[-1] - values[0]), up=True)
    places = [
        max(needed, _places(error if error > 0 else 1e-3 * max(abs(value), 1e-300)))
        for value, error in zip(values, errors, strict=True)
    ]
    texts = [_write(value, place) for value, place in zip(values, places, strict=True)]
    for left, (low, high) in enumerate(pairwise(values)):
        while low < high and not float(texts[left]) < float(texts[left + 1]) and max(places) < _MOST_PLACES:
            for place in (left, left + 1):
                places[place] += 1
                texts[place] = _write(values[place], places[place])
    return texts


def format_range(values: Sequence[float], digits: int) -> list[str]:
    """Return rising numbers with that many significant digits, more where `format_interval` would take them."""
    plain = [format_number(value, digits) for value in values]
    if len(values) < 2 or not np.all(np.isfinite(values)) or values[0] == values[-1]:
        return plain
    reach = 0.5 * _FINE * abs(values[-1] - values[0])
    for more in range(digits, _MOST_DIGITS):
        plain = [format_number(value, more) for value in values]
        read = [float(text) for text in plain]
        near = all(abs(one - value) <= reach for one, value in zip(read, values, strict=True))
        rising = all(
            a < b or not low < high for (a, b), (low, high) in zip(pairwise(read), pairwise(values), strict=True)
        )
        if near and rising:
            break
    return plain


def format_number(value: float, digits: int) -> str:
    """Return a number with that many significant digits; from 0.01 to 1 with three decimals or more, so that 0.995 is not 1."""
    if not np.isfinite(value) or value == 0:
        return f"{value:g}"
    if 0.01 <= abs(value) < 1:
        return f"{value:.{max(3, digits)}f}".rstrip("0").rstrip(".")
    rounded = float(f"{value:.{digits}g}")
    whole = 1e4 <= abs(rounded) < 1e7 and rounded == round(rounded)
    return f"{rounded:.0f}" if whole else f"{rounded:.{max(digits, 6)}g}"


def to_text(value: float, error: float) -> str:
    """Return a number whose last digit is no smaller than its error; four digits where the error is zero."""
    if not np.isfinite(value):
        return "" if np.isnan(value) else str(value)
    if not np.isfinite(error) or error <= 0:
        return f"{value:.4g}"
    return _write(value, _places(error))


def _places(step: float, *, up: bool = False) -> int:
    """Return the decimal places whose unit is the power of ten next to a step: not below it, or (`up`) not above it."""
    exact = -np.log10(step)
    return int(np.ceil(exact - 1e-9) if up else np.floor(exact))


def _write(value: float, places: int) -> str:
    # Adding zero takes the sign from a negative zero.
    rounded = round(float(value), places) + 0.0
    if rounded and (places > _LONG or abs(rounded) >= 10.0**_LONG):
        digits = places + int(np.floor(np.log10(abs(rounded)))) + 1
        return f"{value:.{max(1, digits)}g}"
    return f"{rounded:.{max(places, 0) if places <= _LONG else 0}f}"


_ERROR_FACTORS: dict[str, float] = {
    "mean": 1.0,
    "median": 1.0,
    "sd": 1.0,
    "lower": _QUANTILE_FACTOR,
    "upper": _QUANTILE_FACTOR,
}


def _as_elements(draws: xr.DataArray) -> tuple[xr.Dataset, Array]:
    """Return draws as one variable "x" with the dims chain, draw, element, each in a unit of its own, a power of two, in
    which squares neither overflow nor vanish; and these units."""
    flat = np.asarray(draws.transpose("chain", "draw", ...).values, dtype=float)
    flat = flat.reshape(*flat.shape[:2], -1)
    units = working_units(flat)
    return xr.Dataset({"x": (("chain", "draw", "element"), flat / units)}), units


def working_units(values: Array) -> Array:
    """Return for each number (last axis) a power of two near its largest draw, in which squares neither overflow nor vanish."""
    size = np.max(np.abs(values), axis=tuple(range(values.ndim - 1)), initial=0.0, where=np.isfinite(values))
    return np.asarray(2.0 ** np.round(np.log2(np.where(size > 0.0, size, 1.0))))


def drop_empty(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the label columns that are empty in every row."""
    empty: list[Any] = [c for c in ("term", "level", "effect") if c in table.columns and (table[c] == "").all()]
    return table.drop(columns=empty)
