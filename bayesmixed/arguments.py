"""Arguments of public functions, checked against their annotations before any work."""

import inspect
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import numpy as np

from bayesmixed.errors import SpecError, enumerate_words, shorten

_MAKERS = {
    "Fit": "bm.fit or bm.load_fit",
    "Design": "bm.prepare",
    "JointFit": "bm.fit of several formulas",
    "JointDesign": "bm.prepare_joint",
    "JointSpec": "bm.JointSpec",
    "ModelSpec": "bm.from_formula or bm.load_spec",
    "PriorPredictive": "bm.prior_predictive",
    "PriorComparison": "bm.compare_priors",
    "Multiverse": "bm.compare_priors with structures",
    "PoolingComparison": "bm.compare_pooling",
    "Calibration": "bm.calibrate",
    "Verification": "bm.verify",
}
"""Which functions return the objects that others take."""
_FROM_ZERO = ("refits",)
"""Numbers that may be zero."""
_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "True or False", Path: "a path"}


def pools[F: Callable[..., Any]](function: F) -> F:
    """Mark a function that takes fits without a single set of rows (imputed tables, mi, me); all others refuse them."""
    function.pools = True  # type: ignore[attr-defined]
    return function


def alone[F: Callable[..., Any]](instead: str) -> Callable[[F], F]:
    """Mark a function that takes no fit of a response that was fitted together with others; say what to do instead."""

    def mark(function: F) -> F:
        function.alone = instead  # type: ignore[attr-defined]
        return function

    return mark


def takes_drawn_values[F: Callable[..., Any]](*, tables: str) -> Callable[[F], F]:
    """Return a mark of functions that take fits whose rows have other values in each draw, of mi() and me().

    Fits of imputed tables too, where these differ in columns of population parts and perhaps in the response (tables="columns"),
    or not even in that ("rows"); or none of them ("no" where responses are predicted, else "one").
    """

    def mark(function: F) -> F:
        function.takes_tables = tables  # type: ignore[attr-defined]
        return function

    return mark


def checked[F: Callable[..., Any]](function: F) -> F:
    """Return a function that refuses arguments of the wrong kind, judged by its annotations.

    The function itself checks what values mean, and all options of `**`.

    Raises
    ------
    SpecError
        An argument is of the wrong kind: the message says which one, what it takes, and what was given.
    """
    signature = inspect.signature(function)
    parameters = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    pooling, tables = hasattr(function, "pools"), getattr(function, "takes_tables", "")
    instead = getattr(function, "alone", "")
    typed = [one for one in parameters if one.annotation not in (one.empty, Any)]

    @wraps(function)
    def check(*arguments: Any, **options: Any) -> Any:
        try:
            bound = signature.bind(*arguments, **options)
        except TypeError:
            return function(*arguments, **options)  # Python's own error names the function
        given = bound.arguments
        for one in typed:
            if one.name in given:
                value = given[one.name]
                given[one.name] = _plain(value)
                _check(one.name, given[one.name], one.annotation, one.default, value)
        if not pooling:
            for value in given.values():
                _refuse_unsettled(function.__name__, value, tables)
        if instead:
            for value in given.values():
                _refuse_part(function.__name__, value, instead)
        return function(*bound.args, **bound.kwargs)

    return check  # type: ignore[return-value]


def _plain(value: Any) -> Any:
    """Return NumPy's numbers as Python's, and what can be read only once as a tuple, so that functions see one kind of each."""
    if isinstance(value, np.number | np.bool_):
        return value.item()
    return tuple(value) if isinstance(value, Iterator) else value


def _each(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else (value,)


def _refuse_part(name: str, value: Any, instead: str) -> None:
    """Refuse a fit of one of several responses where a function would forget the others (SpecError)."""
    for one in _each(value):
        if type(one).__name__ == "Fit" and one.beside:
            others = enumerate_words(one.beside)
            raise SpecError(
                f"bm.{name} needs a fit of one response by itself, and '{one.design.response_name}' was fitted together with "
                f"{others}. {instead}"
            )


def _refuse_unsettled(name: str, value: Any, tables: str) -> None:
    """Refuse a fit whose rows have other values in each draw, unless these are taken, or a collection that holds one
    (SpecError); `tables` is that of `takes_drawn_values`, "" for a function that takes none."""
    for one in _each(value):
        why = one.why_refused(tables) if type(one).__name__ == "Fit" else ""
        if why:
            raise SpecError(
                f"bm.{name} needs one set of rows, and {why}. Fit complete rows, or imputed tables one by one: "
                f"[bm.{name}(bm.fit(spec, table)) for table in tables]."
            )


def _check(name: str, value: Any, hint: Any, default: Any, given: Any) -> None:
    """Refuse a value that is not of the kind of its annotation (SpecError), as it was `given`."""
    if not _is(value, hint):
        if type(value).__name__ in ("JointFit", "JointDesign") and type(value).__name__[5:] in _describe(hint):
            first, every = next(iter(value)), enumerate_words(value)
            raise SpecError(f"{name} must be that of one response, and this is of {every}: take [{first!r}] of it.")
        order = " The spec comes first, then the data: bm.fit(spec, data)." if name == "spec" else ""
        if name == "spec" and (
            type(value).__name__ == "JointSpec" or (isinstance(value, list | tuple) and len(value) > 1)
        ):
            order = " Models of several responses are for bm.fit and bm.prepare_joint."
        named = get_origin(hint) is Mapping and isinstance(value, list | tuple)
        if named and {type(one).__name__ for one in value} <= {*_MAKERS}:
            order = f" Give each its name: {name}={{'a': ..., 'b': ...}}, or dict(zip(names, {name}))."
        raise SpecError(f"{name} must be {_describe(hint)}, not {_show(given)}.{order}")
    if isinstance(value, list | tuple) and not value and default != ():
        raise SpecError(f"{name} is an empty list.")
    least, most = (0, 2**63 - 1) if name == "seed" else (int(name not in _FROM_ZERO), 1_000_000_000)
    if int in (hint, *get_args(hint)) and isinstance(value, Integral) and not least <= int(value) <= most:
        limit = f"at least {least}" if value < least else f"at most {most:,}"
        raise SpecError(f"{name}={shorten(str(value))} is impossible; it must be {limit}.")


def _is(value: Any, hint: Any) -> bool:
    """Return whether a value, and what it contains, is of the kind of an annotation."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any or hint is object:
        return True
    if origin in (Union, UnionType):
        return any(_is(value, one) for one in inner)
    if hint is bool:
        return isinstance(value, bool) or type(value).__name__ == "bool"  # also NumPy's
    if hint in (int, float):
        return isinstance(value, Integral if hint is int else Real) and not isinstance(value, bool)
    if hint is Path:
        return isinstance(value, os.PathLike)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(_is(k, inner[0]) and _is(v, inner[1]) for k, v in value.items())
    if origin is tuple:
        return isinstance(value, list | tuple) and _holds(value, inner[0]) and len(value) == len(inner)
    if origin in (list, Sequence):
        return _holds(value, inner[0])
    if origin is Iterable:
        return _holds(value, inner[0]) or (isinstance(value, Iterable) and not isinstance(value, Collection))
    return isinstance(value, origin or hint)


def _holds(value: Any, hint: Any) -> bool:
    listed = isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)
    return listed and getattr(value, "ndim", 1) == 1 and all(_is(one, hint) for one in value)


def _describe(hint: Any) -> str:
    """Return what an annotation asks for, in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if str in inner and "ModelSpec" in (names := [getattr(one, "__name__", "") for one in inner]):
            design = " or a Design (of bm.prepare)" if "Design" in names else ""
            return f"a formula, the name of a shipped spec, the path of a TOML file or a ModelSpec{design}"
        return " or ".join(dict.fromkeys(_describe(one) for one in inner if one is not NoneType))
    if origin is Mapping:
        return "a mapping of names" + (f", each to {_describe(inner[1])}" if inner[1] is not Any else "")
    if origin is tuple:
        return f"{len(inner)} items, each {_describe(inner[0])}"
    if origin in (list, Sequence, Iterable):
        return "a list" + (f", each item {_describe(inner[0])}" if inner[0] is not object else "")
    if origin is Callable:
        return "a function"
    name = getattr(hint, "__name__", str(hint))
    return _WORDS.get(hint, f"a {name}" + (f" (of {_MAKERS[name]})" if name in _MAKERS else ""))


def _show(value: Any) -> str:
    """Return a value as text if it is plain, and else its type."""
    items = (
        [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
    )
    plain = all(one is None or isinstance(one, str | bool | Real) for one in items)
    name = type(value).__name__
    return shorten(repr(value)) if plain else f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
