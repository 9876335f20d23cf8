"""The weights of contrasts: which cells are compared with which."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.errors import SpecError, check_choice, did_you_mean
from bayesmixed.families.links import Array

METHODS = ("pairwise", "reference", "consecutive", "deviation", "interaction", "polynomial")
Weights = Mapping[str, Sequence[float]]
_DEGREES = ("linear", "quadratic", "cubic")


def contrast_weights(
    method: str | Weights, values: list[list[Any]], reference: Any, sign: str
) -> dict[str, list[float]]:
    """Return the weights of each contrast over the combinations of the values, the last column fastest."""
    if not isinstance(method, str):
        return _own_weights(method, int(np.prod([len(v) for v in values])))
    check_choice("method={}", method, METHODS)
    texts = [value_texts(column) for column in values]
    cells = texts[0] if len(texts) == 1 else [f"({', '.join(c)})" for c in _product(texts)]
    if len(cells) < 2:
        raise SpecError("A contrast needs two values or more to compare.")
    makers: dict[str, Callable[[], dict[str, list[float]]]] = {
        "pairwise": lambda: _pairs(cells, sign),
        "reference": lambda: _against(cells, None if reference is None else _named(reference, values, texts), sign),
        "consecutive": lambda: _steps(cells, sign),
        "deviation": lambda: _deviations(cells, sign),
        "interaction": lambda: _interaction(texts, sign),
        "polynomial": lambda: _polynomial(values[0] if len(values) == 1 else cells),
    }
    return makers[method]()


def _own_weights(given: Weights, count: int) -> dict[str, list[float]]:
    if not given:
        raise SpecError("method={} has no contrasts.")
    for label, numbers in given.items():
        if len(numbers) != count:
            raise SpecError(f"Contrast '{label}' has {len(numbers)} weights; there are {count} means to weigh.")
    return {label: [float(number) for number in numbers] for label, numbers in given.items()}


def _pairs(cells: list[str], sign: str) -> dict[str, list[float]]:
    unit = np.eye(len(cells))
    pairs = combinations(range(len(cells)), 2)
    return {f"{cells[j]} {sign} {cells[i]}": (unit[j] - unit[i]).tolist() for i, j in pairs}


def _against(cells: list[str], reference: str | None, sign: str) -> dict[str, list[float]]:
    if reference is not None and reference not in cells:
        raise SpecError(f"reference='{reference}' is not a level. {did_you_mean(reference, cells)}")
    base = 0 if reference is None else cells.index(reference)
    unit = np.eye(len(cells))
    return {f"{c} {sign} {cells[base]}": (unit[j] - unit[base]).tolist() for j, c in enumerate(cells) if j != base}


def _steps(cells: list[str], sign: str) -> dict[str, list[float]]:
    unit = np.eye(len(cells))
    return {f"{cells[j]} {sign} {cells[i]}": (unit[j] - unit[i]).tolist() for i, j in pairwise(range(len(cells)))}


def _deviations(cells: list[str], sign: str) -> dict[str, list[float]]:
    unit = np.eye(len(cells))
    return {f"{cell} {sign} mean of all": (unit[j] - 1.0 / len(cells)).tolist() for j, cell in enumerate(cells)}


def _interaction(texts: list[list[str]], sign: str) -> dict[str, list[float]]:
    if len(texts) < 2:
        raise SpecError('method="interaction" needs two columns or more: "A:B".')
    found: dict[str, list[float]] = {"": [1.0]}
    for column in texts:
        pairs = _pairs(column, sign)
        found = {
            f"{left} : ({label})" if left else f"({label})": np.kron(a, b).tolist()
            for left, a in found.items()
            for label, b in pairs.items()
        }
    return found


def _polynomial(cells: Sequence[Any]) -> dict[str, list[float]]:
    try:
        scores = [float(cell) for cell in cells]
    except (TypeError, ValueError):
        scores = [float(place) for place in range(1, len(cells) + 1)]
    names = [*_DEGREES, *(f"degree {degree}" for degree in range(4, len(cells)))]
    return {name: list(row) for name, row in zip(names, polynomial_weights(scores), strict=False)}


def _product(texts: list[list[str]]) -> list[tuple[str, ...]]:
    return [tuple(labels) for labels in pd.MultiIndex.from_product(texts)]


def value_texts(column: list[Any]) -> list[str]:
    """Return values as text, numbers with as many digits, at least 4, as keep them apart."""
    for digits in range(4, 18):
        found = [_text(value, digits) for value in column]
        if len(set(found)) == len(set(map(str, column))):
            return found
    return [str(value) for value in column]


def _named(reference: Any, values: list[list[Any]], texts: list[list[str]]) -> str:
    """Return the text of a reference value, as those of its column are written."""
    pairs = [pair for column in zip(values, texts, strict=True) for pair in zip(*column, strict=True)]
    return next((text for value, text in pairs if value == reference), _text(reference, 4))


def _text(value: Any, digits: int) -> str:
    return f"{value:.{digits}g}" if isinstance(value, int | float | np.number) else str(value)


def polynomial_weights(scores: Sequence[float]) -> Array:
    """Return orthonormal polynomials of degree 1 to k - 1 at k scores, (k - 1, k), rising at the last score."""
    x = np.asarray(scores, dtype=float) - np.mean(scores)
    q, _ = np.linalg.qr(np.vander(x / np.abs(x).max(), increasing=True))
    trends = q[:, 1:].T
    return np.asarray(trends * np.sign(trends[:, -1:]))
