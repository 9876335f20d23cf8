"""Tests of uniform ranks that are exact for any number of data sets, and of many quantities at once."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayesmixed.families.links import Array


def location_p(pit: Array) -> float:
    """Return the p-value of uniform values against ones that are too low or too high, by the mean of their normal scores."""
    return float(2.0 * special.ndtr(-abs(_scores(pit).mean()) * np.sqrt(len(pit))))


def spread_p(pit: Array) -> float:
    """Return the p-value of uniform values against ones too near to the ends or to the middle, by a chi-squared sum.

    The sum is of squared normal scores (Cook, Gelman & Rubin 2006, J Comput Graph Stat 15:675), here around their mean; NaN
    of a single value.
    """
    if len(pit) < 2:
        return np.nan
    scores = _scores(pit)
    below = special.chdtr(len(pit) - 1, np.sum((scores - scores.mean()) ** 2))
    return float(2.0 * min(below, 1.0 - below))


def reject(p: Array, level: float) -> NDArray[np.bool_]:
    """Return which of many hypotheses are rejected, false alarms in at most `level` of cases for all together.

    Holm (1979, Scand J Stat 6:65), whatever the dependence between them; those without a p-value (NaN) stay.
    """
    rejected = np.zeros(len(p), dtype=bool)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    passed = p[order] > level / (len(order) - np.arange(len(order)))
    rejected[order[: int(np.argmax(passed)) if passed.any() else len(order)]] = True
    return rejected


def joint(p: Array) -> float:
    """Return a p-value of many hypotheses together, by Bonferroni; 1 without any."""
    known = p[~np.isnan(p)]
    return float(min(1.0, len(known) * known.min())) if len(known) else 1.0


def _scores(pit: Array) -> Array:
    return np.asarray(special.ndtri(np.clip(pit, 1e-12, 1.0 - 1e-12)))
