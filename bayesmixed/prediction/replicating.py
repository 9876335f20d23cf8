"""posterior_predictive: responses that a model of one response or several predicts for the rows of its fit."""

from collections.abc import Mapping

import xarray as xr

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.prediction.joint_replicates import replicate_responses
from bayesmixed.prediction.replicates import replicate_fit


@takes_drawn_values(tables="columns")
def posterior_predictive(
    fit: Fit | JointFit,
    *,
    groups: str | Mapping[str, str] = "existing",
    draws: int | None = None,
    seed: int | None = None,
) -> xr.Dataset:
    """Return replicates of the response for the rows of a fit, dims chain, draw, row.

    Parameters
    ----------
    fit : Fit or JointFit
        The fitted model.
    groups : str or mapping
        For all grouping factors, or by factor: "existing" (the same groups observed again) or "new" (other groups with
        the same rows). Effects of single rows, as of `obs()`, are residual variation: they are drawn anew unless
        the mapping says "existing" for them.
    draws : int, optional
        Use about this many draws, evenly spread; all if not given. The result takes draws x rows x 8 bytes.
    seed : int, optional
        For everything random.

    Returns
    -------
    xarray.Dataset
        One variable, named after the response; of several responses one for each: new effects, and correlated residuals, are
        drawn together. Attribute `estimand` says in words what was drawn.

    Raises
    ------
    SpecError
        Unknown factor or mode, or rows with frequency or likelihood weights.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.posterior_predictive(fit, draws=100, seed=1)["incidence"].shape
    (4, 25, 56)
    """
    if isinstance(fit, JointFit):
        return replicate_responses(fit, groups=groups, draws=draws, seed=seed)
    return replicate_fit(fit, groups=groups, draws=draws, seed=seed)
