"""Rows with an ordered predictor, and fits of mo(x) whose posterior is given."""

import numpy as np
import pandas as pd
from fixed_draws import fit_at

import bayesmixed as bm

LEVELS = ["none", "low", "mid", "high"]
STEPS = np.array([0.5, 0.0, 1.0])


def table(rows=60, seed=1):
    generator = np.random.default_rng(seed)
    code = np.arange(rows) % 4
    text = np.array(LEVELS)[code]
    made = {"x": pd.Categorical(text, LEVELS, ordered=True), "text": text, "code": code + 3}
    made |= {"y": code + generator.normal(size=rows), "z": generator.normal(size=rows)}
    return pd.DataFrame(made | {"g": np.arange(rows) % 7, "count": generator.poisson(2.0, rows)})


def fitted(formula="y ~ z + mo(x) + (1 | g)", family="gaussian", jitter=0.0, **values):
    design = bm.prepare(formula, table(), family=family)
    own = {"beta": np.r_[0.2, 0.3, STEPS], "sd_g": 0.7, "sigma": 0.5}
    own |= {"b_g": np.random.default_rng(2).normal(size=(7, 1))}
    return fit_at(design, own | values, jitter)
