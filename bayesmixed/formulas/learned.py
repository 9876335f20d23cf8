"""Functions of formulas that learn from the rows of the fit, and replay what they learned on new rows."""

import itertools
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.errors import DataError, SpecError
from bayesmixed.families.links import Array

MOST_COLUMNS = 200
"""Most columns that a basis may have."""


@dataclass(frozen=True, slots=True)
class Basis:
    """Several columns that one call makes.

    Attributes
    ----------
    names : tuple of str
        What their labels have in square brackets.
    columns : tuple of (n,) arrays
        The columns.
    spans : bool
        Whether they add up to one: the first is then left out with an intercept.
    """

    names: tuple[str, ...]
    columns: tuple[Array, ...]
    spans: bool = False


def center(x: Array, *, state: MutableMapping[str, Any]) -> Array:
    """Return x minus its mean over the rows of the fit."""
    return scale(x, scale=False, state=state)


def scale(x: Array, center: Any = True, scale: Any = True, ddof: Any = 1, *, state: MutableMapping[str, Any]) -> Array:
    """Return x minus its mean, divided by its SD over the rows of the fit; numbers replace either."""
    if not state:
        middle = float(np.mean(x)) if center is True else 0.0 if center is False else number("scale(center=)", center)
        spread = 1.0
        if scale is True:
            rest = whole("scale(ddof=)", ddof, 0, 1)
            spread = float(np.sqrt(np.sum((x - middle) ** 2) / max(len(x) - rest, 1)))
            if not spread > 0:
                raise DataError("scale(x): x is the same in every row, so it has no SD. Leave the term out.")
        elif scale is not False:
            spread = number("scale(scale=)", scale)
        state.update(center=middle, scale=spread)
    return np.asarray((x - state["center"]) / state["scale"])


def standardize(
    x: Array, center: Any = True, rescale: Any = True, ddof: Any = 0, *, state: MutableMapping[str, Any]
) -> Array:
    """Return `scale` with the SD that divides by n."""
    return scale(x, center, rescale, ddof, state=state)


def poly(x: Array, degree: Any = 1, raw: Any = False, *, state: MutableMapping[str, Any]) -> Basis:
    """Return orthogonal polynomials over the rows of the fit, as R's poly; with `raw` the powers of x."""
    from formulaic.transforms import poly as basis

    highest = whole("poly(x, degree)", degree, 1, 30)
    if not state:
        # Sorting a million rows takes longer than the polynomials.
        distinct = len(np.unique(x[:1000]))
        distinct = distinct if distinct > highest else len(np.unique(x))
        if distinct <= highest:
            raise DataError(f"poly(x, {highest}) needs more than {highest} different values; x has {distinct}.")
    if flag("poly(raw=)", raw):
        state["raw"] = True
        columns = np.stack([x**power for power in range(1, highest + 1)], axis=1)
    else:
        columns = np.asarray(basis(x, highest, _state=state))
    return Basis(tuple(str(k + 1) for k in range(highest)), tuple(columns.T))


def bs(
    x: Array,
    df: Any = None,
    knots: Any = None,
    degree: Any = 3,
    include_intercept: Any = False,
    lower_bound: Any = None,
    upper_bound: Any = None,
    extrapolation: Any = "raise",
    *,
    state: MutableMapping[str, Any],
) -> Basis:
    """Return B-splines as R's bs; values beyond the range of the fit are refused unless `extrapolation` says how to continue."""
    from formulaic.transforms import basis_spline

    accepted = ("raise", "clip", "zero", "extend")
    if extrapolation not in accepted:
        raise SpecError(f"bs(extrapolation={extrapolation!r}) is not known. Accepted: {', '.join(accepted)}.")
    options = {
        "df": None if df is None else whole("bs(x, df)", df, 1, MOST_COLUMNS),
        "knots": _knots("bs", knots, x, state),
        "degree": whole("bs(degree=)", degree, 0, 10),
        "include_intercept": flag("bs(include_intercept=)", include_intercept),
        "lower_bound": None if lower_bound is None else number("bs(lower_bound=)", lower_bound),
        "upper_bound": None if upper_bound is None else number("bs(upper_bound=)", upper_bound),
    }
    least = options["degree"] + options["include_intercept"]
    if df is not None and (knots is not None or options["df"] < least):
        raise SpecError(f"bs(x) takes df or knots, not both, and df={options['df']} must not be below {least} here.")
    try:
        found = basis_spline(x, **options, extrapolation=extrapolation, _state=state)
    except ValueError as error:
        if "extend beyond" not in str(error):
            raise
        hint = "values lie beyond the range of the fit; extrapolation='extend' continues the outer polynomials."
        raise DataError(f"bs(x): {hint}") from error
    columns = dict(found.items())
    return Basis(tuple(map(str, columns)), tuple(columns.values()), spans=bool(include_intercept))


def cr(
    x: Array,
    df: Any = None,
    knots: Any = None,
    lower_bound: Any = None,
    upper_bound: Any = None,
    constraints: Any = "center",
    *,
    state: MutableMapping[str, Any],
) -> Basis:
    """Return `df` natural cubic splines whose columns each have mean 0 over the rows of the fit, for use with an intercept."""
    return _cubic("cr", x, (df, knots, lower_bound, upper_bound, constraints), state)


def cc(
    x: Array,
    df: Any = None,
    knots: Any = None,
    lower_bound: Any = None,
    upper_bound: Any = None,
    constraints: Any = "center",
    *,
    state: MutableMapping[str, Any],
) -> Basis:
    """Return `df` cyclic cubic splines whose columns each have mean 0 over the rows of the fit."""
    return _cubic("cc", x, (df, knots, lower_bound, upper_bound, constraints), state)


def _cubic(name: str, x: Array, options: Sequence[Any], state: MutableMapping[str, Any]) -> Basis:
    from formulaic.transforms import cyclic_cubic_spline, natural_cubic_spline

    df, knots, lower, upper, constraints = options
    if constraints != "center":
        raise SpecError(f"{name}(constraints=): 'center' is the only constraint, and the default; leave it out.")
    if (df is None) == (knots is None):
        raise SpecError(f"{name}(x) needs either df, as in {name}(x, df=4), or knots=[...].")
    made = (cyclic_cubic_spline if name == "cc" else natural_cubic_spline)(
        x,
        df=None if df is None else whole(f"{name}(x, df)", df, 1, MOST_COLUMNS),
        knots=_knots(name, knots, x, state),
        lower_bound=None if lower is None else number(f"{name}(lower_bound=)", lower),
        upper_bound=None if upper is None else number(f"{name}(upper_bound=)", upper),
        constraints="center",
        _state=state,
    )
    columns = dict(made.items())
    return Basis(tuple(map(str, columns)), tuple(columns.values()))


def ns(
    x: Array,
    df: Any = None,
    knots: Any = None,
    intercept: Any = False,
    lower_bound: Any = None,
    upper_bound: Any = None,
    *,
    state: MutableMapping[str, Any],
) -> Basis:
    """Return natural cubic splines as R's ns: cubic between the knots, straight lines beyond the outer ones.

    The basis is that of B-splines, reduced by the two conditions that second derivatives vanish at the outer knots
    (Hastie 1992, in Chambers and Hastie, Statistical Models in S, 7.2).
    """
    if not state:
        state.update(_learn_natural(x, df, knots, flag("ns(intercept=)", intercept), lower_bound, upper_bound))
    low, high = state["bounds"]
    inside = np.clip(x, low, high)
    spline = cubic_bsplines(state["knots"])
    values = spline(inside)
    # Beyond the outer knots the curve continues as its tangent there.
    values += np.where(x < low, x - low, np.where(x > high, x - high, 0.0))[:, None] * spline(inside, nu=1)
    columns = values[:, state["first"] :] @ state["map"]
    return Basis(tuple(str(k + 1) for k in range(columns.shape[1])), tuple(columns.T), spans=state["first"] == 0)


def _learn_natural(x: Array, df: Any, knots: Any, intercept: bool, lower: Any, upper: Any) -> dict[str, Any]:
    if df is not None and knots is not None:
        raise SpecError("ns(x) takes df or knots, not both.")
    low = float(np.min(x)) if lower is None else number("ns(lower_bound=)", lower)
    high = float(np.max(x)) if upper is None else number("ns(upper_bound=)", upper)
    if not low < high:
        raise DataError("ns(x): x is the same in every row. Leave the term out.")
    if knots is None:
        inner = whole("ns(x, df)", 1 if df is None else df, 1 + intercept, MOST_COLUMNS) - 1 - intercept
        within = x[(x >= low) & (x <= high)]
        chosen = np.quantile(within, np.linspace(0, 1, inner + 2)[1:-1])
    else:
        chosen = np.sort(np.array(_numbers("ns(knots=)", knots)))
    if len(np.unique([low, *chosen, high])) < len(chosen) + 2 or np.any((chosen <= low) | (chosen >= high)):
        raise DataError(
            f"ns(x): the knots {', '.join(f'{knot:.4g}' for knot in chosen)} must differ and lie between {low:.4g} and "
            f"{high:.4g}. Ask for fewer with df."
        )
    places = np.concatenate([np.full(4, low), chosen, np.full(4, high)])
    first = 0 if intercept else 1
    bent = cubic_bsplines(places)(np.array([low, high]), nu=2)[:, first:]
    rotation, _ = np.linalg.qr(bent.T, mode="complete")
    return {"bounds": (low, high), "knots": places, "first": first, "map": rotation[:, 2:]}


def cubic_bsplines(knots: Array) -> Any:
    """Return all cubic B-splines of some knots, as a function of numbers."""
    from scipy.interpolate import BSpline

    return BSpline(knots, np.eye(len(knots) - 4), 3)


def cut(
    x: Array,
    breaks: Any,
    labels: Any = None,
    right: Any = True,
    include_lowest: Any = False,
    *,
    state: MutableMapping[str, Any],
) -> "pd.Series[Any]":
    """Return the interval of each value, a factor: between given breaks, or that many intervals of equal length.

    Raises
    ------
    DataError
        A value lies outside all intervals.
    """
    if not state:
        edges = _equal_breaks(x, breaks) if not isinstance(breaks, list) else sorted(_numbers("cut(breaks=)", breaks))
        if len(np.unique(edges)) < max(len(edges), 2):
            raise SpecError(f"cut(x, {breaks}): give at least two different breaks, or a number of intervals.")
        closed, lowest = flag("cut(right=)", right), flag("cut(include_lowest=)", include_lowest)
        names = interval_labels(edges, closed) if labels is None else [str(label) for label in labels]
        if len(names) != len(edges) - 1 or len(set(names)) < len(names):
            raise SpecError(
                f"cut(x): {len(edges) - 1} intervals need as many different labels; {len(names)} are given."
            )
        state.update(breaks=np.asarray(edges), right=closed, lowest=lowest, labels=names)
    breaks = state["breaks"]
    codes = np.searchsorted(breaks, x, side="left" if state["right"] else "right") - 1
    if state["lowest"]:
        codes = np.where(x == (breaks[0] if state["right"] else breaks[-1]), np.clip(codes, 0, len(breaks) - 2), codes)
    outside = np.flatnonzero((codes < 0) | (codes >= len(breaks) - 1))
    if len(outside):
        raise DataError(
            f"cut(x): {len(outside)} of {len(x)} values lie in no interval (first: {x[outside[0]]:g}); the breaks go from "
            f"{breaks[0]:g} to {breaks[-1]:g}. Give breaks that cover all rows, or include_lowest=True."
        )
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(state["labels"], dtype=object)))


def _equal_breaks(x: Array, count: Any) -> list[float]:
    number_of = whole("cut(x, breaks)", count, 2, MOST_COLUMNS)
    low, high = float(np.min(x)), float(np.max(x))
    if low == high:
        raise DataError("cut(x): x is the same in every row. Leave the term out.")
    edges = np.linspace(low, high, number_of + 1)
    margin = 0.001 * (high - low)
    return [low - margin, *edges[1:-1].tolist(), high + margin]


def interval_labels(edges: Sequence[float], right: bool = True) -> list[str]:
    """Return labels such as "(0, 9]", with as many digits as keep the breaks apart."""
    digits = next(d for d in range(3, 18) if len({f"{edge:.{d}g}" for edge in edges}) == len(set(edges)))
    texts = [f"{edge:.{digits}g}" for edge in edges]
    opening, closing = ("(", "]") if right else ("[", ")")
    return [f"{opening}{low}, {high}{closing}" for low, high in itertools.pairwise(texts)]


def whole(where: str, value: Any, least: int, most: int) -> int:
    """Return an option that is a whole number within bounds (SpecError)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
        raise SpecError(f"{where}: give a whole number.")
    if not least <= value <= most:
        raise SpecError(f"{where}: {value:g} lies outside {least} to {most}.")
    return int(value)


def number(where: str, value: Any) -> float:
    """Return an option that is a number (SpecError)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError(f"{where}: give a number.")
    return float(value)


def flag(where: str, value: Any) -> bool:
    """Return an option that is True or False (SpecError)."""
    if not isinstance(value, bool):
        raise SpecError(f"{where}: give True or False.")
    return value


def _numbers(where: str, values: Any) -> list[float]:
    listed = values if isinstance(values, list) else [values]
    return [number(where, value) for value in listed]


def _knots(name: str, knots: Any, x: Array, state: Mapping[str, Any]) -> Any:
    """Return inner knots, which must lie within the values at the fit."""
    if knots is None or state:
        return knots
    listed = sorted(_numbers(f"{name}(knots=)", knots))
    if len(listed) > MOST_COLUMNS:
        raise SpecError(f"{name}(knots=): at most {MOST_COLUMNS} knots.")
    return listed
