"""predict: rows of one response or several, for known groups, new groups, the typical group and the average over groups."""

from collections.abc import Iterable, Mapping
from typing import Any

import xarray as xr

from bayesmixed.arguments import pools
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.prediction.joint_predictions import predict_responses
from bayesmixed.prediction.predictions import predict_fit


@pools
def predict(
    fit: Fit | JointFit,
    data: Any = None,
    *,
    groups: str | Mapping[str, str] = "existing",
    kind: str = "mean",
    draws: int | None = None,
    seed: int | None = None,
    na: str | float | Iterable[str | float] = (),
) -> xr.Dataset:
    """Return predictions as draws, dims chain, draw, row.

    Parameters
    ----------
    fit : Fit or JointFit
        The fitted model.
    data : data frame, mapping of columns, or path, optional
        Rows to predict; the rows of the fit if not given, missing values as in each draw (mi, me, imputed tables). They need no
        response, and none is read.
    groups : str or mapping
        For all grouping factors, or by factor: "existing" (unseen labels are an error), "new" (every label is a fresh
        group, even a known one: one draw of all its effects, for all its rows and predictors), "any" (known labels keep
        their effects, unseen ones are fresh groups), "average" (effects integrated out), "typical" (effects 0). The last
        two need no grouping column, and values in it may be missing.
        Observation-level effects of rows outside the fit are averaged over, or drawn for kind "response".
    kind : str
        "mean" (expected response; for binomial families the expected proportion), "response" (a new observation,
        in counts for binomial families; with correlated residuals given those of the group in the fit, unless a row is at one of
        its places), "linear" (the predictor on the link scale), or a parameter of the family. Of an
        ordered response "mean" and "response" are numbers of categories, 1 the lowest, and "probability" that of each
        category (a further dim, `category`).
    draws : int, optional
        Use about this many draws, evenly spread; all if not given. Memory is draws x rows x 8 bytes.
    seed : int, optional
        For everything random: new groups and responses.
    na : str, number or list of these
        Codes that mean a missing value in `data`.

    Returns
    -------
    xarray.Dataset
        One variable named after `kind`; of several responses one for each, named after it (kinds "mean", "response" and
        "linear"): effects of new groups, and correlated residuals, are drawn together, and "any" draws what a group has in one
        response given what it has in the others. Attribute `estimand` says in words what was predicted, `has_mean` (1 or 0)
        whether it has a mean over the posterior: averages over groups under a log link have none, so take medians of the draws.

    Raises
    ------
    SpecError, DataError
        Unknown kind or mode, unseen labels, columns that are missing.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> rows = {"herd": ["1", "a new one"], "period": ["1", "1"], "size": [10, 10]}
    >>> chances = bm.predict(fit, rows, groups={"herd": "new"}, seed=1)
    >>> chances.attrs["estimand"]
    'expected incidence / size; herd: new groups'
    >>> chances["mean"].dims
    ('chain', 'draw', 'row')
    """
    options: dict[str, Any] = {"groups": groups, "kind": kind, "draws": draws, "seed": seed, "na": na}
    if isinstance(fit, JointFit):
        return predict_responses(fit, data, **options)
    return predict_fit(fit, data, **options)
