"""Tables with missing values and errors of measurement, and designs with columns in mi() and me()."""

import warnings

import numpy as np
import pandas as pd

import bayesmixed as bm


def incomplete_table(rows=24, seed=2):
    """Return rows with two incomplete columns, x and w, complete z and sd, and groups g."""
    generator = np.random.default_rng(seed)
    z = generator.normal(size=rows)
    x = 1.0 + 0.8 * z + 0.6 * generator.normal(size=rows)
    w = generator.normal(size=rows)
    y = 2.0 + 1.5 * x - w + generator.normal(size=rows)
    data = pd.DataFrame(
        {"y": y, "x": x, "w": w, "z": z, "sd": generator.uniform(0.2, 0.8, rows), "g": np.arange(rows) % 4}
    )
    data.loc[[1, 5, 9], "x"] = np.nan
    data.loc[[5, 9, 12], "w"] = np.nan
    return data


def quietly(formula, data, missing="error", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, **options), data, missing=missing)
