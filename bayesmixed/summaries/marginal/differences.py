"""Contrasts: differences and ratios between the cells of a reference grid."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.display.estimates import Estimates, Range, as_estimates, with_directions
from bayesmixed.errors import SpecError, check_choice, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.prediction.predictions import ratio_has_mean
from bayesmixed.summaries.marginal.estimable import find_estimable
from bayesmixed.summaries.marginal.grids import asked_values, existing_groups, grid_draws, make_grid, split_effect
from bayesmixed.summaries.marginal.ratios import Ratio, ratio_of

METHODS = ("pairwise", "reference", "interaction", "polynomial")
Weights = Mapping[str, Sequence[float]]
_DEGREES = ("linear", "quadratic", "cubic")


def contrasts(
    fit: Fit,
    effect: str,
    *,
    method: str | Weights = "pairwise",
    by: str | None = None,
    reference: Any = None,
    at: Mapping[str, Any] | None = None,
    kind: str = "mean",
    groups: str | Mapping[str, str] = "average",
    ratio: bool = False,
    rope: Range | None = None,
    seed: int | None = None,
) -> Estimates:
    """Return differences, or ratios, between the marginal means of `marginal_means`.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    effect : str
        "A", or "A:B" for the combinations of their levels.
    method : str or mapping
        "pairwise" (each later level minus each earlier one), "reference" (each level minus the reference),
        "interaction" (differences of differences), "polynomial" (orthonormal trends, as R's contr.poly, over the
        numbers of the levels, or 1, 2, 3, ... where they are words), or weights: {"new - old": [-1, 0.5, 0.5]}.
    by : str, optional
        Contrasts within each value of these columns, "B" or "B:C".
    reference : optional
        For method "reference": the level to compare with; the first one if not given.
    at, kind, groups, seed
        As in `marginal_means`. kind "linear" compares on the link scale, as R's emmeans does.
    ratio : bool
        Ratios instead of differences: of means for kind "mean"; for kind "linear" odds ratios (logit), ratios of
        means (log) or hazard ratios (cloglog). For the logarithm of a response (log, log2, log10, also kind "linear" of
        family lognormal) ratios of geometric means.
    rope : (float, float), optional
        Range that is practically no difference (for ratios around 1); its probability is then shown.

    Returns
    -------
    Estimates
        Also with `pd`, the probability of the more probable sign of the difference.

    Contrasts that depend on a combination of levels without rows (`empty_cells` of the spec) are not estimable: they
    are left
    out, and the notes say which. Where means are linear in the coefficients, as for kind "linear" and under an identity
    link, what the data leave open in two means may cancel in their difference; elsewhere both means must be estimable.

    Raises
    ------
    SpecError
        No such column, method or level; a ratio of numbers that are not all positive, or of a response transformed in
        another way.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.contrasts(fit, "period").table[["contrast", "mean", "sd"]].round(2).head(3)
      contrast  mean    sd
    0    2 - 1 -0.12  0.04
    1    3 - 1 -0.13  0.04
    2    4 - 1 -0.16  0.04
    """
    names, within = split_effect(effect, fit.design), split_effect(by, fit.design) if by else ()
    asked = asked_values(fit, (*within, *names), at)
    values = [asked[name] for name in names]
    weights = _weights(method, values, reference, "/" if ratio else "-")
    outer = int(np.prod([len(asked[name]) for name in within]))
    grid = make_grid(fit, asked, at, existing_groups(fit.design, groups))
    cells = grid_draws(fit, grid, kind, groups, seed)
    matrix = np.kron(np.eye(outer), np.array(list(weights.values()), dtype=float))
    rule = ratio_of(fit.design, kind) if ratio else None
    labels = pd.DataFrame({"contrast": list(weights) * outer})
    if within:
        first = pd.MultiIndex.from_product([asked[name] for name in within], names=list(within)).to_frame(index=False)
        labels = pd.concat([first.loc[first.index.repeat(len(weights))].reset_index(drop=True), labels], axis="columns")
    told, lost = find_estimable(
        grid.rows,
        grid.starts,
        matrix,
        kind,
        lambda place: ", ".join(map(str, labels.iloc[place])),
        product=rule is not None and rule.unit is None,
    )
    compared, what = _compare(cells, matrix[told], rule)
    labels = labels[told]
    mean = bool(cells.attrs["has_mean"])
    if rule is not None:
        mean = mean and ratio_has_mean(fit, grid.rows, groups, of_link=rule.unit is not None)
    title = f"Contrasts of {effect}" + (f" by {by}" if by else "")
    notes = (*grid.notes, *lost, _say_null(ratio, rope))
    found = as_estimates(title, f"{what} of {cells.attrs['estimand']}", notes, labels, compared, mean=mean)
    table = with_directions(compared.values, found.table, 1.0 if ratio else 0.0, rope)
    return Estimates(found.title, found.quantity, found.notes, found.labels, table, found.draws)


def polynomial_weights(scores: Sequence[float]) -> Array:
    """Return orthonormal polynomials of degree 1 to k - 1 at k scores, (k - 1, k), rising at the last score."""
    x = np.asarray(scores, dtype=float) - np.mean(scores)
    q, _ = np.linalg.qr(np.vander(x / np.abs(x).max(), increasing=True))
    trends = q[:, 1:].T
    return np.asarray(trends * np.sign(trends[:, -1:]))


def _compare(cells: xr.DataArray, matrix: Array, rule: Ratio | None) -> tuple[xr.DataArray, str]:
    """Return the contrasts of the draws of the cells, and what they are."""
    used = np.any(matrix != 0.0, axis=0)
    matrix, values, coords = matrix[:, used], cells.values[..., used], {name: cells[name] for name in ("chain", "draw")}
    if rule is None:
        found, sizes = values @ matrix.T, np.abs(values) @ np.abs(matrix.T)
        # What rounding leaves of a zero difference has no sign.
        found = np.where(np.abs(found) > 1e-13 * sizes, found, 0.0)
        return xr.DataArray(found, dims=cells.dims, coords=coords), "difference"
    if np.any(matrix.sum(axis=1).round(9) != 0):
        raise SpecError("Ratios need weights that add up to 0; ask for differences.")
    if rule.unit is None:
        if np.any(values <= 0):
            raise SpecError(
                "Ratios need means that are positive in all draws, which these are not; ask for differences."
            )
        return xr.DataArray(np.exp(np.log(values) @ matrix.T), dims=cells.dims, coords=coords), rule.what
    return xr.DataArray(np.exp(rule.unit * (values @ matrix.T)), dims=cells.dims, coords=coords), rule.what


def _weights(method: str | Weights, values: list[list[Any]], reference: Any, sign: str) -> dict[str, list[float]]:
    """Return the weights of each contrast over the combinations of the values, the last column fastest."""
    if not isinstance(method, str):
        return _own_weights(method, int(np.prod([len(v) for v in values])))
    check_choice("method={}", method, METHODS)
    texts = [_texts(column) for column in values]
    cells = texts[0] if len(texts) == 1 else [f"({', '.join(c)})" for c in _product(texts)]
    if len(cells) < 2:
        raise SpecError("A contrast needs two values or more to compare.")
    makers: dict[str, Callable[[], dict[str, list[float]]]] = {
        "pairwise": lambda: _pairs(cells, sign),
        "reference": lambda: _against(cells, None if reference is None else _named(reference, values, texts), sign),
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


def _texts(column: list[Any]) -> list[str]:
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


def _say_null(ratio: bool, rope: Range | None) -> str:
    null = "1" if ratio else "0"
    text = f"pd: probability that it lies on its side of {null} (0.5: undecided; 1: certain)."
    return text if rope is None else f"{text} in_rope: probability of {rope[0]:g} to {rope[1]:g}."
