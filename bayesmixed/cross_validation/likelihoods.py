"""log_likelihood: that of rows and groups of a fit of one response or several, as draws."""

import xarray as xr

from bayesmixed.arguments import alone, takes_drawn_values
from bayesmixed.cross_validation.joint_densities import joint_row_logs, joint_unit_logs
from bayesmixed.cross_validation.joint_units import find_joint_units
from bayesmixed.cross_validation.log_densities import log_likelihood_of
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit


@alone("bm.log_likelihood(joint) is that of all responses together.")
@takes_drawn_values(tables="no")
def log_likelihood(fit: Fit | JointFit, *, integrate: str | None = None, draws: int | None = None) -> xr.DataArray:
    """Return the log-likelihood of each row, or of each group with its effects integrated out, as draws.

    Parameters
    ----------
    fit : Fit or JointFit
        The fitted model; of several responses a row, or a level, is that of all of them.
        Where residuals are correlated within groups, a row is given the other rows of its group.
    integrate : str, optional
        A grouping factor or column: the joint log-density of all rows of each level, given the parameters, with the
        level's effects, and those nested in it, integrated out. By default log p(y | b, theta) of each row.
    draws : int, optional
        Use about this many draws, evenly spread; all if not given.

    Returns
    -------
    xarray.DataArray
        Dims chain, draw, and row or the name of the factor.

    Raises
    ------
    SpecError
        There is no such factor, or its effects are too many to be integrated out.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.log_likelihood(fit).shape
    (4, 400, 56)
    >>> bm.log_likelihood(fit, integrate="herd", draws=100).dims
    ('chain', 'draw', 'herd')
    """
    if isinstance(fit, JointFit):
        if integrate is None:
            return joint_row_logs(fit, draws)
        return joint_unit_logs(fit, find_joint_units(fit.design, integrate), draws)
    return log_likelihood_of(fit, integrate, draws)
