"""What missing values cost: the variance of each number between imputed tables."""

import numpy as np
import pandas as pd
from scipy import special

from bayesmixed.arguments import pools
from bayesmixed.display.result_tables import as_result
from bayesmixed.draws.pooled import moments_of_tables
from bayesmixed.draws.tree import top_level_numbers
from bayesmixed.errors import SpecError
from bayesmixed.fits.fitting import Fit


@pools
def missing_information(fit: Fit) -> pd.DataFrame:
    """Return how much of the information about each parameter is lost with the missing values, by Rubin's rules.

    Draws of all tables together are draws from the posterior given what was observed. From few tables their variance,
    W + (1 - 1/m) B, is somewhat too small: Rubin's is W + (1 + 1/m) B, W being the mean variance in a table, B that between
    the means of m tables (Rubin 1987; Zhou & Reiter 2010, Am Stat 64:159).

    Parameters
    ----------
    fit : Fit
        Of a list of imputed tables.

    Returns
    -------
    pandas.DataFrame
        Columns parameter, mean, within and between (SDs), lost (the fraction of missing information, 0 to 1), df, lower,
        upper (95 %, the t distribution of Rubin's rules, for numbers whose posterior is about normal).

    Raises
    ------
    SpecError
        The fit is of one table.

    Examples
    --------
    >>> import numpy as np
    >>> import bayesmixed as bm
    >>> x = np.arange(20.0)
    >>> tables = [{"x": x, "y": np.where(x == 7, guess, x % 5)} for guess in (0.0, 9.0, 4.0)]
    >>> fit = bm.fit("y ~ x", tables, draws=100, seed=1, progress=False)
    >>> bm.missing_information(fit)["parameter"].tolist()
    ['beta[Intercept]', 'beta[x]', 'sigma']
    """
    tables = fit.settings.tables
    if tables < 2:
        raise SpecError("This fit is of one table. Give a list of imputed tables: bm.fit(spec, [table1, table2, ...]).")
    rows = []
    for name, draws in top_level_numbers(fit.design, fit.posterior):
        found = moments_of_tables(draws.transpose("chain", "draw").values, tables)
        degrees, lost = float(found.degrees), float(found.lost)
        step = float(special.stdtrit(min(degrees, 1e10), 0.975) * np.sqrt(found.total))
        mean, sds = float(found.mean), (float(found.within**0.5), float(found.between**0.5))
        rows.append((name, mean, *sds, lost, degrees, mean - step, mean + step))
    return as_result(
        pd.DataFrame(rows, columns=["parameter", "mean", "within", "between", "lost", "df", "lower", "upper"])
    )
