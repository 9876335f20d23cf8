"""Slopes: how fast the expected response changes with a number."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.arguments import pools
from bayesmixed.design.design import Design
from bayesmixed.display.estimates import Estimates, Range, as_comparisons
from bayesmixed.errors import check_choice
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.prediction.predictions import ratio_has_mean
from bayesmixed.summaries.marginal.changed_rows import Where, change_rows
from bayesmixed.summaries.marginal.changes import read_variables
from bayesmixed.summaries.marginal.grids import as_asked, sd_of_rows
from bayesmixed.summaries.marginal.ratios import GEOMETRIC

FORMS = {
    "slope": "slope",
    "elasticity": "elasticity (change in per cent for each per cent)",
    "semi_elasticity": "relative change for each unit",
}
_STEP = 1e-5
"""Half the distance between the two points of a slope, in SDs of the column."""


@pools
def slopes(
    fit: Fit,
    variables: str | Sequence[str] | None = None,
    *,
    form: str = "slope",
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
    """Return how fast the expected response changes with a number: its derivative, by central differences.

    The derivative is taken in every row and then averaged over rows, as `avg_slopes` of R's marginaleffects does. The
    two points of a difference lie 1e-5 SDs of the column on each side, so that a change of units changes nothing; at the
    ends of the range of the data, one of them is the end.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    variables : str or list, optional
        Columns of numbers; all that formulas read if not given.
    form : str
        "slope" (change for each unit), "elasticity" (change in per cent for each per cent), "semi_elasticity" (relative
        change for each unit).
    by, average, over, data, at, kind, groups, rope, seed
        As in `comparisons`. at={"x": [0, 10]} with by="x" gives the slope of x at these values.

    Returns
    -------
    Estimates
        Columns variable, those of `by`, category for kind "probability", then mean, sd, lower, upper, mcse and `pd`.

    Raises
    ------
    SpecError, DataError
        As `comparisons`; a factor has no slope.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.fit("Reaction ~ Days + (Days | Subject)", bm.datasets.load("sleepstudy"), seed=1, progress=False)
    >>> bm.slopes(fit).table[["variable", "mean"]].round(0)
      variable  mean
    0     Days  10.0
    """
    check_choice("form={}", form, FORMS)
    where = Where(by, average, over, data, at, kind, groups, seed)
    asked, parts, mean = read_variables(fit, variables, numbers=True), [], True
    notes: dict[str, None] = {}
    for name in asked:
        cells = where.cells(fit, {name: False})
        low, high = _ends(fit.design, name, cells.rows[name].to_numpy(dtype=float))
        changed = change_rows(fit, where, cells, [{name: low}, {name: high}])
        draws = as_asked(fit, changed.draws, changed.design, kind, groups)
        first, second = draws.values[..., : len(low)], draws.values[..., len(low) :]
        found = (second - first) / (high - low)
        if form != "slope":
            found = found / (0.5 * (first + second)) * (0.5 * (low + high) if form == "elasticity" else 1.0)
            mean = mean and ratio_has_mean(fit, changed.design, groups, of_link=False)
        mean = mean and bool(draws.attrs["has_mean"])
        curved = form != "slope" or kind == GEOMETRIC
        told, lost = changed.find_told(0, 1, kind, curved=curved, shares=cells.shares / (high - low))
        front = pd.DataFrame({"variable": name}, index=cells.labels.index)
        averages = changed.average(found).assign_attrs(draws.attrs)
        parts.append((pd.concat([front, cells.labels], axis="columns")[told], averages[..., told]))
        notes |= dict.fromkeys((*cells.notes, *lost))
    quantity = f"{FORMS[form]} of {parts[0][1].attrs['estimand']}"
    return as_comparisons(f"Slopes of {', '.join(asked)}", quantity, notes, parts, null=0.0, rope=rope, mean=mean)


def _ends(design: Design, name: str, values: Array) -> tuple[Array, Array]:
    """Return two points about each value, neither of them beyond the data where the value is not."""
    column, step = design.table.data[name].to_numpy(dtype=float), _STEP * sd_of_rows(design, name)
    low, high = values - step, values + step
    low = np.where(values >= column.min(), np.maximum(low, column.min()), low)
    high = np.where(values <= column.max(), np.minimum(high, column.max()), high)
    return low, high
