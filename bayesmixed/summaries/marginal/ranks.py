"""Ranks of groups, with their uncertainty."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import pools
from bayesmixed.display.estimates import Estimates, as_estimates
from bayesmixed.draws.kept import with_effects
from bayesmixed.draws.linear_predictors import effects_of
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import find_factor, find_slope
from bayesmixed.summaries.marginal.grids import make_grid
from bayesmixed.summaries.marginal.populations import known_deviations


@pools
def group_ranks(fit: Fit, group: str | None = None, *, effect: str | None = None) -> Estimates:
    """Return the rank of each group, 1 for the highest.

    Groups are ranked in every draw, so the interval of a rank says how well the order is known; ordering the posterior
    means instead would look far too sure (Goldstein & Spiegelhalter 1996, J R Stat Soc A 159:385).

    Parameters
    ----------
    fit : Fit
        The fitted model.
    group : str, optional
        Grouping factor; the first one if not given.
    effect : str, optional
        A slope by which to rank; if not given, the predictor where covariates are at their means.

    Returns
    -------
    Estimates
        One row per group, by mean rank: level, mean, sd, lower, upper (95 %) of the rank, mcse, and the probabilities
        of being the highest and the lowest.

    Raises
    ------
    SpecError
        No such factor or slope.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.group_ranks(fit).table[["level", "mean", "highest"]].round(1).head(3)
      level  mean  highest
    0    14   2.1      0.4
    1     7   2.4      0.3
    2     8   3.7      0.1
    """
    name = find_factor(fit, group)
    predictor, block = next((p, g) for p, g in fit.design.group_blocks() if g.name == name)
    posterior = with_effects(fit.draws, [p.b(g) for p, g in fit.design.group_blocks() if g.name == name])
    names = list(block.levels)
    if effect is None:
        values = known_deviations(make_grid(fit, {}, None, ()).rows, name, posterior)[predictor.parameter]
    else:
        *_, place = find_slope(fit, name, effect)
        own = np.flatnonzero(block.has[:, place])
        names, values = [names[i] for i in own], effects_of(predictor, block, posterior)[..., own, place]
    ranks = _ranks(values)
    order = np.argsort(ranks.mean(axis=(0, 1)), kind="stable")
    coords = {n: posterior[n] for n in ("chain", "draw")}
    draws = xr.DataArray(ranks[..., order], dims=("chain", "draw", "row"), coords=coords)
    labels = pd.DataFrame({"level": [names[i] for i in order]})
    what = f"the slope of {effect}" if effect else f"the predictor of {predictor.parameter}"
    notes = (f"1 is the highest of {len(order)}; ranked in every draw, other effects left out.",)
    found = as_estimates(f"Ranks of {name}", f"the rank of each {name} by {what}", notes, labels, draws)
    top, bottom = ((draws.values == rank).mean(axis=(0, 1)) for rank in (1, len(order)))
    table = found.table.assign(highest=top, lowest=bottom)
    return Estimates(found.title, found.quantity, notes, found.labels, table, draws)


def _ranks(values: Array) -> Array:
    """Return ranks along the last axis, 1 for the largest."""
    order = np.argsort(-values, axis=-1, kind="stable")
    return np.asarray(np.argsort(order, axis=-1) + 1.0)
