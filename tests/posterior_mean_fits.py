"""Models with and without posterior means, and tables that show it."""

import numpy as np
import pandas as pd
from fixed_draws import fit_at

import bayesmixed as bm


def table():
    generator = np.random.default_rng(1)
    columns = {"c": generator.poisson(3, 60), "y": generator.gamma(2, 1, 60), "p": generator.beta(2, 2, 60)}
    columns |= {"k": generator.binomial(6, 0.4, 60), "n": np.full(60, 6), "x": generator.normal(size=60)}
    return pd.DataFrame(columns | {"g": np.arange(60) % 10})


def design_of(left, family, priors=None, right="~ x + (1 | g)", **more):
    return bm.prepare(bm.from_formula(f"{left} {right}", family=family, priors=priors or {}, **more), table())


def fit_of(left, family, **values):
    return fit_at(design_of(left, family), {"beta": [0.5, 0.1], "sd_g": 0.6} | values, 0.05)


def no_means(found):
    return "median" in found and not {"mean", "sd"} & set(found.columns)
