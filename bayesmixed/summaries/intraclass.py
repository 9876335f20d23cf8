"""Intraclass correlation: the correlation of two observations by what they share."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.errors import SpecError
from bayesmixed.fitting import Fit
from bayesmixed.links import Array
from bayesmixed.summaries.sharing import sharing_patterns
from bayesmixed.summaries.tables import labelled
from bayesmixed.summaries.variance import counts_as_residual, mean_group_variances, residual_variance


def icc(fit: Fit, *, draws: bool = False) -> pd.DataFrame | xr.Dataset:
    """Return the intraclass correlations of a fit, one for each sharing pattern, and the shares of the variance.

    All are ratios of variances given the population part (the "adjusted" ICC of Nakagawa, Johnson & Schielzeth 2017,
    J R Soc Interface 14:20170213), computed draw by draw. Gaussian and Student families: of the response. Others: of
    the latent variable on the link scale, whose residual variance is pi^2/3 (logit), 1 (probit), pi^2/6 (cloglog) or
    the log-normal form ln(1 + 1/mu) (Poisson). A term with slopes enters by its mean variance over the rows; a factor
    with one row per level, and `obs()`, count as residual.

    Parameters
    ----------
    fit : Fit
        With at least one grouping factor.
    draws : bool
        Return the draws (a Dataset, one variable per row) instead of the table.

    Returns
    -------
    pandas.DataFrame
        Columns term, level (empty), effect, mean, sd, lower, upper (95 %), mcse. effect "icc": the correlation of two
        observations that share what `term` says. effect "share": the part of the variance that a factor, or the
        residual, contributes. Near 1: groups differ much, little shrinkage; near 0: noise, strong shrinkage.

    Raises
    ------
    SpecError
        The model has no grouping factor, or the scale has no residual variance.
    """
    patterns = sharing_patterns(fit.design)
    if not patterns:
        raise SpecError("The intraclass correlation needs a grouping factor with several rows per level, e.g. (1 | g).")
    posterior = fit.posterior
    variances = mean_group_variances(fit.design, posterior)
    residual = residual_variance(fit, posterior)
    for group in fit.design.mu.groups:
        if counts_as_residual(group):
            residual = residual + variances.pop(group.name)
    values = icc_of_variances({p.label: p.shared for p in patterns}, variances, residual)
    if draws:
        dims = ("chain", "draw")
        return xr.Dataset({" ".join(key): (dims, v) for key, v in values.items()}, coords=posterior["chain"].coords)
    tables = [
        labelled(xr.DataArray(v, dims=("chain", "draw")), term, [""], [effect]) for (effect, term), v in values.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    table.attrs["scale"] = scale_name(fit)
    infinite = int(np.isinf(residual).sum())
    if infinite:
        table.attrs["note"] = f"{infinite} draws have an infinite residual variance (nu <= 2); their ICC is 0"
    return table


def icc_of_variances(
    patterns: dict[str, tuple[str, ...]], variances: dict[str, Array], residual: Array
) -> dict[tuple[str, str], Array]:
    """Return the ICC of each pattern and the share of each factor, from variances of any common shape."""
    total = residual + sum(variances.values())
    values = {("icc", label): sum(variances[name] for name in shared) / total for label, shared in patterns.items()}
    values |= {("share", name): variance / total for name, variance in variances.items()}
    with np.errstate(invalid="ignore"):
        values["share", "Residual"] = np.where(np.isinf(residual), 1.0, residual / total)
    return {key: np.asarray(value) for key, value in values.items()}


def scale_name(fit: Fit) -> str:
    """Return the scale on which variances of a fit are compared."""
    return "response" if fit.design.family.scale else f"latent ({fit.design.mu.link.name})"
