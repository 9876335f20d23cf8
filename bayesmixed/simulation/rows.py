"""The rows of simulated data before there is a response: groups, crossings and columns, laid out by a plan."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.formulas.notation import split_factors
from bayesmixed.spec.simulation_plan import ColumnPlan, GroupPlan, SimulationPlan


def lay_out(plan: SimulationPlan, generator: np.random.Generator) -> pd.DataFrame:
    """Return the rows of a plan without response: groups, crossings and columns."""
    if plan.crossing:
        frame = _crossed(plan.crossing, generator)
    elif plan.groups:
        frame = _nested(plan.groups, generator)
    else:
        frame = pd.DataFrame(index=range(plan.rows or 1))
    for name, column in plan.columns.items():
        frame[name] = _column(name, column, frame, generator)
    return frame


def _crossed(crossing: Mapping[str, Any], generator: np.random.Generator) -> pd.DataFrame:
    factors = {name: value for name, value in crossing.items() if name not in ("keep", "rows")}
    levels = [range(1, int(v) + 1) if isinstance(v, Integral) else list(v) for v in factors.values()]
    frame = pd.MultiIndex.from_product(levels, names=list(factors)).to_frame(index=False)
    keep = float(crossing.get("keep", 1.0))
    chosen = np.sort(generator.choice(len(frame), max(1, round(keep * len(frame))), replace=False))
    rows = np.repeat(chosen, int(crossing.get("rows", 1)))
    return frame.iloc[rows].reset_index(drop=True)


def _nested(groups: Mapping[str, GroupPlan], generator: np.random.Generator) -> pd.DataFrame:
    frame = pd.DataFrame(index=range(1))
    for name, plan in groups.items():
        counts: Any = (
            np.full(len(frame), len(plan.levels)) if plan.levels else _numbers(plan.count, len(frame), generator)
        )
        outer = np.repeat(np.arange(len(frame)), counts)
        within = np.concatenate([np.arange(count) for count in counts])
        frame = frame.iloc[outer].reset_index(drop=True)
        if plan.levels:
            frame[name] = np.array(plan.levels, dtype=object)[within]
        elif plan.labels == "reused":
            frame[name] = [str(i + 1) for i in within]
        else:
            frame[name] = [f"{name}{i + 1}" for i in range(len(frame))]
    rows = list(groups.values())[-1].rows
    if isinstance(rows, dict):
        sizes = np.array([int(size) for size, count in rows.items() for _ in range(count)])
        if len(sizes) != len(frame):
            raise SpecError(f"The table of rows has {len(sizes)} levels; the simulation has {len(frame)}.")
    else:
        sizes = np.array(_numbers(rows, len(frame), generator))
    return frame.iloc[np.repeat(np.arange(len(frame)), sizes)].reset_index(drop=True)


def _numbers(count: Any, size: int, generator: np.random.Generator) -> Any:
    if isinstance(count, Integral):
        return np.full(size, count)
    return generator.integers(count[0], count[1] + 1, size)


def _column(name: str, plan: ColumnPlan, frame: pd.DataFrame, generator: np.random.Generator) -> Any:
    if plan.of:
        key = _key(frame, plan.of, name)
        return _values(plan, int(key.max()) + 1, generator)[key]
    if plan.per == "row" and plan.sequence is None:
        return _values(plan, len(frame), generator)
    position: Any = np.arange(len(frame)) // plan.each
    if plan.per != "row":
        key = _key(frame, plan.per, name)
        position = pd.Series(key).groupby(key).cumcount().to_numpy() // plan.each
    if plan.levels:
        return np.array(plan.levels, dtype=object)[position % len(plan.levels)]
    if plan.sequence is not None:
        return plan.sequence[0] + plan.sequence[1] * position
    return _values(plan, len(frame), generator)


def _key(frame: pd.DataFrame, factor: str, column: str) -> Any:
    parts = [factor] if factor in frame.columns else list(split_factors(factor))
    absent = [part for part in parts if part not in frame.columns]
    if absent:
        raise SpecError(
            f"Simulated column '{column}' is laid out by '{absent[0]}'. {did_you_mean(absent[0], frame.columns)}"
        )
    return frame.groupby(parts, sort=False).ngroup().to_numpy()


def _values(plan: ColumnPlan, size: int, generator: np.random.Generator) -> Any:
    if plan.levels:
        return generator.permutation(np.resize(np.array(plan.levels, dtype=object), size))
    if plan.normal is not None:
        return generator.normal(*plan.normal, size)
    if plan.uniform is not None:
        return generator.uniform(*plan.uniform, size)
    if plan.integers is not None:
        return generator.integers(plan.integers[0], plan.integers[1] + 1, size)
    raise SpecError("A sequence is laid out per row or per factor; it cannot be 'of' a factor.")
