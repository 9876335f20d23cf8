"""Tables without rows in some combinations of two factors."""

import warnings

import numpy as np
import pandas as pd
from fixed_draws import fit_at

import bayesmixed as bm

ROWS = 144
COMPLETE = pd.DataFrame(
    {
        "f": np.array(list("abc"))[np.arange(ROWS) % 3],
        "k": np.array(["none", "u", "v", "w"])[np.arange(ROWS) // 3 % 4],
        "g": np.array(list("ABCDEF"))[np.arange(ROWS) // 12 % 6],
        "z": np.arange(ROWS) // 24 % 2,
        "x": np.sin(np.arange(ROWS)) + 3.0,
    }
)
COMPLETE["y"] = np.cos(np.arange(ROWS) ** 1.3) + COMPLETE["x"] + (COMPLETE["f"] == "b") * 2.0
COMPLETE["count"] = np.arange(ROWS) % 5
COMPLETE["rating"] = np.arange(ROWS) % 7 % 3 + 1


def without(*cells):
    """Return the rows without some combinations of f and k."""
    empty = [(COMPLETE["f"] == f) & (COMPLETE["k"] == k) for f, k in cells]
    return COMPLETE[~np.any(empty, axis=0)].reset_index(drop=True)


ONE = without(("b", "none"))
FOUR = without(("a", "none"), ("a", "w"), ("b", "none"), ("c", "u"))


def prepared(formula, data, **fields):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, **{"empty_cells": "drop"} | fields), data)


def fit_of_groups():
    """Return a fit of a model of one table without rows in a single combination."""
    design = prepared("y ~ f*k + x + (1 | g)", ONE)
    values = np.arange(1.0, 1.0 + len(design.mu.population.labels))
    return fit_at(design, {"beta": values, "sd_g": 0.5, "sigma": 1.0}, jitter=0.01)
