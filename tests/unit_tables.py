"""A table whose rows lie in groups of several factors, and designs of it."""

import warnings

import numpy as np
import pandas as pd

import bayesmixed as bm

ROWS = pd.DataFrame(
    {
        "count": np.arange(24) * 7 % 9,
        "yes": np.arange(24) * 5 % 3 % 2,
        "y": np.sin(np.arange(24.0) * 2.0),
        "x": np.cos(np.arange(24.0)),
        "g": np.repeat(list("abc"), 8),
        "h": np.tile(np.repeat(list("1234"), 2), 3),
        "k": np.tile(list("pq"), 12),
    }
)


def design_of(formula, family, data=ROWS):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, family=family), data)
