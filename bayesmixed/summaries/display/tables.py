"""Draws to table rows, and table rows to text that shows no more digits than the draws support."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

COLUMNS = ["term", "level", "effect", "mean", "sd", "lower", "upper", "mcse"]
_QUANTILE_FACTOR = 2.67
"""Ratio of the Monte Carlo errors of a 2.5 % quantile and of the mean, for a normal posterior."""


def describe(draws: xr.DataArray) -> pd.DataFrame:
    """Return mean, sd, 95 % equal-tailed interval and Monte Carlo standard error of the mean.

    Parameters
    ----------
    draws : xarray.DataArray
        Dims chain, draw, and any others; one table row for each element of the others, in C order.
    """
    import arviz_stats

    dataset = _as_elements(draws)
    mcse = arviz_stats.mcse(dataset)["x"].values
    pooled = dataset["x"].values.reshape(-1, len(mcse))
    lower, upper = np.quantile(pooled, [0.025, 0.975], axis=0)
    spread = pooled.std(axis=0, ddof=1)
    constant = np.ptp(pooled, axis=0) == 0
    return pd.DataFrame(
        {
            "mean": pooled.mean(axis=0),
            "sd": np.where(constant, 0.0, spread),
            "lower": lower,
            "upper": upper,
            "mcse": np.where(constant, 0.0, mcse),
        }
    )


def labelled(draws: xr.DataArray, term: str, levels: Iterable[str], effects: Iterable[str]) -> pd.DataFrame:
    """Return the rows of `describe` with the labels of the contract in front; labels in C order of the elements."""
    table = describe(draws)
    labels = [(term, level, effect) for level in levels for effect in effects]
    front = pd.DataFrame(labels, columns=["term", "level", "effect"])
    return pd.concat([front, table], axis="columns")


def interval_errors(draws: xr.DataArray) -> pd.DataFrame:
    """Return the Monte Carlo standard errors of lower and upper, also where the posterior has one long tail."""
    import arviz_stats

    dataset, ends = _as_elements(draws), {"lower": 0.025, "upper": 0.975}
    return pd.DataFrame({c: arviz_stats.mcse(dataset, method="quantile", prob=p)["x"].values for c, p in ends.items()})


def format_table(
    table: pd.DataFrame, hide: Iterable[str] = ("mcse",), errors: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return a table as text, every number cut to the digits that its Monte Carlo error supports.

    `errors` are those of lower and upper; without them they follow from `mcse`, as in a normal posterior.
    """
    shown = table.copy()
    for column, factor in _ERROR_FACTORS.items():
        if column in table.columns:
            known = None if errors is None else errors.get(column)
            pairs = zip(table[column], factor * table["mcse"] if known is None else known, strict=True)
            shown[column] = [to_text(float(value), float(error)) for value, error in pairs]
    return shown.drop(columns=[c for c in hide if c in shown.columns])


def to_text(value: float, error: float) -> str:
    """Return a number whose last digit is no smaller than its error; four digits where the error is zero."""
    if not np.isfinite(value):
        return "" if np.isnan(value) else str(value)
    if not np.isfinite(error) or error <= 0:
        return f"{value:.4g}"
    places = int(np.floor(-np.log10(error)))
    # Adding zero takes the sign from a negative zero.
    return f"{round(value, places) + 0.0:.{max(places, 0)}f}"


_ERROR_FACTORS: dict[str, float] = {
    "mean": 1.0,
    "sd": 1.0,
    "lower": _QUANTILE_FACTOR,
    "upper": _QUANTILE_FACTOR,
}


def _as_elements(draws: xr.DataArray) -> xr.Dataset:
    """Return draws as one variable "x" with the dims chain, draw, element."""
    flat = draws.transpose("chain", "draw", ...)
    return xr.Dataset({"x": (("chain", "draw", "element"), flat.values.reshape(*flat.shape[:2], -1))})


def drop_empty(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the label columns that are empty in every row."""
    empty: list[Any] = [c for c in ("term", "level", "effect") if c in table.columns and (table[c] == "").all()]
    return table.drop(columns=empty)
