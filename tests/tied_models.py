"""A model of mean and residual SD whose effects of groups a letter ties, and fits of it at chosen values."""

import numpy as np
import pandas as pd
from fixed_draws import fit_at

import bayesmixed as bm

FORMULA, SIGMA = "y ~ x + (1 + x |p| g)", "~ 1 + (1 |p| g)"
SDS = np.array([1.0, 0.5, 0.4])
CORRELATIONS = np.array([[1.0, 0.3, 0.7], [0.3, 1.0, -0.4], [0.7, -0.4, 1.0]])
COVARIANCE = SDS[:, None] * CORRELATIONS * SDS


def table(levels=8, rows=6, seed=3):
    """Return data of the model."""
    generator = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(levels), rows), generator.normal(2.0, 1.0, levels * rows)
    b = generator.multivariate_normal(np.zeros(3), COVARIANCE, size=levels)[g]
    y = 1.0 + b[:, 0] + (0.5 + b[:, 1]) * x + np.exp(-0.3 + b[:, 2]) * generator.standard_normal(len(x))
    return pd.DataFrame({"y": y, "x": x, "g": [f"g{level}" for level in g]})


def spec(family="gaussian", **fields):
    """Return the spec of the model."""
    return bm.from_formula(FORMULA, family=family, sigma=SIGMA, **fields)


def tied_fit(data=None, jitter=0.0, **fields):
    """Return a fit at the true values; effects are 0 unless they are given."""
    values = {"beta": [1.0, 0.5], "beta_sigma": [-0.3], "sd_g": SDS[:2], "sd_g_sigma": SDS[2:], "corr_g": CORRELATIONS}
    design = bm.prepare(spec(family=fields.pop("family", "gaussian")), table() if data is None else data)
    return fit_at(design, values | fields, jitter)
