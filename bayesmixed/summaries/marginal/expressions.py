"""Arithmetic over the draws of a fit, written with the names of its variables."""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from scipy import special

from bayesmixed.errors import SpecError, did_you_mean, shorten
from bayesmixed.families.links import Array

FUNCTIONS: Mapping[str, Callable[[Any], Array]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "logit": special.logit,
    "expit": special.expit,
}
_ARITHMETIC: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARISONS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The draws of an expression, (chain, draw).

    Attributes
    ----------
    values : array
        The expression; of a comparison the left side minus the right side, of a < x < b the middle.
    true : bool array or None
        Where the comparison holds; None where nothing is compared.
    """

    values: Array
    true: Any


def evaluate_draws(text: str, posterior: xr.Dataset) -> Evaluated:
    """Return an expression such as "exp(beta[Days]) > 2 * sigma" for every draw.

    Raises
    ------
    SpecError
        It names no variable of the fit, or holds more than arithmetic, functions of `FUNCTIONS` and comparisons.
    """
    if len(text) > _LONGEST or any(run in text for run in ("-" * 50, "(" * 50)):
        raise SpecError(f"'{shorten(text)}' is too long or too deeply nested.")
    tree, values, _ = _read(text, posterior)
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    if not isinstance(tree, ast.Compare):
        return Evaluated(np.broadcast_to(_value(tree, values, text), shape), None)
    sides = [_value(side, values, text) for side in (tree.left, *tree.comparators)]
    true = np.ones(shape, dtype=bool)
    for sign, left, right in zip(tree.ops, sides[:-1], sides[1:], strict=True):
        if type(sign) not in _COMPARISONS:
            raise SpecError(
                f"'{text}': a single value has probability 0. Ask for a range instead, as in -0.1 < beta[x] < 0.1."
            )
        true = true & _COMPARISONS[type(sign)](left, right)
    shown = sides[1] if len(sides) == 3 else sides[0] - sides[1]
    return Evaluated(np.broadcast_to(shown, shape), true)


def find_variables(text: str, posterior: xr.Dataset) -> tuple[ast.expr, dict[str, str]]:
    """Return an expression that `evaluate_draws` takes as a tree, and the variable behind each name in it."""
    tree, _, names = _read(text, posterior)
    return tree, names


def _read(text: str, posterior: xr.Dataset) -> tuple[ast.expr, dict[str, Array], dict[str, str]]:
    plain, values, names = _read_names(text, posterior)
    try:
        return ast.parse(plain.strip(), mode="eval").body, values, names
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise SpecError(f'\'{text}\' cannot be read. Write it as in "beta[Days] > 0" or "sd_herd / sigma".') from error


def _value(node: ast.expr, values: Mapping[str, Array], text: str) -> Any:
    """Return the value of one node of an expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return np.float64(node.value)
    if isinstance(node, ast.Name) and node.id in values:
        return values[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        return _ARITHMETIC[type(node.op)](_value(node.left, values, text), _value(node.right, values, text))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, values, text)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
        if node.func.id not in FUNCTIONS:
            raise SpecError(
                f"'{text}': function '{node.func.id}' is not known. {did_you_mean(node.func.id, FUNCTIONS)}"
            )
        return FUNCTIONS[node.func.id](_value(node.args[0], values, text))
    raise SpecError(
        f"'{text}' holds '{ast.unparse(node)}'. Accepted: names of the fit, numbers, + - * / **, "
        f"{', '.join(FUNCTIONS)} and comparisons."
    )


def _read_names(text: str, posterior: xr.Dataset) -> tuple[str, dict[str, Array], dict[str, str]]:
    """Return the text with the names of draws replaced by plain ones, the draws of these, and their variables."""
    names = sorted((str(name) for name in posterior.data_vars), key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, names))})(?![\w:(])")
    parts: list[str] = []
    values: dict[str, Array] = {}
    variables: dict[str, str] = {}
    place = 0
    for match in pattern.finditer(text):
        if match.start() < place:
            continue
        end, label = _read_label(text, match.end(), posterior[match[1]])
        parts += [text[place : match.start()], f"_{len(values)}"]
        variables[f"_{len(values)}"] = match[1]
        values[f"_{len(values)}"] = _element(posterior, match[1], label)
        place = end
    rest = "".join([*parts, text[place:]])
    for word in re.findall(r"(?<![\w.])([^\W\d][\w.]*)(?!\w*\s*\()", rest):
        if word not in values:
            raise SpecError(f"'{text}': the fit has no variable '{word}'. {did_you_mean(word, names)}")
    return rest, values, variables


def _read_label(text: str, start: int, variable: xr.DataArray) -> tuple[int, str]:
    """Return the text in square brackets from `start` on, which may itself hold brackets, and where it ends."""
    if not text[start:].startswith("["):
        return start, ""
    # A known label is read whole, whatever brackets it holds.
    known = [place for label in _labels_of(variable) if (place := _end_of(text, start + 1, label)) is not None]
    if known:
        return max(known), text[start + 1 : max(known) - 1]
    depth = 0
    for place in range(start, len(text)):
        depth += {"[": 1, "]": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1, text[start + 1 : place]
    raise SpecError(f"'{text}': the bracket after '{text[:start]}' is not closed.")


def _labels_of(variable: xr.DataArray) -> Iterator[tuple[str, ...]]:
    """Yield the labels of a variable's elements, dimension by dimension; a dimension of one label may be left out."""
    labels = [[str(value) for value in variable[dim].values] for dim in variable.dims if dim not in ("chain", "draw")]
    yield from product(*labels)
    yield from product(*(texts for texts in labels if len(texts) > 1))


def _end_of(text: str, place: int, label: tuple[str, ...]) -> int | None:
    """Return where labels, joined by commas, end with their bracket if they stand at a place of a text, else None."""
    for number, part in enumerate(label):
        if number:
            rest = text[place:].lstrip()
            if not rest.startswith(","):
                return None
            place = len(text) - len(rest[1:].lstrip())
        if not text.startswith(part, place):
            return None
        place += len(part)
    return place + 1 if label and text.startswith("]", place) else None


def _element(posterior: xr.Dataset, name: str, label: str) -> Array:
    """Return the draws of one element: "" for a single number, "Days", or "level, effect"."""
    variable = posterior[name].transpose("chain", "draw", ...)
    dims = variable.dims[2:]
    at = next((one for one in _labels_of(variable) if _end_of(f"{label}]", 0, one) == len(label) + 1), None)
    split = [part.strip() for part in label.rsplit(",", len(dims) - 1)] if label and dims else []
    labels = list(at) if at is not None and label else split
    for dim in dims:
        known = [str(value) for value in variable[dim].values]
        if len(known) == 1 and len(labels) < len(variable.dims[2:]):
            variable = variable.isel({dim: 0})
            continue
        wanted = labels.pop(0) if labels else ""
        if wanted not in known:
            raise SpecError(f"The fit has no '{name}[{wanted}]'. {did_you_mean(wanted, known)}")
        variable = variable.isel({dim: known.index(wanted)})
    if labels or (label and not dims):
        raise SpecError(f"'{name}' has no element '{label}'.")
    return np.asarray(variable.values)
