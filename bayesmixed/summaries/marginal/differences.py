"""Contrasts: differences and ratios between the cells of a reference grid."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import pools
from bayesmixed.display.estimates import Estimates, Range, as_comparisons
from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.prediction.predictions import ratio_has_mean
from bayesmixed.summaries.marginal.contrast_weights import Weights, contrast_weights
from bayesmixed.summaries.marginal.estimable import find_estimable
from bayesmixed.summaries.marginal.grids import (
    asked_values,
    existing_groups,
    grid_draws,
    make_grid,
    split_by,
    split_effect,
)
from bayesmixed.summaries.marginal.ratios import GEOMETRIC, Ratio, ratio_of


@pools
def contrasts(
    fit: Fit,
    effect: str,
    *,
    method: str | Weights = "pairwise",
    by: str | Sequence[str] | None = None,
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
        "pairwise" (each later level minus each earlier one), "reference" (each level minus the reference, R's
        trt.vs.ctrl), "consecutive" (each level minus the one before, consec), "deviation" (each level minus the mean of
        all, itself included, eff; as a ratio, over their geometric mean), "interaction" (differences of differences),
        "polynomial" (orthonormal trends, as R's contr.poly, over the numbers of the levels, or 1, 2, 3, ... where they
        are words), or weights: {"new - old": [-1, 0.5, 0.5]}.
    by : str or list, optional
        Contrasts within each value of these columns, "B" or "B:C" or ["B", "C"].
    reference : optional
        For method "reference": the level to compare with; the first one if not given.
    at, kind, groups, seed
        As in `marginal_means`. kind "linear" compares on the link scale, as R's emmeans does; kind "probability" compares
        the probabilities of each category of an ordered response.
    ratio : bool
        Ratios instead of differences: of means for kind "mean"; for kind "linear" odds ratios (logit), ratios of
        means (log) or hazard ratios (cloglog). For the logarithm of a response (log, log2, log10, also kind "linear" of
        family lognormal) ratios of geometric means.
    rope : (float, float), optional
        Range that is practically no difference (for ratios around 1); its probability is then shown.

    Returns
    -------
    Estimates
        Also with `pd`, the probability of the more probable sign of the difference. Contrasts that depend on a
        combination of levels without rows (`empty_cells` of the spec) are not estimable: they are left out, and the notes
        say which. Where means are linear in the coefficients, as for kind "linear" and under an identity link, what the
        data leave open in two means may cancel in their difference; elsewhere both means must be estimable.

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
    names, within = split_effect(effect, fit.design), split_by(by, fit.design)
    if set(names) & set(within):
        raise SpecError(f"by: {enumerate_words(set(names) & set(within))} is what is compared.")
    asked = asked_values(fit, (*within, *names), at)
    values = [asked[name] for name in names]
    weights = contrast_weights(method, values, reference, "/" if ratio else "-")
    outer = int(np.prod([len(asked[name]) for name in within]))
    grid = make_grid(fit, asked, at, existing_groups(fit.design, groups))
    cells = grid_draws(fit, grid, kind, groups, seed)
    matrix = np.kron(np.eye(outer), np.array(list(weights.values()), dtype=float))
    rule = ratio_of(fit.design, kind) if ratio else None
    labels = pd.DataFrame({"contrast": list(weights) * outer})
    if within:
        first = pd.MultiIndex.from_product([asked[name] for name in within], names=list(within)).to_frame(index=False)
        labels = pd.concat([first.loc[first.index.repeat(len(weights))].reset_index(drop=True), labels], axis="columns")
    geometric = kind == GEOMETRIC
    told, lost = find_estimable(
        grid.rows,
        grid.starts,
        matrix,
        kind,
        lambda place: ", ".join(map(str, labels.iloc[place])),
        product=not ratio if geometric else rule is not None and rule.unit is None,
    )
    compared, what = _compare(cells, matrix[told], rule)
    labels = labels[told]
    mean = bool(cells.attrs["has_mean"])
    if rule is not None:
        mean = mean and ratio_has_mean(fit, grid.rows, groups, of_link=geometric or rule.unit is not None)
    null = 1.0 if ratio else 0.0
    title = f"Contrasts of {effect}" + (f" by {':'.join(within)}" if within else "")
    quantity, notes = f"{what} of {cells.attrs['estimand']}", (*grid.notes, *lost)
    return as_comparisons(title, quantity, notes, [(labels, compared)], null=null, rope=rope, mean=mean)


def _compare(cells: xr.DataArray, matrix: Array, rule: Ratio | None) -> tuple[xr.DataArray, str]:
    """Return the contrasts of the draws of the cells, and what they are."""
    used = np.any(matrix != 0.0, axis=0)
    matrix, values = matrix[:, used], cells.values[..., used]
    coords = {name: cells[name] for name in ("chain", "draw", "category") if name in cells.dims}
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
