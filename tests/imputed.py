"""Tables in which missing values were imputed, properly, under a known Gaussian model."""

import numpy as np
import pandas as pd


def imputed_tables(count, rows=200, seed=0, missing=0.4):
    """Return imputed tables of y = 1 + 2 x + e, a share of x missing at random and drawn given y from its posterior.

    (x, y) are bivariate normal, so x given y is a regression with known form; its coefficients are drawn for each table.
    """
    generator = np.random.default_rng(seed)
    x = generator.normal(size=rows)
    y = 1.0 + 2.0 * x + generator.normal(size=rows)
    gone = generator.random(rows) < missing
    columns = np.column_stack([np.ones(rows), y])[~gone]
    inverse = np.linalg.inv(columns.T @ columns)
    estimate = inverse @ columns.T @ x[~gone]
    rest = np.sum((x[~gone] - columns @ estimate) ** 2)
    tables = []
    for _ in range(count):
        variance = rest / generator.chisquare(len(columns) - 2)
        drawn = generator.multivariate_normal(estimate, variance * inverse)
        guess = drawn[0] + drawn[1] * y + np.sqrt(variance) * generator.normal(size=rows)
        tables.append(pd.DataFrame({"y": y, "x": np.where(gone, guess, x), "g": np.arange(rows) % 10}))
    return tables
