"""Groups of two types, and fits of them whose posterior is given."""

import numpy as np
import pandas as pd
from fixed_draws import fit_at

import bayesmixed as bm

SDS = np.array([0.3, 1.5])


def table(groups=12, rows=5, seed=2):
    generator = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), rows)
    made = {"g": [f"g{k}" for k in g], "f": np.where(g % 3 == 0, "a", "b"), "x": generator.normal(size=len(g)) + 2.0}
    return pd.DataFrame(made | {"y": generator.normal(size=len(g)), "count": generator.poisson(3.0, len(g))})


def fitted(formula="y ~ f + x + (1 | gr(g, by=f))", family="gaussian", jitter=0.02, data=None, **values):
    design = bm.prepare(formula, table() if data is None else data, family=family)
    (block,) = design.mu.groups
    rng, width = np.random.default_rng(3), block.width
    own = {"beta": rng.normal(size=len(design.mu.population.labels)), "sd_g": np.repeat(SDS, width // 2), "sigma": 1.0}
    own |= {"b_g": rng.normal(size=block.shape), "corr_g": np.eye(width)}
    return fit_at(design, own | values, jitter)
