"""Weights of draws that leave a unit out: Pareto-smoothed, with their diagnostics."""

import numpy as np
import xarray as xr
from scipy import special

from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array

WEIGHTS, MOVED, REFIT = "weights", "moved draws", "refit"
"""How a unit was left out."""
LARGEST_K = 0.7
"""Pareto k above which weights cannot leave a unit out."""
_SAME = 1e-8
FEWEST_DRAWS = 25
"""Draws whose largest fifth has the five values to which a tail is fitted."""


def smooth_weights(logs: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Return Pareto-smoothed log weights of the draws when a unit is left out, dims as `logs`, and Pareto k by unit.

    Units whose density is the same in all draws weigh all draws alike and have k = 0; those whose largest weights are
    all equal, as after a chain that did not move, have no tail to be smoothed and k = inf.

    Raises
    ------
    SpecError
        The draws are too few for the tail of a distribution.
    """
    values = logs.values.reshape(-1, logs.shape[-1])
    weights, k = np.full_like(values, -np.log(len(values))), np.zeros(values.shape[1])
    varies = np.ptp(values, axis=0) > _SAME
    if varies.any() and len(values) < FEWEST_DRAWS:
        raise SpecError(f"Leaving out by weights needs at least {FEWEST_DRAWS} draws; there are {len(values)}.")
    efficiency = _relative_efficiency(logs) if varies.any() else 1.0
    for column in np.flatnonzero(varies):
        weights[:, column], k[column] = _smooth(values[:, column], efficiency)
    unit = logs.dims[-1]
    labels = {unit: logs[unit].values}
    return logs.copy(data=weights.reshape(logs.shape)), xr.DataArray(k, dims=(unit,), coords=labels)


def _smooth(logs: Array, efficiency: float) -> tuple[Array, float]:
    from arviz_stats.base import array_stats

    try:
        weights, k = array_stats.psislw(logs, r_eff=efficiency)
    except ValueError:  # all values of the tail are the same
        return -logs - special.logsumexp(-logs), np.inf
    return weights, float(k)


def monte_carlo_errors(logs: xr.DataArray, log_weights: xr.DataArray) -> Array:
    """Return the Monte Carlo error of each unit's log density, by the variance of self-normalised weights."""
    weighted = log_weights.transpose(*logs.dims).values
    terms = weighted + logs.values
    shares = np.exp(terms - special.logsumexp(terms, axis=(0, 1)))
    return np.asarray(np.sqrt(np.sum((shares - np.exp(weighted)) ** 2, axis=(0, 1))))


def effective_size(draws: Array) -> float:
    """Return the effective sample size of the mean of draws (chain, draw)."""
    import arviz_stats

    return float(arviz_stats.ess(draws, method="mean")) if np.ptp(draws) > 0 else float(draws.size)


def _relative_efficiency(logs: xr.DataArray) -> float:
    """Return the mean effective share of the draws for the likelihood of a unit."""
    import arviz_stats

    if logs.sizes["chain"] == 1:
        return 1.0
    likelihood = logs.copy(data=np.exp(logs.values - logs.values.max(axis=(0, 1))))
    ess = arviz_stats.ess(likelihood.to_dataset(name="units"), method="mean")["units"].values
    return float(np.clip(np.nanmean(ess) / (logs.sizes["chain"] * logs.sizes["draw"]), 0.01, 1.0))
