"""Monte Carlo errors of many means at once."""

import numpy as np
from scipy import fft

from bayesmixed.families.links import Array

_NUMBERS = 500_000
"""Draws of one block of quantities."""
_FEWEST = 4


def errors_of_means(draws: Array) -> Array:
    """Return the Monte Carlo standard error of the mean of each quantity, (J,), from draws (chain, draw, J).

    The SD over the root of the effective sample size, by Geyer's initial monotone sequence over split chains, as
    `arviz_stats.mcse` finds it for one quantity after the other (Vehtari et al. 2021, Bayesian Anal 16:667); NaN for fewer than
    four draws and where a draw is no number.
    """
    chains, count, width = draws.shape
    if count < _FEWEST:
        return np.full(width, np.nan)
    found, step = np.empty(width), max(1, _NUMBERS // (chains * count))
    for start in range(0, width, step):
        part = draws[..., start : start + step]
        found[start : start + step] = part.reshape(-1, part.shape[-1]).std(axis=0, ddof=1) / np.sqrt(_sizes(part))
    return found


def _sizes(draws: Array) -> Array:
    """Return effective sample sizes of means, (J,)."""
    half = draws.shape[1] // 2
    split = np.moveaxis(np.concatenate([draws[:, :half], draws[:, -half:]]), -1, 0)  # (J, chain, draw)
    number, chains, count = split.shape
    total = chains * count
    means = split.mean(axis=-1)
    spectrum = fft.rfft(split - means[..., None], fft.next_fast_len(2 * count), axis=-1)
    lags = (
        fft.irfft((spectrum * spectrum.conj()).mean(axis=1), fft.next_fast_len(2 * count), axis=-1)[:, :count] / count
    )
    within = lags[:, 0] * count / (count - 1.0)
    between = means.var(axis=1, ddof=1) if chains > 1 else 0.0
    with np.errstate(all="ignore"):
        rho = 1.0 - (within[:, None] - lags) / (lags[:, 0] + between)[:, None]
    rho[:, 0] = 1.0
    pairs = max(1, -(-(count - 2) // 2))  # the last pair that is looked at is one less
    sums = rho[:, : 2 * pairs].reshape(number, pairs, -1).sum(axis=-1)
    low = sums <= 0.0
    last = np.where(low.any(axis=1), low.argmax(axis=1), pairs - 1)
    every = np.arange(number)
    monotone = np.minimum.accumulate(sums, axis=1)
    kept = np.where(np.arange(pairs) < last[:, None], monotone, 0.0).sum(axis=1)
    end, even = sums[every, last], rho[every, 2 * last]
    length = -1.0 + 2.0 * kept + np.where((even > 0.0) | (end >= 0.0), even, 0.0)
    found = total / np.maximum(length, 1.0 / np.log10(total))
    alike = np.ptp(split, axis=(1, 2)) < np.finfo(float).resolution
    return np.where(alike, float(total), found)
