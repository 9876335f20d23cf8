"""Comparisons: how much the expected response changes where one column changes and all others stay as they are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.arguments import pools
from bayesmixed.design.design import Design
from bayesmixed.display.estimates import Estimates, Range, as_comparisons
from bayesmixed.errors import SpecError, check_choice
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.prediction.predictions import ratio_has_mean
from bayesmixed.summaries.marginal.changed_rows import Where, change_rows
from bayesmixed.summaries.marginal.changes import changes_of, cross_changes, read_variables
from bayesmixed.summaries.marginal.grids import as_asked
from bayesmixed.summaries.marginal.ratios import GEOMETRIC, Ratio, ratio_of

_KINDS = ("difference", "ratio", "odds_ratio")


@pools
def comparisons(
    fit: Fit,
    variables: str | Sequence[str] | Mapping[str, Any] | None = None,
    *,
    comparison: str = "difference",
    cross: bool = False,
    by: str | Sequence[str] | None = None,
    average: bool = True,
    over: str = "rows",
    data: Any = None,
    at: Mapping[str, Any] | None = None,
    kind: str = "mean",
    groups: str | Mapping[str, str] = "average",
    rope: Range | None = None,
    seed: int | None = None,
) -> Estimates:
    """Return how much the expected response changes where one column is changed and all others stay as they are.

    In every draw each row is predicted twice, with the low and the high value of the column, and the predictions are averaged
    over rows before they are compared, as `avg_comparisons` of R's marginaleffects does.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    variables : str, list or mapping, optional
        Columns, one after another; all that formulas read if not given. A mapping says how they change:
        of a number what is added to it (1 if not given; a number with two values changes from one to the other), "sd",
        "2sd" (about the mean), "iqr", "range", or two values [0, 10]; of a factor "reference" (each level against the
        first), "pairwise", "consecutive", or two levels ["b", "c"].
    comparison : str
        "difference"; "ratio"; "odds_ratio" of probabilities and shares. With kind "linear" a ratio is exp(difference), as
        in `contrasts`: the odds ratio in one group under a logit link.
    cross : bool
        True: all columns of `variables`, two or more, change at once, from their low values to their high ones; of factors
        with several levels in every combination. `contrasts(fit, "a:b")` compares all combinations of levels.
    by : str or list, optional
        Columns of the rows, "B" or "B:C" or ["B", "C"]: one average over the rows of each combination of their values.
    average : bool
        False: one comparison for each row.
    over : str
        "rows" (those of the fit, or of `data`) or "grid" (numbers at their means, factors averaged over with equal
        weights, as in `marginal_means`).
    data : data frame, mapping of columns, or path, optional
        Other rows than those of the fit.
    at : mapping, optional
        Values that columns have in all rows, {"length": 50}; several values are averaged over, unless `by` names the
        column.
    kind, groups, seed
        As in `marginal_means`.
    rope : (float, float), optional
        Range that is practically no difference (for ratios around 1); its probability is then shown.

    Returns
    -------
    Estimates
        Columns variable and contrast, those of `by`, category for kind "probability", then mean, sd, lower, upper, mcse,
        and `pd`, the probability of the more probable sign.

    Raises
    ------
    SpecError, DataError
        No such column, level, kind or mode; rows that cannot be predicted; ratios of numbers that are not positive.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.comparisons(fit, "period").table[["contrast", "mean", "sd"]].round(2)
      contrast  mean    sd
    0    2 - 1 -0.12  0.04
    1    3 - 1 -0.13  0.04
    2    4 - 1 -0.16  0.04
    """
    check_choice("comparison={}", comparison, _KINDS)
    if comparison == "odds_ratio" and not _is_share(fit.design, kind):
        raise SpecError(
            "Odds ratios are of probabilities and shares: kind='mean' of a binary, binomial or beta response, "
            "kind='probability' of an ordered one. Ask for differences or ratios."
        )
    difference = comparison == "difference"
    rule = ratio_of(fit.design, kind) if comparison == "ratio" else None
    of_link = rule is not None and rule.unit is not None
    where = Where(by, average, over, data, at, kind, groups, seed)
    asked, parts, mean = read_variables(fit, variables), [], True
    notes: dict[str, None] = {}
    if cross and (variables is None or len(asked) < 2):
        raise SpecError('cross=True changes several columns at once: variables=["a", "b"].')
    each = [changes_of(fit, name, how, "-" if difference else "/") for name, how in asked.items()]
    for together in [each] if cross else [[one] for one in each]:
        cells = where.cells(fit, {one.name: not one.added for one in together})
        places, pairs = cross_changes(together)
        states = [
            {one.name: one.of(at, cells.rows) for one, at in zip(together, state, strict=True)} for state in places
        ]
        changed = change_rows(fit, where, cells, states)
        means = [changed.average(changed.draws.values, place) for place in range(len(states))]
        means = [as_asked(fit, one, changed.design, kind, groups) for one in means]
        mean = mean and bool(means[0].attrs["has_mean"])
        if not difference:
            mean = mean and ratio_has_mean(fit, changed.design, groups, of_link=of_link or kind == GEOMETRIC)
        for label, low, high in pairs:
            curved = kind == GEOMETRIC if difference else not of_link and kind != GEOMETRIC
            told, lost = changed.find_told(low, high, kind, curved=curved)
            found = means[low].copy(data=_compare(means[low].values, means[high].values, comparison, rule))
            name = ", ".join(one.name for one in together)
            front = pd.DataFrame({"variable": name, "contrast": label}, index=cells.labels.index)
            parts.append((pd.concat([front, cells.labels], axis="columns")[told], found[..., told]))
            notes |= dict.fromkeys((*cells.notes, *lost))
    what = rule.what if rule else comparison.replace("_", " ")
    quantity = f"{what} of {parts[0][1].attrs['estimand']}"
    title = f"Comparisons of {', '.join(asked)}"
    return as_comparisons(title, quantity, notes, parts, null=0.0 if difference else 1.0, rope=rope, mean=mean)


def _compare(low: Array, high: Array, comparison: str, rule: Ratio | None) -> Array:
    """Return the comparison of predictions in every draw."""
    if comparison == "difference":
        # What rounding leaves of a zero difference has no sign.
        return np.where(np.abs(high - low) > 1e-13 * (np.abs(high) + np.abs(low)), high - low, 0.0)
    if rule is not None and rule.unit is not None:
        return np.asarray(np.exp(rule.unit * (high - low)))
    if np.any(low <= 0.0) or np.any(high <= 0.0):
        raise SpecError("Ratios need predictions that are positive in all draws; ask for differences.")
    if comparison == "ratio":
        return np.asarray(high / low)
    if np.any(low >= 1.0) or np.any(high >= 1.0):
        raise SpecError("Odds ratios need predictions below 1 in all draws; ask for differences.")
    return np.asarray(high / (1.0 - high) / (low / (1.0 - low)))


def _is_share(design: Design, kind: str) -> bool:
    """Return whether a prediction lies between 0 and 1."""
    if kind == "probability":
        return True
    first = design.family.parameters[0]
    names = ("mean", first.name) if not design.categories else ()
    return kind in names and first.lower == 0.0 and first.upper == 1.0
