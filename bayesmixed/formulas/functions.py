"""Functions that formulas may call: each a plain value, found by name and never by Python's own lookup."""

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.formulas import learned
from bayesmixed.formulas.group_means import between, level, within
from bayesmixed.tables.column_names import is_plain
from bayesmixed.tables.factors import encode


@dataclass(frozen=True, slots=True)
class Function:
    """What a formula may call.

    Attributes
    ----------
    apply : callable
        Takes columns, then options by name; functions that learn also take `state`, a mapping they fill at the fit.
    least, most : int
        How many columns or expressions it takes.
    options : tuple of str
        Names of further arguments, in order; their values are written out as numbers, text or lists of these.
    learns : bool
        Whether it learns from the rows of the fit and replays that on new rows.
    raw : bool
        Whether it takes columns as they are in the table, factors too.
    gives : str
        "number", "numbers" for several columns, or "factor".
    """

    apply: Callable[..., Any]
    least: int = 1
    most: int = 1
    options: tuple[str, ...] = ()
    learns: bool = False
    raw: bool = False
    gives: str = "number"


def _log_odds(p: Any) -> Any:
    return np.log(p) - np.log1p(-np.asarray(p))


def _round(x: Any, digits: Any = 0) -> Any:
    return np.round(x, learned.whole("round(x, digits)", digits, -15, 15))


def _clip(x: Any, *bounds: Any, lower: Any = None, upper: Any = None) -> Any:
    low, high = (*bounds, *(lower, upper)[len(bounds) :])[:2]
    return np.clip(x, -np.inf if low is None else low, np.inf if high is None else high)


def _labels(x: Any) -> Any:
    """Return the labels of a column of numbers, which stays one of numbers elsewhere."""
    if hasattr(x, "levels"):
        return x
    codes, labels = encode(x if isinstance(x, pd.Series) else pd.Series(np.asarray(x)))
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(labels, dtype=object)))


ROW_BY_ROW: Mapping[str, Function] = MappingProxyType(
    {
        "labels": Function(_labels, raw=True, gives="factor"),
        "I": Function(lambda x: x, raw=True),
        "mi": Function(lambda x: x),
        "me": Function(lambda x, sd: x, 2, 2),
        **{
            name: Function(getattr(np, name))
            for name in ("sin", "cos", "tan", "tanh", "log", "log2", "log10", "log1p", "exp", "exp2", "expm1")
        },
        **{name: Function(getattr(np, name)) for name in ("sqrt", "abs", "floor", "ceil")},
        "exp10": Function(lambda x: np.power(10.0, x)),
        "logit": Function(_log_odds),
        "round": Function(_round, options=("digits",)),
        "minimum": Function(np.minimum, 2, 2),
        "maximum": Function(np.maximum, 2, 2),
        "clip": Function(_clip, 1, 3, ("lower", "upper")),
        "where": Function(np.where, 3, 3),
        "ifelse": Function(np.where, 3, 3),
    }
)
"""Functions whose value in a row follows from that row alone."""

_SPLINE = ("df", "knots", "lower_bound", "upper_bound", "constraints")
LEARNED: Mapping[str, Function] = MappingProxyType(
    {
        "center": Function(learned.center, learns=True),
        "scale": Function(learned.scale, options=("center", "scale", "ddof"), learns=True),
        "standardize": Function(learned.standardize, options=("center", "rescale", "ddof"), learns=True),
        "poly": Function(learned.poly, options=("degree", "raw"), learns=True, gives="numbers"),
        "bs": Function(
            learned.bs,
            options=("df", "knots", "degree", "include_intercept", "lower_bound", "upper_bound", "extrapolation"),
            learns=True,
            gives="numbers",
        ),
        "cr": Function(learned.cr, options=_SPLINE, learns=True, gives="numbers"),
        "cs": Function(learned.cr, options=_SPLINE, learns=True, gives="numbers"),
        "cc": Function(learned.cc, options=_SPLINE, learns=True, gives="numbers"),
        "ns": Function(
            learned.ns, options=("df", "knots", "intercept", "lower_bound", "upper_bound"), learns=True, gives="numbers"
        ),
        "cut": Function(
            learned.cut, options=("breaks", "labels", "right", "include_lowest"), learns=True, gives="factor"
        ),
        "within": Function(within, 1, 9, learns=True, raw=True),
        "between": Function(between, 1, 9, learns=True, raw=True),
        "level": Function(level, 1, 9, learns=True, raw=True),
    }
)
"""Functions that learn from the rows of the fit and replay what they learned on new rows."""

GROUP_CALLS = ("within", "between", "level")
"""Those whose further arguments name groups."""

FACTOR_CALLS = ("C", "factor", "as.factor")
"""Calls that make a factor."""

CODINGS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "contr.treatment": ("TreatmentContrasts", ("base",)),
        "contr.SAS": ("SASContrasts", ("base",)),
        "contr.sum": ("SumContrasts", ()),
        "contr.helmert": ("HelmertContrasts", ("reverse", "scale")),
        "contr.poly": ("PolyContrasts", ("scores",)),
        "contr.diff": ("DiffContrasts", ("backward",)),
        "Treatment": ("TreatmentContrasts", ("reference",)),
        "Sum": ("SumContrasts", ()),
        "Helmert": ("HelmertContrasts", ("reverse", "scale")),
        "Poly": ("PolyContrasts", ("scores",)),
        "Diff": ("DiffContrasts", ("backward",)),
    }
)
"""Codings of factors: formulaic's class and its options."""


def find_coding(name: str) -> str:
    """Return the coding of a name, in which capitals and the prefix do not matter, "sum" for contr.sum; "" if none has it."""
    plain = name.casefold().removeprefix("contr.")
    return name if name in CODINGS else next((one for one in CODINGS if one.casefold() == f"contr.{plain}"), "")


_AHEAD = "compute the column beforehand"
ALL_ROWS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("mean", "nanmean", "average", "median", "nanmedian"), "write center(x) for x - mean(x), or "),
        **dict.fromkeys(("std", "sd", "nanstd", "var", "nanvar", "mad"), "write scale(x), or "),
        **dict.fromkeys(("quantile", "percentile", "nanquantile", "ntile", "qcut"), "write cut(x, breaks=[...]), or "),
        **dict.fromkeys(("ave", "groupby", "group_mean"), "write between(x, g) for means of groups, or "),
        **dict.fromkeys(
            (
                *("sum", "nansum", "prod", "max", "min", "amax", "amin", "nanmax", "nanmin", "ptp", "range", "len"),
                *("cumsum", "cumprod", "cummax", "cummin", "nancumsum", "rank", "rankdata", "order", "argsort", "sort"),
                *("diff", "lag", "lead", "shift", "gradient", "ediff1d", "rolling", "ewm", "roll", "flip", "rev"),
                *("interp", "convolve", "unique", "cov", "corrcoef", "cor", "length", "count", "nrow", "hashed"),
            ),
            "",
        ),
    }
)
"""Functions over all rows whose value is not learned, and what to write instead."""

NUMBERED = {
    **{"pmin": "minimum(x, z)", "pmax": "maximum(x, z)", "power": "x^2", "square": "x^2", "ceiling": "ceil(x)"},
    **{"logb": "log2(x), log10(x) or I(log(x) / log(3))", "c": "[1, 2], and only as an option of a function,"},
    **{"trunc": "where(x > 0, floor(x), ceil(x))", "sign": "where(x > 0, 1, where(x < 0, -1, 0))"},
    **{"ordered": "C(x, contr.poly)", "relevel": "C(x, contr.treatment('b'))"},
    **{"interaction": "a:b, outside of calls,"},
    **{"as.numeric": "x, after the column was converted to numbers,", "as.integer": "floor(x)"},
}
"""Functions of other languages, and what they are called here."""

MEANT = {"log": " The logarithm to base 2 is log2(x), to base 10 log10(x), and to base 3, say, I(log(x) / log(3))."}
"""What to write for options that a function has in other languages."""


def plain_name(name: str) -> str:
    """Return a function's name without the prefix of NumPy."""
    return name.removeprefix("np.").removeprefix("numpy.")


def row_by_row(name: str) -> bool:
    """Return whether the value of a function in a row follows from that row alone."""
    return plain_name(name) in ROW_BY_ROW


def is_free_name(name: str) -> bool:
    """Return whether a user-defined function may have a name: not one of the formula language or of Python itself."""
    if name.startswith("_") or hasattr(builtins, name):
        return False
    taken = {*ROW_BY_ROW, *LEARNED, *FACTOR_CALLS, *CODINGS, *ALL_ROWS, *NUMBERED, "Q", "offset", "obs", "s"}
    return name.isidentifier() and is_plain(name) and name not in taken


def find_function(name: str, own: Mapping[str, Callable[..., Any]] | None = None) -> Function | None:
    """Return the function of a name, user-defined ones first, or None."""
    if own is not None and name in own:
        return Function(own[name], 1, 20)
    plain = plain_name(name)
    return ROW_BY_ROW.get(plain) or (LEARNED.get(plain) if plain == name else None)


def refuse_all_rows(name: str, where: str) -> None:
    """Refuse a function over all rows (SpecError): on new rows its value would differ."""
    plain = plain_name(name)
    if plain in ALL_ROWS:
        raise SpecError(
            f"{name}() in '{where}' is computed from all rows, and on new rows it would be a different number. "
            f"Instead, {ALL_ROWS[plain]}{_AHEAD}."
        )
    if plain == "Q":
        raise SpecError(f"Q() in '{where}': write a column with an unusual name in backticks, `a b`.")
    if plain in NUMBERED:
        raise SpecError(f"{name}() in '{where}' is written {NUMBERED[plain]} here.")


def unknown_function(name: str, where: str, own: Mapping[str, Any] | None = None, meant: str = "") -> SpecError:
    """Return the error for an unknown function; `meant` replaces the hint at the closest name."""
    known = sorted({*ROW_BY_ROW, *LEARNED, *FACTOR_CALLS, *(own or {})})
    hint = meant or (
        f"{did_you_mean(plain_name(name), known)} Or compute the column beforehand, or give a function of your own: "
        f'functions={{"{plain_name(name)}": f}}.'
    )
    return SpecError(f"Function '{name}' in '{where}' is not known. {hint}")
