"""Weights of proposals: how heavy their tail is, and whether chains can be made of them."""

from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.links import Array

LARGEST_K, LARGEST_WEIGHT, SMALLEST_ACCEPTANCE = 0.5, 10.0, 0.15
"""Chains are not used if both k and the largest weight, relative to the mean, are above these, or acceptance is below.
The heavy tails of proposals bound the weights, and if no weight is large, k says nothing."""


def judge(logs: Array, acceptance: float, evaluations: int) -> dict[str, Any]:
    """Return what the statistics of a fit say of weights with these logarithms, see `explain_refusal`; NaN: none."""
    logs = logs[~np.isnan(logs)]
    k = pareto_k(logs)
    refused = explain_refusal(k, largest_weight(logs), acceptance) or ""
    return {"pareto_k": k, "evaluations": evaluations, "refused": refused}


def explain_refusal(k: float, largest: float, acceptance: float) -> str | None:
    """Return why chains whose weights have this k and largest one, over their mean, are not to be used, or None."""
    if k > LARGEST_K and largest > LARGEST_WEIGHT:
        return f"Pareto k {k:.2f} of the weights is above {LARGEST_K}"
    if acceptance < SMALLEST_ACCEPTANCE:
        return f"acceptance {acceptance:.2f} of the proposals is below {SMALLEST_ACCEPTANCE}"
    return None


def largest_weight(logs: Array) -> float:
    """Return the largest weight over their mean, given their logarithms."""
    return float(np.max(special.softmax(logs)) * logs.size) if np.any(np.isfinite(logs)) else np.inf


def pareto_k(logs: Array) -> float:
    """Return the shape of a generalised Pareto law fitted to the largest weights, given their logarithms.

    By Zhang & Stephens (2009, Technometrics 51:316) with the tail and prior of Vehtari et al. (2024, JMLR 25:72); inf where
    fewer than five weights are not 0.
    """
    logs = np.sort(logs[np.isfinite(logs)])
    size = int(min(0.2 * logs.size, 3.0 * np.sqrt(logs.size)))
    if size < 5:
        return float("inf")
    weights = np.exp(logs - logs[-1])
    tail = weights[-size:] - weights[-size - 1]
    if np.ptp(tail) == 0.0:
        return 0.0
    tail = np.maximum(tail, 1e-12 * tail[-1])
    number = 30 + int(np.sqrt(size))
    steps = 1.0 - np.sqrt(number / (np.arange(1, number + 1) - 0.5))
    steps = steps / (3.0 * tail[int(size / 4 + 0.5) - 1]) + 1.0 / tail[-1]
    shapes = np.log1p(-steps[:, None] * tail).mean(axis=1)
    lengths = size * (np.log(-steps / shapes) - shapes - 1.0)
    with np.errstate(over="ignore"):
        shares = 1.0 / np.exp(lengths - lengths[:, None]).sum(axis=1)
    step = float(np.sum(steps * shares / shares.sum()))
    shape = float(np.log1p(-step * tail).mean())
    return (size * shape + 5.0) / (size + 10.0)
