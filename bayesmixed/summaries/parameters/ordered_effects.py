"""Effects of ordered predictors, mo(x): the average step, and the share of each step in the whole."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import labelled
from bayesmixed.draws.kept import values_of
from bayesmixed.errors import SpecError
from bayesmixed.fits.fitting import Fit


@takes_drawn_values(tables="columns")
def monotonic_effects(fit: Fit) -> pd.DataFrame:
    """Return the average step of each ordered predictor, mo(x), and the shares of its steps in the whole.

    The steps themselves, from each level to the next, are in `bm.population_effects(fit)`; their sum is the difference
    between the highest and the lowest level.

    Parameters
    ----------
    fit : Fit
        The fitted model.

    Returns
    -------
    pandas.DataFrame
        Columns term ("mo(x)", with the parameter where that is not the first), level (that to which a step leads; empty for
        the average), effect ("average step", "share"), mean, sd, lower, upper (95 %), mcse.

    Raises
    ------
    SpecError
        The model has no term mo(x).

    Examples
    --------
    >>> import bayesmixed as bm
    >>> rows = {"y": [1, 2, 2, 4, 3, 1, 5, 2], "x": [1, 2, 2, 3, 3, 1, 3, 1]}
    >>> design = bm.prepare("y ~ mo(x)", rows)
    >>> design.mu.population.labels
    ('Intercept', 'mo(x)[2]', 'mo(x)[3]')
    """
    tables = []
    for predictor in fit.design.predictors.values():
        labels = list(predictor.population.labels)
        for one in predictor.steps:
            beta = values_of(fit.posterior, predictor.beta)
            steps = beta[..., [labels.index(label) for label in one.line_labels]]
            total = steps.sum(axis=-1, keepdims=True)
            with np.errstate(invalid="ignore", divide="ignore"):
                shares = np.where(total == 0.0, 1.0 / steps.shape[-1], steps / total)
            dims, name = ("chain", "draw", "level"), f"{one.name}{predictor.suffix}"
            average = xr.DataArray(steps.mean(axis=-1, keepdims=True), dims=dims)
            tables.append(labelled(average, name, [""], ["average step"]))
            if len(one.levels) > 2:
                tables.append(labelled(xr.DataArray(shares, dims=dims), name, one.levels[1:], ["share"]))
    if not tables:
        raise SpecError("The model has no ordered predictor: add a term mo(x).")
    return as_result(pd.concat(tables, ignore_index=True))
