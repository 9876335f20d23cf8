"""Values that are drawn with the parameters: missing values of columns, true values behind errors, missing responses."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import pools
from bayesmixed.display.estimates import Estimates, as_estimates
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import describe
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.tree import draw_names, top_level_numbers
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.prediction.predicting import predict


@pools
def imputations(fit: Fit, *, seed: int | None = 0) -> Estimates:
    """Return the values that are not in the data: missing ones of columns in mi(x), true ones of columns in me(x, sd), and
    with missing="impute" the missing responses.

    Missing responses are new observations in their groups (fresh ones where a group has no other row), given the columns of
    their row.

    Parameters
    ----------
    fit : Fit
        With mi() or me() in its formula, or fitted with missing="impute".
    seed : int, optional
        For the responses.

    Returns
    -------
    Estimates
        Columns column and row (its label in the data), mean, sd, lower, upper (95 %), mcse. `.draws` are what was imputed, one
        value in each draw, dims chain, draw, row.

    Raises
    ------
    SpecError
        No value was missing.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> data.loc[3:5, "Reaction"] = None
    >>> spec = bm.from_formula("Reaction ~ Days + (1 | Subject)")
    >>> fit = bm.fit(spec, data, missing="impute", draws=100, seed=1, progress=False)
    >>> bm.imputations(fit).table["row"].tolist()
    [3, 4, 5]
    """
    parts = list(_imputed(fit, seed))
    if not parts:
        raise SpecError(
            'No value was drawn: the formula has no mi() or me(), and missing="impute" found no missing response.'
        )
    labels = pd.concat([pd.DataFrame({"column": name, "row": rows}) for name, rows, _ in parts], ignore_index=True)
    posterior = fit.posterior
    coords = {name: posterior[name] for name in ("chain", "draw")}
    values = np.concatenate([values for *_, values in parts], axis=-1)
    draws = xr.DataArray(values, dims=("chain", "draw", "row"), coords=coords)
    columns = ", ".join(dict.fromkeys(labels["column"]))
    return as_estimates("Values that were not in the data", f"the true value of {columns} in a row", (), labels, draws)


def _imputed(fit: Fit, seed: int | None) -> Iterator[tuple[str, list[object], Array]]:
    """Yield each column with the labels of its rows and the draws of its values, (chain, draw, row)."""
    for latent in fit.design.latent:
        yield latent.column, latent.rows, values_of(fit.posterior, latent.imputed)
    rows = fit.design.withheld
    if rows is not None:
        made = predict(fit, rows, groups="any", kind="response", seed=seed)["response"]
        yield fit.design.spec.response, list(rows.index), made.transpose("chain", "draw", "row").values


@pools
def imputation_models(fit: Fit) -> pd.DataFrame:
    """Return the parameters of the models of columns in mi(x) and me(x, sd).

    Parameters
    ----------
    fit : Fit
        With mi() or me() in its formula.

    Returns
    -------
    pandas.DataFrame
        Columns column, parameter ("beta_of_x[z]", "sd_g_of_x[Intercept]"; residual SDs are logarithms, "beta_of_x_sigma"), mean,
        sd, lower, upper (95 %), mcse.

    Raises
    ------
    SpecError
        The model has no such column.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = {"y": [1.0, 3, 2, 5, 4, 6, 8, 7], "x": [1.0, 2, None, 4, 5, 6, 7, 8]}
    >>> fit = bm.fit("y ~ mi(x)", data, draws=50, chains=1, tune=100, seed=1, progress=False)
    >>> bm.imputation_models(fit)["parameter"].tolist()
    ['beta_of_x[Intercept]', 'beta_of_x_sigma[Intercept]']
    """
    if not fit.design.latent:
        raise SpecError("No column has a model of its own: the formula has no mi() or me().")
    numbers = dict(top_level_numbers(fit.design, fit.posterior))
    tables = []
    for latent in fit.design.latent:
        own = set(draw_names(latent.design))
        names = [name for name in numbers if name.partition("[")[0] in own]
        values = xr.concat([numbers[name].drop_vars(_others(numbers[name])) for name in names], "row")
        front = pd.DataFrame({"column": latent.column, "parameter": names})
        table = describe(values.transpose("chain", "draw", "row")).reset_index(drop=True)
        tables.append(pd.concat([front, table], axis="columns"))
    return as_result(pd.concat(tables, ignore_index=True))


def _others(draws: xr.DataArray) -> list[object]:
    return [name for name in draws.coords if name not in ("chain", "draw")]
