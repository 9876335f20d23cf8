"""Weights of draws that leave a unit out: Pareto-smoothed, with their diagnostics."""

from collections.abc import Iterator

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
_BLOCK = 400
"""Units at once, whose numbers stay in the cache of a processor."""
SAMPLED = 200
"""Units from which the efficiency of the draws is found."""
_FACTORS = 32
"""Factors multiplied before a logarithm is taken."""
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
    unit = logs.dims[-1]
    step = max(1, logs.sizes[unit] // SAMPLED)
    values = logs.transpose("chain", "draw", unit).values
    efficiency = relative_efficiency(values[..., ::step])
    weights, k = smooth_columns(values.reshape(-1, values.shape[-1]), efficiency)
    labels = {unit: logs[unit].values}
    return logs.copy(data=weights.reshape(logs.shape)), xr.DataArray(k, dims=(unit,), coords=labels)


def smooth_columns(values: Array, efficiency: float) -> tuple[Array, Array]:
    """Return smoothed log weights of log densities (S, J), and Pareto k by unit (J,), given the efficiency of the draws."""
    weights, k = np.empty_like(values), np.zeros(values.shape[1])
    for part in _blocks(values.shape[1]):
        logs = np.ascontiguousarray(-values[:, part].T)
        logs -= logs.max(axis=1, keepdims=True)
        varying = logs.min(axis=1) < -_SAME
        if varying.any() and len(values) < FEWEST_DRAWS:
            raise SpecError(f"Leaving out by weights needs at least {FEWEST_DRAWS} draws; there are {len(values)}.")
        if varying.all():
            k[part] = _smooth(logs, efficiency)
        else:
            some = logs[varying]
            k[part][varying] = _smooth(some, efficiency) if len(some) else ()
            logs[varying], logs[~varying] = some, -np.log(len(values))
        weights[:, part] = logs.T
    return weights, k


def _blocks(count: int) -> Iterator[slice]:
    """Yield the units in blocks whose numbers stay in the cache of a processor."""
    return (slice(start, start + _BLOCK) for start in range(0, count, _BLOCK))


def _smooth(weights: Array, efficiency: float) -> Array:
    """Smooth log weights (J, S), whose largest are 0, in place, and return Pareto k (J,), as `arviz_stats.psislw` does, of many
    units at once."""
    count = weights.shape[1]
    length = int(3.0 * np.sqrt(count / efficiency) if count * efficiency > 225 else count / 5)
    first = count - length - 1
    chosen = np.argpartition(weights, first, axis=1)[:, first:]
    tail = np.take_along_axis(weights, chosen, axis=1)
    order = np.argsort(tail, axis=1)
    chosen, tail = np.take_along_axis(chosen, order, axis=1), np.take_along_axis(tail, order, axis=1)
    cutoff, tail = np.exp(tail[:, :1]), tail[:, 1:]
    with np.errstate(all="ignore"):
        k, sigma = _fit_tails(np.exp(tail) - cutoff)
        left, shape = np.log1p(-(np.arange(length) + 0.5) / length), k[:, None]
        expected = cutoff + sigma[:, None] * np.where(shape == 0.0, -left, np.expm1(-shape * left) / shape)
        smoothed = np.minimum(np.log(expected), tail[:, -1:])
    k[tail[:, -1] - tail[:, 0] < np.finfo(float).tiny] = np.inf
    np.put_along_axis(weights, chosen[:, 1:], np.where(np.isfinite(k)[:, None], smoothed, tail), axis=1)
    weights -= np.log(np.sum(np.exp(weights), axis=1, keepdims=True))
    return k


def _fit_tails(tail: Array) -> tuple[Array, Array]:
    """Return shapes and scales of generalised Pareto laws of sorted values (J, n), by Zhang & Stephens (2009, Technometrics
    51:316) with the prior of Vehtari et al. (2024, JMLR 25:72); shape NaN where a quarter of the values is the same."""
    size = tail.shape[1]
    number = 30 + int(np.sqrt(size))
    quarter = tail[:, int(size / 4 + 0.5) - 1]
    steps = 1.0 - np.sqrt(number / (np.arange(1, number + 1) - 0.5))
    rates = steps / (3.0 * quarter[:, None]) + 1.0 / tail[:, -1:]
    shapes = _mean_logs(rates, tail)
    lengths = size * (np.log(-rates / shapes) - shapes - 1.0)
    shares = special.softmax(lengths, axis=1)
    shares = np.where(shares < 10.0 * np.finfo(float).eps, 0.0, shares)
    rate = np.sum(rates * shares, axis=1) / np.sum(shares, axis=1)
    shape = np.log1p(-rate[:, None] * tail).mean(axis=1)
    k = (size * shape + 5.0) / (size + 10.0)
    return np.where(quarter <= tail[:, 0], np.nan, np.where(np.isnan(k), np.inf, k)), -shape / rate


def _mean_logs(rates: Array, tail: Array, factors: int = _FACTORS) -> Array:
    """Return the mean of log(1 - rate x) over the values x (J, n) of each unit for each of its rates (J, M).

    So many factors are multiplied before a logarithm is taken; fewer where that leaves the range of numbers.
    """
    total, product, factor = np.zeros_like(rates), np.ones_like(rates), np.empty_like(rates)
    for place, column in enumerate(tail.T, 1):
        np.multiply(rates, -column[:, None], out=factor)
        factor += 1.0
        product *= factor
        if place % factors == 0 or place == tail.shape[1]:
            total += np.log(product, out=product)
            product.fill(1.0)
    found = np.asarray(total / tail.shape[1])
    left = ~np.all(np.isfinite(found), axis=1)
    if left.any():
        if factors == 1:
            found[left] = np.stack(
                [np.log1p(-rate[:, None] * tail[left]).mean(axis=1) for rate in rates[left].T], axis=1
            )
        else:
            found[left] = _mean_logs(rates[left], tail[left], max(1, factors // 8))
    return found


def monte_carlo_errors(logs: xr.DataArray, log_weights: xr.DataArray) -> Array:
    """Return the Monte Carlo error of each unit's log density."""
    weighted = log_weights.transpose(*logs.dims).values
    return column_errors(*(values.reshape(-1, values.shape[-1]) for values in (logs.values, weighted)))


def column_errors(logs: Array, log_weights: Array) -> Array:
    """Return the Monte Carlo error of each unit's log density, (J,), by the variance of self-normalised weights, (S, J) each."""
    return weighted_means(logs, log_weights)[1]


def weighted_means(logs: Array, log_weights: Array) -> tuple[Array, Array]:
    """Return the logarithm of each unit's density under weights, (J,), and its Monte Carlo error, for (S, J) arrays."""
    means, errors = np.empty(logs.shape[1]), np.empty(logs.shape[1])
    for part in _blocks(logs.shape[1]):
        weights = log_weights[:, part]
        terms = weights + logs[:, part]
        highest = terms.max(axis=0)
        terms -= highest
        np.exp(terms, out=terms)
        total = terms.sum(axis=0)
        terms /= total
        terms -= np.exp(weights)
        means[part], errors[part] = np.log(total) + highest, np.sqrt(np.einsum("sj,sj->j", terms, terms))
    return means, errors


def effective_size(draws: Array) -> float:
    """Return the effective sample size of the mean of draws (chain, draw)."""
    import arviz_stats

    return float(arviz_stats.ess(draws, method="mean")) if np.ptp(draws) > 0 else float(draws.size)


def relative_efficiency(logs: Array) -> float:
    """Return the mean effective share of the draws for the likelihood of some units, (chain, draw, J)."""
    import arviz_stats

    chains, draws, _ = logs.shape
    if chains == 1 or chains * draws < FEWEST_DRAWS or not np.any(np.ptp(logs, axis=(0, 1)) > _SAME):
        return 1.0
    likelihood = xr.DataArray(np.exp(logs - logs.max(axis=(0, 1))), dims=("chain", "draw", "unit"))
    ess = arviz_stats.ess(likelihood.to_dataset(name="units"), method="mean")["units"].values
    return float(np.clip(np.nanmean(ess) / (chains * draws), 0.01, 1.0))
