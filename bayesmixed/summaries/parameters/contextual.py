"""The contextual effect: what the mean of a group says beyond the values of its rows."""

from typing import Literal, overload

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import labelled
from bayesmixed.draws.kept import values_of
from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.families.records import refuse_categories
from bayesmixed.fits.fitting import Fit


@overload
def contextual_effect(
    fit: Fit, column: str, group: str, *, parameter: str | None = ..., draws: Literal[False] = False
) -> pd.DataFrame: ...


@overload
def contextual_effect(
    fit: Fit, column: str, group: str, *, parameter: str | None = ..., draws: Literal[True]
) -> xr.Dataset: ...


@takes_drawn_values(tables="columns")
def contextual_effect(
    fit: Fit, column: str, group: str, *, parameter: str | None = None, draws: bool = False
) -> pd.DataFrame | xr.Dataset:
    """Return the slopes of a column within and between groups, and their difference, the contextual effect.

    The model holds `within(x, g) + between(x, g)`, or `x + between(x, g)`, whose second coefficient is the contextual
    effect itself. With interactions of these columns the slopes are those where the other columns are 0.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    column, group : str
        x and g as they are written in the formula: "ses", "school".
    parameter : str, optional
        Whose predictor; by default the first parameter's.
    draws : bool
        Return the draws (a Dataset) instead of the table.

    Returns
    -------
    pandas.DataFrame
        Rows within, between, contextual (column effect), with mean, sd, lower, upper (95 %, equal tails), mcse. "Of two
        rows with the same x, the one whose group has a mean 1 higher differs by `contextual` in the predictor."

    Raises
    ------
    SpecError
        The model does not hold the two columns.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> rows = {"y": [1, 3, 2, 3, 4, 5, 4, 7, 6, 8], "x": [1, 2, 3, 4, 4, 6, 5, 7, 7, 8], "g": list("aabbccddee")}
    >>> fit = bm.fit("y ~ within(x, g) + between(x, g) + (1 | g)", rows, draws=100, seed=1, progress=False)
    >>> bm.contextual_effect(fit, "x", "g")["effect"].tolist()
    ['within', 'between', 'contextual']
    """
    if parameter is None:
        refuse_categories(fit.design.family, "A contextual effect without parameter=")
    predictor = fit.design.mu if parameter is None else fit.design.predictors.get(parameter)
    if predictor is None:
        raise SpecError(f"'{parameter}' has no predictor. Accepted: {enumerate_words(fit.design.predictors)}.")
    labels = predictor.population.labels
    inner, outer = f"within({column}, {group})", f"between({column}, {group})"
    first = next((label for label in (inner, column) if label in labels), None)
    if outer not in labels or first is None:
        raise SpecError(
            f"The contextual effect of '{column}' needs the columns '{inner}' (or '{column}') and '{outer}' in the predictor "
            f"of '{predictor.parameter}', which has {enumerate_words(labels)}."
        )
    beta = values_of(fit.posterior, predictor.beta)
    slope, further = beta[..., labels.index(first)], beta[..., labels.index(outer)]
    contextual = further - slope if first == inner else further
    found = {"within": slope, "between": slope + contextual, "contextual": contextual}
    if draws:
        return xr.Dataset({name: (("chain", "draw"), values) for name, values in found.items()})
    stack = xr.DataArray(np.stack(list(found.values()), axis=-1), dims=("chain", "draw", "effect"))
    return as_result(labelled(stack, column, [group], found))
