"""The names in a formula: columns of the data, and functions."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np

from bayesmixed.errors import SpecError, did_you_mean

WORDS = {"True", "False", "None", "and", "or", "not", "in", "contr"}
"""Words in formulas that are neither columns nor functions."""


def variables(formula: str, columns: Iterable[str]) -> set[str]:
    """Return the data columns that a formula or expression reads.

    Raises
    ------
    SpecError
        A name is neither a column nor a function of the formula language.
    """
    known = [str(column) for column in columns]
    if formula in known:
        return {formula}
    plain = strip_factor_calls(formula)[0]
    found = set(re.findall(r"`([^`]+)`", plain))
    rest = re.sub(r"`[^`]+`", " ", re.sub(r"'[^']*'|\"[^\"]*\"", " ", plain))
    for name in odd_names(rest, known):
        found.add(name)
        rest = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.(])", " ", rest)
    for match in re.finditer(r"(?<![\w.])([^\W\d][\w.]*)(\s*\()?(\s*=(?!=))?", rest):
        name, called, keyword = match[1], match[2], match[3]
        if name in known and not called and not keyword:
            found.add(name)
        elif called and not keyword:
            if name.split(".")[0] not in context() and name not in _formulaic_names():
                functions = sorted({*context(), *_formulaic_names()})
                meant = _ask_for_backticks(name, known)
                raise SpecError(
                    f"Function '{name}' in '{formula}' is not known. "
                    + (meant or f"{did_you_mean(name, functions)} Or compute the column beforehand.")
                )
        elif not keyword and name.split(".")[0] not in {*context(), *_formulaic_names(), *WORDS}:
            raise SpecError(f"Column '{name}' in '{formula}' is not in the data. {_suggest(name, known)}")
    absent = sorted(found - set(known))
    if absent:
        raise SpecError(f"Column '{absent[0]}' in '{formula}' is not in the data. {_suggest(absent[0], known)}")
    return found


def quote_names(formula: str, columns: Iterable[str]) -> str:
    """Return the formula with column names that Python cannot read in backticks, `I(x^2)` as a power."""
    outside = re.sub(r"`[^`]+`", " ", formula)
    for name in odd_names(outside, columns):
        formula = re.sub(rf"(?<![\w.`]){re.escape(name)}(?![\w.`(])", f"`{name}`", formula)
    return re.sub(r"\bI\(([^()]*)\)", lambda match: f"I({match[1].replace('^', '**')})", formula)


def odd_names(text: str, columns: Iterable[str]) -> list[str]:
    """Return the dotted column names in `text`, longest first; other odd names need backticks."""
    dotted = [str(c) for c in columns if re.fullmatch(r"[^\W\d]\w*(\.\w+)+", str(c))]
    return [
        c for c in sorted(dotted, key=len, reverse=True) if re.search(rf"(?<![\w.`]){re.escape(c)}(?![\w.`(])", text)
    ]


def strip_factor_calls(formula: str) -> tuple[str, tuple[str, ...]]:
    """Return the formula with `C(x)` and `factor(x)` as plain `x`, and the names so marked."""
    pattern = re.compile(r"\b(?:C|factor)\(\s*(`[^`]+`|[^\W\d][\w.]*)\s*\)")
    names = tuple(match[1].strip("`") for match in pattern.finditer(formula))
    return pattern.sub(lambda match: match[1], formula), names


@cache
def context() -> Mapping[str, Callable[..., Any]]:
    """Return the functions that formulas may use beside formulaic's own."""
    from formulaic.utils.stateful_transforms import stateful_transform

    from bayesmixed.terms.group_means import between, level, within

    return {
        "np": np,
        "sqrt": np.sqrt,
        "log1p": np.log1p,
        "expm1": np.expm1,
        "abs": np.abs,
        "logit": lambda p: np.log(p) - np.log1p(-np.asarray(p)),
        **{function.__name__: stateful_transform(function) for function in (within, between, level)},
    }


def refuse_stateful(expression: str, where: str) -> None:
    """Refuse functions that learn from the data where what they learned would not be kept for new rows (SpecError)."""
    learned = stateful_calls(expression)
    if learned:
        raise SpecError(f"{where}: {learned[0]}() learns from the data. Compute it as a column first.")


def stateful_calls(expression: str) -> list[str]:
    """Return the functions in an expression that learn from the data, such as `scale` and `poly`."""
    called = re.findall(r"(?<![\w.])(\w+)\s*\(", expression)
    if not called:
        return []
    from formulaic.transforms import TRANSFORMS

    known = {**TRANSFORMS, **context()}
    return [name for name in called if getattr(known.get(name), "__is_stateful_transform__", False)]


def _suggest(name: str, columns: list[str]) -> str:
    return _ask_for_backticks(name, columns) or did_you_mean(name, columns)


def _ask_for_backticks(name: str, columns: list[str]) -> str:
    """Return how to write the column that begins with a name and goes on with blanks or signs, "" if there is none."""
    meant = next((column for column in columns if re.match(rf"{re.escape(name)}[^\w.]", column)), "")
    return f"If the column '{meant}' is meant, write it in backticks: `{meant}`." if meant else ""


@cache
def _formulaic_names() -> frozenset[str]:
    from formulaic.transforms import TRANSFORMS

    return frozenset(TRANSFORMS)
